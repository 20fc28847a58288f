//! A rate that was measured and used for nothing, and what the rest of the ramp
//! foretells of it.

use loadgen::verdict::Verdict;

use super::{
    PLAN,
    demand::{Cost, CostPoint, queue_of},
    ramp::{latency, latency_between},
    reading::{factor, step_at},
};
use crate::capacity::{
    analysis::{
        Interval,
        bootstrap::{LEAST_TRIALS, Plan, resample},
        distribution::t_quantile,
        mean_of, real, variance_of,
    },
    loaded::{Loaded, LoadedTrial},
};

/// By which share a prediction may always be off: three trials that agree by
/// chance say little of a fourth.
const BETWEEN_TRIALS: f64 = 0.25;

/// A quantity, foretold and measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Foretold {
    /// What it is.
    pub name: &'static str,
    /// In seconds, by the steps of the ramp.
    pub predicted: f64,
    /// Where one more trial is likely to be.
    pub band: Interval,
    /// In seconds, as it was.
    pub measured: f64,
}

impl Foretold {
    /// Whether it was as foretold.
    pub fn holds(&self) -> bool {
        self.band.contains(self.measured)
    }
}

/// The step that was held out.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Its rate, per second.
    pub rate: f64,
    /// In how many trials it was measured.
    pub trials: usize,
    /// What was foretold of it.
    pub quantities: Vec<Foretold>,
}

/// None if no step was held out, the generator was its limit, or it is not within
/// the ramp.
pub(super) fn prediction(
    loaded: &Loaded,
    trials: &[&LoadedTrial],
    rates: &[f64],
    cost: &Cost,
) -> Option<Prediction> {
    let is_held_out = |trial: &&LoadedTrial| factor(trial, "held_out").is_some();
    let held_out: Vec<&LoadedTrial> = loaded.of("e1").filter(is_held_out).collect();
    let rate = held_out.iter().find_map(|trial| rate_of(trial))?;
    let limited = |trial: &&LoadedTrial| trial.summary.verdict == Verdict::GeneratorLimited;
    if held_out.iter().any(limited) {
        return None;
    }
    let mut quantities = Vec::new();
    let mean = |trial: &LoadedTrial| {
        let times = &step_at(trial, rate)?.measures.times;
        Some(times.get("response")?.mean_us / 1e6)
    };
    let measured = middle(held_out.iter().filter_map(|trial| mean(trial)));
    if let Some((predicted, band)) = by_queue(cost, trials, rates, rate) {
        quantities.push(Foretold { name: "mean, by the queue", predicted, band, measured });
    }
    for (name, quantile) in [("p50, between the steps", 0.5), ("p99, between the steps", 0.99)] {
        let measured = middle(held_out.iter().map(|trial| latency(trial, rate, quantile)));
        if let Some((predicted, band)) = between(trials, rates, rate, quantile) {
            quantities.push(Foretold { name, predicted, band, measured });
        }
    }
    quantities.retain(|quantity| 0.0 < quantity.measured && quantity.predicted.is_finite());
    (!quantities.is_empty()).then_some(Prediction { rate, trials: held_out.len(), quantities })
}

fn rate_of(trial: &LoadedTrial) -> Option<f64> {
    trial.summary.steps.iter().find_map(|step| step.rate)
}

/// The geometric mean: times of trials differ by factors. 0 of none.
fn middle(times: impl Iterator<Item = f64>) -> f64 {
    let logarithms: Vec<f64> = times.map(libm::log).collect();
    if logarithms.is_empty() { 0.0 } else { libm::exp(mean_of(&logarithms)) }
}

/// The mean response time by the fitted queue, over draws of the trials.
fn by_queue(
    cost: &Cost,
    trials: &[&LoadedTrial],
    rates: &[f64],
    rate: f64,
) -> Option<(f64, Interval)> {
    let predicted = cost.queue.as_ref().ok()?.queue.response(rate)?;
    let own: Vec<Vec<CostPoint>> = (0..trials.len())
        .map(|index| cost.points.iter().filter(|point| point.trial == index).copied().collect())
        .collect();
    let plan = Plan { draws: 200, ..PLAN };
    let draws = resample(&vec![1; own.len()], plan, |blocks| {
        let points: Vec<CostPoint> =
            blocks.iter().flat_map(|block| own[block.trial].iter().copied()).collect();
        let fitted = queue_of(&points, cost.processors);
        fitted.ok().and_then(|fitted| fitted.queue.response(rate)).unwrap_or(f64::NAN)
    });
    let medians = own_at(trials, rates, rate, 0.5);
    widened(predicted, draws, &medians)
}

/// The logarithms of a quantile at a rate, of each trial.
fn own_at(trials: &[&LoadedTrial], rates: &[f64], rate: f64, quantile: f64) -> Vec<f64> {
    let of = |trial: &&LoadedTrial| latency_between(trial, rates, rate, quantile);
    trials.iter().filter_map(of).map(libm::log).collect()
}

/// A quantile at a rate between two steps, on the straight line of logarithms.
fn between(
    trials: &[&LoadedTrial],
    rates: &[f64],
    rate: f64,
    quantile: f64,
) -> Option<(f64, Interval)> {
    let own = own_at(trials, rates, rate, quantile);
    if own.len() < LEAST_TRIALS {
        return None;
    }
    let predicted = libm::exp(mean_of(&own));
    let draws = resample(&vec![1; own.len()], PLAN, |blocks| {
        libm::exp(mean_of(&blocks.iter().map(|block| own[block.trial]).collect::<Vec<_>>()))
    });
    widened(predicted, draws, &own)
}

/// Where one more trial is likely to be: the draws' interval, and what trials
/// differ by, of which `own` are the logarithms: t · s · √(1 + 1/k).
fn widened(predicted: f64, mut draws: Vec<f64>, own: &[f64]) -> Option<(f64, Interval)> {
    draws.retain(|draw| draw.is_finite());
    let inner = Interval::central(&draws)?;
    let usual = Interval::around(predicted, BETWEEN_TRIALS * predicted);
    let trials = real(own.len());
    let spread = libm::sqrt(variance_of(own) * (1.0 + 1.0 / trials));
    let factor = libm::exp(t_quantile(0.975, trials - 1.0) * spread);
    let next = Interval { low: predicted / factor, high: predicted * factor };
    let band = inner.hull(&usual);
    let band = if factor.is_finite() { band.hull(&next) } else { band };
    predicted.is_finite().then_some((predicted, band))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_no_narrower_than_trials_differ() {
        let (predicted, band) = widened(1.0, vec![0.99, 1.0, 1.01, f64::NAN], &[]).unwrap();
        assert!((predicted - 1.0).abs() < f64::EPSILON);
        assert_eq!(band, Interval { low: 0.75, high: 1.25 });
        let wide = widened(1.0, vec![0.2, 3.0], &[]).unwrap().1;
        assert!(wide.low < 0.3 && 2.9 < wide.high);
        // Logarithms of −1, 0 and 1 have s = 1, and t(0.975, 2) is 4.303.
        let trials = widened(1.0, vec![1.0], &[-1.0, 0.0, 1.0]).unwrap().1;
        assert!((libm::log(trials.high) - 4.303 * libm::sqrt(4.0 / 3.0)).abs() < 1e-3);
        assert_eq!(widened(1.0, vec![f64::NAN], &[]), None);
        assert_eq!(widened(f64::NAN, vec![1.0], &[]), None);
    }
}
