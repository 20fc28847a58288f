//! The highest rate that meets a target: latencies rise with the rate, so what
//! falls is chance, and is evened out before the target is looked up.

use serde::Serialize;
use thiserror::Error;

use super::{
    Interval,
    bootstrap::{LEAST_TRIALS, Plan, resample},
    distribution::t_quantile,
    mean_of, real, variance_of,
};

/// The non-decreasing sequence nearest to `values` in weighted least squares,
/// by pooling adjacent violators (Barlow, Bartholomew, Bremner and Brunk,
/// *Statistical Inference under Order Restrictions*, 1972, §1.2). Values beyond
/// the last weight count as 1.
pub fn pool_adjacent_violators(values: &[f64], weights: &[f64]) -> Vec<f64> {
    // Mean, weight and number of the values of each pool.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let mut pool = (*value, weights.get(index).copied().unwrap_or(1.0), 1);
        while let Some(before) = pools.pop_if(|before| pool.0 < before.0) {
            let weight = before.1 + pool.1;
            let mean = (before.0 * before.1 + pool.0 * pool.1) / weight;
            pool = (mean, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    pools.iter().flat_map(|(mean, _, count)| std::iter::repeat_n(*mean, *count)).collect()
}

/// Where a latency reaches its limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Crossing {
    /// Already at the lowest rate that was tried: the answer lies below it.
    Below(f64),
    /// At this rate.
    At(f64),
    /// Not up to the highest rate that was tried: the answer lies above it.
    Above(f64),
}

impl Crossing {
    /// The rate, or the end of the tried range that it lies beyond.
    pub fn rate(self) -> f64 {
        match self {
            Self::Below(rate) | Self::At(rate) | Self::Above(rate) => rate,
        }
    }
}

/// Where `latencies`, which do not fall, exceed `limit`: linear in the
/// logarithms of both between the last rate within it and the first beyond.
/// None of no rates. Rates ascend; they, the latencies and the limit are
/// positive.
pub fn crossing(rates: &[f64], latencies: &[f64], limit: f64) -> Option<Crossing> {
    let Some(beyond) = latencies.iter().position(|latency| limit < *latency) else {
        return rates.last().copied().map(Crossing::Above);
    };
    let Some(within) = beyond.checked_sub(1) else {
        return rates.first().copied().map(Crossing::Below);
    };
    let between = |low: f64, high: f64, share: f64| low + (high - low) * share;
    let [low, high, at] = [latencies[within], latencies[beyond], limit].map(libm::log);
    let share = (at - low) / (high - low);
    let rate = between(libm::log(*rates.get(within)?), libm::log(*rates.get(beyond)?), share);
    Some(Crossing::At(libm::exp(rate)))
}

/// How often a rate met the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The rate.
    pub rate: f64,
    /// In how many trials it met the target.
    pub passed: u32,
    /// Out of how many.
    pub trials: u32,
}

impl Tried {
    /// Whether it met the target in two thirds of them.
    fn passes(&self) -> bool {
        0 < self.trials && 2 * u64::from(self.trials) <= 3 * u64::from(self.passed)
    }
}

/// What was seen to pass and to fail, whatever curve goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bracket {
    /// The highest rate that passed below the lowest that failed.
    pub passed: Option<f64>,
    /// The lowest rate that failed.
    pub failed: Option<f64>,
}

/// Brackets the capacity by the rates alone. A rate that passes above one that
/// fails passed by luck: it does not count (the relevant bounds of RFC 9971).
pub fn bracket(tried: &[Tried]) -> Bracket {
    let failing = tried.iter().filter(|tried| !tried.passes()).map(|tried| tried.rate);
    let failed = failing.min_by(f64::total_cmp);
    let below = |rate: &f64| failed.is_none_or(|failed| *rate < failed);
    let passing = tried.iter().filter(|tried| tried.passes()).map(|tried| tried.rate);
    Bracket { passed: passing.filter(below).max_by(f64::total_cmp), failed }
}

/// The highest rate that meets a target, over trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// By all trials.
    pub crossing: Crossing,
    /// 95 %: the bootstrap over trials together with Student's t over the
    /// logarithms of each trial's own crossing.
    pub interval: Interval,
    /// How many trials do not cross within the rates that were tried. Each counts
    /// with the end of their range, so if there are any, the interval may be too
    /// narrow, and the range should be extended.
    pub beyond: usize,
    /// Draws of the rate, so spread that 95 % of them are in the interval: what
    /// follows from the rate is computed from each.
    pub draws: Vec<f64>,
}

