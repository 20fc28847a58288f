use super::*;
use crate::capacity::analysis::tests::assert_near;

/// Steps of a queue with one server of a millisecond per request, whose waiting
/// time is `waiting` · ρ/(1 − ρ) services.
fn queue(loads: &[f64], waiting: f64) -> Vec<Point> {
    let step = |load: &f64| {
        let response = 0.001 * (1.0 + waiting * load / (1.0 - load));
        Point { throughput: 1000.0 * load, response, percentile: 4.605 * response }
    };
    loads.iter().map(step).collect()
}

#[test]
fn power_is_highest_at_half_load_of_an_mm1_queue() {
    #[track_caller]
    fn check(loads: &[f64], expected: Option<f64>) {
        match (Knees::of(&queue(loads, 1.0)).power, expected) {
            (Some(found), Some(expected)) => assert_near(found, expected, 1e-9),
            (found, expected) => assert_eq!(found, expected),
        }
    }
    // Wherever the steps are, and however far they reach.
    check(&[0.1, 0.3, 0.5, 0.7, 0.9], Some(500.0));
    check(&[0.1, 0.2, 0.4, 0.8, 0.95], Some(500.0));
    check(&[0.2, 0.45, 0.61], Some(500.0));
    // It was not measured.
    check(&[0.1, 0.2, 0.3], None);
    check(&[0.6, 0.7, 0.8], None);
    check(&[], None);
    // Nor was anything without answers.
    check(&[0.0, 0.3, 0.5, 0.7, 0.9], Some(500.0));
}

#[test]
fn power_of_other_queues() {
    let loads: Vec<f64> = (1..20).map(|step| f64::from(step) / 20.0).collect();
    let check = |variability: f64, expected: f64| {
        assert_near(knee_of_mg1(variability), expected, 1e-12);
        let waiting = f64::midpoint(1.0, variability);
        let found = Knees::of(&queue(&loads, waiting)).power.unwrap();
        assert_near(found, 1000.0 * expected, 3.0);
    };
    check(1.0, 0.5);
    check(0.0, 2.0 - std::f64::consts::SQRT_2);
    check(7.0, 1.0 / 3.0);
}

#[test]
fn throughput_that_falls_again_does_not_confuse_power() {
    let point = |throughput, response| Point { throughput, response, percentile: response };
    let steps = [point(100.0, 1.0), point(200.0, 1.1), point(190.0, 3.0), point(150.0, 9.0)];
    assert_eq!(Knees::of(&steps).power, Some(200.0));
}

#[test]
fn the_bend_of_a_broken_line_is_found() {
    #[track_caller]
    fn check(bend: f64, slopes: (f64, f64), expected: Option<f64>) {
        let step = |index: i32| {
            let throughput = 100.0 * f64::from(index);
            let log = slopes.0 * throughput + (slopes.1 - slopes.0) * (throughput - bend).max(0.0);
            let percentile = libm::exp(log - 6.0);
            Point { throughput, response: percentile, percentile }
        };
        let steps: Vec<Point> = (1..=12).map(step).collect();
        match (Knees::of(&steps).broken_stick, expected) {
            (Some(found), Some(expected)) => assert_near(found, expected, 1e-3),
            (found, expected) => assert_eq!(found, expected),
        }
    }
    check(700.0, (0.0001, 0.005), Some(700.0));
    check(643.0, (0.001, 0.01), Some(643.0));
    check(700.0, (0.005, 0.001), None);
    check(700.0, (0.001, 0.001), None);
}

#[test]
fn kneedle_is_furthest_below_the_chord() {
    let step = |index: i32| {
        let throughput = f64::from(index);
        let percentile = 1.0 + throughput * throughput;
        Point { throughput, response: percentile, percentile }
    };
    // x/10 − (x² − 1)/99 is highest at 99/20.
    let mut steps: Vec<Point> = (1..=10).map(step).collect();
    assert_near(Knees::of(&steps).kneedle.unwrap(), 4.95, 1e-9);
    // Steps left out at the light end do not move it, as the domain is fixed.
    steps.drain(1..4);
    assert_near(Knees::of(&steps).kneedle.unwrap(), 4.95, 1e-9);
    assert_eq!(Knees::of(&steps[..1]).kneedle, None);
}

#[test]
fn knees_agree_within_15_percent() {
    let check = |power, broken_stick, kneedle, expected: bool| {
        assert_eq!(Knees { power, broken_stick, kneedle }.agree(), expected);
    };
    check(Some(100.0), Some(110.0), Some(114.0), true);
    check(Some(100.0), Some(110.0), Some(116.0), false);
    check(Some(100.0), None, Some(90.0), true);
    check(None, None, None, true);
}
