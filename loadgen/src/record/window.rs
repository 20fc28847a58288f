//! What goes on between two moments.

use std::time::Duration;

use super::UnderWay;

/// Requests that are under way and answers that come between two moments,
/// exactly, whatever comes before and after: a rate over whole intervals would
/// depend on where those happen to end.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    from: Duration,
    until: Duration,
    under_way: UnderWay,
    answered: u64,
}

/// What went on in a [`Window`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Within {
    /// Requests under way, on average.
    pub in_flight: f64,
    /// The most that were.
    pub most_in_flight: u64,
    /// Whole answers per second, whenever they had been due.
    pub throughput: f64,
}

impl Window {
    /// From `from` on, and before `until`.
    pub fn new(from: Duration, until: Duration) -> Self {
        Self { from, until: until.max(from), under_way: UnderWay::default(), answered: 0 }
    }

    /// It ends at `at` already: now, as what has happened stays.
    pub fn cut(&mut self, at: Duration) {
        self.until = self.until.min(at).max(self.from);
    }

    /// A request goes out at `at`.
    pub fn begin(&mut self, at: Duration) {
        if at < self.until {
            self.under_way.begin(at.max(self.from));
            self.forget(at);
        }
    }

    /// A request ends at `at`, by an answer or without one.
    pub fn end(&mut self, at: Duration, answers: u64) {
        if at < self.until {
            self.under_way.end(at.max(self.from));
            self.forget(at);
            if self.from <= at {
                self.answered += answers;
            }
        }
    }

    /// What was under way before the window counts as far as it still is.
    fn forget(&mut self, at: Duration) {
        if at < self.from {
            self.under_way.take(self.from);
        }
    }

    /// What went on in it, when it is over.
    pub fn close(mut self) -> Within {
        let length = self.until.saturating_sub(self.from);
        if length.is_zero() {
            return Within::default();
        }
        let (area, most) = self.under_way.take(self.until);
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let answered = self.answered as f64;
        Within {
            in_flight: area.div_duration_f64(length),
            most_in_flight: most,
            throughput: answered / length.as_secs_f64(),
        }
    }
}

impl Within {
    /// Adds what went on in another thread at the same time; the most as if
    /// both had had theirs at once.
    pub fn add(&mut self, other: Self) {
        self.in_flight += other.in_flight;
        self.most_in_flight += other.most_in_flight;
        self.throughput += other.throughput;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// From 100 ms to 300 ms, with requests that begin and end at these times.
    fn window(requests: &[(u64, u64)]) -> Window {
        let mut events: Vec<(u64, bool)> =
            requests.iter().flat_map(|(begin, end)| [(*begin, true), (*end, false)]).collect();
        events.sort_unstable();
        let mut window = Window::new(ms(100), ms(300));
        for (at, begins) in events {
            if begins { window.begin(ms(at)) } else { window.end(ms(at), 1) }
        }
        window
    }

    #[track_caller]
    fn check(requests: &[(u64, u64)], in_flight: f64, most_in_flight: u64, throughput: f64) {
        let within = window(requests).close();
        assert_eq!(within, Within { in_flight, most_in_flight, throughput });
    }

    #[test]
    fn what_lies_outside_does_not_count() {
        check(&[], 0.0, 0, 0.0);
        check(&[(0, 50), (10, 60)], 0.0, 0, 0.0);
        check(&[(300, 400), (310, 320)], 0.0, 0, 0.0);
        check(&[(150, 250)], 0.5, 1, 5.0);
    }

    #[test]
    fn what_reaches_in_counts_as_far_as_it_does() {
        check(&[(0, 150)], 0.25, 1, 5.0);
        check(&[(200, 400)], 0.5, 1, 0.0);
        check(&[(0, 400), (50, 60), (250, 350)], 1.25, 2, 0.0);
        check(&[(0, 100), (200, 300)], 0.5, 1, 5.0);
    }

    #[test]
    fn it_can_end_early() {
        let mut short = window(&[(0, 150)]);
        short.cut(ms(200));
        assert_eq!(short.close(), Within { in_flight: 0.5, most_in_flight: 1, throughput: 10.0 });
        let mut none = Window::new(ms(100), ms(300));
        none.begin(ms(10));
        none.cut(ms(20));
        assert_eq!(none.close(), Within::default());
    }
}
