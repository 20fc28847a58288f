//! Draws what data are held against: ranges behind them, lines, and labels
//! where they hide least.

use super::Reference;
use crate::capacity::figures::{
    canvas::{Anchor, At, Canvas, FONT, WIDTH},
    clip,
    frame::Frame,
    ink::Ink,
    place::Obstacles,
    text,
};

/// Heights that have to be on the vertical axis.
pub(super) fn heights(reference: &Reference) -> Vec<f64> {
    match reference {
        Reference::Height { y, .. } => vec![*y],
        Reference::Upward { from, to, .. } => vec![*from, *to],
        _ => Vec::new(),
    }
}

pub(super) fn draw_ranges(canvas: &mut Canvas, frame: &Frame, references: &[Reference]) {
    for reference in references {
        let corners = match reference {
            Reference::Across { from, to, .. } => across(frame, *from, *to, Ink::Range),
            Reference::Beyond { x, .. } => across(frame, *x, frame.x.value(1.0), Ink::Beyond),
            Reference::Upward { from, to, .. } => frame
                .y_within(*from)
                .zip(frame.y_within(*to))
                .map(|(low, high)| ((frame.left, high), (frame.right(), low), Ink::Range)),
            _ => None,
        };
        if let Some((one, other, ink)) = corners {
            canvas.rectangle(one, other, ink);
        }
    }
}

fn across(frame: &Frame, from: f64, to: f64, ink: Ink) -> Option<(At, At, Ink)> {
    let (left, right) = frame.x_within(from).zip(frame.x_within(to))?;
    (left < right).then_some(((left, frame.top), (right, frame.bottom()), ink))
}

pub(super) fn draw_lines(canvas: &mut Canvas, frame: &Frame, references: &[Reference]) {
    for reference in references {
        let Some(line) = line(frame, reference) else { continue };
        canvas.line(line, Ink::Reference);
    }
}

fn line(frame: &Frame, reference: &Reference) -> Option<Vec<At>> {
    match reference {
        Reference::Height { y, .. } => {
            let y = frame.y_within(*y)?;
            Some(vec![(frame.left, y), (frame.right(), y)])
        }
        Reference::Place { x, .. } => {
            let x = frame.inside(*x, frame.y.value(0.5))?.0;
            Some(vec![(x, frame.top), (x, frame.bottom())])
        }
        Reference::Diagonal { .. } => diagonal(frame),
        _ => None,
    }
}

/// Where both axes have the same value: straight only if both have the same
/// scale, so it is drawn in pieces.
fn diagonal(frame: &Frame) -> Option<Vec<At>> {
    let pieces = 64_u8;
    let shares: Vec<_> = (0..=pieces)
        .filter_map(|piece| {
            let x = frame.x.value(f64::from(piece) / f64::from(pieces));
            frame.share(x, x)
        })
        .collect();
    let inside = clip::line(&shares).into_iter().next()?;
    Some(inside.into_iter().map(|share| frame.place(share)).collect())
}

pub(super) fn draw_labels(
    canvas: &mut Canvas,
    frame: &Frame,
    references: &[Reference],
    obstacles: &mut Obstacles,
) {
    for reference in references {
        let (label, places) = match reference {
            Reference::Height { y, label } => (label, beside_height(frame, frame.y_within(*y))),
            Reference::Upward { to, label, .. } => {
                (label, beside_height(frame, frame.y_within(*to)))
            }
            Reference::Place { x, label } => {
                (label, frame.x_within(*x).map_or(vec![], |x| beside_place(frame, label, x)))
            }
            Reference::Across { from, to, label } => (
                label,
                across(frame, *from, *to, Ink::Range)
                    .map_or(vec![], |(one, other, _)| within(frame, label, one.0, other.0)),
            ),
            Reference::Beyond { x, label } => {
                let right = frame.right();
                (label, frame.x_within(*x).map_or(vec![], |x| within(frame, label, x, right)))
            }
            Reference::Diagonal { label } => (label, along(diagonal(frame).unwrap_or_default())),
        };
        let label = text::fit(&text::clean(label), FONT, frame.width);
        obstacles.label(canvas, &places, &label, Ink::Muted);
    }
}

/// Above or below a horizontal line, at its ends or in its middle.
fn beside_height(frame: &Frame, y: Option<f64>) -> Vec<(At, Anchor)> {
    let Some(y) = y else { return Vec::new() };
    let ends = [
        (frame.right() - 6.0, Anchor::End),
        (frame.left + 6.0, Anchor::Start),
        (frame.left + frame.width / 2.0, Anchor::Middle),
    ];
    let away = FONT * 0.75;
    [y - away, y + away]
        .into_iter()
        .filter(|y| (frame.top..=frame.bottom()).contains(y))
        .flat_map(|y| ends.map(|(x, anchor)| ((x, y), anchor)))
        .collect()
}

/// To the right or left of a vertical line, from top to bottom.
fn beside_place(frame: &Frame, label: &str, x: f64) -> Vec<(At, Anchor)> {
    let width = text::width(label, FONT);
    let mut sides = Vec::new();
    if x + 6.0 + width < WIDTH {
        sides.push((x + 6.0, Anchor::Start));
    }
    if frame.left < x - 6.0 - width {
        sides.push((x - 6.0, Anchor::End));
    }
    levels(frame).flat_map(|y| sides.iter().map(move |(x, anchor)| ((*x, y), *anchor))).collect()
}

/// Inside a vertical range, or beside it if it is too narrow.
fn within(frame: &Frame, label: &str, left: f64, right: f64) -> Vec<(At, Anchor)> {
    let middle = f64::midpoint(left, right);
    if text::width(label, FONT) + 8.0 < right - left {
        levels(frame).map(|y| ((middle, y), Anchor::Middle)).collect()
    } else {
        let mut places = beside_place(frame, label, right);
        places.extend(beside_place(frame, label, left));
        places
    }
}

fn levels(frame: &Frame) -> impl Iterator<Item = f64> {
    let (first, last) = (frame.top + FONT * 0.8, frame.bottom() - FONT * 0.8);
    (0..=6_u8).map(move |level| first + (last - first) * f64::from(level) / 6.0)
}

/// Above a rising line, or below it, from its upper end down.
fn along(line: Vec<At>) -> Vec<(At, Anchor)> {
    let points = line.into_iter().rev().step_by(4).skip(1);
    points
        .flat_map(|(x, y)| {
            [((x - 10.0, y - 4.0), Anchor::End), ((x + 10.0, y + 8.0), Anchor::Start)]
        })
        .collect()
}
