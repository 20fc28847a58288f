//! The file, turned into the arguments that would say the same.

use std::{ffi::OsString, fs, path::Path};

use clap::{ArgMatches, CommandFactory, parser::ValueSource};
use toml::{Table, Value};

use super::{Cli, Config};

/// How alike two names are that one may be a slip of the other (0 to 1).
const ALIKE: f64 = 0.7;

/// The arguments for what the file at `path` sets, less what `matches` has
/// from a flag or the environment.
pub(super) fn arguments(path: &Path, matches: &ArgMatches) -> Result<Vec<OsString>, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let table: Table = text.parse().map_err(|error| format!("{shown} is not TOML: {error}"))?;

    let known = keys();
    let mut arguments = Vec::new();
    for (key, value) in table {
        if !known.contains(&key) {
            return Err(format!("{shown}: unknown key '{key}': {}", advice(&key, &known)));
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
        arguments.push(argument.into());
    }
    Ok(arguments)
}

/// The error of an argument that came from the file, with the file's name.
pub(super) fn blame(path: &Path, error: &clap::Error) -> clap::Error {
    let message = error.to_string();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let reason = message.lines().next().unwrap_or_default();
    Cli::command().error(error.kind(), format!("in {}: {reason}", path.display()))
}

/// What a file can set: all flags of [`Config`] but the one that names the file.
fn keys() -> Vec<String> {
    flags()
        .filter_map(|flag| flag.get_long().map(str::to_owned))
        .filter(|name| name != "config")
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

fn advice(key: &str, known: &[String]) -> String {
    let alike = |name: &String| strsim::jaro_winkler(key, name);
    let nearest = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest {
        Some(nearest) if ALIKE <= alike(nearest) => format!("did you mean '{nearest}'?"),
        _ => "`relay --help` lists the names".to_owned(),
    }
}
