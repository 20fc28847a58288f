//! The command line.

use clap::{Parser, ValueEnum, builder::NonEmptyStringValueParser};
use clap_complete::Shell;

use super::client::Source;

/// Where to eat what: today's lunch menus.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Without a restaurant, lists all of them by region with what they serve today.
Exit codes: 0 found, 1 no such restaurant or dish, 2 usage, 3 nothing to be had."
)]
pub(super) struct Args {
    /// Name or identifier, or its beginning, in any case
    #[arg(value_name = "RESTAURANT")]
    restaurant: Vec<String>,

    /// Every dish that matches, such as fisk or vego
    #[arg(short, long, value_name = "DISH")]
    pub(super) find: Option<String>,

    /// Only this region
    #[arg(short, long, env = "LUNCH_REGION", hide_env_values = true)]
    pub(super) region: Option<String>,

    /// Pick the restaurant from a list
    #[arg(short, long, conflicts_with = "restaurant")]
    pub(super) interactive: bool,

    /// Print JSON, for programs
    #[arg(long)]
    pub(super) json: bool,

    /// The relay to ask
    #[arg(long, value_name = "URL", env = "LUNCH_RELAY", hide_env_values = true,
          default_value = "http://127.0.0.1:8080", value_parser = NonEmptyStringValueParser::new())]
    relay: String,

    /// Ask the API itself
    #[arg(long, value_name = "URL", help = "Ask the API itself, as https://menu.dckube.scilifelab.se/api/", value_parser = NonEmptyStringValueParser::new())]
    direct: Option<String>,

    /// When there are colours
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help = "Colours: auto, always or never"
    )]
    pub(super) color: When,

    /// Print a shell's completions: bash, zsh, fish, …
    #[arg(long, value_name = "SHELL", hide_possible_values = true, exclusive = true)]
    completions: Option<Shell>,

    /// Print the manual page, for `man -l -`
    #[arg(long, exclusive = true)]
    man: bool,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

impl Args {
    /// The restaurant's name; several words are one.
    pub(super) fn restaurant(&self) -> Option<String> {
        (!self.restaurant.is_empty()).then(|| self.restaurant.join(" "))
    }

    /// Who is asked.
    pub(super) fn source(&self) -> Source {
        match &self.direct {
            Some(url) => Source::Api(url.clone()),
            None => Source::Relay(self.relay.clone()),
        }
    }

    /// What is printed without asking anybody.
    pub(super) fn on_its_own(&self) -> Option<String> {
        let mut output = Vec::new();
        if let Some(shell) = self.completions {
            clap_complete::generate(shell, &mut super::command(), "lunch", &mut output);
        } else if self.man {
            // Writing to memory does not fail.
            let _ = clap_mangen::Man::new(super::command()).render(&mut output);
        } else {
            return None;
        }
        Some(String::from_utf8_lossy(&output).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_fits_a_small_terminal() {
        let help = Args::command().term_width(80).render_help().to_string();
        assert!(help.lines().count() <= 24, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }

    #[test]
    fn there_are_completions_and_a_manual_page() {
        for shell in ["bash", "zsh", "fish"] {
            let args = Args::parse_from(["lunch", "--completions", shell]);
            assert!(args.on_its_own().unwrap().contains("region"), "{shell}");
        }
        let man = Args::parse_from(["lunch", "--man"]).on_its_own().unwrap();
        assert!(man.contains(".TH lunch 1"), "{man}");
    }

    #[test]
    fn every_flag_is_in_the_readme() {
        let readme = include_str!("../../README.md");
        for flag in Args::command().get_arguments().filter_map(clap::Arg::get_long) {
            assert!(readme.contains(&format!("--{flag}")) || flag == "interactive", "{flag}");
        }
    }

    #[test]
    fn words_of_a_name_need_no_quotes() {
        let args = Args::parse_from(["lunch", "jöns", "jacob"]);
        assert_eq!(args.restaurant().as_deref(), Some("jöns jacob"));
        assert_eq!(Args::parse_from(["lunch"]).restaurant(), None);
    }
}
