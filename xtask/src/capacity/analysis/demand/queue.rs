//! The response time of a queue with one or more servers, below saturation.
//!
//! R(λ) = S + S/m · v · ρ^(√(2(m + 1)) − 1) / (1 − ρ), with ρ = λS/m: the mean
//! wait of Sakasegawa ("An Approximation Formula Lq ≅ α·ρ^β/(1 − ρ)", 1977) as
//! Allen and Cunneen use it for G/G/m, where v = (cₐ² + cₛ²)/2. For one
//! server that is the formula of Pollaczek and Khinchine, exact for M/G/1:
//! S[1 + ρ(1 + c²) / (2(1 − ρ))].

use thiserror::Error;

use crate::capacity::analysis::{
    least_squares::{accumulate, solve},
    real,
};

/// Steps above this utilisation are not fitted: there the queue grows through
/// the step, and its mean says how long the step was.
pub const HIGHEST_UTILISATION: f64 = 0.8;

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// Mean service time S, in seconds.
    pub service: f64,
    /// Servers m: processors that work side by side.
    pub servers: f64,
    /// (cₐ² + cₛ²)/2: half the sum of the squared coefficients of variation
    /// of the times between arrivals and of the service times. 1 for M/M/m, ½
    /// for M/D/m.
    pub variability: f64,
    /// Seconds that a request takes besides, however many there are: the way to
    /// the servers and back.
    pub way: f64,
}

impl Queue {
    /// The rate at which it saturates: m/S.
    pub fn capacity(&self) -> f64 {
        self.servers / self.service
    }

    /// The mean response time at a rate; none at or above its capacity.
    pub fn response(&self, rate: f64) -> Option<f64> {
        let wait = wait_per_variability(self.service, self.servers, rate)?;
        Some(self.way + self.service + self.variability * wait)
    }
}

fn wait_per_variability(service: f64, servers: f64, rate: f64) -> Option<f64> {
    let load = rate * service / servers;
    let exponent = libm::sqrt(2.0 * (servers + 1.0)) - 1.0;
    (0.0..1.0).contains(&load).then(|| service / servers * libm::pow(load, exponent) / (1.0 - load))
}

/// A step that may be fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Requests per second.
    pub rate: f64,
    /// Mean response time, in seconds.
    pub response: f64,
    /// Measured utilisation of the servers, from 0 to 1.
    pub utilisation: f64,
}

/// A queue fitted to steps, and how well it foretells one it was not shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// Fitted to all steps up to 80 % utilisation.
    pub queue: Queue,
    /// How many they were.
    pub steps: usize,
    /// The fastest of them, foretold from the others.
    pub held_out: HeldOut,
}

/// A step, and what a fit without it says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// The step.
    pub step: Step,
    /// What the fit without it expects; none if that is saturated there.
    pub predicted: Option<f64>,
}

impl HeldOut {
    /// By how much the prediction is off, as a share of what was measured.
    pub fn relative_error(&self) -> Option<f64> {
        self.predicted.map(|predicted| predicted / self.step.response - 1.0)
    }
}

/// Why there is no queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoQueue {
    /// Too few steps are below 80 %.
    #[error("{0} steps are below 80 % utilisation: four are needed")]
    TooFewSteps(usize),
    /// A rate or a response time is not positive.
    #[error("rates and response times have to be positive")]
    NotPositive,
}

/// Fits S and v to the steps of at most 80 % utilisation, by least squares of
/// the relative errors: slow steps would otherwise outweigh all others.
pub fn fit(steps: &[Step], servers: f64) -> Result<Fitted, NoQueue> {
    fitted(steps, |steps| best(steps, servers))
}

/// Fits v and the way, where S is known from what a request takes of a
/// processor: most of what a client waits on an idle machine is no service.
pub fn fit_beside(steps: &[Step], servers: f64, service: f64) -> Result<Fitted, NoQueue> {
    if !(0.0 < service && service.is_finite()) {
        return Err(NoQueue::NotPositive);
    }
    fitted(steps, |steps| beside(steps, servers, service))
}

