//! Keeps lines inside a frame.

/// A place in a frame: (0, 0) is its lower left corner and (1, 1) the opposite.
pub(super) type Share = (f64, f64);

/// The parts of a line that are inside the frame.
pub(super) fn line(points: &[Share]) -> Vec<Vec<Share>> {
    let mut parts: Vec<Vec<Share>> = Vec::new();
    for pair in points.windows(2) {
        let Some((from, to)) = segment(pair[0], pair[1]) else { continue };
        match parts.last_mut() {
            Some(part) if part.last() == Some(&from) => part.push(to),
            _ => parts.push(vec![from, to]),
        }
    }
    parts
}

/// The part of a segment that is inside, by narrowing down from which share of
/// its length to which it is on the right side of each edge (Liang and Barsky,
/// "A new concept and method for line clipping", 1984).
fn segment(from: Share, to: Share) -> Option<(Share, Share)> {
    let (across, up) = (to.0 - from.0, to.1 - from.1);
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for (speed, room) in
        [(-across, from.0), (across, 1.0 - from.0), (-up, from.1), (up, 1.0 - from.1)]
    {
        if speed == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if speed < 0.0 {
            enters = enters.max(room / speed);
        } else {
            leaves = leaves.min(room / speed);
        }
    }
    let at = |share: f64| match share {
        0.0 => from,
        1.0 => to,
        _ => (from.0 + share * across, from.1 + share * up),
    };
    (enters <= leaves).then(|| (at(enters), at(leaves)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_frame() {
        assert_eq!(
            line(&[(-1.0, 0.5), (0.5, 0.5), (0.5, 2.0)]),
            [[(0.0, 0.5), (0.5, 0.5), (0.5, 1.0)]]
        );
        assert_eq!(line(&[(-1.0, 2.0), (2.0, 2.0)]), Vec::<Vec<Share>>::new());
        assert_eq!(line(&[(0.0, 0.0), (0.5, 2.0), (1.0, 0.0)]).len(), 2);
        assert_eq!(line(&[(0.1, 0.1)]).len(), 0);
    }
}
