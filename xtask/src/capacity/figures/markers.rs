//! The shapes of measurements: one for each tone.

use super::{
    canvas::{At, Canvas},
    ink::{Ink, Tone},
};

/// Half as wide as a marker is.
pub(super) const RADIUS: f64 = 4.2;

/// A marker of the tone's shape, in an ink that may be another.
pub(super) fn draw(canvas: &mut Canvas, (x, y): At, tone: Tone, ink: Ink) {
    // Sizes look equal when areas are.
    let corners: &[At] = match tone {
        Tone::Blue => return canvas.dot((x, y), RADIUS, ink),
        Tone::Orange => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        Tone::Green => &[(0.0, -1.3), (1.15, 0.75), (-1.15, 0.75)],
        Tone::Purple => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Tone::Ochre => &[(0.0, 1.3), (1.15, -0.75), (-1.15, -0.75)],
        Tone::Grey => &[
            (-0.4, -1.2),
            (0.4, -1.2),
            (0.4, -0.4),
            (1.2, -0.4),
            (1.2, 0.4),
            (0.4, 0.4),
            (0.4, 1.2),
            (-0.4, 1.2),
            (-0.4, 0.4),
            (-1.2, 0.4),
            (-1.2, -0.4),
            (-0.4, -0.4),
        ],
    };
    let corner = |(across, down): &At| (x + across * RADIUS, y + down * RADIUS);
    canvas.area(corners.iter().map(corner).collect(), ink);
}

/// A vertical error bar with its ends.
pub(super) fn whisker(canvas: &mut Canvas, x: f64, from: f64, to: f64, ink: Ink) {
    let cap = 3.0;
    canvas.line(vec![(x, from), (x, to)], ink);
    for end in [from, to] {
        canvas.line(vec![(x - cap, end), (x + cap, end)], ink);
    }
}
