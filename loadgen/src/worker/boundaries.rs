//! Where intervals end: pure.

use std::time::Duration;

/// The moments at which what was recorded is reported: whole intervals before
/// and after the moment from which a step holds, and again from where its
/// schedule ends. A part is as long as half an interval at least, or belongs to
/// its neighbour, so that those of several generators fit one grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundaries {
    pub(super) settle: Duration,
    pub(super) length: Duration,
    pub(super) interval: Duration,
}

impl Boundaries {
    /// The first after `at`, which is one itself, or the beginning.
    pub(super) fn after(&self, at: Duration) -> Duration {
        let Self { settle, length, interval } = *self;
        let interval = interval.max(Duration::from_nanos(1));
        let next = at.saturating_add(interval);
        if at < settle {
            let left = settle.saturating_sub(at);
            let whole = u32::try_from(left.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX);
            let rest = left.saturating_sub(interval.saturating_mul(whole));
            match (rest <= interval / 2, whole) {
                (true, 0) => settle,
                (true, _) => at.saturating_add(rest).saturating_add(interval),
                (false, _) => at.saturating_add(rest),
            }
        } else if at < length && length < next.saturating_add(interval / 2) {
            length
        } else {
            next
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settle: u64, length: u64, boundaries: &[u64]) {
        let ms = Duration::from_millis;
        let of = Boundaries { settle: ms(settle), length: ms(length), interval: ms(100) };
        let found = std::iter::successors(Some(of.after(Duration::ZERO)), |at| Some(of.after(*at)));
        let expected: Vec<_> = boundaries.iter().copied().map(ms).collect();
        assert_eq!(found.take(boundaries.len()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_part_has_its_own() {
        check(0, 300, &[100, 200, 300, 400, 500]);
        check(150, 350, &[150, 250, 350, 450]);
        check(160, 360, &[60, 160, 260, 360]);
        check(200, 240, &[100, 200, 240, 340]);
        check(0, 240, &[100, 240, 340]);
        check(20, 70, &[20, 70, 170]);
        check(0, 0, &[100, 200]);
    }
}
