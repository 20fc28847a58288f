//! Queues whose mean wait is known.
//!
//! With Poisson arrivals at rate λ and one server whose work S has the mean
//! 1/μ, the mean wait before a request is worked on is
//!
//! > W = λ E\[S²\] / (2 (1 − ρ)), with ρ = λ/μ
//!
//! (Pollaczek and Khinchine; Kleinrock, *Queueing Systems* I, 1975, §5.6):
//! ρ / (μ (1 − ρ)) if the work is exponential (M/M/1), and half of that if it
//! is always the same (M/D/1). Arrivals that depend on the answers, as those of
//! a closed model do, have no such wait.
//!
//! Waits that follow each other are alike, so their mean is judged by the means
//! of long batches, which hardly depend on each other, and Student's t (Law,
//! *Simulation Modeling and Analysis*, 5th ed., §9.5.3).

use std::{num::NonZeroU32, time::Duration};

use loadgen::{
    record::{Clock, Record, Tag},
    schedule::{Arrivals, Load},
};

use super::{
    server::{Freeze, Server, Work},
    world::{Request, Simulated, World, open},
};

/// 1/μ.
const WORK: Duration = Duration::from_millis(1);
const BATCHES: usize = 30;
/// The 0.995-quantile of Student's t with 29 degrees of freedom: of a hundred
/// intervals this wide one leaves the mean out.
const T: f64 = 2.756;
/// As many requests are expected.
const REQUESTS: f64 = 150_000.0;

#[derive(Debug, Clone, Copy)]
enum Spread {
    Exponential,
    None,
}

impl Spread {
    fn server(self) -> Server {
        let work = match self {
            Self::Exponential => Work::exponential(WORK, 7),
            Self::None => Work::Fixed(WORK),
        };
        Server::new(1, work, Freeze::NEVER)
    }

    /// W, in seconds.
    fn mean_wait(self, utilisation: f64) -> f64 {
        let square = match self {
            Self::Exponential => 2.0,
            Self::None => 1.0,
        };
        square * utilisation / (1.0 - utilisation) / 2.0 * WORK.as_secs_f64()
    }
}

/// A load that keeps the server busy for this part of the time.
fn load(utilisation: f64, arrivals: Arrivals) -> Load {
    let rate = utilisation / WORK.as_secs_f64();
    open(rate, Duration::from_secs_f64(REQUESTS / rate), arrivals)
}

fn poisson(utilisation: f64) -> Load {
    load(utilisation, Arrivals::Poisson { seed: 1 })
}

/// A mean and how far it may be off.
#[derive(Debug, Clone, Copy)]
struct Interval {
    mean: f64,
    half: f64,
}

impl Interval {
    /// Of `times`, the first tenth of which is not in a steady state yet.
    fn of(times: &[f64]) -> Self {
        let steady = &times[times.len() / 10..];
        let batches: Vec<_> =
            steady.chunks_exact(steady.len() / BATCHES).take(BATCHES).map(mean).collect();
        let of_all = mean(&batches);
        let squares: Vec<_> = batches.iter().map(|batch| (batch - of_all).powi(2)).collect();
        let count = f64::from(u32::try_from(batches.len()).unwrap());
        // The variance of the mean: the batches' own, which divides by one
        // less than their number, divided by their number.
        let variance = mean(&squares) / (count - 1.0);
        Self { mean: of_all, half: T * variance.sqrt() }
    }

    fn has(self, value: f64) -> bool {
        (self.mean - value).abs() <= self.half
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
}

/// What each request waited beside the work, by this account of how long it
/// took.
fn waits(requests: &[Request], took: impl Fn(&Request) -> Duration) -> Vec<f64> {
    let wait = |request: &Request| took(request).as_secs_f64() - request.work.as_secs_f64();
    requests.iter().map(wait).collect()
}

/// The histogram knows the mean to its three digits.
#[track_caller]
fn check_record(record: &Record, requests: &[Request]) {
    let responses: Vec<_> =
        requests.iter().map(|request| request.response().as_secs_f64()).collect();
    let (exact, recorded) =
        (mean(&responses), record.times(Tag::all(Clock::Response)).unwrap().mean());
    assert!((recorded.as_secs_f64() / exact - 1.0).abs() < 1e-3, "{recorded:?} for {exact} s");
}

/// It makes no difference to a user where a request waits: in the server's
/// queue, or for the only connection.
#[track_caller]
fn check(utilisation: f64, spread: Spread) {
    let expected = spread.mean_wait(utilisation);
    let [queued, held_back] = [2000, 1].map(|connections| {
        let world = World::new(poisson(utilisation), connections, spread.server());
        let Simulated { record, requests, .. } = world.run();
        check_record(&record, &requests);
        waits(&requests, Request::response)
    });
    assert_eq!(queued, held_back);
    let interval = Interval::of(&queued);
    assert!(interval.has(expected), "{expected} s is not in {interval:?}");
    // An interval that has everything in it would show nothing.
    assert!(interval.half < 0.1 * expected, "{interval:?}");
}

#[test]
fn the_mean_wait_is_that_of_pollaczek_and_khinchine() {
    for utilisation in [0.5, 0.8] {
        check(utilisation, Spread::Exponential);
        check(utilisation, Spread::None);
    }
}

/// What is not an open model with Poisson arrivals, or not measured from when
/// a request was due, is not in the interval: the check above tells it apart.
#[track_caller]
fn check_contrast(load: Load, connections: usize, took: impl Fn(&Request) -> Duration) -> f64 {
    let Simulated { requests, .. } =
        World::new(load, connections, Spread::Exponential.server()).run();
    let interval = Interval::of(&waits(&requests, took));
    let expected = Spread::Exponential.mean_wait(0.8);
    assert!(!interval.has(expected), "{expected} s is in {interval:?}");
    interval.mean
}

#[test]
fn other_models_and_other_clocks_have_other_waits() {
    let closed = |users| Load::Closed {
        users: NonZeroU32::new(users).unwrap(),
        duration: Duration::from_secs(100),
    };
    // One user never waits for another, and four never for more than three.
    assert!(check_contrast(closed(1), 1, Request::response) < 1e-9);
    assert!(check_contrast(closed(4), 4, Request::response) < 3.5 * WORK.as_secs_f64());
    // From when they are sent, requests over one connection wait for nothing.
    assert!(check_contrast(poisson(0.8), 1, Request::service) < 1e-9);
    // Who comes evenly spaced meets about half of the queue.
    let even = check_contrast(load(0.8, Arrivals::Constant), 2000, Request::response);
    assert!((0.3..0.7).contains(&(even / Spread::Exponential.mean_wait(0.8))), "{even} s");
}
