//! Latency over rate, and the highest rate that meets an objective.

use loadgen::{
    record::{Clock, Times},
    summary::Step,
    verdict::Verdict,
};

use super::{
    PLAN,
    objective::{MOST_ERRORS, Objective},
    reading::{factor, intervals, step_at, times},
};
use crate::capacity::{
    analysis::{
        Interval,
        bootstrap::{self, Latencies, NoInterval, Percentile},
        isotonic::{self, Capacity, NoCapacity},
        mean, mean_of,
    },
    loaded::{Loaded, LoadedTrial},
};

/// The quantiles that are shown, with their names.
pub const QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// The time that stands for that of a rate at which too many requests failed:
/// the longest that is recorded.
const GIVEN_UP: f64 = 60.0;

/// A rate of the ramp, over all trials.
#[derive(Debug)]
pub struct RampStep {
    /// What was asked for, per second.
    pub rate: f64,
    /// The generator's verdict on itself, one for each trial.
    pub verdicts: Vec<Verdict>,
    /// Why it counts for less, as the generator says.
    pub reasons: Vec<String>,
    /// Answers per second in each trial.
    pub completed: Vec<f64>,
    /// Answers per second that were no errors and met the usual objective's
    /// time.
    pub goodput: f64,
    /// Of all trials together: what clients waited.
    pub response: Times,
    /// From when a request was sent.
    pub service: Times,
    /// How late the generator was by its own fault.
    pub lateness: Times,
    /// The 99th percentile of the response time, with its interval.
    pub p99: Result<Percentile, NoInterval>,
    /// The share of errors among all requests.
    pub error_share: f64,
}

impl RampStep {
    /// Whether it says something of the relay: the generator was the limit in
    /// none of its trials.
    pub fn counts(&self) -> bool {
        self.verdicts.iter().all(|verdict| *verdict != Verdict::GeneratorLimited)
    }

    /// The mean of the trials' answers per second.
    pub fn throughput(&self) -> f64 {
        mean_of(&self.completed)
    }

    /// Its 95 % interval over trials.
    pub fn throughput_interval(&self) -> Option<Interval> {
        mean::across_trials(&self.completed).map(|mean| mean.interval)
    }

    /// A quantile of the response time in seconds, if there are enough requests.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.response.quantile(q).map(|found| found.seen().as_secs_f64())
    }

    /// The mean response time, in seconds.
    pub fn mean_response(&self) -> f64 {
        self.response.mean().as_secs_f64()
    }
}

/// The trials of the ramp itself, without the one that was held out of it.
pub(super) fn trials(loaded: &Loaded) -> Vec<&LoadedTrial> {
    loaded.of("e1").filter(|trial| factor(trial, "held_out").is_none()).collect()
}

/// The steps of all trials, by rate.
pub(super) fn steps(trials: &[&LoadedTrial]) -> Vec<RampStep> {
    let of_trial = |trial: &&LoadedTrial| -> Vec<f64> {
        trial.summary.steps.iter().filter_map(|step| step.rate).collect()
    };
    let mut rates: Vec<f64> = trials.iter().flat_map(of_trial).collect();
    rates.retain(|rate| 0.0 < *rate && rate.is_finite());
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates.into_iter().map(|rate| step(trials, rate)).collect()
}

