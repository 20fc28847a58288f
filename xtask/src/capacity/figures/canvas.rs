//! A sheet on which marks are put: plotters draws it at the end.
//!
//! Plotters' coordinates are whole numbers, so it draws ten times as large and
//! [`svg`](super::svg) divides: a tenth of a unit, about a tenth of a pixel, is
//! as fine as anyone sees, and coordinates have one decimal on any machine.

use plotters::{
    backend::SVGBackend,
    drawing::{DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    style::{
        Color, FontTransform, IntoFont,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{ink::Ink, text};

/// The font size of text in figures.
///
/// A figure is 720 units wide. Pages and GitHub show it about 830 pixels wide,
/// so this is 15 pixels there.
pub(super) const FONT: f64 = 13.0;
/// How wide every figure is.
pub(super) const WIDTH: f64 = 720.0;

/// A place, in units from the upper left corner.
pub(super) type At = (f64, f64);

/// Where a text's place is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At its left end, half-way up.
    Start,
    /// In its middle.
    Middle,
    /// At its right end, half-way up.
    End,
}

#[derive(Debug, Clone)]
enum Mark {
    Line(Vec<At>),
    Area(Vec<At>),
    Dot(At, f64),
    Rectangle(At, At),
    Text(At, Anchor, String),
}

/// A sheet with what is on it.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    height: f64,
    marks: Vec<(Mark, Ink)>,
}

impl Canvas {
    /// An empty sheet.
    pub(super) fn new(height: f64) -> Self {
        Self { height, marks: Vec::new() }
    }

    /// How high it is.
    pub(super) fn height(&self) -> f64 {
        self.height
    }

    /// A line through the points, if there are two.
    pub(super) fn line(&mut self, points: Vec<At>, ink: Ink) {
        if 1 < points.len() {
            self.marks.push((Mark::Line(points), ink));
        }
    }

    /// The area inside the points, if there are three.
    pub(super) fn area(&mut self, points: Vec<At>, ink: Ink) {
        if 2 < points.len() {
            self.marks.push((Mark::Area(points), ink));
        }
    }

    /// A circle.
    pub(super) fn dot(&mut self, center: At, radius: f64, ink: Ink) {
        self.marks.push((Mark::Dot(center, radius), ink));
    }

    /// A rectangle between two opposite corners.
    pub(super) fn rectangle(&mut self, one: At, other: At, ink: Ink) {
        self.marks.push((Mark::Rectangle(one, other), ink));
    }

    /// Text of one line, moved or cut where it would leave the sheet.
    pub(super) fn text(&mut self, at: At, anchor: Anchor, content: &str, ink: Ink) {
        let content = text::fit(&text::clean(content), FONT, WIDTH);
        if content.trim().is_empty() {
            return;
        }
        let width = text::width(&content, FONT);
        let (before, after) = match anchor {
            Anchor::Start => (0.0, width),
            Anchor::Middle => (width / 2.0, width / 2.0),
            Anchor::End => (width, 0.0),
        };
        let x = at.0.min(WIDTH - after).max(before);
        let y = at.1.clamp(FONT / 2.0, (self.height - FONT / 2.0).max(FONT / 2.0));
        self.marks.push((Mark::Text((x, y), anchor, content), ink));
    }

    /// What plotters makes of the marks.
    pub(super) fn draw(&self) -> String {
        let mut drawn = String::new();
        let (width, height) = tenths((WIDTH, self.height));
        let backend =
            SVGBackend::with_string(&mut drawn, (width.unsigned_abs(), height.unsigned_abs()));
        self.draw_on(backend).expect("a string takes whatever is written to it");
        drawn
    }

    fn draw_on(&self, backend: SVGBackend<'_>) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let area = backend.into_drawing_area();
        for (mark, ink) in &self.marks {
            let colour = ink.colour();
            match mark {
                Mark::Line(points) => area.draw(&PathElement::new(all_tenths(points), colour))?,
                Mark::Area(points) => area.draw(&Polygon::new(all_tenths(points), colour))?,
                Mark::Dot(center, radius) => {
                    let radius = tenths((*radius, 0.0)).0;
                    area.draw(&Circle::new(tenths(*center), radius, colour.filled()))?;
                }
                Mark::Rectangle(one, other) => {
                    area.draw(&Rectangle::new([tenths(*one), tenths(*other)], colour.filled()))?;
                }
                Mark::Text(at, anchor, content) => {
                    let position = Pos::new(
                        match anchor {
                            Anchor::Start => HPos::Left,
                            Anchor::Middle => HPos::Center,
                            Anchor::End => HPos::Right,
                        },
                        VPos::Center,
                    );
                    let font = ("sans-serif", FONT).into_font().transform(FontTransform::None);
                    let style = font.color(&colour).pos(position);
                    area.draw(&Text::new(content.as_str(), tenths(*at), style))?;
                }
            }
        }
        // Dropped without this, plotters would keep a failure to itself.
        area.present()
    }

    /// The texts, each with the corners of the box that it takes at most.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<(At, At, &str)> {
        let texts = self.marks.iter().filter_map(|(mark, _)| match mark {
            Mark::Text(at, anchor, content) => Some((*at, *anchor, content.as_str())),
            _ => None,
        });
        texts
            .map(|((x, y), anchor, content)| {
                let width = text::width(content, FONT);
                let left = match anchor {
                    Anchor::Start => x,
                    Anchor::Middle => x - width / 2.0,
                    Anchor::End => x - width,
                };
                ((left, y - FONT / 2.0), (left + width, y + FONT / 2.0), content)
            })
            .collect()
    }
}

fn all_tenths(points: &[At]) -> Vec<(i32, i32)> {
    points.iter().copied().map(tenths).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a small multiple of a figure")]
fn tenths((x, y): At) -> (i32, i32) {
    let round = |value: f64| libm::round(value.clamp(-2000.0, 4000.0) * 10.0) as i32;
    (round(x), round(y))
}
