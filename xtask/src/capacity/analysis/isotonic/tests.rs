use super::*;
use crate::capacity::analysis::tests::assert_near;

#[test]
fn violators_are_pooled() {
    #[track_caller]
    fn check(values: &[f64], weights: &[f64], expected: &[f64]) {
        assert_eq!(pool_adjacent_violators(values, weights), expected, "{values:?}");
    }
    check(&[1.0, 2.0, 3.0], &[], &[1.0, 2.0, 3.0]);
    check(&[1.0, 3.0, 2.0, 4.0], &[], &[1.0, 2.5, 2.5, 4.0]);
    check(&[3.0, 2.0, 1.0], &[], &[2.0, 2.0, 2.0]);
    check(&[1.0, 4.0, 2.0], &[1.0, 1.0, 3.0], &[1.0, 2.5, 2.5]);
    // A late one pulls down pools that were done.
    check(&[2.0, 3.0, 3.0, 0.0], &[], &[2.0, 2.0, 2.0, 2.0]);
    check(&[], &[], &[]);
}

#[test]
fn the_crossing_is_between_two_rates() {
    let rates = [100.0, 1_000.0, 10_000.0];
    let check = |limit, expected| {
        assert_eq!(crossing(&rates, &[0.001, 0.01, 0.1], limit), Some(expected), "{limit}");
    };
    check(0.0001, Crossing::Below(100.0));
    check(0.1, Crossing::Above(10_000.0));
    assert_eq!(crossing(&[], &[], 1.0), None);
    // Latency = rate / 10⁵ is a straight line in logarithms.
    let at = crossing(&rates, &[0.001, 0.01, 0.1], 0.02).unwrap();
    assert_near(at.rate(), 2_000.0, 1e-9);
}

#[test]
fn what_passed_above_a_failure_passed_by_luck() {
    #[track_caller]
    fn check(passed: &[(f64, u32)], expected: (Option<f64>, Option<f64>)) {
        let tried: Vec<Tried> =
            passed.iter().map(|&(rate, passed)| Tried { rate, passed, trials: 3 }).collect();
        let found = bracket(&tried);
        assert_eq!((found.passed, found.failed), expected);
    }
    check(&[(1.0, 3), (2.0, 2), (3.0, 1)], (Some(2.0), Some(3.0)));
    check(&[(3.0, 3), (1.0, 3), (2.0, 1)], (Some(1.0), Some(2.0)));
    check(&[(1.0, 3)], (Some(1.0), None));
    check(&[(1.0, 0)], (None, Some(1.0)));
    check(&[], (None, None));
}

const RATES: [f64; 4] = [1_000.0, 2_000.0, 4_000.0, 8_000.0];
const PLAN: Plan = Plan { draws: 400, seed: 5 };

/// A server whose latency is rate² / 10⁹ seconds, times a factor of its own:
/// it crosses 10 ms at √(10⁷ / factor).
fn trials(factors: &[f64]) -> Vec<Vec<f64>> {
    factors.iter().map(|factor| RATES.map(|rate| factor * rate * rate / 1e9).to_vec()).collect()
}

#[test]
fn the_capacity_is_where_the_trials_together_cross() {
    let found = capacity(&RATES, &trials(&[0.8, 1.0, 1.25]), 0.01, PLAN).unwrap();
    assert_near(found.crossing.rate(), libm::sqrt(1e7), 1e-6);
    // By hand: the logarithms of the crossings have s = ln 1.25 / 2 = 0.11157,
    // so the factor is e^(4.30265 · s / √3) = 1.31938.
    assert_near(found.interval.low, libm::sqrt(1e7) / 1.319_38, 0.05);
    assert_near(found.interval.high, libm::sqrt(1e7) * 1.319_38, 0.05);
    let drawn = Interval::central(&found.draws).unwrap();
    assert_near(drawn.low, found.interval.low, 1.0);
    assert_near(drawn.high, found.interval.high, 1.0);
}

#[test]
fn trials_that_agree_leave_no_doubt() {
    let found = capacity(&RATES, &trials(&[1.0; 3]), 0.01, PLAN).unwrap();
    assert_near(found.interval.width(), 0.0, 1e-6);
    assert_eq!(found.beyond, 0);
}

#[test]
fn trials_that_do_not_cross_are_counted() {
    // 8,000 per second take 6.4 ms at a tenth of the usual.
    let found = capacity(&RATES, &trials(&[0.1, 1.0, 1.0]), 0.01, PLAN).unwrap();
    assert_eq!(found.beyond, 1);
}

#[test]
fn what_is_missing_is_said() {
    let check = |rates: &[f64], trials: &[Vec<f64>], expected| {
        assert_eq!(capacity(rates, trials, 0.01, PLAN), Err(expected));
    };
    check(&RATES, &trials(&[1.0; 2]), NoCapacity::TooFewTrials(2));
    check(&[], &trials(&[1.0; 3]), NoCapacity::NotAscending);
    check(&[2.0, 1.0], &trials(&[1.0; 3]), NoCapacity::NotAscending);
    check(&RATES[..3], &trials(&[1.0; 3]), NoCapacity::Incomplete(0));
}
