//! A run, read back from its files.

use serde_json::Value;
use thiserror::Error;

use super::Log;
use crate::{
    output::{
        hlog::{HlogError, Scope},
        tables::{self, IntervalRow},
    },
    record::Tag,
    summary::{SCHEMA_VERSION, Summary},
};

/// What is in the files of a run.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// `summary.json`.
    pub summary: &'a [u8],
    /// `run.hlog`.
    pub log: &'a [u8],
    /// `intervals.csv`.
    pub intervals: &'a [u8],
}

/// A run, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What it is called in messages: the folder of its files.
    pub name: String,
    /// What it came to.
    pub summary: Summary,
    /// Its histograms.
    pub log: Log,
    /// Its counters by interval, which the histograms do not have.
    pub intervals: Vec<IntervalRow>,
}

/// Why the files of a run cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// `summary.json` is of another version.
    #[error(
        "{name}/summary.json has schema version {version}, and this loadgen reads \
         {SCHEMA_VERSION}: merge it with the loadgen that made it"
    )]
    Version {
        /// The folder.
        name: String,
        /// What it says of itself.
        version: Value,
    },
    /// `summary.json` is something else.
    #[error("{name}/summary.json is not what `loadgen run --out` writes: make the run again")]
    Summary {
        /// The folder.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// `run.hlog` is damaged, or something else.
    #[error("{name}/run.hlog cannot be read: make the run again")]
    Log {
        /// The folder.
        name: String,
        /// What is wrong with it.
        source: HlogError,
    },
    /// `intervals.csv` is something else.
    #[error("{name}/intervals.csv is not what `loadgen run --out` writes: make the run again")]
    Intervals {
        /// The folder.
        name: String,
        /// What is wrong with it.
        source: csv::Error,
    },
    /// The files do not belong together.
    #[error(
        "{name}/run.hlog has {logged} {tag} times of step {step} and {name}/summary.json {counted}: \
         they are not of the same run"
    )]
    Strangers {
        /// The folder.
        name: String,
        /// The step.
        step: u32,
        /// Of which times.
        tag: String,
        /// How many there are in the one.
        logged: u64,
        /// And in the other.
        counted: u64,
    },
}

impl Source {
    /// The run in the folder `name`, whose files are `contents`.
    pub fn read(name: &str, contents: Contents<'_>) -> Result<Self, SourceError> {
        let name = name.to_owned();
        let summary = match summary(contents.summary) {
            Ok(Ok(summary)) => summary,
            Ok(Err(version)) => return Err(SourceError::Version { name, version }),
            Err(source) => return Err(SourceError::Summary { name, source }),
        };
        let log = match Log::read(contents.log) {
            Ok(log) => log,
            Err(source) => return Err(SourceError::Log { name, source }),
        };
        let intervals = match tables::read_intervals(contents.intervals) {
            Ok(intervals) => intervals,
            Err(source) => return Err(SourceError::Intervals { name, source }),
        };
        let source = Self { name, summary, log, intervals };
        let stranger = source.steps().find(|(.., logged, counted)| counted < logged);
        match stranger {
            None => Ok(source),
            Some((step, tag, logged, counted)) => {
                let (name, tag) = (source.name, tag.to_string());
                Err(SourceError::Strangers { name, step, tag, logged, counted })
            }
        }
    }

    /// How many times the log lacks of those that the summary counts: of a run
    /// whose log was cut short it is more than 0.
    pub fn lacking(&self) -> u64 {
        let all: u64 = self
            .summary
            .steps
            .iter()
            .flat_map(|step| step.measures.times.values())
            .map(|times| times.count)
            .sum();
        let logged: u64 = self.steps().map(|(.., logged, _)| logged).sum();
        all.saturating_sub(logged)
    }

    /// By step and tag, how many times are in the log, and how many there were.
    fn steps(&self) -> impl Iterator<Item = (u32, Tag, u64, u64)> {
        self.log.lines.iter().filter_map(|line| {
            let Scope::Step(index) = line.scope else { return None };
            let step = self.summary.steps.iter().find(|step| step.index == index);
            let counted = step.and_then(|step| step.measures.times.get(&line.tag.to_string()));
            Some((index, line.tag, line.count(), counted.map_or(0, |times| times.count)))
        })
    }
}

/// The summary, or the version that it has.
fn summary(bytes: &[u8]) -> serde_json::Result<Result<Summary, Value>> {
    let json: Value = serde_json::from_slice(bytes)?;
    match json.get("schema_version") {
        Some(version) if *version != SCHEMA_VERSION => Ok(Err(version.clone())),
        _ => serde_json::from_value(json).map(Ok),
    }
}
