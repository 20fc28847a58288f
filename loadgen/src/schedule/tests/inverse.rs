//! Λ⁻¹ beside the rate integrated by numbers, and evenly spaced arrivals.

use std::{num::NonZeroU32, time::Duration};

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest},
};

use super::{
    super::{Arrivals, MAX_LENGTH, MAX_RATE, MAX_SEGMENTS, Profile, ProfileError, Rate, Shard},
    Case, rate, secs,
};

/// Every kind of profile, with rates of 0 and pieces of no length among them.
fn cases() -> impl Strategy<Value = Case> {
    let rates = || prop_oneof![1 => Just(0.0), 6 => 0.01..2000.0f64];
    let above_0 = || 0.01..2000.0f64;
    let lengths = || 0.001..60.0f64;
    let or_none = || prop_oneof![1 => Just(0.0), 6 => 0.001..60.0f64];
    prop_oneof![
        (rates(), lengths()).prop_map(|(a, length)| Case::constant(a, length)),
        (vec(rates(), 1..6), lengths()).prop_map(|(rates, hold)| Case::steps(&rates, hold)),
        (rates(), rates(), lengths()).prop_map(|(a, b, length)| Case::linear(a, b, length)),
        (above_0(), above_0(), lengths()).prop_map(|(a, b, length)| Case::geometric(a, b, length)),
        // Rates so close that the ratio alone would lose the difference.
        (above_0(), -1e-12..1e-12f64, lengths()).prop_map(|(a, more, length)| Case::geometric(
            a,
            a * (1.0 + more),
            length
        )),
        (rates(), vec((rates(), or_none()), 0..5), (rates(), lengths())).prop_map(
            |(from, mut stages, last)| {
                stages.push(last);
                Case::stages(from, &stages)
            }
        ),
        (rates(), rates(), or_none(), lengths(), or_none()).prop_map(
            |(base, peak, before, lasting, after)| {
                Case::spike(base, peak, [before, lasting, after])
            }
        ),
    ]
}

proptest! {
    /// At the time at which s arrivals are due, the integral is s.
    #[test]
    fn the_due_time_inverts_the_integral(case in cases(), part in 0.0..1.0f64) {
        let all = case.integrated(case.length());
        let s = part * all;
        if let Some(due) = case.profile.due(s) {
            // Half a nanosecond of rounding and a relative error of both sums.
            let slack = 2000.0 * 1e-9 + all * 1e-9;
            let there = case.integrated(due.as_secs_f64());
            prop_assert!((there - s).abs() <= slack, "{there} is not {s}, at {due:?}");
            prop_assert!(due <= case.profile.length());
        } else {
            prop_assert!(s >= all * (1.0 - 1e-9), "{s} of {all} is never due");
        }
    }

    /// The closed form of the integral is what the rate adds up to.
    #[test]
    fn the_expected_count_is_the_integral(case in cases(), part in 0.0..1.2f64) {
        let t = part * case.length();
        let (expected, summed) = (case.profile.expected(secs(t)), case.integrated(t));
        let slack = 2000.0 * 1e-9 + summed * 1e-9;
        prop_assert!((expected - summed).abs() <= slack, "{expected} is not {summed}");
    }

    /// As many evenly spaced arrivals fall into any window as its integral
    /// says, give or take one; they are in order, and `count` counts them.
    #[test]
    fn a_window_has_as_many_as_its_integral(
        case in cases(),
        (one, other) in (0.0..1.0f64, 0.0..1.0f64),
    ) {
        let dues: Vec<_> =
            Arrivals::Constant.dues(&case.profile, Shard::WHOLE).take(200_000).collect();
        prop_assert!(dues.is_sorted());
        if dues.len() < 200_000 {
            prop_assert_eq!(u64::try_from(dues.len()).unwrap(), case.profile.count());
            let (from, to) = (one.min(other) * case.length(), one.max(other) * case.length());
            let within = dues.iter().filter(|due| (secs(from)..secs(to)).contains(*due)).count();
            let expected = case.integrated(to) - case.integrated(from);
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let off = (within as f64 - expected).abs();
            prop_assert!(off <= 1.001, "{within} arrivals where {expected} are expected");
        }
    }

    /// What is due before some time is counted without going through it.
    #[test]
    fn counting_is_going_through(
        a in 0.1..300.0f64, b in 0.1..300.0f64, of in 1u32..5, t in 0.0..8.0f64, seed in 0u64..4,
    ) {
        let profile = Case::linear(a, b, 7.0).profile;
        let of = NonZeroU32::new(of).unwrap();
        for arrivals in [Arrivals::Constant, Arrivals::Poisson { seed }] {
            for k in 0..of.get() {
                let shard = Shard::new(k, of).unwrap();
                let passed = arrivals.dues(&profile, shard).filter(|due| *due < secs(t)).count();
                let counted = arrivals.count_before(&profile, shard, secs(t));
                prop_assert_eq!(counted, u64::try_from(passed).unwrap());
            }
        }
    }

    /// Each arrival is in one shard, and the shards' arrivals are all of them.
    #[test]
    fn shards_part_the_arrivals(a in 0.1..300.0f64, b in 0.1..300.0f64, of in 1u32..9) {
        let profile = Case::linear(a, b, 7.0).profile;
        let of = NonZeroU32::new(of).unwrap();
        let mut all: Vec<Duration> = (0..of.get())
            .flat_map(|k| Arrivals::Constant.dues(&profile, Shard::new(k, of).unwrap()))
            .collect();
        // The same when each machine has threads.
        let three = NonZeroU32::new(3).unwrap();
        let parts = |k| (0..3).map(move |part| Shard::new(k, of).unwrap().part(part, three));
        let mut by_thread: Vec<Duration> = (0..of.get())
            .flat_map(parts)
            .flat_map(|part| Arrivals::Constant.dues(&profile, part.unwrap()))
            .collect();
        by_thread.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(&by_thread, &all);
        let whole: Vec<_> = Arrivals::Constant.dues(&profile, Shard::WHOLE).collect();
        prop_assert_eq!(all, whole);
    }
}

