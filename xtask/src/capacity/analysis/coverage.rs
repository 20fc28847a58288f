//! Whether the intervals hold what they promise: 95 % of them should have the
//! truth in them, which can be counted where the truth is known.
//!
//! The generator: a trial has a level of its own, normal in logarithms; on top
//! of it each second has a level, which remembers the second before (AR(1));
//! on top of that each request has a lognormal service time. Their sum is
//! normal again, so every percentile of all requests of all trials is known.

use super::{
    Interval,
    bootstrap::{Latencies, Plan, percentile},
    isotonic::capacity,
    mean,
    random::Random,
    tests::assert_near,
};

const RUNS: u64 = 1000;
const SECONDS: usize = 30;
const REQUESTS: usize = 100;

/// Standard deviations of the logarithms between trials, between seconds of a
/// trial, and between requests of a second.
const BETWEEN_TRIALS: f64 = 0.08;
const BETWEEN_SECONDS: f64 = 0.08;
const BETWEEN_REQUESTS: f64 = 0.5;
/// Correlation of one second's level with the next.
const MEMORY: f64 = 0.6;

/// Percentiles, each with the same quantile of the standard normal distribution.
const PERCENTILES: [(f64, f64); 2] =
    [(0.95, 1.644_853_626_951_472_2), (0.99, 2.326_347_874_040_840_8)];

/// The share of runs whose interval has the truth in it.
fn coverage(truth: f64, interval: impl Fn(&mut Random) -> Interval) -> f64 {
    let holds = |seed: &u64| interval(&mut Random::new(1_000_000 + seed)).contains(truth);
    let held = u32::try_from((0..RUNS).filter(holds).count()).unwrap();
    f64::from(held) / 1000.0
}

/// Levels of a trial's seconds, in logarithms.
fn levels(random: &mut Random) -> Vec<f64> {
    let level = BETWEEN_TRIALS * random.normal();
    let mut state = random.normal();
    let innovation = libm::sqrt(1.0 - MEMORY * MEMORY);
    (0..SECONDS)
        .map(|_| {
            state = MEMORY * state + innovation * random.normal();
            level + BETWEEN_SECONDS * state
        })
        .collect()
}

/// A second's requests around 1 ms, in nanoseconds.
fn second(level: f64, random: &mut Random) -> Vec<(u64, u64)> {
    (0..REQUESTS)
        .map(|_| {
            // As coarse as a histogram of two and a half digits.
            let log = level + BETWEEN_REQUESTS * random.normal();
            let coarse = libm::round(log * 200.0) / 200.0;
            (u64::try_from(super::whole(libm::exp(coarse) * 1e6)).unwrap(), 1)
        })
        .collect()
}

fn trial(random: &mut Random) -> Vec<Vec<(u64, u64)>> {
    levels(random).into_iter().map(|level| second(level, random)).collect()
}

/// Coverage of the plain bootstrap, of t over trials, and of both together.
fn of_percentile(trials: usize, (q, normal): (f64, f64)) -> [f64; 3] {
    let variance = BETWEEN_TRIALS * BETWEEN_TRIALS
        + BETWEEN_SECONDS * BETWEEN_SECONDS
        + BETWEEN_REQUESTS * BETWEEN_REQUESTS;
    let truth = 0.001 * libm::exp(normal * libm::sqrt(variance));
    let mut held = [0_u32; 3];
    for seed in 0..RUNS {
        let mut random = Random::new(seed);
        let measured: Vec<_> = (0..trials).map(|_| trial(&mut random)).collect();
        let plan = Plan { draws: 200, seed };
        let found = percentile(&Latencies::from_counts(&measured), q, plan).unwrap();
        for (held, interval) in
            held.iter_mut().zip([found.bootstrap, found.across_trials, found.interval()])
        {
            *held += u32::from(interval.contains(truth));
        }
    }
    held.map(|held| f64::from(held) / 1000.0)
}

/// Fails unless the interval covers 93 to 97 %.
#[track_caller]
fn check(covered: f64) {
    assert_near(covered, 0.95, 0.02);
}

/// The plain bootstrap covers at most a share of `plain`: drawing from few
/// trials promises too much, hence the wider interval.
#[track_caller]
fn check_percentiles(trials: usize, plain: f64) {
    for percentile in PERCENTILES {
        let [bootstrap, across_trials, both] = of_percentile(trials, percentile);
        let (q, _) = percentile;
        println!("{q} of {trials} trials: {bootstrap}, t {across_trials}, both {both}");
        assert!(bootstrap < plain, "{bootstrap}");
        check(both);
    }
}

#[test]
fn percentiles_of_three_trials() {
    check_percentiles(3, 0.85);
}

#[test]
fn percentiles_of_five_trials() {
    check_percentiles(5, 0.90);
}

#[test]
fn the_mean_of_a_series() {
    for (phi, length) in [(0.0, 60), (0.3, 120), (0.5, 300), (0.6, 600)] {
        let covered = coverage(10.0, |random| {
            let mut state = random.normal();
            let series: Vec<f64> = (0..length)
                .map(|_| {
                    state = phi * state + libm::sqrt(1.0 - phi * phi) * random.normal();
                    10.0 + state
                })
                .collect();
            mean::of_series(&series).unwrap().interval
        });
        println!("mean of {length} seconds, correlation {phi}: {covered}");
        check(covered);
    }
}

#[test]
fn the_mean_over_trials() {
    for trials in [3, 5] {
        let covered = coverage(100.0, |random| {
            let values: Vec<f64> = (0..trials).map(|_| 100.0 + 3.0 * random.normal()).collect();
            mean::across_trials(&values).unwrap().interval
        });
        println!("mean over {trials} trials: {covered}");
        check(covered);
    }
}

#[test]
fn the_rate_that_meets_a_target() {
    let rates = [1000.0, 1400.0, 2000.0, 2800.0, 4000.0, 5600.0, 8000.0];
    // p99 = (rate / 1000)² ms, which crosses 10 ms at 1000 · √10.
    for trials in [3, 5] {
        let covered = coverage(1000.0 * libm::sqrt(10.0), |random| {
            let measured: Vec<Vec<f64>> = (0..trials)
                .map(|_| {
                    let level = 0.1 * random.normal();
                    let at = |rate: f64| {
                        let exact = 0.001 * (rate / 1000.0) * (rate / 1000.0);
                        exact * libm::exp(level + 0.05 * random.normal())
                    };
                    rates.map(at).to_vec()
                })
                .collect();
            let plan = Plan { draws: 200, seed: 1 };
            capacity(&rates, &measured, 0.01, plan).unwrap().interval
        });
        println!("rate that meets a target, {trials} trials: {covered}");
        check(covered);
    }
}
