//! A rate that was measured and used for nothing, and what the rest of the ramp
//! foretells of it.

use super::{
    PLAN,
    demand::{Cost, CostPoint, by_rate},
    ramp::{latency, latency_between},
    reading::{factor, step_at},
};
use crate::capacity::{
    analysis::{
        Interval,
        bootstrap::{LEAST_TRIALS, Plan, resample},
        demand::queue,
        mean_of,
    },
    loaded::{Loaded, LoadedTrial},
};

/// By which share a prediction may be off besides its own interval: what one
/// trial differs from the mean of all.
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
    /// What was foretold of it.
    pub quantities: Vec<Foretold>,
}

/// None if no step was held out, or it is not within the ramp.
pub(super) fn prediction(
    loaded: &Loaded,
    trials: &[&LoadedTrial],
    rates: &[f64],
    cost: &Cost,
) -> Option<Prediction> {
    let held_out = loaded.of("e1").find(|trial| factor(trial, "held_out").is_some())?;
    let rate = held_out.summary.steps.iter().find_map(|step| step.rate)?;
    let step = step_at(held_out, rate)?;
    let mut quantities = Vec::new();
    let mean = step.measures.times.get("response").map(|times| times.mean_us / 1e6);
    if let (Some((predicted, band)), Some(measured)) = (by_queue(cost, trials, rate), mean) {
        quantities.push(Foretold { name: "mean, by the queue", predicted, band, measured });
    }
    for (name, quantile) in [("p50, between the steps", 0.5), ("p99, between the steps", 0.99)] {
        let measured = latency(held_out, rate, quantile);
        if let Some((predicted, band)) = between(trials, rates, rate, quantile) {
            quantities.push(Foretold { name, predicted, band, measured });
        }
    }
    quantities.retain(|quantity| 0.0 < quantity.measured && quantity.predicted.is_finite());
    (!quantities.is_empty()).then_some(Prediction { rate, quantities })
}

/// The mean response time by the fitted queue, over draws of the trials.
fn by_queue(cost: &Cost, trials: &[&LoadedTrial], rate: f64) -> Option<(f64, Interval)> {
    let predicted = cost.queue.as_ref().ok()?.queue.response(rate)?;
    let own: Vec<Vec<CostPoint>> = (0..trials.len())
        .map(|index| cost.points.iter().filter(|point| point.trial == index).copied().collect())
        .collect();
    let plan = Plan { draws: 200, ..PLAN };
    let draws = resample(&vec![1; own.len()], plan, |blocks| {
        let points: Vec<CostPoint> =
            blocks.iter().flat_map(|block| own[block.trial].iter().copied()).collect();
        let fitted = queue::fit(&by_rate(&points, cost.processors), cost.processors);
        fitted.ok().and_then(|fitted| fitted.queue.response(rate)).unwrap_or(f64::NAN)
    });
    widened(predicted, draws)
}

/// A quantile at a rate between two steps, on the straight line of logarithms.
fn between(
    trials: &[&LoadedTrial],
    rates: &[f64],
    rate: f64,
    quantile: f64,
) -> Option<(f64, Interval)> {
    let own: Vec<f64> = trials
        .iter()
        .filter_map(|trial| latency_between(trial, rates, rate, quantile))
        .map(libm::log)
        .collect();
    if own.len() < LEAST_TRIALS {
        return None;
    }
    let predicted = libm::exp(mean_of(&own));
    let draws = resample(&vec![1; own.len()], PLAN, |blocks| {
        libm::exp(mean_of(&blocks.iter().map(|block| own[block.trial]).collect::<Vec<_>>()))
    });
    widened(predicted, draws)
}

/// Where one more trial is likely to be: the draws' interval, and what trials
/// differ by.
fn widened(predicted: f64, mut draws: Vec<f64>) -> Option<(f64, Interval)> {
    draws.retain(|draw| draw.is_finite());
    let inner = Interval::central(&draws)?;
    let usual = Interval::around(predicted, BETWEEN_TRIALS * predicted);
    (predicted.is_finite()).then(|| (predicted, inner.hull(&usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_no_narrower_than_trials_differ() {
        let (predicted, band) = widened(1.0, vec![0.99, 1.0, 1.01, f64::NAN]).unwrap();
        assert!((predicted - 1.0).abs() < f64::EPSILON);
        assert_eq!(band, Interval { low: 0.75, high: 1.25 });
        let wide = widened(1.0, vec![0.2, 3.0]).unwrap().1;
        assert!(wide.low < 0.3 && 2.9 < wide.high);
        assert_eq!(widened(1.0, vec![f64::NAN]), None);
        assert_eq!(widened(f64::NAN, vec![1.0]), None);
    }
}
