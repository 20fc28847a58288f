//! What a request costs in processor time, by all steps of the ramp together.

use super::{
    ramp::RampStep,
    reading::{held, step_at},
    usage::processor_time,
};
use crate::capacity::{
    analysis::{
        demand::{Demand, queue},
        mean_of, real,
    },
    loaded::LoadedTrial,
};

/// A step's load and what it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostPoint {
    /// Of which trial.
    pub trial: usize,
    /// The rate that was asked for.
    pub rate: f64,
    /// Answers per second.
    pub throughput: f64,
    /// Processor seconds of the relay per second, in user space.
    pub user: f64,
    /// The same in the kernel.
    pub system: f64,
    /// The mean response time, in seconds.
    pub response: f64,
}

/// What a request costs.
#[derive(Debug)]
pub struct Cost {
    /// Every step of every trial that counts.
    pub points: Vec<CostPoint>,
    /// Their line, if there are three or more.
    pub demand: Option<Demand>,
    /// Processors that the relay had.
    pub processors: f64,
    /// The queue whose response times are nearest to those of the steps.
    pub queue: Result<queue::Fitted, queue::NoQueue>,
}

impl Cost {
    pub(super) fn of(trials: &[&LoadedTrial], steps: &[RampStep]) -> Self {
        let rates: Vec<f64> =
            steps.iter().filter(|step| step.counts()).map(|step| step.rate).collect();
        let points: Vec<CostPoint> = trials
            .iter()
            .enumerate()
            .flat_map(|(index, trial)| {
                rates.iter().filter_map(move |rate| point(index, trial, *rate))
            })
            .collect();
        let processors =
            trials.first().map_or(1.0, |trial| real(trial.trial.layout.relay.len().max(1)));
        let line: Vec<(f64, f64)> =
            points.iter().map(|point| (point.throughput, point.user + point.system)).collect();
        let demand = Demand::fit(&line).filter(|demand| demand.per_request.value.is_finite());
        Self { queue: queue_of(&points, processors), demand, processors, points }
    }

    /// The most requests per second that the processors allow: m/D.
    pub fn bound(&self) -> Option<f64> {
        let demand = self.demand?.per_request.value;
        (0.0 < demand).then(|| self.processors / demand)
    }

    /// The share of the processor time that is spent in the kernel.
    pub fn kernel_share(&self) -> Option<f64> {
        let sum = |value: fn(&CostPoint) -> f64| self.points.iter().map(value).sum::<f64>();
        let (user, system) = (sum(|point| point.user), sum(|point| point.system));
        (0.0 < user + system).then(|| system / (user + system))
    }
}

fn point(index: usize, trial: &LoadedTrial, rate: f64) -> Option<CostPoint> {
    let step = step_at(trial, rate)?;
    let (user, system) = processor_time(trial, "relay", held(trial, step))?;
    let response = step.measures.times.get("response")?.mean_us / 1e6;
    Some(CostPoint { trial: index, rate, throughput: step.throughput, user, system, response })
}

/// The queue of these points: its service is what they say that a request costs.
pub(super) fn queue_of(
    points: &[CostPoint],
    processors: f64,
) -> Result<queue::Fitted, queue::NoQueue> {
    let line: Vec<(f64, f64)> =
        points.iter().map(|point| (point.throughput, point.user + point.system)).collect();
    let steps = by_rate(points, processors);
    match Demand::fit(&line).map(|demand| demand.per_request.value) {
        Some(service) if 0.0 < service => queue::fit_beside(&steps, processors, service),
        _ => queue::fit(&steps, processors),
    }
}

/// The means over trials at each rate, as a queue sees them.
fn by_rate(points: &[CostPoint], processors: f64) -> Vec<queue::Step> {
    let mut rates: Vec<f64> = points.iter().map(|point| point.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let step = |rate: f64| {
        let mean = |value: fn(&CostPoint) -> f64| {
            let own = points.iter().filter(|point| point.rate.total_cmp(&rate).is_eq());
            mean_of(&own.map(value).collect::<Vec<_>>())
        };
        queue::Step {
            rate: mean(|point| point.throughput),
            response: mean(|point| point.response),
            utilisation: mean(|point| point.user + point.system) / processors,
        }
    };
    rates.into_iter().map(step).collect()
}
