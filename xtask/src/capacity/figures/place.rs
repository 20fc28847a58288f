//! Where labels go, so that they hide as little as possible.

use super::{
    canvas::{Anchor, At, Canvas, FONT},
    ink::Ink,
    text,
};

/// What is on a chart already.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    points: Vec<At>,
    boxes: Vec<(At, At)>,
}

impl Obstacles {
    /// A line, as points close enough that no label fits between.
    pub(super) fn line(&mut self, points: &[At]) {
        let apart = 6.0;
        for pair in points.windows(2) {
            let (across, down) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            let steps = libm::ceil(libm::hypot(across, down) / apart).clamp(1.0, 1000.0);
            let mut step = 0.0;
            while step <= steps {
                let share = step / steps;
                self.points.push((pair[0].0 + share * across, pair[0].1 + share * down));
                step += 1.0;
            }
        }
    }

    /// A marker.
    pub(super) fn dot(&mut self, at: At) {
        // One hides more than a piece of a line does.
        self.points.extend([at; 3]);
    }

    /// Writes the label at the first of the places where it hides least.
    pub(super) fn label(
        &mut self,
        canvas: &mut Canvas,
        places: &[(At, Anchor)],
        content: &str,
        ink: Ink,
    ) {
        let mut best: Option<(usize, At, Anchor, (At, At))> = None;
        for (at, anchor) in places {
            let space = space(*at, *anchor, content);
            let hidden = self.hidden(space);
            if best.is_none_or(|(least, ..)| hidden < least) {
                best = Some((hidden, *at, *anchor, space));
            }
        }
        if let Some((_, at, anchor, space)) = best {
            canvas.text(at, anchor, content, ink);
            self.boxes.push(space);
        }
    }

    fn hidden(&self, ((left, top), (right, bottom)): (At, At)) -> usize {
        let inside = |(x, y): &&At| (left..=right).contains(x) && (top..=bottom).contains(y);
        let points = self.points.iter().filter(inside).count();
        let overlaps =
            |((l, t), (r, b)): &&(At, At)| left < *r && *l < right && top < *b && *t < bottom;
        points + 100 * self.boxes.iter().filter(overlaps).count()
    }
}

fn space((x, y): At, anchor: Anchor, content: &str) -> (At, At) {
    let (width, half) = (text::width(content, FONT), FONT * 0.65);
    let left = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - width / 2.0,
        Anchor::End => x - width,
    };
    ((left - 3.0, y - half), (left + width + 3.0, y + half))
}

/// Heights near those wanted, from top to bottom in the same order, at least
/// `apart` from each other, and inside the limits while there is room.
pub(super) fn spread(wanted: &[f64], apart: f64, (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|one, other| wanted[*one].total_cmp(&wanted[*other]));
    let mut heights = wanted.to_vec();
    let mut least = top;
    for index in &order {
        heights[*index] = heights[*index].max(least);
        least = heights[*index] + apart;
    }
    let mut most = bottom;
    for index in order.iter().rev() {
        heights[*index] = heights[*index].min(most);
        most = heights[*index] - apart;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_spread() {
        assert_eq!(spread(&[50.0, 10.0, 12.0], 10.0, (0.0, 100.0)), [50.0, 10.0, 20.0]);
        assert_eq!(spread(&[98.0, 99.0], 10.0, (0.0, 100.0)), [90.0, 100.0]);
        assert_eq!(spread(&[], 10.0, (0.0, 100.0)), Vec::<f64>::new());
    }

    #[test]
    fn a_label_avoids_a_line() {
        let mut obstacles = Obstacles::default();
        obstacles.line(&[(0.0, 20.0), (300.0, 20.0)]);
        let mut canvas = Canvas::new(100.0);
        let places = [((10.0, 20.0), Anchor::Start), ((10.0, 60.0), Anchor::Start)];
        obstacles.label(&mut canvas, &places, "label", Ink::Muted);
        assert!(60.0 < canvas.texts()[0].1.1, "below the line");
        obstacles.label(&mut canvas, &places, "label", Ink::Muted);
        assert!(canvas.texts()[1].1.1 < 60.0, "not on the first label");
    }
}
