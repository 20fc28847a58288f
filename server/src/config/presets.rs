//! Rules that come with the relay, written as an operator would write them.

use super::rules::{self, RuleTable};

/// A set of rules that comes with the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// For the lunch API
    Lunch,
    /// No rules
    None,
}

impl Preset {
    pub(super) fn name(self) -> &'static str {
        match self {
            Preset::Lunch => "lunch",
            Preset::None => "none",
        }
    }

    /// The rules of the preset.
    pub(super) fn rules(self) -> Result<Vec<RuleTable>, String> {
        match self {
            Preset::Lunch => rules::of_text(include_str!("presets/lunch.toml")),
            Preset::None => Ok(Vec::new()),
        }
    }
}