fn fitted(steps: &[Step], best: impl Fn(&[Step]) -> Queue) -> Result<Fitted, NoQueue> {
    let mut used: Vec<Step> =
        steps.iter().copied().filter(|step| step.utilisation <= HIGHEST_UTILISATION).collect();
    used.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    if used.len() < 4 {
        return Err(NoQueue::TooFewSteps(used.len()));
    }
    if !used.iter().all(|step| 0.0 < step.rate && 0.0 < step.response) {
        return Err(NoQueue::NotPositive);
    }
    let (Some(step), others) = (used.last().copied(), &used[..used.len() - 1]) else {
        return Err(NoQueue::TooFewSteps(0));
    };
    let held_out = HeldOut { step, predicted: best(others).response(step.rate) };
    Ok(Fitted { queue: best(&used), steps: used.len(), held_out })
}

/// Least squares of the relative errors in the way and v, neither below zero.
fn beside(steps: &[Step], servers: f64, service: f64) -> Queue {
    let (mut matrix, mut right) = ([[0.0; 2]; 2], [0.0; 2]);
    let waits = steps
        .iter()
        .filter_map(|step| Some((step, wait_per_variability(service, servers, step.rate)?)));
    for (step, wait) in waits {
        let weight = 1.0 / (step.response * step.response);
        accumulate((&mut matrix, &mut right), [1.0, wait], step.response - service, weight);
    }
    let queue = |way: f64, variability: f64| Queue { service, servers, variability, way };
    let alone = |at: usize| {
        let found = right[at] / matrix[at][at];
        if found.is_finite() { found.max(0.0) } else { 0.0 }
    };
    match solve(matrix, right) {
        Some([way, variability]) if 0.0 <= way && 0.0 <= variability => queue(way, variability),
        Some([way, _]) if way < 0.0 => queue(0.0, alone(1)),
        _ => queue(alone(0), 0.0),
    }
}

/// For each S the best v is known, which leaves a search in one dimension: over
/// a grid from none to the longest service that still carries the fastest step,
/// refined about the best.
fn best(steps: &[Step], servers: f64) -> Queue {
    const CELLS: usize = 128;
    let fastest = steps.iter().map(|step| step.rate).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, servers / fastest);
    let mut best =
        (f64::INFINITY, Queue { service: high / 2.0, servers, variability: 0.0, way: 0.0 });
    for _ in 0..8 {
        let cell = (high - low) / real(CELLS);
        for index in 1..CELLS {
            let queue = with_service(low + cell * real(index), servers, steps);
            let squares = squares(&queue, steps);
            if squares < best.0 {
                best = (squares, queue);
            }
        }
        (low, high) = ((best.1.service - cell).max(low), (best.1.service + cell).min(high));
    }
    best.1
}

fn with_service(service: f64, servers: f64, steps: &[Step]) -> Queue {
    let (mut product, mut square) = (0.0, 0.0);
    for step in steps {
        let wait = wait_per_variability(service, servers, step.rate).unwrap_or(f64::INFINITY);
        let relative = wait / step.response;
        product += relative * (step.response - service) / step.response;
        square += relative * relative;
    }
    Queue { service, servers, variability: (product / square).max(0.0), way: 0.0 }
}