/// Why there is no capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoCapacity {
    /// There are too few trials.
    #[error("{0} trials say nothing of what differs between trials: {LEAST_TRIALS} are needed")]
    TooFewTrials(usize),
    /// A trial does not have a latency for each rate, or one is not positive.
    #[error("trial {0} does not have a positive latency for every rate")]
    Incomplete(usize),
    /// There are no rates, or they do not ascend from above zero, or the limit is not positive.
    #[error("rates have to be positive and ascend, and the limit has to be positive")]
    NotAscending,
}

/// The highest rate whose latency is within `limit`: by the mean logarithm of
/// the trials' latencies at each rate, made non-decreasing. `trials` has each
/// trial's latencies, one for each rate.
pub fn capacity(
    rates: &[f64],
    trials: &[Vec<f64>],
    limit: f64,
    plan: Plan,
) -> Result<Capacity, NoCapacity> {
    let ascending = rates.windows(2).all(|pair| pair[0] < pair[1]);
    if !(ascending && rates.first().is_some_and(|rate| 0.0 < *rate) && 0.0 < limit) {
        return Err(NoCapacity::NotAscending);
    }
    if trials.len() < LEAST_TRIALS {
        return Err(NoCapacity::TooFewTrials(trials.len()));
    }
    let whole =
        |trial: &Vec<f64>| trial.len() == rates.len() && trial.iter().all(|time| 0.0 < *time);
    if let Some(incomplete) = trials.iter().position(|trial| !whole(trial)) {
        return Err(NoCapacity::Incomplete(incomplete));
    }
    let logarithms: Vec<Vec<f64>> = trials
        .iter()
        .map(|trial| trial.iter().map(|latency| libm::log(*latency)).collect())
        .collect();
    let of = |chosen: &[usize]| of_trials(rates, &logarithms, chosen, limit);
    let all: Vec<usize> = (0..trials.len()).collect();
    let crossing = of(&all).ok_or(NoCapacity::NotAscending)?;
    let own: Vec<Crossing> = all.iter().filter_map(|trial| of(&[*trial])).collect();
    let draws = resample(&vec![1; trials.len()], plan, |blocks| {
        let chosen: Vec<usize> = blocks.iter().map(|block| block.trial).collect();
        of(&chosen).map_or(f64::NAN, Crossing::rate)
    });
    Ok(spread(crossing, &own, &draws))
}

fn of_trials(
    rates: &[f64],
    logarithms: &[Vec<f64>],
    chosen: &[usize],
    limit: f64,
) -> Option<Crossing> {
    let at_rate = |rate: usize| {
        mean_of(&chosen.iter().map(|trial| logarithms[*trial][rate]).collect::<Vec<_>>())
    };
    let means: Vec<f64> = (0..rates.len()).map(at_rate).collect();
    let smooth = pool_adjacent_violators(&means, &[]);
    let latencies: Vec<f64> = smooth.into_iter().map(libm::exp).collect();
    crossing(rates, &latencies, limit)
}

/// Widens draws that are too close together, as they are of few trials: each
/// side is stretched, in logarithms, until its end is that of the interval.
fn spread(crossing: Crossing, own: &[Crossing], draws: &[f64]) -> Capacity {
    let value = crossing.rate();
    let inner = Interval::central(draws).unwrap_or(Interval::around(value, 0.0));
    let trials = real(own.len());
    let logarithms: Vec<f64> = own.iter().map(|crossing| libm::log(crossing.rate())).collect();
    let factor =
        libm::exp(t_quantile(0.975, trials - 1.0) * libm::sqrt(variance_of(&logarithms) / trials));
    let interval = inner.hull(&Interval { low: value / factor, high: value * factor });
    let stretch = |from: f64, to: f64| {
        let [from, to] = [from, to].map(|end| libm::log(end / value));
        if from == 0.0 { 1.0 } else { to / from }
    };
    let (below, above) = (stretch(inner.low, interval.low), stretch(inner.high, interval.high));
    let widen = |draw: &f64| {
        let distance = libm::log(*draw / value);
        value * libm::exp(distance * if distance < 0.0 { below } else { above })
    };
    let beyond = own.iter().filter(|own| !matches!(own, Crossing::At(_))).count();
    Capacity { crossing, interval, beyond, draws: draws.iter().map(widen).collect() }
}

#[cfg(test)]
mod tests;
