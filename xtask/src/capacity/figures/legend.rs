//! Legends: above the chart, where there are no data to hide.

use super::{
    canvas::{Anchor, At, Canvas, FONT, WIDTH},
    ink::{Ink, Tone},
    markers, text,
};

/// How high a row is.
const ROW: f64 = 22.0;
/// How wide the sample before a name is.
const SAMPLE: f64 = 26.0;
/// How far a name is from the next sample.
const APART: f64 = 22.0;

/// A name with a sample of what is called so.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) samples: Vec<Sample>,
}

/// What a sample is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sample {
    Line(Ink),
    Marker(Tone, Ink),
    Swatch(Ink),
}

/// The entries in rows, each at its place in a row.
fn rows(entries: &[Entry]) -> Vec<(At, &Entry, String)> {
    let mut at = (0.0, ROW / 2.0);
    let mut placed = Vec::new();
    for entry in entries {
        let name = text::fit(&text::clean(&entry.name), FONT, WIDTH - SAMPLE - 8.0);
        let width = SAMPLE + 6.0 + text::width(&name, FONT);
        if 0.0 < at.0 && WIDTH < at.0 + width {
            at = (0.0, at.1 + ROW);
        }
        placed.push((at, entry, name));
        at.0 += width + APART;
    }
    placed
}

/// How high the legend is, with some room below.
pub(super) fn height(entries: &[Entry]) -> f64 {
    rows(entries).last().map_or(0.0, |((_, y), ..)| y + ROW / 2.0 + 6.0)
}

/// Draws the legend from the top.
pub(super) fn draw(canvas: &mut Canvas, entries: &[Entry]) {
    for ((x, y), entry, name) in rows(entries) {
        let middle = x + SAMPLE / 2.0;
        for sample in &entry.samples {
            match sample {
                Sample::Line(ink) => canvas.line(vec![(x, y), (x + SAMPLE, y)], *ink),
                Sample::Marker(tone, ink) => markers::draw(canvas, (middle, y), *tone, *ink),
                Sample::Swatch(ink) => {
                    canvas.rectangle((x + 4.0, y - 6.0), (x + SAMPLE - 4.0, y + 6.0), *ink);
                }
            }
        }
        canvas.text((x + SAMPLE + 6.0, y), Anchor::Start, &name, Ink::Text);
    }
}
