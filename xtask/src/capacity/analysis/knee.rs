//! Where more load stops paying: three definitions, side by side.
//!
//! 1. The load of highest *power*, throughput over response time (Kleinrock,
//!    "Power and Deterministic Rules of Thumb for Probabilistic Problems in
//!    Computer Communications", ICC 1979). It needs no range: the knee of an
//!    M/M/1 queue is at half load whatever else is measured.
//! 2. The bend of a broken line through the logarithm of a high percentile.
//! 3. Kneedle (Satopää, Albrecht, Irwin and Raghavan, "Finding a 'Kneedle' in a
//!    Haystack", 2011). It measures against the range that it is shown, and so
//!    always from 0 to the highest throughput here.

use super::{
    least_squares::{accumulate, solve},
    real,
};

/// Knees that are further apart than this share of the least disagree.
const AGREEMENT: f64 = 0.15;

/// A step, as far as its knee is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Answers per second.
    pub throughput: f64,
    /// Mean response time.
    pub response: f64,
    /// A high percentile of the response time.
    pub percentile: f64,
}

/// The knee by each definition, as throughput.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knees {
    /// The highest power. None if it is at the first or last step: then the
    /// knee was not measured.
    pub power: Option<f64>,
    /// The bend of the broken line. None if it does not bend upwards.
    pub broken_stick: Option<f64>,
    /// Kneedle from 0 to the highest throughput. None if the curve is nowhere below its chord.
    pub kneedle: Option<f64>,
}

impl Knees {
    /// All three, of steps in the order of their load, which is not always that
    /// of their throughput. Steps without answers are left out.
    pub fn of(points: &[Point]) -> Self {
        let answered = |point: &&Point| {
            [point.throughput, point.response, point.percentile].iter().all(|value| 0.0 < *value)
        };
        let points: Vec<Point> = points.iter().filter(answered).copied().collect();
        let mut sorted = points.clone();
        sorted.sort_by(|a, b| a.throughput.total_cmp(&b.throughput));
        Self {
            power: power(&points),
            broken_stick: broken_stick(&sorted),
            kneedle: kneedle(&sorted),
        }
    }

    /// The first of them alone, for draws of the steps.
    pub fn power_of(points: &[Point]) -> Option<f64> {
        let answered = |point: &&Point| 0.0 < point.throughput && 0.0 < point.response;
        power(&points.iter().filter(answered).copied().collect::<Vec<_>>())
    }

    /// Whether those that were found are within 15 % of the least of them.
    pub fn agree(&self) -> bool {
        let found = || [self.power, self.broken_stick, self.kneedle].into_iter().flatten();
        let least = found().fold(f64::INFINITY, f64::min);
        found().all(|knee| knee <= least * (1.0 + AGREEMENT))
    }
}

/// The utilisation of highest power of an M/G/1 queue whose service times have
/// this squared coefficient of variation.
///
/// R = S(1 + aρ/(1 − ρ)) with a = (1 + c²)/2 (Pollaczek and Khinchine), so the
/// power ρ/R is highest where (a − 1)ρ² + 2ρ − 1 = 0, at ρ = 1/(1 + √a): ½ for
/// M/M/1, 2 − √2 for M/D/1.
pub fn knee_of_mg1(variability: f64) -> f64 {
    1.0 / (1.0 + libm::sqrt(f64::midpoint(1.0, variability)))
}

/// Of steps in the order of their load, as throughput may fall again. Between
/// steps it is the top of the parabola through the best and its neighbours,
/// which is exact for M/M/1: there power is λ(μ − λ).
fn power(points: &[Point]) -> Option<f64> {
    let values: Vec<(f64, f64)> =
        points.iter().map(|point| (point.throughput, point.throughput / point.response)).collect();
    top(&values)
}

/// The place of the highest value of a curve, between its points; none if it is
/// at an end.
fn top(curve: &[(f64, f64)]) -> Option<f64> {
    let best = (0..curve.len()).max_by(|a, b| curve[*a].1.total_cmp(&curve[*b].1))?;
    let before = curve.get(best.checked_sub(1)?)?;
    let (at, value) = curve[best];
    let after = curve.get(best + 1)?;
    let [rise, fall] = [before, after].map(|point| (value - point.1) / (at - point.0));
    let bend = (fall - rise) / (after.0 - before.0);
    // Where throughput falls back there is no parabola.
    if !(before.0 < at && at < after.0 && bend < 0.0) {
        return Some(at);
    }
    let vertex = f64::midpoint(before.0, at) - rise / (2.0 * bend);
    Some(vertex.clamp(before.0, after.0))
}

/// The bend ψ of the line a + bx + c(x − ψ)⁺ nearest to the logarithms
/// (Muggeo, "Estimating Regression Models with Unknown Break-Points", 2003).
/// Each ψ is a linear problem; they are tried on a grid that is refined about
/// the best.
fn broken_stick(sorted: &[Point]) -> Option<f64> {
    const CELLS: usize = 64;
    if sorted.len() < 4 {
        return None;
    }
    let line: Vec<(f64, f64)> =
        sorted.iter().map(|point| (point.throughput, libm::log(point.percentile))).collect();
    // Two points to either side: with fewer a piece fits whatever was measured.
    let (mut low, mut high) = (line[1].0, line[line.len() - 2].0);
    let mut best: Option<(f64, Hinge)> = None;
    for _ in 0..6 {
        let cell = (high - low) / real(CELLS);
        for index in 0..=CELLS {
            let at = low + cell * real(index);
            let Some(hinge) = Hinge::at(at, &line) else { continue };
            if best.is_none_or(|(_, least)| hinge.squares < least.squares) {
                best = Some((at, hinge));
            }
        }
        let (at, _) = best?;
        (low, high) = ((at - cell).max(low), (at + cell).min(high));
    }
    // What rounding leaves is no bend.
    best.filter(|(at, hinge)| 1e-9 < hinge.bend * at).map(|(at, _)| at)
}

/// A broken line with its bend at a given place.
#[derive(Debug, Clone, Copy)]
struct Hinge {
    bend: f64,
    squares: f64,
}

impl Hinge {
    fn at(place: f64, line: &[(f64, f64)]) -> Option<Self> {
        let row = |x: f64| [1.0, x, (x - place).max(0.0)];
        let (mut matrix, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
        for (x, y) in line {
            accumulate((&mut matrix, &mut right), row(*x), *y, 1.0);
        }
        let found = solve(matrix, right)?;
        let distance = |(x, y): &(f64, f64)| {
            let fitted: f64 = row(*x).iter().zip(found).map(|(x, factor)| x * factor).sum();
            (y - fitted) * (y - fitted)
        };
        Some(Self { bend: found[2], squares: line.iter().map(distance).sum() })
    }
}

/// Where the percentile is furthest below the chord, with both scaled to
/// [0, 1]: loads from 0, where it is that of the lightest step, to the highest.
fn kneedle(sorted: &[Point]) -> Option<f64> {
    let (first, last) = (sorted.first()?, sorted.last()?);
    let rise = last.percentile - first.percentile;
    let below = |point: &Point| {
        let share = (point.percentile - first.percentile) / rise;
        (point.throughput, point.throughput / last.throughput - share)
    };
    let mut curve = vec![(0.0, 0.0)];
    curve.extend(sorted.iter().map(below));
    if rise <= 0.0 { None } else { top(&curve) }
}

#[cfg(test)]
mod tests;