#[track_caller]
fn check(case: &Case, dues: &[f64]) {
    let found: Vec<_> =
        Arrivals::Constant.dues(&case.profile, Shard::WHOLE).take(dues.len() + 1).collect();
    assert_eq!(found, dues.iter().copied().map(secs).collect::<Vec<_>>());
}

#[test]
fn evenly_spaced() {
    check(&Case::constant(2.0, 2.0), &[0.0, 0.5, 1.0, 1.5]);
    // Less than one a second; the last of them would be due at the end.
    check(&Case::constant(0.5, 4.0), &[0.0, 2.0]);
    // 0.1 × 70 is more than 7 in binary; it is 7 arrivals all the same.
    check(&Case::constant(0.1, 70.0), &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
    check(&Case::constant(0.0, 60.0), &[]);
    // A step takes on what the one before left over: Λ is 1½ after 3 s.
    check(&Case::steps(&[0.5, 1.0], 3.0), &[0.0, 2.0, 3.5, 4.5, 5.5]);
    // What falls due where a pause begins waits for its end.
    check(&Case::steps(&[1.0, 0.0, 1.0], 2.0), &[0.0, 1.0, 4.0, 5.0]);
    check(&Case::steps(&[0.0, 1.0], 2.0), &[2.0, 3.0]);
    // Λ = t² / 2.
    check(
        &Case::linear(0.0, 4.0, 4.0),
        &(0..8).map(|n| f64::from(2 * n).sqrt()).collect::<Vec<_>>(),
    );
    // Λ = (2^t − 1) / ln 2 reaches 1 at log₂(1 + ln 2), and so on.
    let at = |n: f64| (1.0 + n * 2f64.ln()).log2();
    check(&Case::geometric(1.0, 8.0, 3.0), &(0..11).map(f64::from).map(at).collect::<Vec<_>>());
    // A stage of no length is a jump.
    check(&Case::stages(1.0, &[(1.0, 2.0), (4.0, 0.0), (4.0, 0.5)]), &[0.0, 1.0, 2.0, 2.25]);
    check(&Case::spike(1.0, 4.0, [2.0, 0.5, 2.0]), &[0.0, 1.0, 2.0, 2.25, 2.5, 3.5]);
}

#[test]
fn the_highest_rate_is_that_of_the_steepest_moment() {
    for (case, highest) in [
        (Case::constant(3.0, 1.0), 3.0),
        (Case::steps(&[1.0, 5.0, 2.0], 1.0), 5.0),
        (Case::linear(7.0, 2.0, 1.0), 7.0),
        (Case::geometric(2.0, 9.0, 1.0), 9.0),
        (Case::spike(1.0, 4.0, [1.0; 3]), 4.0),
    ] {
        assert_eq!(case.profile.highest_rate(), rate(highest));
    }
}

/// No error adds up: after a day at a thousand a second the due times are exact.
#[test]
fn the_last_of_many_is_exact() {
    let profile = Profile::constant(rate(1000.0), Duration::from_hours(24)).unwrap();
    assert_eq!(profile.count(), 86_400_000);
    assert_eq!(profile.due(86_399_999.0), Some(Duration::from_millis(86_399_999)));
    assert_eq!(profile.due(86_400_000.0), None);
}

#[test]
fn a_rate_is_a_number_within_bounds() {
    for wrong in [-1.0, f64::NAN, f64::INFINITY, MAX_RATE * 1.001] {
        assert!(Rate::new(wrong).is_err(), "{wrong}");
    }
    assert!(Rate::new(MAX_RATE).is_ok());
    assert_eq!(
        Rate::new(-1.0).unwrap_err().to_string(),
        "-1 requests per second: a rate is a number from 0 to 100000000"
    );
}

#[test]
fn what_is_no_profile() {
    let (one, second) = (rate(1.0), Duration::from_secs(1));
    let long = MAX_LENGTH + Duration::from_nanos(1);
    assert_eq!(Profile::constant(one, Duration::ZERO), Err(ProfileError::Empty));
    assert_eq!(Profile::steps([], second), Err(ProfileError::Empty));
    assert_eq!(Profile::constant(one, long), Err(ProfileError::TooLong));
    assert_eq!(Profile::steps([one, one], Duration::MAX), Err(ProfileError::TooLong));
    let many = std::iter::repeat_n(one, MAX_SEGMENTS + 1);
    assert_eq!(Profile::steps(many, second), Err(ProfileError::TooManySegments));
    assert_eq!(Profile::geometric(Rate::ZERO, one, second), Err(ProfileError::GeometricZero));
    assert_eq!(Profile::geometric(one, Rate::ZERO, second), Err(ProfileError::GeometricZero));
}

#[test]
fn a_shard_is_one_of_those_there_are() {
    let two = NonZeroU32::new(2).unwrap();
    assert!(Shard::new(1, two).is_ok());
    let none = Shard::new(2, two).unwrap_err();
    assert_eq!(none.to_string(), "there is no shard 2 of 2: they are counted from 0");
}
