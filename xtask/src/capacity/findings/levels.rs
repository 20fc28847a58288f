//! Throughput by levels of one factor: users, cores or instances.

use super::reading::{decimal, throughput};
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
    /// How many: users, cores, instances; or which share of a processor.
    pub load: f64,
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
        let mut levels: Vec<Level> = Vec::new();
        for trial in trials {
            let (Some(load), Some(rate)) = (decimal(trial, factor), throughput(trial)) else {
                continue;
            };
            match levels.iter_mut().find(|level| level.load.total_cmp(&load).is_eq()) {
                Some(level) => level.trials.push(rate),
                None => levels.push(Level { load, trials: vec![rate] }),
            }
        }
        levels.sort_by(|a, b| a.load.total_cmp(&b.load));
        let measurements: Vec<Measurement> =
            levels.iter().map(|level| Measurement::new(level.load, level.throughput())).collect();
        Self { law: choose(&measurements), levels }
    }

    /// The level with the most answers per second.
    pub fn best(&self) -> Option<&Level> {
        self.levels.iter().max_by(|a, b| a.throughput().total_cmp(&b.throughput()))
    }

    /// X(n) / (n · X(first)) with the first level's load as the unit, as (load,
    /// share).
    pub fn efficiency(&self) -> Vec<(f64, f64)> {
        let Some(first) = self.levels.first() else { return Vec::new() };
        let one = first.throughput() / first.load;
        let share = |level: &Level| level.throughput() / (level.load * one);
        self.levels.iter().map(|level| (level.load, share(level))).collect()
    }
}
