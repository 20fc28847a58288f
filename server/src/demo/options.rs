//! What the demo can be asked to be: its era, its slowness, its faults.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use clap::ValueEnum;

use crate::config::Rate;

/// How the demo upstream behaves.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct DemoConfig {
    /// Shape of the API, from the oldest (a, 2020) to the newest (f, 2024)
    #[arg(long, value_enum, ignore_case = true, default_value = "a")]
    pub era: Era,

    /// How long every request to the API takes; answers that the real one would
    /// have cached take as long
    #[arg(long, value_name = "DURATION", default_value = "200ms",
          value_parser = humantime::parse_duration)]
    pub latency: Duration,

    /// Vary the latency by up to half in both directions
    #[arg(long)]
    pub jitter: bool,

    /// Answer 429 above this rate, for example 5/s or 60/m
    #[arg(long, value_name = "RATE")]
    pub rate_limit: Option<Rate>,

    /// Requests that may come at once under the rate limit; by default as many as
    /// it allows in a second, and at least one
    #[arg(long, value_name = "REQUESTS", requires = "rate_limit")]
    pub burst: Option<NonZeroU32>,

    /// Fail a share of the requests: 5xx, reset, stall, truncate or flap, for
    /// example 5xx:0.1; may be given several times
    #[arg(long, value_name = "KIND[:SHARE]")]
    pub fail: Vec<Fault>,

    /// Day whose menus are served, whatever the date
    #[arg(
        long = "day",
        value_enum,
        ignore_case = true,
        default_value = "wednesday",
        value_name = "DAY"
    )]
    pub weekday: Weekday,

    /// Seed of the jitter, of which requests fail, and of entity tags
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl DemoConfig {
    /// The defaults of the command line, for use in-process.
    pub fn standard() -> DemoConfig {
        DemoConfig {
            era: Era::A,
            latency: Duration::from_millis(200),
            jitter: false,
            rate_limit: None,
            burst: None,
            fail: Vec::new(),
            weekday: Weekday::Wednesday,
            seed: 1,
        }
    }
}

/// A shape of the API; it changed its paths, names and faults six times.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
pub enum Era {
    /// Until May 2021: Flask, paths end in a slash
    A,
    /// Until September 2021: no slash, bodies carry their own URL
    B,
    /// Until September 2022: other names for the same things, coordinates
    C,
    /// Until November 2022: a version, more restaurants
    D,
    /// Until May 2024: another framework, JSON errors, entity tags
    E,
    /// Since May 2024: more sites
    F,
}

impl Era {
    /// The letter it goes by.
    pub(super) fn letter(self) -> char {
        match self {
            Era::A => 'A',
            Era::B => 'B',
            Era::C => 'C',
            Era::D => 'D',
            Era::E => 'E',
            Era::F => 'F',
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ValueEnum)]
pub enum Weekday {
    /// Måndag
    Monday,
    /// Tisdag
    Tuesday,
    /// Onsdag
    Wednesday,
    /// Torsdag
    Thursday,
    /// Fredag
    Friday,
    /// Lördag
    Saturday,
    /// Söndag
    Sunday,
}

/// A fault, and how often it strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The share of requests it strikes, from 0 to 1.
    pub share: f64,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The proxy in front answers 502 with a page of its own.
    ServerError,
    /// The connection is reset without an answer.
    Reset,
    /// The request is accepted and never answered.
    Stall,
    /// The connection closes before the whole of the promised body is sent.
    Truncate,
    /// The same menu is full and empty by turns.
    Flap,
}

impl FaultKind {
    const ALL: [FaultKind; 5] = [
        FaultKind::ServerError,
        FaultKind::Reset,
        FaultKind::Stall,
        FaultKind::Truncate,
        FaultKind::Flap,
    ];
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::ServerError => "5xx",
            FaultKind::Reset => "reset",
            FaultKind::Stall => "stall",
            FaultKind::Truncate => "truncate",
            FaultKind::Flap => "flap",
        })
    }
}

impl FromStr for Fault {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Fault, OptionError> {
        let (name, share) = text.split_once(':').unwrap_or((text, "1"));
        let kind = FaultKind::ALL
            .into_iter()
            .find(|kind| kind.to_string() == name)
            .ok_or_else(|| OptionError::Kind(name.to_owned()))?;
        match share.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Fault { kind, share }),
            _ => Err(OptionError::Share(share.to_owned())),
        }
    }
}

/// Why an option's value makes no sense.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum OptionError {
    /// Not a kind of fault.
    #[error("no such fault: '{0}'; there are 5xx, reset, stall, truncate and flap")]
    Kind(String),
    /// Not a share.
    #[error("not a share of requests: '{0}'; write a number from 0 to 1, such as 0.1")]
    Share(String),
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        demo: DemoConfig,
    }

    #[track_caller]
    fn parse(arguments: &str) -> DemoConfig {
        CommandLine::try_parse_from(format!("demo {arguments}").split_whitespace()).unwrap().demo
    }

    #[test]
    fn the_command_line_defaults_to_the_standard() {
        assert_eq!(parse(""), DemoConfig::standard());
    }

    #[test]
    fn every_flag_is_read() {
        let config = parse(
            "--era F --latency 1s500ms --jitter --rate-limit 60/m --burst 3 --fail 5xx:0.25 \
             --fail flap --day sunday --seed 7",
        );
        assert_eq!(
            config,
            DemoConfig {
                era: Era::F,
                latency: Duration::from_millis(1500),
                jitter: true,
                rate_limit: Some("60/m".parse().unwrap()),
                burst: NonZeroU32::new(3),
                fail: vec![
                    Fault { kind: FaultKind::ServerError, share: 0.25 },
                    Fault { kind: FaultKind::Flap, share: 1.0 },
                ],
                weekday: Weekday::Sunday,
                seed: 7,
            }
        );
    }

    #[test]
    fn faults() {
        #[track_caller]
        fn check(text: &str, expected: Result<(FaultKind, f64), &str>) {
            let fault = text.parse::<Fault>().map(|fault| (fault.kind, fault.share));
            assert_eq!(fault.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
        }

        check("5xx", Ok((FaultKind::ServerError, 1.0)));
        check("reset:0.5", Ok((FaultKind::Reset, 0.5)));
        check("stall:0", Ok((FaultKind::Stall, 0.0)));
        check("truncate:1", Ok((FaultKind::Truncate, 1.0)));
        check("flap", Ok((FaultKind::Flap, 1.0)));
        check("fire", Err("no such fault: 'fire'; there are 5xx, reset, stall, truncate and flap"));
        let share = "not a share of requests: '2'; write a number from 0 to 1, such as 0.1";
        check("reset:2", Err(share));
    }
}
