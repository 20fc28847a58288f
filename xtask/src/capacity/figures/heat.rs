//! Heat maps: how many, by time and by how long it took.

use serde::Serialize;

use super::{
    About, Figure,
    axis::{Axis, Range},
    canvas::{Anchor, Canvas, FONT, WIDTH},
    frame::{Frame, NAME, TICKS, room_for_ticks},
    ink::{Ink, LEVELS},
    number::{Unit, plain},
    table::{Column, Table},
    text,
};

/// Counts in cells, darker where there are more.
///
/// Shades are steps of equal factors: latencies are many in one cell and few,
/// but important, in others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatMap {
    /// The horizontal axis: time.
    pub x: Axis,
    /// The vertical axis: latency.
    pub y: Axis,
    /// Where columns begin, and where the last one ends.
    pub x_edges: Vec<f64>,
    /// Where the cells of each column begin, and where the last one ends.
    pub y_edges: Vec<f64>,
    /// For each column, the count of each of its cells.
    pub counts: Vec<Vec<u64>>,
    /// What is counted, for the legend.
    pub counted: String,
}

const HEIGHT: f64 = 300.0;

impl HeatMap {
    /// Draws the map.
    pub fn figure(&self, about: &About) -> Figure {
        Figure::new(about, &self.canvas(), self.table())
    }

    pub(super) fn canvas(&self) -> Canvas {
        let tight = |axis: &Axis, edges: &[f64]| {
            let ends = edges.first().copied().zip(edges.last().copied());
            let range = ends.map_or(axis.range, |(first, last)| Range::Between(first, last));
            axis.clone().over(range)
        };
        let x = tight(&self.x, &self.x_edges).resolve(self.x_edges.iter().copied(), 8);
        let y = tight(&self.y, &self.y_edges).resolve(self.y_edges.iter().copied(), 7);
        let left = room_for_ticks([&y]);
        let width = WIDTH - left - 18.0;
        let frame = Frame { left, top: NAME + 4.0, width, height: HEIGHT, x, y };
        let mut canvas = Canvas::new(frame.bottom() + TICKS + NAME);
        frame.draw_y(&mut canvas, &self.y);
        self.draw_cells(&mut canvas, &frame);
        self.draw_legend(&mut canvas);
        frame.draw_floor(&mut canvas);
        frame.draw_x_ticks(&mut canvas);
        frame.draw_x_name(&mut canvas, &self.x);
        canvas
    }

    fn most(&self) -> u64 {
        self.counts.iter().flatten().copied().max().unwrap_or(0)
    }

    /// Which shade a count has, if it is not zero.
    fn level(count: u64, most: u64) -> Option<u8> {
        if count == 0 {
            return None;
        }
        let share = libm::log(as_number(count)) / libm::log(as_number(most.max(2)));
        // Fractions of a level round down; the greatest count is in the last.
        let level =
            (0..LEVELS).rev().find(|level| f64::from(*level) <= share * f64::from(LEVELS) + 1e-9);
        Some(level.unwrap_or(0))
    }

    /// Cells in a row with the same shade are one rectangle: fewer to store,
    /// and no seams between them.
    fn draw_cells(&self, canvas: &mut Canvas, frame: &Frame) {
        let most = self.most();
        for (row, heights) in self.y_edges.windows(2).enumerate() {
            let levels = self.counts.iter().zip(self.x_edges.windows(2)).map(|(column, edges)| {
                let count = column.get(row).copied().unwrap_or(0);
                (Self::level(count, most), edges[0], edges[1])
            });
            let mut runs: Vec<(Option<u8>, f64, f64)> = Vec::new();
            for (level, from, to) in levels {
                match runs.last_mut() {
                    Some(run) if run.0 == level => run.2 = to,
                    _ => runs.push((level, from, to)),
                }
            }
            for (level, from, to) in runs {
                let Some(level) = level else { continue };
                let across = frame.x_within(from).zip(frame.x_within(to));
                let up = frame.y_within(heights[0]).zip(frame.y_within(heights[1]));
                if let Some(((left, right), (bottom, top))) = across.zip(up) {
                    canvas.rectangle((left, top), (right, bottom), Ink::Heat(level));
                }
            }
        }
    }

    /// The shades from one to the most, above the map at the right.
    fn draw_legend(&self, canvas: &mut Canvas) {
        let (y, step) = (NAME / 2.0, 18.0);
        let most = Unit::Count.label(two_digits(as_number(self.most())), 0.0);
        let mut x = WIDTH - 18.0 - text::width(&most, FONT);
        canvas.text((x, y), Anchor::Start, &most, Ink::Muted);
        x -= 8.0;
        for level in (0..LEVELS).rev() {
            canvas.rectangle((x - step, y - 6.0), (x, y + 6.0), Ink::Heat(level));
            x -= step;
        }
        let label = text::fit(&format!("{}: 1", text::clean(&self.counted)), FONT, WIDTH / 3.0);
        canvas.text((x - 8.0, y), Anchor::End, &label, Ink::Muted);
    }

    fn table(&self) -> Table {
        let columns = vec![
            Column::numbers(format!("{}, from", self.x.column())),
            Column::numbers(format!("{}, from", self.y.column())),
            Column::numbers(format!("{}, to", self.y.column())),
            Column::numbers(self.counted.clone()),
        ];
        let mut rows = Vec::new();
        for (column, x) in self.counts.iter().zip(&self.x_edges) {
            for (count, edges) in column.iter().zip(self.y_edges.windows(2)) {
                if *count != 0 {
                    rows.push(vec![
                        self.x.unit.cell(*x),
                        self.y.unit.cell(edges[0]),
                        self.y.unit.cell(edges[1]),
                        plain(as_number(*count)),
                    ]);
                }
            }
        }
        Table { columns, rows }
    }
}

/// A number that is only to give an idea.
fn two_digits(value: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(value.max(1.0))) - 1.0);
    libm::round(value / unit) * unit
}

#[expect(clippy::cast_precision_loss, reason = "a shade or a label needs six digits at most")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_are_equal_factors() {
        let levels = [0, 1, 9, 10, 99, 100_000_000].map(|count| HeatMap::level(count, 100_000_000));
        assert_eq!(levels, [None, Some(0), Some(0), Some(1), Some(1), Some(7)]);
        assert_eq!(HeatMap::level(1, 1), Some(0));
    }
}
