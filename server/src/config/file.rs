//! The file, turned into the arguments that would say the same.

use std::{ffi::OsString, fs, path::Path};

use clap::{ArgMatches, CommandFactory, parser::ValueSource};
use toml::{Table, Value};

use super::{
    Cli, Config,
    rules::{self, RuleTable},
};

/// How alike two names are that one may be a slip of the other (0 to 1).
const ALIKE: f64 = 0.7;

/// The key that is no flag.
const RULE: &str = "rule";

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The arguments that would say the same.
    pub(super) arguments: Vec<OsString>,
    /// The rules, which no argument can say.
    pub(super) rules: Vec<RuleTable>,
}

/// Reads the file at `path`, less what `matches` has from a flag or the
/// environment.
pub(super) fn read(path: &Path, matches: &ArgMatches) -> Result<Said, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: Table = text.parse().map_err(|error| format!("{shown} is not TOML: {error}"))?;

    let known = keys();
    let mut said = Said::default();
    for (key, value) in table {
        if key == RULE {
            said.rules = rules::of_value(value).map_err(|error| format!("{shown}: {error}"))?;
            continue;
        }
        if !known.contains(&key) {
            let advice =
                nearest(&key, &known).unwrap_or("`relay --help` lists the names".to_owned());
            return Err(format!("{shown}: unknown key '{key}': {advice}"));
        }
        let source = matches.value_source(&key.replace('-', "_"));
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        let value = match value {
            Value::Boolean(set) if is_switch(&key) => {
                if !set {
                    continue;
                }
                None
            }
            Value::Boolean(_) => {
                return Err(format!("{shown}: '{key}' takes a value, not true or false"));
            }
            Value::String(text) => Some(text),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Array(_) | Value::Table(_) | Value::Datetime(_) => {
                return Err(format!("{shown}: '{key}' takes a string, a number or a boolean"));
            }
        };
        let argument = value.map_or(format!("--{key}"), |value| format!("--{key}={value}"));
        said.arguments.push(argument.into());
    }
    Ok(said)
}

/// The error of an argument that came from the file, with the file's name.
pub(super) fn blame(path: &Path, error: &clap::Error) -> clap::Error {
    let message = error.to_string();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    // What follows the first empty line is not about the value.
    let lines: Vec<&str> =
        message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let reason = lines.join(" ");
    Cli::command().error(error.kind(), format!("in {}: {reason}", path.display()))
}

/// What a file can set: rules, and all flags of [`Config`] but the one that names the file.
fn keys() -> Vec<String> {
    flags()
        .filter_map(|flag| flag.get_long().map(str::to_owned))
        .filter(|name| name != "config")
        .chain([RULE.to_owned()])
        .collect()
}

fn flags() -> impl Iterator<Item = clap::Arg> {
    let command = <Config as clap::Args>::augment_args(clap::Command::new("relay"));
    command.get_arguments().cloned().collect::<Vec<_>>().into_iter()
}

/// Whether a flag takes no value.
fn is_switch(key: &str) -> bool {
    flags().any(|flag| flag.get_long() == Some(key) && !flag.get_action().takes_values())
}

/// The known name that an unknown one may be a slip of, as a question.
pub(super) fn nearest(key: &str, known: &[String]) -> Option<String> {
    let alike = |name: &String| strsim::jaro_winkler(key, name);
    let nearest = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (ALIKE <= alike(nearest)).then(|| format!("did you mean '{nearest}'?"))
}
