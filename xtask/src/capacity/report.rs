//! What the conclusions look like: a document with figures. Pure.
//!
//! A module for each section, or two that belong together; `budget` and
//! `distribution` have the figures of two that have many, `words` writes numbers
//! down.

mod answer;
mod budget;
mod cache;
mod comparison;
mod conditions;
mod distribution;
mod latency;
mod limits;
mod overload;
mod saturation;
mod scaling;
mod sensitivity;
mod share;
mod simulation;
mod sizing;
mod validity;
mod words;

pub(crate) use self::words::grouped;
pub use self::{comparison::lines, sizing::need_line};

use super::{
    findings::{Findings, comparison::Comparison},
    loaded::Loaded,
    page::Report,
};

/// The report of `findings`, which come from `loaded`, beside another run if
/// there is one.
pub fn report(loaded: &Loaded, findings: &Findings, other: Option<&Comparison>) -> Report {
    let profile = &loaded.raw.profile;
    let sections = [
        Some(validity::validity(loaded, findings)),
        Some(conditions::conditions(loaded)),
        Some(latency::latency(loaded, findings)),
        Some(saturation::saturation(profile, findings)),
        share::share(findings),
        Some(limits::limits(profile, findings)),
        Some(scaling::concurrency(profile, findings)),
        Some(scaling::cores(profile, findings)),
        Some(scaling::instances(profile, findings)),
        Some(sizing::sizing(findings)),
        simulation::simulation(findings),
        Some(overload::overload(profile, findings)),
        Some(cache::cache(profile, findings)),
        Some(sensitivity::sensitivity(profile, findings)),
        Some(overload::soak(profile, findings)),
        Some(simulation::production(findings)),
        other.map(comparison::comparison),
        Some(conditions::reproduce(loaded)),
    ];
    Report {
        title: "How much one lunch-relay can carry".to_owned(),
        answer: answer::answer(loaded, findings),
        sections: sections.into_iter().flatten().collect(),
    }
}
