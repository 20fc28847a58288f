//! Means with intervals: of a series whose values resemble their neighbours,
//! and over trials.

use super::{
    Interval, bootstrap::LEAST_TRIALS, distribution::t_quantile, mean_of, real, variance_of, whole,
};

/// A mean and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Where the mean of infinitely many would be.
    pub interval: Interval,
    /// As many independent values would tell as much: the effective sample
    /// size.
    pub effective: f64,
}

/// With fewer the interval is too wide to be of use: t(0.975, 1) is 12.7.
const LEAST_BATCHES: usize = 3;

/// The mean of a steady series of equally spaced values, which may depend on
/// those before them: by batch means (Law, *Simulation Modeling and Analysis*,
/// 5th ed., §9.5.3). A batch is n^0.6 long: the means of shorter ones still
/// depend on each other, and of longer ones there are too few. None of fewer
/// than three batches, which takes some eighteen values.
pub fn of_series(series: &[f64]) -> Option<Mean> {
    let length = whole(libm::ceil(libm::pow(real(series.len()), 0.6)));
    // What does not fill a batch is left out at the start, where it is least
    // steady.
    let batches: Vec<f64> = series.rchunks_exact(length.max(1)).map(mean_of).collect();
    if batches.len() < LEAST_BATCHES {
        return None;
    }
    let count = real(batches.len());
    let value = mean_of(series);
    let of_batches = variance_of(&batches);
    let half = t_quantile(0.975, count - 1.0) * libm::sqrt(of_batches / count);
    // n independent values would have a mean of variance s²/n.
    let as_many = variance_of(series) * count / of_batches;
    let effective = if as_many.is_finite() { as_many } else { real(series.len()) };
    Some(Mean { value, interval: Interval::around(value, half), effective })
}

/// The mean over trials: value ± t(0.975, k − 1) · s / √k. None of fewer than
/// three trials.
pub fn across_trials(trials: &[f64]) -> Option<Mean> {
    if trials.len() < LEAST_TRIALS {
        return None;
    }
    let (value, count) = (mean_of(trials), real(trials.len()));
    let half = t_quantile(0.975, count - 1.0) * libm::sqrt(variance_of(trials) / count);
    Some(Mean { value, interval: Interval::around(value, half), effective: count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::{random::Random, tests::assert_near};

    #[test]
    fn over_trials_by_hand() {
        // s = 1, so half of it is 4.302653 / √3.
        let mean = across_trials(&[9.0, 10.0, 11.0]).unwrap();
        assert_near(mean.value, 10.0, 0.0);
        assert_near(mean.interval.high, 10.0 + 2.484_138, 1e-6);
        assert_eq!(across_trials(&[9.0, 10.0]), None);
    }

    #[test]
    fn of_a_series_by_hand() {
        // ⌈n^0.6⌉ is 6 of both 16 and 18: two whole batches, and three.
        assert_eq!(of_series(&[1.0; 16]), None);
        let series: Vec<f64> = (0..18).map(|i| f64::from(i / 6)).collect();
        let mean = of_series(&series).unwrap();
        assert_near(mean.value, 1.0, 0.0);
        assert_near(mean.interval.high, 1.0 + 2.484_138, 1e-6);
        // s² = 12 / 17, that of the batches 1: 12 / 17 · 3.
        assert_near(mean.effective, 36.0 / 17.0, 1e-12);
    }

    #[test]
    fn correlated_values_count_for_less() {
        // An AR(1) series has n(1 − φ)/(1 + φ) effective values.
        let dilution = |seed| {
            let series = autoregressive(0.5, 5_000, &mut Random::new(seed));
            5_000.0 / of_series(&series).unwrap().effective
        };
        let dilutions: Vec<f64> = (0..20).map(dilution).collect();
        assert_near(mean_of(&dilutions), 3.0, 0.3);
    }

    fn autoregressive(phi: f64, length: usize, random: &mut Random) -> Vec<f64> {
        let step = |value: &mut f64, noise: f64| {
            *value = phi * *value + noise;
            Some(*value)
        };
        (0..length).map(|_| random.normal()).scan(0.0, step).collect()
    }

    #[test]
    fn a_constant_series_is_sure() {
        let mean = of_series(&[7.0; 60]).unwrap();
        assert_eq!((mean.interval.width(), mean.effective), (0.0, 60.0));
    }
}
