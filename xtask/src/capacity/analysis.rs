//! What the measured values say, and how sure it is.
//!
//! A step's first seconds are cut off ([`warm_up`]), and its estimates get
//! their intervals from whole trials and blocks of seconds ([`bootstrap`],
//! [`mean`]), because seconds of one run resemble each other. Over the steps
//! there is the highest rate that meets a target ([`isotonic`]) and the
//! [`knee`]; what a request costs, and what that allows ([`demand`]); how it
//! grows with users or cores ([`usl`]). From there on it is about decisions:
//! what is in the way ([`attribution`]), how many instances are needed
//! ([`sizing`]) and what they do to the upstream ([`simulate`]). [`little`] asks
//! whether the measurement contradicts itself.
//!
//! Times are in seconds and rates per second unless said otherwise. Functions
//! of real numbers are those of `libm`, and sums are taken in a fixed order, so
//! that a result is the same to the last bit on any machine; [`significant`]
//! is how it is written down.

pub mod attribution;
pub mod bootstrap;
#[cfg(test)]
mod coverage;
pub mod demand;
pub mod distribution;
pub mod isotonic;
pub mod knee;
mod least_squares;
pub mod little;
pub mod mean;
pub mod random;
pub mod simulate;
pub mod sizing;
pub mod trend;
pub mod usl;
pub mod warm_up;
pub mod welch;

use serde::Serialize;

/// Values from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The least of them.
    pub low: f64,
    /// The greatest of them.
    pub high: f64,
}

impl Interval {
    /// `half` to either side of `centre`.
    pub fn around(centre: f64, half: f64) -> Self {
        Self { low: centre - half, high: centre + half }
    }

    /// From the 2.5 % quantile of `draws` to their 97.5 % quantile; none of no
    /// draws.
    pub fn central(draws: &[f64]) -> Option<Self> {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self { low: at_quantile(&sorted, 0.025)?, high: at_quantile(&sorted, 0.975)? })
    }

    /// Whether `value` is one of them.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether some value is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// The least interval that has both in it.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// From its lowest to its highest value.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// The q-quantile of values in ascending order, interpolated between the two
/// that it falls between (definition 7 of Hyndman and Fan, "Sample Quantiles
/// in Statistical Packages", 1996); none of no values.
pub fn at_quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * real(last);
    let below = whole(at).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - real(below)))
}

/// A value to so many significant digits, rounded as decimal text is: the only
/// form in which a result goes into a committed file.
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "what is counted here stays below 2⁵³")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// The whole part of a real number; 0 of a negative one and of what is no
/// number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is meant"
)]
pub(crate) fn whole(value: f64) -> usize {
    value as usize
}

/// The arithmetic mean; 0 of no values.
pub(crate) fn mean_of(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / real(values.len()) }
}

/// The sum of squared distances to their mean, over one less than their
/// number; 0 of fewer than two.
pub(crate) fn variance_of(values: &[f64]) -> f64 {
    let mean = mean_of(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if values.len() < 2 { 0.0 } else { squares / real(values.len() - 1) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Fails unless `actual` differs from `expected` by at most `tolerance`.
    #[track_caller]
    pub(crate) fn assert_near(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected} ± {tolerance}");
    }

    #[test]
    fn quantiles_are_interpolated() {
        let check = |q, expected| {
            assert_near(at_quantile(&[1.0, 2.0, 4.0, 8.0], q).unwrap(), expected, 1e-12);
        };
        check(0.0, 1.0);
        check(0.5, 3.0);
        check(0.9, 6.8);
        check(1.0, 8.0);
        assert_eq!(at_quantile(&[], 0.5), None);
    }

    #[test]
    fn values_are_written_to_so_many_digits() {
        let check = |value, expected: &str| assert_eq!(significant(value, 3).to_string(), expected);
        check(7_912.345, "7910");
        check(0.001_234_56, "0.00123");
        check(0.0, "0");
        check(-99.96, "-100");
    }

    #[test]
    fn the_variance_of_a_sample() {
        assert_near(variance_of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 32.0 / 7.0, 1e-12);
        assert_near(variance_of(&[3.0]), 0.0, 0.0);
    }
}
