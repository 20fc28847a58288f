//! How sure the coefficients are, and how many of them the measurements ask
//! for.

use thiserror::Error;

use super::{
    Peak, Usl,
    fit::{Free, Measurement, nearest, normal_equations, squares},
};
use crate::capacity::analysis::{
    Interval, distribution::t_quantile, least_squares::inverse_diagonal, real,
};

/// Different loads below which nothing is fitted: three coefficients go through
/// any three points, and four tell no noise from a bend.
pub const LEAST_LOADS: usize = 5;

/// How far beyond the highest load a peak may be claimed.
const HIGHEST_EXTRAPOLATION: f64 = 2.0;

/// Which coefficients may differ from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// λ: every user adds as much as the first.
    Linear,
    /// λ and σ: Amdahl's law.
    Amdahl,
    /// λ, σ and κ.
    Usl,
}

impl Shape {
    fn free(self) -> Free {
        [true, self != Self::Linear, self == Self::Usl]
    }

    fn coefficients(self) -> usize {
        self.free().into_iter().filter(|free| *free).count()
    }
}

/// A coefficient with its 95 % interval, by Student's t with as many degrees of
/// freedom as there are more measurements than coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficient {
    /// The best guess, not negative.
    pub value: f64,
    /// Its standard error; none at the bound, where there is none.
    pub standard_error: Option<f64>,
    /// Value ± t · standard error, which may reach below zero, as what is
    /// noise does half of the time. At the bound, the values for which the
    /// squares, with the other coefficients fitted to them, stay within t²
    /// residual variances of the least (Bates and Watts, *Nonlinear Regression
    /// Analysis*, 1988, §6.1).
    pub interval: Interval,
}

impl Coefficient {
    /// Whether it may as well be zero.
    pub fn may_be_zero(&self) -> bool {
        self.interval.low <= 0.0
    }
}

/// A law of some shape, fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Its shape.
    pub shape: Shape,
    /// The nearest law.
    pub law: Usl,
    /// λ.
    pub lambda: Coefficient,
    /// σ; none if the shape has none.
    pub sigma: Option<Coefficient>,
    /// κ; none if the shape has none.
    pub kappa: Option<Coefficient>,
    /// √(Σ w r² / (n − p)), in units of throughput if weights are 1.
    pub residual_standard_error: f64,
    /// Akaike's criterion, corrected for small samples (Hurvich and Tsai,
    /// "Regression and Time Series Model Selection in Small Samples", 1989):
    /// less is better. Infinite if there are too few measurements for it.
    pub aicc: f64,
}

impl Fit {
    /// The nearest law of a shape. None unless there are more measurements
    /// than coefficients, of positive load, throughput and weight.
    pub fn of(data: &[Measurement], shape: Shape) -> Option<Self> {
        let positive =
            |point: &Measurement| 0.0 < point.load && 0.0 < point.throughput && 0.0 < point.weight;
        let degrees = data.len().checked_sub(shape.coefficients()).filter(|rest| 0 < *rest)?;
        if !data.iter().all(positive) {
            return None;
        }
        let per_load = data.iter().map(|point| point.throughput / point.load);
        let start = Usl { lambda: per_load.fold(0.0, f64::max), sigma: 0.0, kappa: 0.0 };
        let law = nearest(data, start, shape.free())?;
        let least = squares(data, &law);
        let residual_standard_error = libm::sqrt(least / real(degrees));
        let t = t_quantile(0.975, real(degrees));
        let reach = Reach { data, law, shape, error: residual_standard_error, t };
        Some(Self {
            shape,
            law,
            lambda: reach.coefficient(0)?,
            sigma: if shape == Shape::Linear { None } else { Some(reach.coefficient(1)?) },
            kappa: if shape == Shape::Usl { Some(reach.coefficient(2)?) } else { None },
            residual_standard_error,
            aicc: aicc(data, least, shape),
        })
    }
}

fn aicc(data: &[Measurement], least: f64, shape: Shape) -> f64 {
    let count = real(data.len());
    // The residual variance is estimated too.
    let parameters = real(shape.coefficients() + 1);
    let rest = count - parameters - 1.0;
    if rest <= 0.0 {
        return f64::INFINITY;
    }
    // What rounding leaves of a perfect fit says nothing.
    let total: f64 =
        data.iter().map(|point| point.weight * point.throughput * point.throughput).sum();
    let variance = least.max(1e-18 * total) / count;
    count * libm::log(variance) + 2.0 * parameters + 2.0 * parameters * (parameters + 1.0) / rest
}

