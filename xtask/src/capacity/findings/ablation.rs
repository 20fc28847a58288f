//! What happens when one thing is changed, and by how much.

use std::collections::BTreeMap;

use loadgen::verdict::Verdict;

use super::{
    reading::{factor, lasted, throughput},
    usage::Loads,
};
use crate::capacity::{
    analysis::{
        Interval, mean, mean_of,
        welch::{Change, change},
    },
    loaded::{Loaded, LoadedTrial},
};

/// The condition that all others are held against, but for those
/// that have another one.
pub const BASELINE: &str = "baseline";

/// Conditions that are held against another one than the baseline.
const REFERENCES: [(&str, &str); 5] = [
    ("workers-1", "workers-all"),
    ("upstream-limited", "miss"),
    ("body-200", "body-2000"),
    ("body-20000", "body-2000"),
    ("body-200000", "body-2000"),
];

/// A condition under which the same load was put.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What it is called.
    pub name: String,
    /// Answers per second in each trial.
    pub throughput: Vec<f64>,
    /// Processor seconds of the relay for each answer, in each trial.
    pub cost: Vec<f64>,
    /// The share of that which is spent in the kernel.
    pub kernel_share: Option<f64>,
    /// What all had in use.
    pub loads: Loads,
    /// Bytes of an answer's body.
    pub bytes: f64,
    /// Errors of all requests.
    pub error_share: f64,
    /// The worst that the generator says of itself.
    pub verdict: Verdict,
}

/// How a condition differs from the one that it is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The condition.
    pub name: String,
    /// What it is held against.
    pub against: &'static str,
    /// What it does to the answers per second.
    pub throughput: Change,
}

/// All conditions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ablations {
    /// By name.
    pub conditions: Vec<Condition>,
}

impl Ablations {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let mut named: BTreeMap<&str, Vec<&LoadedTrial>> = BTreeMap::new();
        for trial in loaded.of("e6") {
            if let Some(name) = factor(trial, "ablation") {
                named.entry(name).or_default().push(trial);
            }
        }
        let conditions = named.iter().filter_map(|(name, trials)| Condition::of(name, trials));
        Self { conditions: conditions.collect() }
    }

    /// A condition by its name.
    pub fn get(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == name)
    }

    /// What one condition does to throughput, held against another.
    pub fn effect(&self, name: &str, against: &str) -> Option<Change> {
        change(&self.get(against)?.throughput, &self.get(name)?.throughput)
    }

    /// Every condition held against the one it belongs to.
    pub fn effects(&self) -> Vec<Effect> {
        let effect = |condition: &Condition| {
            let own = REFERENCES.iter().find(|(name, _)| *name == condition.name);
            let against = own.map_or(BASELINE, |(_, against)| *against);
            let throughput = self.effect(&condition.name, against)?;
            let is_other = condition.name != against;
            is_other.then(|| Effect { name: condition.name.clone(), against, throughput })
        };
        self.conditions.iter().filter_map(effect).collect()
    }
}

impl Condition {
    fn of(name: &str, trials: &[&LoadedTrial]) -> Option<Self> {
        let throughput: Vec<f64> = trials.iter().filter_map(|trial| throughput(trial)).collect();
        if throughput.is_empty() {
            return None;
        }
        let spent: Vec<(f64, f64, f64)> = trials.iter().filter_map(|trial| spent(trial)).collect();
        let all: Vec<(&LoadedTrial, (f64, f64))> =
            trials.iter().map(|trial| (*trial, lasted(trial))).collect();
        let (user, system) =
            spent.iter().fold((0.0, 0.0), |sum, (user, system, _)| (sum.0 + user, sum.1 + system));
        Some(Self {
            name: name.to_owned(),
            throughput,
            cost: spent.iter().map(|(user, system, rate)| (user + system) / rate).collect(),
            kernel_share: (0.0 < user + system).then(|| system / (user + system)),
            loads: Loads::over(&all),
            bytes: mean_of(&trials.iter().map(|trial| bytes(trial)).collect::<Vec<_>>()),
            error_share: mean_of(
                &trials.iter().map(|trial| error_share(trial)).collect::<Vec<_>>(),
            ),
            verdict: trials.iter().map(|trial| trial.summary.verdict).max()?,
        })
    }

    /// Processor seconds for each answer, with their 95 % interval over trials.
    pub fn mean_cost(&self) -> Option<(f64, Option<Interval>)> {
        let interval = mean::across_trials(&self.cost).map(|mean| mean.interval);
        (!self.cost.is_empty()).then(|| (mean_of(&self.cost), interval))
    }

    /// The mean of the trials' answers per second.
    pub fn mean_throughput(&self) -> f64 {
        mean_of(&self.throughput)
    }
}

/// Processor seconds per second in user space and in the kernel, and answers
/// per second.
fn spent(trial: &LoadedTrial) -> Option<(f64, f64, f64)> {
    let (user, system) = super::usage::processor_time(trial, "relay", lasted(trial))?;
    Some((user, system, throughput(trial)?))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of minutes, below 2⁵³")]
fn bytes(trial: &LoadedTrial) -> f64 {
    let measures = &trial.summary.measures;
    let answers: u64 = measures.statuses.values().sum();
    measures.body_bytes as f64 / answers.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn error_share(trial: &LoadedTrial) -> f64 {
    let sum =
        |of: fn(&loadgen::summary::Step) -> u64| trial.summary.steps.iter().map(of).sum::<u64>();
    sum(|step| step.errors) as f64 / sum(|step| step.totals.planned).max(1) as f64
}
