//! Tornado charts: what moves a number, and how far, the strongest first.

use serde::Serialize;

use super::{
    About, Figure,
    axis::{Axis, Range},
    canvas::{Anchor, Canvas, FONT, WIDTH},
    frame::{Frame, NAME, TICKS},
    ink::{Ink, Tone},
    table::{Column, Table},
    text,
    xy::Interval,
};

/// Effects about a baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tornado {
    /// How far the number moves: zero is the baseline.
    pub change: Axis,
    /// What the baseline is.
    pub baseline: String,
    /// What was changed, in any order.
    pub effects: Vec<Effect>,
}

/// What one change does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// What was changed.
    pub name: String,
    /// How far the number moved.
    pub change: f64,
    /// How far it is likely to move.
    pub interval: Option<Interval>,
}

const ROW: f64 = 30.0;

impl Effect {
    /// Whether it might as well be none: then its bar is grey.
    fn may_be_none(&self) -> bool {
        self.interval.is_some_and(|interval| interval.low <= 0.0 && 0.0 <= interval.high)
    }

    fn tone(&self) -> Tone {
        match self.change {
            _ if self.may_be_none() => Tone::Grey,
            worse if worse < 0.0 => Tone::Orange,
            _ => Tone::Blue,
        }
    }
}

impl Tornado {
    /// Draws the effects, the strongest on top.
    pub fn figure(&self, about: &About) -> Figure {
        Figure::new(about, &self.canvas(), self.table())
    }

    fn strongest_first(&self) -> Vec<&Effect> {
        let mut effects: Vec<&Effect> = self.effects.iter().collect();
        effects.sort_by(|one, other| {
            let (one, other) = (libm::fabs(one.change), libm::fabs(other.change));
            other.total_cmp(&one)
        });
        effects
    }

    pub(super) fn canvas(&self) -> Canvas {
        let effects = self.strongest_first();
        let values = self.effects.iter().flat_map(|effect| {
            let ends = effect.interval.map(|interval| [interval.low, interval.high]);
            ends.into_iter().flatten().chain([effect.change, 0.0])
        });
        let x = self.change.clone().over(Range::Data).resolve(values, 6);
        let names = effects.iter().map(|effect| text::width(&text::clean(&effect.name), FONT));
        let left = names.fold(80.0, f64::max).min(WIDTH * 0.36) + 14.0;
        // The values are in a column of their own, where no whisker is.
        let width = WIDTH - left - 74.0;
        let height = ROW * effects.iter().map(|_| 1.0).sum::<f64>().max(1.0);
        let frame = Frame { left, top: 26.0, width, height, x: x.clone(), y: x };
        let mut canvas = Canvas::new(frame.bottom() + TICKS + NAME);
        self.draw_grid(&mut canvas, &frame);
        let mut y = frame.top + ROW / 2.0;
        for effect in effects {
            self.draw(&mut canvas, &frame, effect, y);
            y += ROW;
        }
        frame.draw_x_ticks(&mut canvas);
        frame.draw_x_name(&mut canvas, &self.change);
        canvas
    }

    fn draw_grid(&self, canvas: &mut Canvas, frame: &Frame) {
        for tick in &frame.x.ticks {
            let x = frame.left + tick.at * frame.width;
            canvas.line(vec![(x, frame.top), (x, frame.bottom())], Ink::Grid);
        }
        if let Some(zero) = frame.x_within(0.0) {
            canvas.line(vec![(zero, frame.top - 6.0), (zero, frame.bottom())], Ink::Axis);
            canvas.text((zero, frame.top - 15.0), Anchor::Middle, &self.baseline, Ink::Muted);
        }
    }

    fn draw(&self, canvas: &mut Canvas, frame: &Frame, effect: &Effect, y: f64) {
        let half = ROW * 0.3;
        let tone = effect.tone();
        if let Some((zero, end)) = frame.x_within(0.0).zip(frame.x_within(effect.change)) {
            canvas.rectangle((zero, y - half), (end, y + half), Ink::Bar(tone));
        }
        let ends = effect
            .interval
            .and_then(|interval| frame.x_within(interval.low).zip(frame.x_within(interval.high)));
        if let Some((low, high)) = ends {
            canvas.line(vec![(low, y), (high, y)], Ink::Interval);
            for end in [low, high] {
                canvas.line(vec![(end, y - 4.0), (end, y + 4.0)], Ink::Interval);
            }
        }
        let name = text::fit(&text::clean(&effect.name), FONT, frame.left - 14.0);
        canvas.text((frame.left - 12.0, y), Anchor::End, &name, Ink::Text);
        let value = self.change.unit.label(effect.change, effect.change);
        canvas.text((WIDTH, y), Anchor::End, &value, Ink::Label(tone));
    }

    fn table(&self) -> Table {
        let unit = self.change.unit;
        let columns = vec![
            Column::words("change"),
            Column::numbers(self.change.column()),
            Column::numbers("low"),
            Column::numbers("high"),
        ];
        let row = |effect: &&Effect| {
            let end = |end: fn(Interval) -> f64| {
                effect.interval.map_or_else(String::new, |interval| unit.cell(end(interval)))
            };
            let (low, high) = (end(|interval| interval.low), end(|interval| interval.high));
            vec![effect.name.clone(), unit.cell(effect.change), low, high]
        };
        Table { columns, rows: self.strongest_first().iter().map(row).collect() }
    }
}
