//! The rectangle in which data are drawn, with its axes.

use super::{
    axis::{Axis, Resolved},
    canvas::{Anchor, At, Canvas, FONT, WIDTH},
    clip::Share,
    ink::Ink,
    text,
};

/// Room for the ticks below.
pub(super) const TICKS: f64 = 24.0;
/// Room for the name of an axis.
pub(super) const NAME: f64 = 27.0;

/// Where data are drawn, and how values become places.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Resolved,
    pub(super) y: Resolved,
}

impl Frame {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Where the values are as shares of the frame, also outside it.
    pub(super) fn share(&self, x: f64, y: f64) -> Option<Share> {
        Some((self.x.at(x)?, self.y.at(y)?))
    }

    /// A share's place.
    pub(super) fn place(&self, (across, up): Share) -> At {
        (self.left + across * self.width, self.bottom() - up * self.height)
    }

    /// The values' place, if it is inside.
    pub(super) fn inside(&self, x: f64, y: f64) -> Option<At> {
        let share = self.share(x, y)?;
        let inside = |part: f64| (-1e-9..=1.0 + 1e-9).contains(&part);
        (inside(share.0) && inside(share.1)).then(|| self.place(share))
    }

    /// A value's distance from the left, moved to the frame's edge if outside.
    pub(super) fn x_within(&self, x: f64) -> Option<f64> {
        self.x.at(x).map(|share| self.left + share.clamp(0.0, 1.0) * self.width)
    }

    /// A value's height, moved to the frame's edge if outside.
    pub(super) fn y_within(&self, y: f64) -> Option<f64> {
        self.y.at(y).map(|share| self.bottom() - share.clamp(0.0, 1.0) * self.height)
    }

    /// The horizontal lines behind the data, each with its number, and the
    /// axis's name above them, where it is read without turning one's head.
    pub(super) fn draw_y(&self, canvas: &mut Canvas, axis: &Axis) {
        let mut free = f64::INFINITY;
        for tick in &self.y.ticks {
            let y = self.bottom() - tick.at * self.height;
            canvas.line(vec![(self.left, y), (self.right(), y)], Ink::Grid);
            if y + FONT / 2.0 <= free {
                canvas.text((self.left - 8.0, y), Anchor::End, &tick.label, Ink::Muted);
                free = y - FONT / 2.0;
            }
        }
        canvas.text((0.0, self.top - NAME / 2.0 - 3.5), Anchor::Start, &axis.label, Ink::Muted);
    }

    /// The lower edge with its numbers, those left out that would overlap.
    pub(super) fn draw_x_ticks(&self, canvas: &mut Canvas) {
        let mut free = f64::NEG_INFINITY;
        for tick in &self.x.ticks {
            let x = self.left + tick.at * self.width;
            canvas.line(vec![(x, self.bottom()), (x, self.bottom() + 4.0)], Ink::Axis);
            let half = text::width(&tick.label, FONT) / 2.0;
            if free <= x - half {
                let at = (x, self.bottom() + TICKS / 2.0 + 2.0);
                canvas.text(at, Anchor::Middle, &tick.label, Ink::Muted);
                free = x + half + 8.0;
            }
        }
    }

    /// The line on which the data stand.
    pub(super) fn draw_floor(&self, canvas: &mut Canvas) {
        let floor = self.bottom();
        canvas.line(vec![(self.left, floor), (self.right(), floor)], Ink::Axis);
    }

    /// The name of the horizontal axis, below its numbers at the right end.
    pub(super) fn draw_x_name(&self, canvas: &mut Canvas, axis: &Axis) {
        let y = self.bottom() + TICKS + NAME / 2.0;
        canvas.text((self.right(), y), Anchor::End, &axis.label, Ink::Muted);
    }
}

/// Room for an axis's numbers at the left.
pub(super) fn room_for_ticks<'a>(axes: impl IntoIterator<Item = &'a Resolved>) -> f64 {
    let labels = axes.into_iter().flat_map(|axis| &axis.ticks);
    let widest = labels.map(|tick| text::width(&tick.label, FONT)).fold(0.0, f64::max);
    (widest + 10.0).clamp(28.0, WIDTH / 4.0)
}
