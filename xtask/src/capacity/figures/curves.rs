//! Charts that are lines, prepared from what was measured.

use serde::Serialize;

use super::{
    axis::{Axis, Range, Scale},
    ink::Tone,
    number::Unit,
    xy::{Labels, Look, Panel, Point, Reference, Series, XyChart},
};

/// A distribution under a name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cumulated {
    /// What it is called.
    pub name: String,
    /// Its colour and dash.
    pub tone: Tone,
    /// Pairs of a share *p* and the value that this share does not exceed,
    /// rising.
    pub quantiles: Vec<(f64, f64)>,
}

/// The curve that comes with an `HdrHistogram`: how long the slowest take, each
/// further nine as wide as the one before.
///
/// A share of 1 has no place on the axis; shares with too few requests beyond
/// them to mean anything are for the caller to leave out.
pub fn percentiles(y: Axis, curves: &[Cumulated]) -> XyChart {
    let series = curves.iter().map(|curve| {
        let points = curve.quantiles.iter().filter(|(share, _)| (0.0..1.0).contains(share));
        let points = points.map(|(share, value)| Point::new(1.0 / (1.0 - share), *value));
        Series::new(curve.name.clone(), curve.tone, Look::Line, points)
    });
    XyChart {
        x: Axis {
            label: "percentile".to_owned(),
            unit: Unit::Percentile,
            scale: Scale::Log,
            range: Range::Data,
        },
        panels: vec![Panel { y, series: series.collect(), references: Vec::new() }],
        labels: Labels::Direct,
    }
}

/// Which share of the values is at most so large: steps, one at each value.
///
/// Values that are not numbers are left out; so are steps too small to see.
pub fn ecdf(x: Axis, samples: &[(String, Tone, Vec<f64>)], references: Vec<Reference>) -> XyChart {
    let series = samples.iter().map(|(name, tone, values)| {
        let mut values: Vec<f64> =
            values.iter().copied().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Series::new(name.clone(), *tone, Look::Line, steps(&values))
    });
    let y = Axis::linear("share of requests", Unit::Ratio).over(Range::Between(0.0, 1.0));
    XyChart {
        x,
        panels: vec![Panel { y, series: series.collect(), references }],
        labels: Labels::Legend,
    }
}

fn steps(sorted: &[f64]) -> Vec<Point> {
    // More than a thousand cannot be told apart.
    let every = sorted.len().div_ceil(1000).max(1);
    let share = |counted: usize| as_number(counted) / as_number(sorted.len());
    let mut points = Vec::new();
    let mut before = 0.0;
    for (index, value) in sorted.iter().enumerate() {
        let counted = index + 1;
        // Of equal values the last has the step.
        let last_of_equals = sorted.get(counted) != Some(value);
        if last_of_equals && (index % every == 0 || counted == sorted.len()) {
            points.push(Point::new(*value, before));
            before = share(counted);
            points.push(Point::new(*value, before));
        }
    }
    points
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
fn as_number(count: usize) -> f64 {
    count as f64
}

/// Measures over time, above each other: offered, goodput, p99, in flight.
pub fn timeline(panels: Vec<Panel>) -> XyChart {
    XyChart { x: Axis::linear("time (s)", Unit::Whole), panels, labels: Labels::Legend }
}
