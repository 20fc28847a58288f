//! Where intervals end: pure.

use std::time::Duration;

/// The moments at which what was recorded is reported. Settling, holding and
/// what is left to be answered have intervals of their own, each part from its
/// beginning on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundaries {
    pub(super) settle: Duration,
    pub(super) length: Duration,
    pub(super) interval: Duration,
}

impl Boundaries {
    /// The first after `at`. What would be left of a part, and is shorter than
    /// half an interval, belongs to the one before.
    pub(super) fn after(&self, at: Duration) -> Duration {
        let Self { settle, length, interval } = *self;
        let (from, until) = if at < settle {
            (Duration::ZERO, settle)
        } else if at < length {
            (settle, length)
        } else {
            (length, Duration::MAX)
        };
        let interval = interval.max(Duration::from_nanos(1));
        let passed = at.saturating_sub(from).as_nanos() / interval.as_nanos();
        let number = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
        let next = from.saturating_add(interval.saturating_mul(number));
        if until < next.saturating_add(interval / 2) { until } else { next }
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
        check(150, 350, &[100, 150, 250, 350, 450]);
        check(0, 240, &[100, 240, 340]);
        check(20, 70, &[20, 70, 170]);
        check(0, 0, &[100, 200]);
    }
}