fn squares(queue: &Queue, steps: &[Step]) -> f64 {
    let error = |step: &Step| {
        queue.response(step.rate).map_or(f64::INFINITY, |response| response / step.response - 1.0)
    };
    steps.iter().map(|step| error(step) * error(step)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::{random::Random, tests::assert_near};

    #[test]
    fn one_server_is_pollaczek_and_khinchine() {
        let check = |variability, load: f64, expected| {
            let queue = Queue { service: 0.001, servers: 1.0, variability, way: 0.0 };
            assert_near(queue.response(1000.0 * load).unwrap(), expected, 1e-12);
        };
        // M/M/1: S/(1 − ρ). M/D/1: S(2 − ρ)/(2(1 − ρ)).
        check(1.0, 0.5, 0.002);
        check(1.0, 0.9, 0.010);
        check(0.5, 0.5, 0.0015);
        check(1.0, 0.0, 0.001);
        let queue = Queue { service: 0.001, servers: 1.0, variability: 1.0, way: 0.0 };
        assert_eq!((queue.response(1000.0), queue.capacity()), (None, 1000.0));
    }

    #[test]
    fn two_servers_wait_about_as_long_as_erlang_says() {
        // M/M/2: the mean wait is S · ρ²/(1 − ρ²).
        let queue = Queue { service: 1.0, servers: 2.0, variability: 1.0, way: 0.0 };
        for load in [0.5, 0.7, 0.8_f64] {
            let exact = 1.0 + load * load / (1.0 - load * load);
            assert_near(queue.response(2.0 * load).unwrap(), exact, 0.03 * exact);
        }
    }

    fn steps(queue: Queue, noise: f64) -> Vec<Step> {
        let mut random = Random::new(4);
        let step = |index: u32| {
            let utilisation = f64::from(index) / 10.0;
            let rate = queue.capacity() * utilisation;
            let response = queue.response(rate).unwrap() * libm::exp(noise * random.normal());
            Step { rate, response, utilisation }
        };
        (1..10).map(step).collect()
    }

    #[test]
    fn the_queue_that_made_the_steps_is_found() {
        for (servers, variability) in [(1.0, 0.5), (1.0, 1.0), (2.0, 1.5), (8.0, 1.0)] {
            let truth = Queue { service: 0.0004, servers, variability, way: 0.0 };
            let found = fit(&steps(truth, 0.0), servers).unwrap();
            assert_near(found.queue.service, 0.0004, 1e-9);
            assert_near(found.queue.variability, variability, 1e-4);
            assert_near(found.held_out.relative_error().unwrap(), 0.0, 1e-4);
            assert_eq!(found.steps, 8);
        }
    }

    #[test]
    fn noise_moves_it_a_little() {
        let truth = Queue { service: 0.0004, servers: 2.0, variability: 1.0, way: 0.0 };
        let found = fit(&steps(truth, 0.01), 2.0).unwrap();
        assert_near(found.queue.capacity(), truth.capacity(), 0.03 * truth.capacity());
        assert_near(found.held_out.relative_error().unwrap(), 0.0, 0.1);
    }

    #[test]
    fn with_a_known_service_the_way_is_found() {
        for (way, variability) in [(0.0001, 1.0), (0.0, 0.7), (0.0003, 0.0)] {
            let truth = Queue { service: 0.00002, servers: 2.0, variability, way };
            let found = fit_beside(&steps(truth, 0.0), 2.0, 0.00002).unwrap();
            assert_near(found.queue.way, way, 1e-9);
            assert_near(found.queue.variability, variability, 1e-6);
            assert_near(found.held_out.relative_error().unwrap(), 0.0, 1e-6);
        }
        // Neither is below zero: what is faster than its own service has no way.
        let truth = Queue { service: 0.00002, servers: 1.0, variability: 1.0, way: 0.0 };
        let found = fit_beside(&steps(truth, 0.0), 1.0, 0.000_021).unwrap().queue;
        assert!(0.0 <= found.way && 0.0 <= found.variability, "{found:?}");
        assert_eq!(fit_beside(&steps(truth, 0.0), 1.0, f64::NAN), Err(NoQueue::NotPositive));
    }

    #[test]
    fn what_cannot_be_fitted() {
        let truth = Queue { service: 0.0004, servers: 1.0, variability: 1.0, way: 0.0 };
        let mut steps = steps(truth, 0.0);
        assert_eq!(fit(&steps[..3], 1.0), Err(NoQueue::TooFewSteps(3)));
        assert_eq!(fit(&steps[5..], 1.0), Err(NoQueue::TooFewSteps(3)));
        steps[0].response = 0.0;
        assert_eq!(fit(&steps, 1.0), Err(NoQueue::NotPositive));
    }
}
