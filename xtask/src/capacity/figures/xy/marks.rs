//! Draws series: areas and lines first, points on top of all of them.

use super::{Look, Point, Series, Standing};
use crate::capacity::figures::{
    canvas::{At, Canvas},
    clip::{self, Share},
    frame::Frame,
    ink::Ink,
    markers,
    place::Obstacles,
};

impl Look {
    /// Whether each point has a marker.
    pub(super) fn has_points(self) -> bool {
        matches!(self, Self::Points | Self::LineAndPoints)
    }

    /// Whether it is what was measured, not what was made of it.
    pub(super) fn is_measured(self) -> bool {
        !matches!(self, Self::Model | Self::Band)
    }
}

pub(super) fn draw_area_and_line(
    canvas: &mut Canvas,
    frame: &Frame,
    series: &Series,
    line: Option<Ink>,
    obstacles: &mut Obstacles,
) {
    if series.look == Look::Band {
        draw_band(canvas, frame, series);
    }
    let Some(ink) = line else { return };
    let counted = series.points.iter().filter(|point| point.standing == Standing::Valid);
    let shares: Vec<Share> = counted.filter_map(|point| frame.share(point.x, point.y)).collect();
    for part in clip::line(&shares) {
        let places: Vec<At> = part.into_iter().map(|share| frame.place(share)).collect();
        obstacles.line(&places);
        canvas.line(places, ink);
    }
}

/// The upper ends of the intervals from left to right, the lower ones back.
fn draw_band(canvas: &mut Canvas, frame: &Frame, series: &Series) {
    let inside =
        |point: &&Point| frame.x.at(point.x).is_some_and(|share| (0.0..=1.0).contains(&share));
    let ends = series.points.iter().filter(inside).filter_map(|point| {
        let interval = point.interval?;
        let x = frame.x_within(point.x)?;
        let high = frame.y_within(interval.high)?;
        Some((x, high, frame.y_within(interval.low).unwrap_or(frame.bottom())))
    });
    let ends: Vec<(f64, f64, f64)> = ends.collect();
    let upper = ends.iter().map(|(x, high, _)| (*x, *high));
    let lower = ends.iter().rev().map(|(x, _, low)| (*x, *low));
    canvas.area(upper.chain(lower).collect(), Ink::Band(series.tone));
}

pub(super) fn draw_points(
    canvas: &mut Canvas,
    frame: &Frame,
    series: &Series,
    obstacles: &mut Obstacles,
) {
    if !series.look.has_points() {
        return;
    }
    for point in &series.points {
        let Some(at) = frame.inside(point.x, point.y) else { continue };
        let (marker, whisker) = match point.standing {
            Standing::Valid => (Ink::Marker(series.tone), Ink::Whisker(series.tone)),
            Standing::Excluded(_) => (Ink::Excluded, Ink::ExcludedWhisker),
        };
        if let Some(interval) = point.interval
            && let Some(high) = frame.y_within(interval.high)
        {
            // A logarithmic axis has no zero: the bar then goes to its floor.
            let low = frame.y_within(interval.low).unwrap_or(frame.bottom());
            markers::whisker(canvas, at.0, high, low, whisker);
            obstacles.line(&[(at.0, high), (at.0, low)]);
        }
        markers::draw(canvas, at, series.tone, marker);
        obstacles.dot(at);
    }
}
