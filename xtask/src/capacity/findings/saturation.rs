//! Where the relay saturates, and where more load stops paying.

use loadgen::program::SearchResult;

use super::{
    PLAN,
    ramp::{RampStep, latency},
    reading::{held, step_at, times},
};
use crate::capacity::{
    analysis::{
        Interval,
        bootstrap::{LEAST_TRIALS, resample},
        isotonic::{Bracket, Tried, bracket},
        knee::{Knees, Point},
        mean_of,
        trend::theil_sen,
    },
    loaded::LoadedTrial,
};
use loadgen::record::Clock;

/// The share of what is offered that has to be answered in time for a rate to
/// be below saturation.
const ANSWERED: f64 = 0.99;

/// By which share of its mean the number of requests under way may grow over a
/// step.
const GROWTH: f64 = 0.2;

/// Where throughput, latency and their ratio turn.
#[derive(Debug)]
pub struct Saturation {
    /// The highest rate that was kept up with, and the lowest that was not.
    pub bracket: Bracket,
    /// The most answers per second in any step that counts.
    pub most: Option<f64>,
    /// Where throughput over response time is highest, and second opinions.
    pub knees: Knees,
    /// 95 % of the knee over trials.
    pub knee_interval: Option<Interval>,
    /// What a search for the objective's rate found on its own.
    pub search: Option<SearchResult>,
}

impl Saturation {
    pub(super) fn of(
        search: Option<SearchResult>,
        trials: &[&LoadedTrial],
        steps: &[RampStep],
    ) -> Self {
        let counted: Vec<&RampStep> = steps.iter().filter(|step| step.counts()).collect();
        let tried: Vec<Tried> = counted.iter().map(|step| tried(trials, step.rate)).collect();
        let rates: Vec<f64> = counted.iter().map(|step| step.rate).collect();
        let most = counted.iter().map(|step| step.throughput()).max_by(f64::total_cmp);
        Self {
            bracket: bracket(&tried),
            most: most.filter(|most| 0.0 < *most),
            knees: Knees::of(&points(trials, &rates)),
            knee_interval: knee_interval(trials, &rates),
            search,
        }
    }

    /// Whether the estimates of the knee are within 15 % of each other.
    pub fn knees_agree(&self) -> bool {
        self.knees.agree()
    }
}

/// In how many trials a rate was kept up with.
fn tried(trials: &[&LoadedTrial], rate: f64) -> Tried {
    let kept: Vec<bool> = trials.iter().filter_map(|trial| keeps_up(trial, rate)).collect();
    let count = |those: usize| u32::try_from(those).unwrap_or(u32::MAX);
    Tried {
        rate,
        passed: count(kept.iter().filter(|kept| **kept).count()),
        trials: count(kept.len()),
    }
}

/// Whether a trial kept up with a rate: nearly all that was offered was
/// answered, and requests under way did not pile up. None if it was not tried.
fn keeps_up(trial: &LoadedTrial, rate: f64) -> Option<bool> {
    let step = step_at(trial, rate)?;
    let answered = ANSWERED * step.offered_rate <= step.completed_rate.min(step.throughput / 0.985);
    let (from, until) = held(trial, step);
    let start = trial.summary.run.started_unix;
    let under_way: Vec<(f64, f64)> = trial
        .intervals
        .iter()
        .map(|row| (start + row.start_s, row.in_flight))
        .filter(|(at, _)| (from..until).contains(at))
        .collect();
    let mean = mean_of(&under_way.iter().map(|(_, count)| *count).collect::<Vec<_>>());
    let piles_up = theil_sen(&under_way)
        .is_some_and(|slope| slope.rises() && GROWTH * mean < slope.value * step.hold_seconds);
    Some(answered && !piles_up)
}

/// The steps as a knee sees them, of some trials together.
fn points(trials: &[&LoadedTrial], rates: &[f64]) -> Vec<Point> {
    let of_rate = |rate: &f64| {
        let over = |value: &dyn Fn(&LoadedTrial) -> f64| {
            mean_of(&trials.iter().map(|trial| value(trial)).collect::<Vec<_>>())
        };
        let mean = |trial: &LoadedTrial| {
            let step = step_at(trial, *rate)?;
            Some(times(trial, step.index, Clock::Response)?.mean().as_secs_f64())
        };
        Point {
            throughput: over(&|trial| step_at(trial, *rate).map_or(0.0, |step| step.throughput)),
            response: over(&|trial| mean(trial).unwrap_or(0.0)),
            percentile: over(&|trial| latency(trial, *rate, 0.99)),
        }
    };
    rates.iter().map(of_rate).collect()
}

/// The knee of highest power over draws of the trials. None of too few trials,
/// or if it is at an end of the rates in a tenth of the draws: then it was not
/// measured.
fn knee_interval(trials: &[&LoadedTrial], rates: &[f64]) -> Option<Interval> {
    if trials.len() < LEAST_TRIALS {
        return None;
    }
    // What a draw needs of each trial is looked up once.
    let own: Vec<Vec<Point>> = trials.iter().map(|trial| points(&[*trial], rates)).collect();
    let draws = resample(&vec![1; trials.len()], PLAN, |blocks| {
        let mean = |rate: usize, value: fn(&Point) -> f64| {
            mean_of(&blocks.iter().map(|block| value(&own[block.trial][rate])).collect::<Vec<_>>())
        };
        let drawn: Vec<Point> = (0..rates.len())
            .map(|rate| Point {
                throughput: mean(rate, |point| point.throughput),
                response: mean(rate, |point| point.response),
                percentile: mean(rate, |point| point.percentile),
            })
            .collect();
        Knees::power_of(&drawn).unwrap_or(f64::NAN)
    });
    let found: Vec<f64> = draws.iter().copied().filter(|knee| knee.is_finite()).collect();
    (draws.len() * 9 <= found.len() * 10).then(|| Interval::central(&found)).flatten()
}
