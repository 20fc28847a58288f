//! A percentile of all requests of a step, with an interval.

use thiserror::Error;

use super::{Block, LEAST_TRIALS, Latencies, Plan, resample};
use crate::capacity::analysis::{Interval, distribution::t_quantile, real, variance_of};

/// A percentile over the trials of a step, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentile {
    /// That of the requests of all trials together.
    pub value: f64,
    /// Whether the times it lies among are known.
    pub known: Known,
    /// That of each trial.
    pub of_trials: Vec<f64>,
    /// 95 % of the draws of trials and blocks.
    pub bootstrap: Interval,
    /// Student's t over the trials' logarithms, about `value`: half as wide as
    /// t(0.975, k − 1) · s / √k.
    pub across_trials: Interval,
}

impl Percentile {
    /// The 95 % interval: both of them together. With few trials the t interval
    /// is the wider one and alone keeps the promise; with many they agree.
    pub fn interval(&self) -> Interval {
        self.bootstrap.hull(&self.across_trials)
    }
}

/// Whether a percentile is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is.
    Exactly,
    /// It is at least this: requests that took no longer were given up.
    AtLeast,
}

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoInterval {
    /// There are too few trials.
    #[error("{0} trials say nothing of what differs between trials: {LEAST_TRIALS} are needed")]
    TooFewTrials(usize),
    /// A trial has too few requests to tell the percentile from the longest.
    #[error("trial {trial} has {requests} requests, which are too few for this percentile")]
    TooFewRequests {
        /// Which trial, from 0.
        trial: usize,
        /// How many it has.
        requests: u64,
    },
    /// The percentile of some trial is zero, so it has no logarithm.
    #[error("a percentile of zero is no measurement")]
    Zero,
}

/// The q-quantile of the requests of all trials, 0 < q < 1.
pub fn percentile(latencies: &Latencies, q: f64, plan: Plan) -> Result<Percentile, NoInterval> {
    let trials = latencies.lengths().len();
    if trials < LEAST_TRIALS {
        return Err(NoInterval::TooFewTrials(trials));
    }
    let all: Vec<Block> = (0..trials).map(|trial| latencies.whole_trial(trial)).collect();
    for (trial, block) in all.iter().enumerate() {
        let requests = latencies.requests(&[*block]);
        if !enough(requests, q) {
            return Err(NoInterval::TooFewRequests { trial, requests });
        }
    }
    let merged = latencies.quantile(&all, q);
    let of_trials: Vec<f64> =
        all.iter().map(|block| seconds(latencies.quantile(&[*block], q))).collect();
    if of_trials.contains(&0.0) {
        return Err(NoInterval::Zero);
    }
    let draws =
        resample(&latencies.lengths(), plan, |blocks| seconds(latencies.quantile(blocks, q)));
    let value = seconds(merged);
    let censored = latencies.least_censored().is_some_and(|least| least <= merged);
    Ok(Percentile {
        value,
        known: if censored { Known::AtLeast } else { Known::Exactly },
        bootstrap: Interval::central(&draws).unwrap_or(Interval::around(value, 0.0)),
        across_trials: across_trials(value, &of_trials),
        of_trials,
    })
}

/// Times of trials differ by factors, hence the logarithms.
fn across_trials(value: f64, of_trials: &[f64]) -> Interval {
    let logarithms: Vec<f64> = of_trials.iter().map(|time| libm::log(*time)).collect();
    let trials = real(of_trials.len());
    let error = libm::sqrt(variance_of(&logarithms) / trials);
    let factor = libm::exp(t_quantile(0.975, trials - 1.0) * error);
    Interval { low: value / factor, high: value * factor }
}

/// Whether the q-quantile of `count` values has an upper 95 % limit among them:
/// the largest of n is below it with probability qⁿ, which is to be at most
/// 2.5 % (David and Nagaraja, *Order Statistics*, 3rd ed., §7.1).
#[expect(clippy::cast_precision_loss, reason = "near the bound counts are small")]
fn enough(count: u64, q: f64) -> bool {
    libm::log(0.025) / libm::log(q) <= count as f64
}

#[expect(clippy::cast_precision_loss, reason = "times stay below 2⁵³ nanoseconds: 104 days")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use loadgen::record::Times;

    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    const PLAN: Plan = Plan { draws: 1000, seed: 1 };

    fn trial(ms: u64, requests: u64) -> Vec<Vec<(u64, u64)>> {
        vec![vec![(ms * 1_000_000, requests)]; 10]
    }

    #[test]
    fn the_interval_has_both_intervals_in_it() {
        let latencies = Latencies::from_counts(&[trial(8, 100), trial(9, 100), trial(10, 100)]);
        let p99 = percentile(&latencies, 0.99, PLAN).unwrap();
        assert_near(p99.value, 0.010, 1e-12);
        assert_eq!(p99.of_trials, [0.008, 0.009, 0.010]);
        assert_eq!(p99.bootstrap, Interval { low: 0.008, high: 0.010 });
        // By hand: s of ln 8, ln 9, ln 10 is 0.11163; 4.30265 · s / √3 = 0.27730.
        assert_near(p99.across_trials.low, 0.010 / 1.319_566, 1e-7);
        assert_near(p99.across_trials.high, 0.010 * 1.319_566, 1e-7);
        assert_eq!(p99.interval(), p99.across_trials);
    }

    #[test]
    fn few_trials_or_requests_have_no_interval() {
        #[track_caller]
        fn check(trials: &[Vec<Vec<(u64, u64)>>], expected: NoInterval) {
            let latencies = Latencies::from_counts(trials);
            assert_eq!(percentile(&latencies, 0.99, PLAN), Err(expected));
        }
        check(&[trial(8, 100), trial(9, 100)], NoInterval::TooFewTrials(2));
        check(
            &[trial(8, 100), trial(8, 36), trial(8, 100)],
            NoInterval::TooFewRequests { trial: 1, requests: 360 },
        );
        check(&[trial(8, 100), trial(8, 100), trial(0, 100)], NoInterval::Zero);
    }

    #[test]
    fn what_was_given_up_makes_it_a_lower_bound() {
        let mut times = Times::default();
        (0..500).for_each(|_| times.record(Duration::from_millis(1)));
        let known = vec![vec![times.clone()]; 3];
        (0..50).for_each(|_| times.record_at_least(Duration::from_millis(100)));
        let given_up = vec![vec![times]; 3];
        let check = |trials: &[Vec<Times>], expected| {
            let p99 = percentile(&Latencies::new(trials), 0.99, PLAN).unwrap();
            assert_eq!(p99.known, expected);
        };
        check(&known, Known::Exactly);
        check(&given_up, Known::AtLeast);
    }
}
