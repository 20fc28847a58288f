//! Whether the tier is asked.
//!
//! A breaker that opens at the first failure: a stall costs those who wait
//! just then one time-out, and nobody after them. It closes when the tier's own
//! probe is answered; no client's request is a probe.

use std::time::{Duration, Instant};

/// Whether the tier is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is.
    There,
    /// It is not, since then.
    Away(Instant),
}

/// What has changed, to be told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It has gone.
    Gone,
    /// It has come, after so long.
    Come(Duration),
}

impl Health {
    /// After a failure.
    pub fn failed(&mut self, now: Instant) -> Change {
        match self {
            Health::Away(_) => Change::None,
            Health::There => {
                *self = Health::Away(now);
                Change::Gone
            }
        }
    }

    /// After a probe that was answered.
    pub fn answered(&mut self, now: Instant) -> Change {
        match std::mem::replace(self, Health::There) {
            Health::There => Change::None,
            Health::Away(since) => Change::Come(now.saturating_duration_since(since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_at_the_first_failure_and_comes_with_the_first_answer() {
        let begun = tokio::time::Instant::now().into_std();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut health = Health::There;
        assert_eq!(health.answered(at(1)), Change::None);
        assert_eq!(health.failed(at(2)), Change::Gone);
        assert_eq!(health, Health::Away(at(2)));
        assert_eq!(health.failed(at(3)), Change::None);
        assert_eq!(health, Health::Away(at(2)));
        assert_eq!(health.answered(at(7)), Change::Come(Duration::from_secs(5)));
        assert_eq!(health, Health::There);
    }
}
