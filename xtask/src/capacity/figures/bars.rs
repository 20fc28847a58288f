//! Bars, or dots, with intervals: one number for each of a few things.

use serde::Serialize;

use super::{
    About, Figure,
    axis::Axis,
    canvas::{Anchor, Canvas, FONT, WIDTH},
    frame::{Frame, NAME, TICKS, room_for_ticks},
    ink::{Ink, Tone},
    markers,
    place::Obstacles,
    table::{Column, Table},
    text,
    xy::Interval,
};

/// One number for each of a few things.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bars {
    /// What the things are, for example "cores".
    pub things: String,
    /// The vertical axis. For [`BarLook::Bar`] it has to start at zero:
    /// readers compare lengths.
    pub y: Axis,
    /// The things, from left to right.
    pub bars: Vec<Bar>,
    /// How they are drawn.
    pub look: BarLook,
    /// Heights to hold them against, with what they are.
    pub heights: Vec<(f64, String)>,
}

/// How numbers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BarLook {
    /// As bars from zero.
    Bar,
    /// As dots: for a history, where the axis need not start at zero.
    Dot,
}

/// A thing's number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// Its number.
    pub value: f64,
    /// Between what the number is likely to be.
    pub interval: Option<Interval>,
    /// Its colour.
    pub tone: Tone,
}

const HEIGHT: f64 = 250.0;

impl Bars {
    /// Draws the bars.
    pub fn figure(&self, about: &About) -> Figure {
        Figure::new(about, &self.canvas(), self.table())
    }

    pub(super) fn canvas(&self) -> Canvas {
        let of_bars = self.bars.iter().flat_map(|bar| {
            let ends = bar.interval.map(|interval| [interval.low, interval.high]);
            ends.into_iter().flatten().chain([bar.value])
        });
        let heights = self.heights.iter().map(|(height, _)| *height);
        let y = self.y.resolve(of_bars.chain(heights), 6);
        let left = room_for_ticks([&y]);
        let width = WIDTH - left - 18.0;
        let frame = Frame { left, top: NAME, width, height: HEIGHT, x: y.clone(), y };
        let mut canvas = Canvas::new(frame.bottom() + TICKS + NAME);
        let mut obstacles = Obstacles::default();
        frame.draw_y(&mut canvas, &self.y);
        self.draw_bars(&mut canvas, &frame, &mut obstacles);
        self.draw_heights(&mut canvas, &frame, &mut obstacles);
        frame.draw_floor(&mut canvas);
        let name = (frame.right(), frame.bottom() + TICKS + NAME / 2.0);
        canvas.text(name, Anchor::End, &self.things, Ink::Muted);
        canvas
    }

    fn draw_bars(&self, canvas: &mut Canvas, frame: &Frame, obstacles: &mut Obstacles) {
        let slot = frame.width / self.bars.iter().map(|_| 1.0).sum::<f64>().max(1.0);
        let widest = self.bars.iter().map(|bar| text::width(&bar.name, FONT)).fold(0.0, f64::max);
        // Names that would not fit are left out evenly, or cut if long.
        let every = libm::ceil((widest.min(90.0) + 8.0) / slot).max(1.0);
        let mut next_name = 0.0;
        let mut index = 0.0;
        for bar in &self.bars {
            let x = frame.left + (index + 0.5) * slot;
            self.draw(canvas, frame, bar, (x, (slot * 0.3).min(34.0)), obstacles);
            if next_name <= index {
                let name = text::fit(&text::clean(&bar.name), FONT, slot * every - 6.0);
                let at = (x, frame.bottom() + TICKS / 2.0 + 2.0);
                canvas.text(at, Anchor::Middle, &name, Ink::Text);
                next_name += every;
            }
            index += 1.0;
        }
    }

    fn draw(
        &self,
        canvas: &mut Canvas,
        frame: &Frame,
        bar: &Bar,
        (x, half): (f64, f64),
        obstacles: &mut Obstacles,
    ) {
        let Some(y) = frame.y_within(bar.value) else { return };
        if self.look == BarLook::Bar {
            let zero = frame.y_within(0.0).unwrap_or(frame.bottom());
            canvas.rectangle((x - half, y), (x + half, zero), Ink::Bar(bar.tone));
            obstacles.line(&[(x - half, y), (x + half, y)]);
        }
        let ends = bar.interval.and_then(|interval| {
            Some((frame.y_within(interval.low)?, frame.y_within(interval.high)?))
        });
        if let Some((low, high)) = ends {
            let ink = match self.look {
                BarLook::Bar => Ink::Interval,
                BarLook::Dot => Ink::Whisker(bar.tone),
            };
            markers::whisker(canvas, x, high, low, ink);
            obstacles.line(&[(x, high), (x, low)]);
        }
        if self.look == BarLook::Dot {
            markers::draw(canvas, (x, y), bar.tone, Ink::Marker(bar.tone));
            obstacles.dot((x, y));
        }
    }

    fn draw_heights(&self, canvas: &mut Canvas, frame: &Frame, obstacles: &mut Obstacles) {
        for (height, label) in &self.heights {
            let Some(y) = frame.y_within(*height) else { continue };
            canvas.line(vec![(frame.left, y), (frame.right(), y)], Ink::Reference);
            let label = text::fit(&text::clean(label), FONT, frame.width);
            let places: Vec<_> = [y - FONT * 0.75, y + FONT * 0.75]
                .into_iter()
                .flat_map(|y| {
                    [
                        ((frame.right() - 6.0, y), Anchor::End),
                        ((frame.left + 6.0, y), Anchor::Start),
                    ]
                })
                .collect();
            obstacles.label(canvas, &places, &label, Ink::Muted);
        }
    }

    fn table(&self) -> Table {
        let unit = self.y.unit;
        let columns = vec![
            Column::words(self.things.clone()),
            Column::numbers(self.y.column()),
            Column::numbers("low"),
            Column::numbers("high"),
        ];
        let row = |bar: &Bar| {
            let end = |value: Option<f64>| value.map_or_else(String::new, |value| unit.cell(value));
            vec![
                bar.name.clone(),
                unit.cell(bar.value),
                end(bar.interval.map(|interval| interval.low)),
                end(bar.interval.map(|interval| interval.high)),
            ]
        };
        Table { columns, rows: self.bars.iter().map(row).collect() }
    }
}
