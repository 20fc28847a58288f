//! Weighted least squares for the [`Usl`], with coefficients that are never
//! negative: a negative one says that work gets done by waiting for it
//! (Gunther, "Negative Scalability Coefficients in Excel", 2009).
//!
//! With two bounds there are four ways in which they can hold. Each is solved
//! without bounds (Levenberg and Marquardt, from a linear start), and the
//! nearest of those that keep the bounds is the solution: with so few, the
//! active sets need no strategy (Nocedal and Wright, *Numerical Optimization*,
//! 2nd ed., §16.5).

use super::Usl;
use crate::capacity::analysis::least_squares::{accumulate, solve};

/// A throughput that was measured at a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// The load N: users, which may be a fraction, or cores.
    pub load: f64,
    /// The throughput X.
    pub throughput: f64,
    /// How much it counts: one over its variance, or 1 for all.
    pub weight: f64,
}

impl Measurement {
    /// One that counts as much as the others.
    pub fn new(load: f64, throughput: f64) -> Self {
        Self { load, throughput, weight: 1.0 }
    }
}

/// Whether λ, σ and κ may be changed, in this order.
pub(super) type Free = [bool; 3];

/// The law nearest to the measurements among those whose free coefficients are
/// not negative; those that are not free stay as in `start`. None if none is
/// found: of no measurements, or of ones that are not numbers.
pub(super) fn nearest(data: &[Measurement], start: Usl, free: Free) -> Option<Usl> {
    let mut best: Option<(f64, Usl)> = None;
    for (sigma, kappa) in [(true, true), (true, false), (false, true), (false, false)] {
        // Nothing is to be bound that is not free.
        if (!sigma && !free[1]) || (!kappa && !free[2]) {
            continue;
        }
        let bound = Usl {
            sigma: if sigma { start.sigma } else { 0.0 },
            kappa: if kappa { start.kappa } else { 0.0 },
            ..start
        };
        let still_free = [free[0], free[1] && sigma, free[2] && kappa];
        let Some(found) = unbounded(data, bound, still_free) else { continue };
        let squares = squares(data, &found);
        let feasible = 0.0 <= found.sigma && 0.0 <= found.kappa && 0.0 < found.lambda;
        if feasible && best.is_none_or(|(least, _)| squares < least) {
            best = Some((squares, found));
        }
    }
    best.map(|(_, law)| law)
}

/// A law to start from: N/X is linear in 1, N − 1 and N(N − 1), with
/// coefficients 1/λ, σ/λ and κ/λ. An error of X is N/X² times as large in
/// N/X, so the weights are (X²/N)². Only what is free may differ from zero.
fn linear_start(data: &[Measurement], free: Free) -> Option<Usl> {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in data {
        let n = point.load;
        let leverage = point.throughput * point.throughput / n;
        let row = masked([1.0, n - 1.0, n * (n - 1.0)], free);
        let weight = point.weight * leverage * leverage;
        accumulate((&mut matrix, &mut right), row, n / point.throughput, weight);
    }
    fix(&mut matrix, free);
    let [a, b, c] = solve(matrix, right)?;
    let law = Usl { lambda: 1.0 / a, sigma: b / a, kappa: c / a };
    // Measurements that have nothing to do with the law may say anything.
    let usable = 0.0 < law.lambda && squares(data, &law).is_finite();
    if usable { Some(law) } else { None }
}

/// Σ w (X − X̂)²; infinite of a law that is not positive somewhere.
pub(super) fn squares(data: &[Measurement], law: &Usl) -> f64 {
    let term = |point: &Measurement| {
        let error = point.throughput - law.throughput(point.load);
        if 0.0 < law.slowdown(point.load) { point.weight * error * error } else { f64::INFINITY }
    };
    data.iter().map(term).sum()
}

/// The normal equations, Jᵀ·W·J and Jᵀ·W·r, of the residuals r = X − X̂. Rows of what is not free are those
/// of the unit matrix, so that it does not move.
pub(super) fn normal_equations(
    data: &[Measurement],
    law: &Usl,
    free: Free,
) -> ([[f64; 3]; 3], [f64; 3]) {
    let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in data {
        let n = point.load;
        let slowdown = law.slowdown(n);
        let alone = n / slowdown;
        let by_slowdown = -law.lambda * n / (slowdown * slowdown);
        let row = [alone, by_slowdown * (n - 1.0), by_slowdown * n * (n - 1.0)];
        let error = point.throughput - law.throughput(n);
        accumulate((&mut matrix, &mut right), masked(row, free), error, point.weight);
    }
    fix(&mut matrix, free);
    (matrix, right)
}

fn unbounded(data: &[Measurement], given: Usl, free: Free) -> Option<Usl> {
    // The linear start knows no fixed values but zero.
    let at_zero = |value: f64, free: bool| free || value == 0.0;
    let linear = if at_zero(given.sigma, free[1]) && at_zero(given.kappa, free[2]) {
        linear_start(data, free)
    } else {
        None
    };
    let mut law = linear.unwrap_or(given);
    let mut least = squares(data, &law);
    if !least.is_finite() {
        return None;
    }
    let mut damping = 1e-3;
    for _ in 0..300 {
        let (mut matrix, right) = normal_equations(data, &law, free);
        for (index, row) in matrix.iter_mut().enumerate() {
            row[index] *= 1.0 + damping;
        }
        let Some(step) = solve(matrix, right) else { break };
        let next = Usl {
            lambda: law.lambda + step[0],
            sigma: law.sigma + step[1],
            kappa: law.kappa + step[2],
        };
        let found = squares(data, &next);
        if found < least {
            let gained = least - found;
            (law, least, damping) = (next, found, damping / 10.0);
            if gained < 1e-14 * least {
                break;
            }
        } else if 1e6 < damping {
            break;
        } else {
            damping *= 10.0;
        }
    }
    Some(law)
}

fn masked(row: [f64; 3], free: Free) -> [f64; 3] {
    std::array::from_fn(|index| if free[index] { row[index] } else { 0.0 })
}

/// Makes the rows of what is not free those of the unit matrix.
fn fix(matrix: &mut [[f64; 3]; 3], free: Free) {
    for (index, row) in matrix.iter_mut().enumerate() {
        if !free[index] {
            row[index] = 1.0;
        }
    }
}