/// What the interval of a coefficient depends on.
#[derive(Debug, Clone, Copy)]
struct Reach<'a> {
    data: &'a [Measurement],
    law: Usl,
    shape: Shape,
    error: f64,
    t: f64,
}

impl Reach<'_> {
    /// That of λ, σ or κ: 0, 1 or 2.
    fn coefficient(&self, index: usize) -> Option<Coefficient> {
        let values = [self.law.lambda, self.law.sigma, self.law.kappa];
        let value = values[index];
        if value == 0.0 {
            let interval = Interval { low: 0.0, high: self.profile(index) };
            return Some(Coefficient { value, standard_error: None, interval });
        }
        let shape = self.shape.free();
        let free = std::array::from_fn(|other| shape[other] && values[other] != 0.0);
        let (matrix, _) = normal_equations(self.data, &self.law, free);
        let error = self.error * libm::sqrt(inverse_diagonal(matrix)?[index]);
        let interval = Interval::around(value, self.t * error);
        Some(Coefficient { value, standard_error: Some(error), interval })
    }

    /// The highest value of a coefficient at zero that the measurements do not
    /// rule out.
    fn profile(&self, index: usize) -> f64 {
        let allowed = squares(self.data, &self.law) + (self.t * self.error) * (self.t * self.error);
        let ruled_out = |value: f64| {
            let mut free = self.shape.free();
            free[index] = false;
            let mut start = self.law;
            if index == 1 {
                start.sigma = value;
            } else {
                start.kappa = value;
            }
            nearest(self.data, start, free).is_none_or(|law| allowed < squares(self.data, &law))
        };
        let (mut low, mut high) = (0.0, 1e-9);
        while !ruled_out(high) && high < 1e9 {
            (low, high) = (high, 4.0 * high);
        }
        // More digits than are ever shown.
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if ruled_out(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }
}

/// The three shapes, and which of them the measurements ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The shape of the least criterion.
    pub best: Fit,
    /// All three that could be fitted.
    pub fits: Vec<Fit>,
    /// The highest load that was measured.
    pub highest_load: f64,
}

impl Choice {
    /// The peak, if there is reason to claim one: κ was worth having, is not
    /// consistent with zero, and the peak is at no more than twice the highest
    /// load that was measured.
    pub fn peak(&self) -> Option<Peak> {
        self.best.kappa.filter(|kappa| !kappa.may_be_zero())?;
        let peak = self.best.law.peak()?;
        (peak.load <= HIGHEST_EXTRAPOLATION * self.highest_load).then_some(peak)
    }
}

/// The measurements do not determine a law. What they do say are bounds.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("a law needs {LEAST_LOADS} different loads of positive throughput, and there are {loads}")]
pub struct NotIdentifiable {
    /// How many different loads there are.
    pub loads: usize,
    /// The highest throughput that was seen: it can do at least this.
    pub at_least: f64,
    /// The highest throughput per unit of load that was seen: if none helps
    /// another, N do at most N times this.
    pub per_load_at_most: f64,
}

/// Fits all shapes, and chooses.
pub fn choose(data: &[Measurement]) -> Result<Choice, NotIdentifiable> {
    let mut loads: Vec<f64> = data.iter().map(|point| point.load).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    let highest = |of: fn(&Measurement) -> f64| data.iter().map(of).fold(0.0, f64::max);
    let not_identifiable = NotIdentifiable {
        loads: loads.len(),
        at_least: highest(|point| point.throughput),
        per_load_at_most: highest(|point| point.throughput / point.load),
    };
    if loads.len() < LEAST_LOADS {
        return Err(not_identifiable);
    }
    let shapes = [Shape::Linear, Shape::Amdahl, Shape::Usl];
    let fits: Vec<Fit> = shapes.into_iter().filter_map(|shape| Fit::of(data, shape)).collect();
    // Of equals the first has the fewest coefficients.
    let best = fits.iter().copied().min_by(|a, b| a.aicc.total_cmp(&b.aicc));
    let best = best.ok_or(not_identifiable)?;
    Ok(Choice { best, fits, highest_load: highest(|point| point.load) })
}

#[cfg(test)]
mod tests;
