//! The circuit breaker: whether the upstream keeps failing.

use std::{collections::VecDeque, time::Duration};

/// How many of the last exchanges count.
const WINDOW: usize = 20;
/// Fewer say nothing.
const ENOUGH: usize = 10;
/// Older ones say nothing.
const RECENT: Duration = Duration::from_mins(1);
/// The first pause before a probe; each that fails doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before a probe.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How an exchange went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// The upstream answered.
    Well,
    /// It could not be reached, did not answer, or its answer says that it is
    /// down.
    Badly,
}

/// The rolling share of failures.
#[derive(Debug, Default)]
pub struct Breaker {
    recent: VecDeque<(Duration, Went)>,
    /// Probes that failed one after the other.
    failed_probes: u32,
}

impl Breaker {
    /// Notes an exchange; whether half of the recent ones, or more, failed.
    pub fn note(&mut self, went: Went, now: Duration) -> bool {
        while self.recent.len() == WINDOW
            || self.recent.front().is_some_and(|(at, _)| RECENT < now.saturating_sub(*at))
        {
            self.recent.pop_front();
        }
        self.recent.push_back((now, went));
        let failed = self.recent.iter().filter(|(_, went)| *went == Went::Badly).count();
        went == Went::Badly && ENOUGH <= self.recent.len() && self.recent.len() <= 2 * failed
    }

    /// The pause before the next probe, longer each time.
    pub fn pause(&mut self) -> Duration {
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.failed_probes.min(8));
        self.failed_probes = self.failed_probes.saturating_add(1);
        pause.min(LONGEST_PAUSE)
    }

    /// A probe went well: what was before does not count.
    pub fn close(&mut self) {
        *self = Breaker::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exchanges one second apart, `x` for a failure; which of them opens.
    #[track_caller]
    fn check(exchanges: &str, apart: u64, opens: Option<usize>) {
        let mut breaker = Breaker::default();
        let opened = exchanges.chars().zip(0..).position(|(exchange, at)| {
            let went = if exchange == 'x' { Went::Badly } else { Went::Well };
            breaker.note(went, Duration::from_secs(at * apart))
        });
        assert_eq!(opened, opens, "{exchanges}");
    }

    #[test]
    fn opens_when_half_of_the_recent_ones_failed() {
        check("xxxxxxxxxx", 1, Some(9));
        check("xxxxxxxxx", 1, None);
        check(".x.x.x.x.x", 1, Some(9));
        check("x.x.x.x.x.", 1, None);
        check("....................xxxxxxxxxx", 1, Some(29));
        check("....................xxxxxxxxx...........xxxx", 1, None);
        // Failures long ago count no more.
        check("xxxxxxxxxxxx", 30, None);
    }

    #[test]
    fn probes_come_at_least_every_ten_seconds() {
        let mut breaker = Breaker::default();
        let pauses: Vec<u64> = (0..6).map(|_| breaker.pause().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
        breaker.close();
        assert_eq!(breaker.pause(), FIRST_PAUSE);
    }
}
