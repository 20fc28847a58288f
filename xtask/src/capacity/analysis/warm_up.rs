//! Where a run's warm-up ends, by MSER-5: the cut after which the mean of the
//! rest has the least standard error (White, "An Effective Truncation Heuristic
//! for Bias Reduction in Simulation Output", 1997; on means of five: Spratt,
//! *Heuristics for the Startup Problem*, 1998).

use thiserror::Error;

use super::{mean_of, real};

/// How many observations a mean is taken of, which is what the 5 of MSER-5
/// stands for.
const BATCH: usize = 5;

/// As many means as must be left after the cut: the error of fewer is small by
/// chance.
const LEAST_LEFT: usize = 5;

/// Why a series has no cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsteady {
    /// It has too few observations to tell.
    #[error("{0} observations are too few to see a warm-up: 30 are needed")]
    TooShort(usize),
    /// More than half of it would have to go.
    #[error("it is still changing after half of the run: measure for longer")]
    StillChanging,
}

/// How many observations to leave out at the start of a series of equally
/// spaced ones: a multiple of five.
pub fn mser_5(series: &[f64]) -> Result<usize, Unsteady> {
    let means: Vec<f64> = series.chunks_exact(BATCH).map(mean_of).collect();
    let Some(cuts) = means.len().checked_sub(LEAST_LEFT).filter(|cuts| 0 < *cuts) else {
        return Err(Unsteady::TooShort(series.len()));
    };
    let mut best = (0, f64::INFINITY);
    for cut in 0..=cuts {
        let error = squared_error(&means[cut..]);
        if error < best.1 {
            best = (cut, error);
        }
    }
    if means.len() < 2 * best.0 {
        return Err(Unsteady::StillChanging);
    }
    Ok(best.0 * BATCH)
}

/// Σ(x − x̄)² / n².
fn squared_error(means: &[f64]) -> f64 {
    let mean = mean_of(means);
    let squares: f64 = means.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (real(means.len()) * real(means.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::tests::assert_near;

    /// A series whose means of five are `means`.
    #[track_caller]
    fn check(means: &[f64], expected: Result<usize, Unsteady>) {
        let series: Vec<f64> =
            means.iter().flat_map(|mean| [-2.0, -1.0, 0.0, 1.0, 2.0].map(|d| mean + d)).collect();
        assert_eq!(mser_5(&series), expected, "{means:?}");
    }

    #[test]
    fn cuts_where_the_error_is_least() {
        // By hand: without the 9 the squares are 8 · ¼, over 64: 0.031; with it
        // 52.2, over 81: 0.64; without the next as well 7 · ¼ − 1/28 over 49.
        check(&[9.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0], Ok(5));
        check(&[9.0, 8.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0], Ok(10));
        check(&[3.0; 8], Ok(0));
        check(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0], Ok(0));
    }

    #[test]
    fn the_error_by_hand() {
        assert_near(squared_error(&[1.0, 2.0, 1.0, 2.0]), 1.0 / 16.0, 1e-15);
    }

    #[test]
    fn a_series_that_keeps_changing_has_no_cut() {
        let rising: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
        check(&rising, Err(Unsteady::StillChanging));
        check(&[1.0; 5], Err(Unsteady::TooShort(25)));
    }

    #[test]
    fn what_is_left_over_at_the_end_is_not_looked_at() {
        let mut series = vec![1.0; 30];
        series.push(1000.0);
        assert_eq!(mser_5(&series), Ok(0));
    }
}
