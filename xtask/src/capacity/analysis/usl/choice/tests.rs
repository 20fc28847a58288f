use super::*;
use crate::capacity::analysis::{random::Random, tests::assert_near};

fn measurements(points: &[(f64, f64)]) -> Vec<Measurement> {
    points.iter().map(|&(load, throughput)| Measurement::new(load, throughput)).collect()
}

/// The data of the `usl` package for R, and what its tests expect.
const SYNTHETIC: [(f64, f64); 6] =
    [(1.0, 1.0), (2.0, 1.8868), (4.0, 3.0769), (6.0, 3.5294), (8.0, 3.5398), (10.0, 3.3557)];
const SPECSDM91: [(f64, f64); 7] = [
    (1.0, 64.9),
    (18.0, 995.9),
    (36.0, 1652.4),
    (72.0, 1853.2),
    (108.0, 1828.9),
    (144.0, 1775.0),
    (216.0, 1702.2),
];
const RAYTRACER: [(f64, f64); 6] =
    [(1.0, 20.0), (4.0, 78.0), (8.0, 130.0), (12.0, 170.0), (16.0, 190.0), (20.0, 200.0)];

/// Compares to the printed digits of λ, σ and κ.
#[track_caller]
fn check(points: &[(f64, f64)], expected: [(f64, f64); 3]) -> Fit {
    let fit = Fit::of(&measurements(points), Shape::Usl).unwrap();
    let found = [fit.law.lambda, fit.law.sigma, fit.law.kappa];
    for (found, (expected, precision)) in found.into_iter().zip(expected) {
        assert_near(found, expected, precision / 2.0);
    }
    fit
}

#[test]
fn agrees_with_r_on_synthetic_data() {
    check(&SYNTHETIC, [(1.00, 0.01), (0.02, 0.001), (0.02, 0.001)]);
}

#[test]
fn agrees_with_r_on_specsdm91() {
    let fit = check(&SPECSDM91, [(89.995, 0.001), (0.027_73, 1e-5), (1.0437e-4, 1e-8)]);
    assert_near(fit.law.peak().unwrap().load, 96.519_56, 5e-6);
    assert_near(fit.law.optimum().unwrap(), 36.064_01, 5e-6);
    assert_near(fit.residual_standard_error, 82.8, 0.05);
    // The package gives these one-sided; computed with `SciPy` 1.17.1.
    assert_near(fit.kappa.unwrap().interval.low, 4.918_288_5e-5, 1e-11);
    assert_near(fit.kappa.unwrap().interval.high, 1.595_480_84e-4, 1e-11);
}

#[test]
fn agrees_with_r_on_raytracer_but_for_the_interval() {
    let fit = check(&RAYTRACER, [(20.856_05, 1e-5), (0.024_44, 1e-5), (0.001_63, 1e-5)]);
    // Two-sided, with n − 3 degrees of freedom, the contention is in doubt.
    let sigma = fit.sigma.unwrap();
    assert_near(sigma.standard_error.unwrap(), 0.008_390_656, 1e-8);
    assert_near(sigma.interval.low, -0.0023, 5e-5);
    assert_near(sigma.interval.high, 0.0511, 5e-5);
    assert!(sigma.may_be_zero());
}

fn of_law(law: Usl, loads: &[f64]) -> Vec<(f64, f64)> {
    loads.iter().map(|load| (*load, law.throughput(*load))).collect()
}

#[test]
fn recovers_the_law_it_came_from() {
    let law = Usl { lambda: 1000.0, sigma: 0.02, kappa: 0.0005 };
    let loads = [0.4, 1.3, 2.7, 5.5, 9.1, 17.6, 31.2, 48.7];
    let relative = |value: f64| (value, 2e-6 * value);
    check(&of_law(law, &loads), [relative(1000.0), relative(0.02), relative(0.0005)]);
    let choice = choose(&measurements(&of_law(law, &loads))).unwrap();
    assert_eq!(choice.best.shape, Shape::Usl);
    assert_near(choice.peak().unwrap().load, law.peak().unwrap().load, 1e-4);
}

#[test]
fn no_more_coefficients_than_are_needed() {
    let loads = [1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0, 32.0];
    let check = |sigma, kappa, shape| {
        let law = Usl { lambda: 50.0, sigma, kappa };
        let choice = choose(&measurements(&of_law(law, &loads))).unwrap();
        assert_eq!(choice.best.shape, shape);
        assert_eq!(choice.peak().is_some(), shape == Shape::Usl);
    };
    check(0.0, 0.0, Shape::Linear);
    check(0.05, 0.0, Shape::Amdahl);
    check(0.02, 0.002, Shape::Usl);
}

#[test]
fn noise_makes_no_negative_costs_and_no_peaks() {
    let loads = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];
    for seed in 0..1000 {
        let mut random = Random::new(seed);
        let noisy =
            |load: &f64| Measurement::new(*load, 1000.0 * load * (1.0 + 0.003 * random.normal()));
        let data: Vec<Measurement> = loads.iter().map(noisy).collect();
        let choice = choose(&data).unwrap();
        for fit in &choice.fits {
            assert!(0.0 <= fit.law.sigma && 0.0 <= fit.law.kappa, "{seed}: {:?}", fit.law);
            assert_near(fit.law.throughput(8.0), 8000.0, 80.0);
        }
        assert_eq!(choice.peak(), None, "{seed}");
    }
}

#[test]
fn superlinear_measurements_are_held_at_the_bound() {
    let superlinear = [1.0, 2.0, 4.0, 8.0, 16.0].map(|load| (load, load * (1.0 + load / 100.0)));
    let fit = Fit::of(&measurements(&superlinear), Shape::Usl).unwrap();
    assert_eq!((fit.law.sigma, fit.law.kappa), (0.0, 0.0));
    assert_eq!(fit.sigma.unwrap().standard_error, None);
    assert!(0.0 < fit.sigma.unwrap().interval.high);
}

#[test]
fn heavier_measurements_count_for_more() {
    let mut data = measurements(&of_law(
        Usl { lambda: 100.0, sigma: 0.0, kappa: 0.0 },
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    ));
    data[5].throughput = 660.0;
    let slope = |data: &[Measurement]| Fit::of(data, Shape::Linear).unwrap().law.lambda;
    let even = slope(&data);
    data[5].weight = 0.0001;
    assert!(slope(&data) < even);
    assert_near(slope(&data), 100.0, 0.01);
}

#[test]
fn few_loads_give_bounds_only() {
    let data = measurements(&[(1.0, 100.0), (2.0, 210.0), (4.0, 360.0), (4.0, 380.0)]);
    let expected = NotIdentifiable { loads: 3, at_least: 380.0, per_load_at_most: 105.0 };
    assert_eq!(choose(&data), Err(expected));
    assert_eq!(choose(&[]).unwrap_err().loads, 0);
    assert_eq!(choose(&measurements(&[(1.0, 0.0); 9])).unwrap_err().loads, 1);
}
