//! Whether something grows while it should be steady: the median of all slopes
//! (Theil, 1950), with the interval of Sen ("Estimates of the Regression
//! Coefficient Based on Kendall's Tau", 1968), which outliers do not move.

use super::{Interval, at_quantile, real, whole};

/// The points below which no interval of 95 % exists among the slopes.
const LEAST_POINTS: usize = 6;

/// A straight line's slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// The median of the slopes of all pairs, per unit of x.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

impl Slope {
    /// Whether it certainly rises.
    pub fn rises(&self) -> bool {
        0.0 < self.interval.low
    }
}

/// The slope of points (x, y); those that are no numbers are left out. None of
/// fewer than six, or if all have the same x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    let points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() < LEAST_POINTS {
        return None;
    }
    let mut slopes = Vec::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let later = points[index + 1..].iter().filter(|other| other.0.total_cmp(x).is_ne());
        slopes.extend(later.map(|other| (other.1 - y) / (other.0 - x)));
    }
    slopes.sort_by(f64::total_cmp);
    let (value, count) = (at_quantile(&slopes, 0.5)?, real(points.len()));
    // Kendall's S has variance n(n − 1)(2n + 5)/18.
    let spread = 1.96 * libm::sqrt(count * (count - 1.0) * (2.0 * count + 5.0) / 18.0);
    let middle = real(slopes.len());
    let last = slopes.len() - 1;
    let low = whole(((middle - spread) / 2.0).max(1.0)) - 1;
    let high = whole(libm::ceil(f64::midpoint(middle, spread))).min(last);
    Some(Slope { value, interval: Interval { low: slopes[low.min(last)], high: slopes[high] } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    #[test]
    fn a_line_with_an_outlier_keeps_its_slope() {
        let mut points: Vec<(f64, f64)> =
            (0..12).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        points[5].1 = 1e6;
        points[7].1 = f64::NAN;
        let slope = theil_sen(&points).unwrap();
        assert_near(slope.value, 2.0, 1e-12);
        assert!(slope.rises());
    }

    #[test]
    fn what_swings_does_not_rise() {
        let swing = |x: u32| (f64::from(x), if x.is_multiple_of(2) { 1.0 } else { 2.0 });
        let slope = theil_sen(&(0..20).map(swing).collect::<Vec<_>>()).unwrap();
        assert!(!slope.rises(), "{slope:?}");
    }

    #[test]
    fn few_points_have_no_slope() {
        assert_eq!(theil_sen(&[(0.0, 1.0); 5]), None);
        assert_eq!(theil_sen(&[(0.0, 1.0); 9]), None);
        assert_eq!(theil_sen(&[]), None);
    }
}
