//! Whether two conditions differ, over trials of each: Welch's t interval,
//! which does not ask that both vary alike (Welch, "The Generalization of
//! 'Student's' Problem When Several Different Population Variances Are
//! Involved", 1947).

use super::{
    Interval, bootstrap::LEAST_TRIALS, distribution::t_quantile, mean_of, real, variance_of,
};

/// By how much a positive quantity changed, as a share of what it was: 0.2 is a
/// fifth more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The best guess: the ratio of geometric means, less one.
    pub value: f64,
    /// Its 95 % interval; none of fewer than three trials on either side.
    pub interval: Option<Interval>,
}

impl Change {
    /// Whether it is not none: the interval lies to one side of zero.
    pub fn is_certain(&self) -> bool {
        self.interval.is_some_and(|interval| !interval.contains(0.0))
    }
}

/// The change from trials `before` to trials `after`, by their logarithms:
/// rates and times differ by factors. None if either has none, or one of them
/// is not positive.
pub fn change(before: &[f64], after: &[f64]) -> Option<Change> {
    let logarithms = |values: &[f64]| -> Option<Vec<f64>> {
        let logarithm =
            |value: &f64| (0.0 < *value && value.is_finite()).then(|| libm::log(*value));
        values.iter().map(logarithm).collect::<Option<Vec<_>>>().filter(|found| !found.is_empty())
    };
    let (before, after) = (logarithms(before)?, logarithms(after)?);
    let difference = mean_of(&after) - mean_of(&before);
    let share = |logarithm: f64| libm::exp(logarithm) - 1.0;
    let interval = half_width(&before, &after)
        .map(|half| Interval { low: share(difference - half), high: share(difference + half) });
    Some(Change { value: share(difference), interval })
}

/// t · √(s₁²/n₁ + s₂²/n₂), with the degrees of freedom of Satterthwaite.
fn half_width(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.len().min(other.len()) < LEAST_TRIALS {
        return None;
    }
    let [a, b] = [one, other].map(|values| variance_of(values) / real(values.len()));
    let sum = a + b;
    if sum == 0.0 {
        return Some(0.0);
    }
    let degrees = sum * sum / (a * a / (real(one.len()) - 1.0) + b * b / (real(other.len()) - 1.0));
    Some(t_quantile(0.975, degrees) * libm::sqrt(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    /// The logarithms are 0, 1, 2 and 1, 2, 6: means 1 and 3, variances 1 and 7,
    /// so that s²/n are 1/3 and 7/3; degrees (8/3)² / (1/18 + 49/18) = 2.56.
    #[test]
    fn a_change_by_hand() {
        let of = |logarithms: [f64; 3]| logarithms.map(libm::exp);
        let found = change(&of([0.0, 1.0, 2.0]), &of([1.0, 2.0, 6.0])).unwrap();
        assert_near(found.value, libm::exp(2.0) - 1.0, 1e-12);
        let half = t_quantile(0.975, 2.56) * libm::sqrt(8.0 / 3.0);
        let interval = found.interval.unwrap();
        assert_near(interval.low, libm::exp(2.0 - half) - 1.0, 1e-12);
        assert_near(libm::log(interval.high + 1.0), 2.0 + half, 1e-9);
        assert!(!found.is_certain());
    }

    #[test]
    fn what_is_the_same_does_not_change_and_what_differs_does() {
        assert!(!change(&[9.0, 10.0, 11.0], &[10.0, 9.0, 11.0]).unwrap().is_certain());
        assert!(change(&[9.9, 10.0, 10.1], &[19.9, 20.0, 20.1]).unwrap().is_certain());
        let exact = change(&[2.0; 3], &[3.0; 3]).unwrap().interval.unwrap();
        assert_near(exact.low, 0.5, 1e-12);
        assert_near(exact.width(), 0.0, 1e-12);
    }

    #[test]
    fn few_trials_have_no_interval_and_no_numbers_no_change() {
        assert_eq!(change(&[10.0], &[20.0]).unwrap().interval, None);
        assert_eq!(change(&[10.0, 11.0], &[20.0, 20.0, 21.0]).unwrap().interval, None);
        for hostile in [&[][..], &[0.0], &[f64::NAN], &[f64::INFINITY], &[-1.0]] {
            assert_eq!(change(hostile, &[1.0]), None);
            assert_eq!(change(&[1.0], hostile), None);
        }
    }
}
