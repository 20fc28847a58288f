//! Throughput by levels of one factor: users, cores or instances.

use std::collections::BTreeMap;

use super::reading::{number, throughput};
use crate::capacity::{
    analysis::{
        Interval, mean, mean_of,
        usl::{
            choice::{Choice, NotIdentifiable, choose},
            fit::Measurement,
        },
    },
    loaded::LoadedTrial,
};

/// A level, over all trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// How many: users, cores, instances.
    pub load: u32,
    /// Answers per second in each trial.
    pub trials: Vec<f64>,
}

impl Level {
    /// The mean of the trials.
    pub fn throughput(&self) -> f64 {
        mean_of(&self.trials)
    }

    /// Its 95 % interval over trials.
    pub fn interval(&self) -> Option<Interval> {
        mean::across_trials(&self.trials).map(|mean| mean.interval)
    }
}

/// Levels, and the law by which throughput grows over them.
#[derive(Debug)]
pub struct Scaling {
    /// By load.
    pub levels: Vec<Level>,
    /// The law, if there are enough levels.
    pub law: Result<Choice, NotIdentifiable>,
}

impl Scaling {
    /// Of trials, by the level of a factor.
    pub(super) fn of<'a>(trials: impl Iterator<Item = &'a LoadedTrial>, factor: &str) -> Self {
        let mut levels: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for trial in trials {
            if let (Some(load), Some(rate)) = (number(trial, factor), throughput(trial)) {
                levels.entry(load).or_default().push(rate);
            }
        }
        levels.remove(&0);
        let levels: Vec<Level> =
            levels.into_iter().map(|(load, trials)| Level { load, trials }).collect();
        let measurements: Vec<Measurement> = levels
            .iter()
            .map(|level| Measurement::new(f64::from(level.load), level.throughput()))
            .collect();
        Self { law: choose(&measurements), levels }
    }

    /// The level with the most answers per second.
    pub fn best(&self) -> Option<&Level> {
        self.levels.iter().max_by(|a, b| a.throughput().total_cmp(&b.throughput()))
    }

    /// X(n) / (n · X(first)) with the first level's load as the unit, as (load,
    /// share).
    pub fn efficiency(&self) -> Vec<(u32, f64)> {
        let Some(first) = self.levels.first() else { return Vec::new() };
        let one = first.throughput() / f64::from(first.load);
        let share = |level: &Level| level.throughput() / (f64::from(level.load) * one);
        self.levels.iter().map(|level| (level.load, share(level))).collect()
    }
}
