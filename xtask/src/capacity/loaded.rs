//! The raw files, read back.

mod intervals;

use std::{fs, path::Path};

use anyhow::Context;
use loadgen::{
    output::hlog::{self, Hlog},
    summary::Summary,
};

pub use intervals::IntervalRow;

use super::raw::{RawRun, SCHEMA_VERSION, Trial};

/// A measurement with the load generator's files of each trial.
#[derive(Debug)]
pub struct Loaded {
    /// `run.json`.
    pub raw: RawRun,
    /// Its trials, in order.
    pub trials: Vec<LoadedTrial>,
}

/// A trial with its files.
#[derive(Debug)]
pub struct LoadedTrial {
    /// As it is in `run.json`.
    pub trial: Trial,
    /// `summary.json`.
    pub summary: Summary,
    /// `run.hlog`.
    pub log: Hlog,
    /// `intervals.csv`; empty where there is no such file.
    pub intervals: Vec<IntervalRow>,
}

impl Loaded {
    /// What is in `folder`.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let raw: RawRun = json(&folder.join("run.json"))?;
        anyhow::ensure!(
            raw.schema_version == SCHEMA_VERSION,
            "{} has form {}, this program reads {SCHEMA_VERSION}: measure again",
            folder.display(),
            raw.schema_version
        );
        let trials = raw.trials.iter().map(|trial| LoadedTrial::read(folder, trial));
        let trials = trials.collect::<Result<_, _>>()?;
        Ok(Self { raw, trials })
    }

    /// The trials of an experiment.
    pub fn of(&self, experiment: &str) -> impl Iterator<Item = &LoadedTrial> {
        self.trials.iter().filter(move |loaded| loaded.trial.experiment == experiment)
    }
}

impl LoadedTrial {
    fn read(folder: &Path, trial: &Trial) -> anyhow::Result<Self> {
        let own = folder.join(&trial.folder);
        let log = own.join("run.hlog");
        let bytes = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        Ok(Self {
            trial: trial.clone(),
            summary: json(&own.join("summary.json"))?,
            log: hlog::read(&bytes).with_context(|| format!("cannot read {}", log.display()))?,
            intervals: intervals::read(&own.join("intervals.csv"))?,
        })
    }
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not what this program writes", path.display()))
}