/// One rate of all trials.
pub(super) fn step(trials: &[&LoadedTrial], rate: f64) -> RampStep {
    let found: Vec<(&LoadedTrial, &Step)> =
        trials.iter().filter_map(|trial| Some((*trial, step_at(trial, rate)?))).collect();
    let all = |clock| {
        let mut sum = Times::default();
        let of = |(trial, step): &(&LoadedTrial, &Step)| times(trial, step.index, clock).cloned();
        found.iter().filter_map(of).for_each(|own| sum.add(&own));
        sum
    };
    let blocks: Vec<Vec<Times>> = found
        .iter()
        .map(|(trial, step)| {
            intervals(trial, step, Clock::Response).map(|(_, times)| times.clone()).collect()
        })
        .collect();
    let mut reasons: Vec<String> =
        found.iter().flat_map(|(_, step)| step.health.reasons.clone()).collect();
    reasons.dedup();
    let completed: Vec<f64> = found.iter().map(|(_, step)| step.throughput).collect();
    let (response, error_share) = (all(Clock::Response), error_share(&found));
    RampStep {
        rate,
        verdicts: found.iter().map(|(_, step)| step.health.verdict).collect(),
        reasons,
        goodput: mean_of(&completed) * good_share(&response, error_share),
        completed,
        service: all(Clock::Service),
        lateness: all(Clock::Lateness),
        p99: bootstrap::percentile(&Latencies::new(&blocks), 0.99, PLAN),
        response,
        error_share,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn error_share(steps: &[(&LoadedTrial, &Step)]) -> f64 {
    let sum = |count: fn(&Step) -> u64| steps.iter().map(|(_, step)| count(step)).sum::<u64>();
    sum(|step| step.errors) as f64 / sum(|step| step.totals.planned).max(1) as f64
}

/// The share of the answers that are in time and no errors.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn good_share(response: &Times, error_share: f64) -> f64 {
    let late = response.longer_than(super::objective::USUAL.limit) as f64;
    (1.0 - late / response.len().max(1) as f64 - error_share).max(0.0)
}

/// The highest rate that meets an objective, by the steps that count.
pub(super) fn capacity(
    trials: &[&LoadedTrial],
    steps: &[RampStep],
    objective: Objective,
) -> Result<Capacity, NoCapacity> {
    let rates: Vec<f64> = steps.iter().filter(|step| step.counts()).map(|step| step.rate).collect();
    let latencies: Vec<Vec<f64>> = trials
        .iter()
        .map(|trial| rates.iter().map(|rate| latency(trial, *rate, objective.quantile)).collect())
        .collect();
    isotonic::capacity(&rates, &latencies, objective.limit.as_secs_f64(), PLAN)
}

/// The quantile of one trial at a rate, in seconds; 0 if it does not have the
/// rate, and the longest that there is if too many requests failed.
pub(super) fn latency(trial: &LoadedTrial, rate: f64, quantile: f64) -> f64 {
    let Some(step) = step_at(trial, rate) else { return 0.0 };
    if MOST_ERRORS <= error_share(&[(trial, step)]) {
        return GIVEN_UP;
    }
    times(trial, step.index, Clock::Response)
        .map_or(0.0, |times| times.rough_quantile(quantile).as_secs_f64())
}

/// The quantile of one trial at a rate between two steps, on the straight line
/// of the logarithms. None beyond them.
pub(super) fn latency_between(
    trial: &LoadedTrial,
    rates: &[f64],
    rate: f64,
    quantile: f64,
) -> Option<f64> {
    let after = rates.partition_point(|other| *other < rate);
    let (low, high) = (*rates.get(after.checked_sub(1)?)?, *rates.get(after)?);
    let share = libm::log(rate / low) / libm::log(high / low);
    let [before, behind] = [low, high].map(|rate| libm::log(latency(trial, rate, quantile)));
    let found = libm::exp(before + (behind - before) * share);
    (0.0 < found && found.is_finite()).then_some(found)
}

/// The highest rate that meets an objective in each trial by itself; a trial
/// that does not cross within the rates counts with their end.
pub(super) fn own_capacities(
    trials: &[&LoadedTrial],
    steps: &[RampStep],
    objective: Objective,
) -> Vec<f64> {
    let rates: Vec<f64> = steps.iter().filter(|step| step.counts()).map(|step| step.rate).collect();
    let of_trial = |trial: &&LoadedTrial| {
        let logarithms: Vec<f64> =
            rates.iter().map(|rate| libm::log(latency(trial, *rate, objective.quantile))).collect();
        let smooth = isotonic::pool_adjacent_violators(&logarithms, &[]);
        let latencies: Vec<f64> = smooth.into_iter().map(libm::exp).collect();
        let limit = objective.limit.as_secs_f64();
        isotonic::crossing(&rates, &latencies, limit).map(isotonic::Crossing::rate)
    };
    trials.iter().filter_map(of_trial).collect()
}
