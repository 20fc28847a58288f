//! Poisson arrivals: after rescaling by Λ, gaps are exponential of mean 1.

use std::{num::NonZeroU32, time::Duration};

use super::{
    super::{Arrivals, Dues, Profile, Shard},
    Case, secs,
};

/// The statistic A² exceeds this by chance in 1 of 100 samples, where nothing
/// was estimated from them (Anderson and Darling, "A test of goodness of fit",
/// JASA 49, 1954; the asymptotic value serves from a handful of values on).
const CRITICAL: f64 = 3.857;

/// A² of numbers that should be uniform on (0, 1).
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn anderson_darling(mut uniform: Vec<f64>) -> f64 {
    // Rounding to nanoseconds makes a gap of 0 now and then.
    for u in &mut uniform {
        *u = u.clamp(1e-12, 1.0 - 1e-12);
    }
    uniform.sort_unstable_by(f64::total_cmp);
    let n = uniform.len() as f64;
    let sum: f64 = uniform
        .iter()
        .zip(uniform.iter().rev())
        .enumerate()
        .map(|(i, (low, high))| (2 * i + 1) as f64 * (low.ln() + (-high).ln_1p()))
        .sum();
    -n - sum / n
}

/// The gaps of `dues` in units of expected arrivals, at the n-th of the rate
/// that a shard of `of` has, each as its quantile of the exponential law.
fn gaps(dues: Dues, case: &Case, of: f64) -> Vec<f64> {
    let mut before = 0.0;
    dues.map(|due| {
        let now = case.integrated(due.as_secs_f64()) / of;
        let gap = now - std::mem::replace(&mut before, now);
        -(-gap).exp_m1()
    })
    .collect()
}

#[track_caller]
fn check(case: &Case, seed: u64) {
    let gaps = gaps(Arrivals::Poisson { seed }.dues(&case.profile, Shard::WHOLE), case, 1.0);
    assert!(gaps.len() > 500, "{} gaps say little", gaps.len());
    let found = anderson_darling(gaps);
    assert!(found < CRITICAL, "A² is {found}");
}

#[test]
fn rescaled_gaps_are_exponential() {
    check(&Case::constant(100.0, 20.0), 1);
    check(&Case::constant(0.1, 20_000.0), 2);
    check(&Case::steps(&[20.0, 300.0, 0.0, 50.0], 5.0), 3);
    check(&Case::linear(0.0, 200.0, 20.0), 4);
    check(&Case::linear(200.0, 0.0, 20.0), 5);
    check(&Case::geometric(1.0, 1000.0, 15.0), 6);
    check(&Case::stages(0.0, &[(100.0, 10.0), (500.0, 0.0), (10.0, 5.0)]), 7);
    check(&Case::spike(50.0, 1000.0, [10.0, 1.0, 10.0]), 8);
}

/// The test tells what is not Poisson: even gaps, and a ramp taken for constant.
#[test]
fn other_gaps_are_found_out() {
    let ramp = Case::linear(0.0, 200.0, 20.0);
    let even = gaps(Arrivals::Constant.dues(&ramp.profile, Shard::WHOLE), &ramp, 1.0);
    assert!(anderson_darling(even) > 10.0 * CRITICAL);
    let poisson = Arrivals::Poisson { seed: 4 }.dues(&ramp.profile, Shard::WHOLE);
    let taken_for_constant = gaps(poisson, &Case::constant(100.0, 20.0), 1.0);
    let found = anderson_darling(taken_for_constant);
    assert!(found > 4.0 * CRITICAL, "A² is {found}");
}

/// Each shard is a process at its part of the rate, they differ, and together
/// they are a process at the whole rate.
#[test]
fn shards_are_processes_of_their_own() {
    let case = Case::linear(50.0, 400.0, 10.0);
    let of = NonZeroU32::new(3).unwrap();
    let shard = |k| Arrivals::Poisson { seed: 9 }.dues(&case.profile, Shard::new(k, of).unwrap());
    for k in 0..3 {
        let found = anderson_darling(gaps(shard(k), &case, 3.0));
        assert!(found < CRITICAL, "A² of shard {k} is {found}");
    }
    let mut all: Vec<Duration> = (0..3).flat_map(shard).collect();
    let sent = all.len();
    all.sort_unstable();
    all.dedup();
    // Two of some thousand may share their nanosecond, but not a whole stream.
    assert!(sent - all.len() < 3, "{} arrivals are in two shards", sent - all.len());
    let mut before = 0.0;
    let together = all.iter().map(|due| {
        let now = case.integrated(due.as_secs_f64());
        let gap = now - std::mem::replace(&mut before, now);
        -(-gap).exp_m1()
    });
    let found = anderson_darling(together.collect());
    assert!(found < CRITICAL, "A² of all shards is {found}");
}

#[test]
fn the_seed_decides() {
    let profile: Profile = Case::constant(10.0, 10.0).profile;
    let dues =
        |seed| -> Vec<_> { Arrivals::Poisson { seed }.dues(&profile, Shard::WHOLE).collect() };
    assert_eq!(dues(1), dues(1));
    assert_ne!(dues(1), dues(2));
    assert!(dues(1).is_sorted());
    assert!(dues(1).iter().all(|due| *due < secs(10.0)));
}

/// The times of a seed are part of what makes a run repeatable: they change
/// with no version of a dependency and on no machine.
#[test]
fn the_times_of_a_seed_stay() {
    let profile = Case::constant(1.0, 10.0).profile;
    let dues: Vec<_> = Arrivals::Poisson { seed: 1 }
        .dues(&profile, Shard::WHOLE)
        .take(3)
        .map(|due| due.as_nanos())
        .collect();
    assert_eq!(dues, [910_095_801, 3_431_039_550, 3_947_614_702]);
}

/// What has ended stays ended.
#[test]
fn the_end_is_the_end() {
    let profile = Case::constant(1.0, 10.0).profile;
    let mut dues = Arrivals::Poisson { seed: 1 }.dues(&profile, Shard::WHOLE);
    while dues.next().is_some() {}
    assert!((0..1000).all(|_| dues.next().is_none()));
}
