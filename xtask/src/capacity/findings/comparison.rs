//! Two runs side by side, and which differences are more than chance.

use super::{Findings, ramp};
use crate::capacity::{
    analysis::{
        mean_of,
        welch::{Change, change},
    },
    loaded::Loaded,
};

/// What a number counts, and which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Requests per second: more is better.
    Rate,
    /// Seconds: less is better.
    Time,
}

/// A quantity of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What it is.
    pub name: String,
    /// What it counts.
    pub measure: Measure,
    /// The mean of the other run's trials.
    pub before: f64,
    /// The mean of this run's.
    pub after: f64,
    /// By how much it changed, by Welch's t over trials.
    pub change: Change,
}

impl Difference {
    fn of(name: String, measure: Measure, before: &[f64], after: &[f64]) -> Option<Self> {
        let change = change(before, after)?;
        Some(Self { name, measure, before: mean_of(before), after: mean_of(after), change })
    }

    /// What it means.
    pub fn reading(&self) -> &'static str {
        let better = match self.measure {
            Measure::Rate => 0.0 < self.change.value,
            Measure::Time => self.change.value < 0.0,
        };
        match (self.change.interval, self.change.is_certain(), better) {
            (None, _, _) => "too few trials to tell",
            (_, false, _) => "no difference that is certain",
            (_, true, true) => "better",
            (_, true, false) => "worse",
        }
    }
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Which the other run is.
    pub before: String,
    /// Which this one is.
    pub after: String,
    /// Whether the machines seem to be the same.
    pub same_machine: SameMachine,
    /// The quantities that both have.
    pub differences: Vec<Difference>,
    /// The highest rate that meets the objective in each, with its interval, if
    /// it is known of both.
    pub capacities: Vec<(String, f64, (f64, f64))>,
}

/// Whether two runs can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameMachine {
    /// The same processor, number of processors and kernel.
    Yes,
    /// They differ: a difference may be the machine's.
    No,
}

/// A run with its conclusions.
pub type Run<'a> = (&'a Loaded, &'a Findings);

impl Comparison {
    /// What differs from `before` to `after`.
    pub fn of(before: Run, after: Run) -> Self {
        let machine = |loaded: &Loaded| {
            let machine = &loaded.raw.provenance.machine;
            (machine.cpu_model.clone(), machine.cpus_available, machine.kernel.clone())
        };
        let same = machine(before.0) == machine(after.0);
        Self {
            before: name(before.0),
            after: name(after.0),
            same_machine: if same { SameMachine::Yes } else { SameMachine::No },
            differences: differences(before, after),
            capacities: [before, after]
                .iter()
                .filter_map(|(loaded, findings)| {
                    let found = findings.capacity().ok()?;
                    let interval = (found.interval.low, found.interval.high);
                    Some((name(loaded), found.crossing.rate(), interval))
                })
                .collect(),
        }
    }
}

fn name(loaded: &Loaded) -> String {
    let provenance = &loaded.raw.provenance;
    format!("{}, {}", provenance.commit, provenance.started)
}

fn differences(before: Run, after: Run) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |name: String, measure, one: &[f64], other: &[f64]| {
        found.extend(Difference::of(name, measure, one, other));
    };
    add(
        "rate within the objective".to_owned(),
        Measure::Rate,
        &before.1.own_capacities,
        &after.1.own_capacities,
    );
    for level in &after.1.users.levels {
        if let Some(other) =
            before.1.users.levels.iter().find(|other| other.load.total_cmp(&level.load).is_eq())
        {
            add(
                format!("answers per second, {} users", level.load),
                Measure::Rate,
                &other.trials,
                &level.trials,
            );
        }
    }
    if let Some(rate) = common_rate(before.1, after.1) {
        let [one, other] = [before, after].map(|run| at(run, rate));
        add(format!("p99 at {rate:.0}/s"), Measure::Time, &one, &other);
    }
    let [one, other] = [before, after].map(|(_, findings)| costs(findings));
    add("processor time of a request".to_owned(), Measure::Time, &one, &other);
    for condition in &after.1.ablations.conditions {
        if let Some(other) = before.1.ablations.get(&condition.name) {
            add(
                format!("answers per second, {}", condition.name),
                Measure::Rate,
                &other.throughput,
                &condition.throughput,
            );
        }
    }
    found
}

/// Half of what both can do.
fn common_rate(before: &Findings, after: &Findings) -> Option<f64> {
    let [one, other] = [before, after].map(|found| found.capacity().ok());
    Some(one?.crossing.rate().min(other?.crossing.rate()) / 2.0)
}

/// The 99th percentile in each trial at a rate between its steps.
fn at((loaded, findings): Run, rate: f64) -> Vec<f64> {
    let rates: Vec<f64> =
        findings.ramp.iter().filter(|step| step.counts()).map(|step| step.rate).collect();
    let trials = ramp::trials(loaded);
    trials.iter().filter_map(|trial| ramp::latency_between(trial, &rates, rate, 0.99)).collect()
}

/// Processor seconds for a request in each trial of the ramp.
fn costs(findings: &Findings) -> Vec<f64> {
    let points = &findings.cost.points;
    let trials = points.iter().map(|point| point.trial + 1).max().unwrap_or(0);
    let sum = |trial: usize| {
        let own = points.iter().filter(|point| point.trial == trial);
        own.fold((0.0, 0.0), |sum, point| {
            (sum.0 + point.user + point.system, sum.1 + point.throughput)
        })
    };
    let each = (0..trials).map(sum).filter(|(_, answers)| 0.0 < *answers);
    each.map(|(time, answers)| time / answers).collect()
}
