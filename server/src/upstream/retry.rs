//! Whether a request is put to the upstream anew, and when.
//!
//! Retries are paid for by requests: an outage is not multiplied.

use std::time::Duration;

use http::Method;

use super::governor::gate::Random;
use crate::exchange::{Failure, Purpose};

/// So many requests pay for a retry.
const PRICE: u32 = 10;
/// The most that is saved up, and what there is at first: ten retries.
const MOST_SAVED: u32 = 10 * PRICE;
/// The longest pause before the first retry; each that follows may be twice as
/// long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Whether a body comes with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// None does.
    Empty,
    /// One does, and is gone when it has been sent.
    Some,
}

/// Whether a request may be put to the upstream more than once.
pub(super) fn is_repeatable(method: &Method, content: Content, purpose: Purpose) -> bool {
    // RFC 9110 §9.2.2: a request is repeated automatically only where its method is idempotent.
    if !method.is_idempotent() {
        return false;
    }
    // Nobody waits for a refresh: what is stored goes on serving, and its next reader asks anew.
    content == Content::Empty && purpose != Purpose::Refresh
}

/// Whether a failure is one that may be over in a moment: nothing of an answer
/// has come, and the upstream has not said anything.
pub(super) fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_) | Failure::Closed(_) => true,
        // The system has tried several times within it.
        Failure::ConnectTimedOut(_)
        // There is no time left.
        | Failure::TimedOut(_)
        // It will say the same again.
        | Failure::Broken(_)
        | Failure::RequestBroken(_)
        | Failure::Loop
        | Failure::Shed { .. }
        | Failure::Abandoned => false,
    }
}

/// Why there is no retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// The request has had all of its own.
    Enough,
    /// It would come too late.
    TooLate,
    /// There have been too many.
    OverBudget,
}

/// The retries that there may be.
#[derive(Debug)]
pub(super) struct Retries {
    /// For each request.
    most: u32,
    /// Requests that have not been spent on retries.
    saved: u32,
    random: Random,
}

impl Retries {
    /// At most so many for each request. `seed` decides the pauses.
    pub(super) fn new(most: u32, seed: u64) -> Retries {
        Retries { most, saved: MOST_SAVED, random: Random::new(seed) }
    }

    /// A request has been put to the upstream for the first time.
    pub(super) fn earn(&mut self) {
        self.saved = (self.saved + 1).min(MOST_SAVED);
    }

    /// How long a request pauses that is to be put anew, after so many retries
    /// and with so much time left until it may go at the latest.
    pub(super) fn spend(&mut self, before: u32, left: Duration) -> Result<Duration, Denied> {
        if self.most <= before {
            return Err(Denied::Enough);
        }
        // Any pause up to the longest: who failed together does not come back together.
        let pause = self.random.up_to(FIRST_PAUSE * 2_u32.saturating_pow(before.min(10)));
        if left < pause {
            return Err(Denied::TooLate);
        }
        self.saved = self.saved.checked_sub(PRICE).ok_or(Denied::OverBudget)?;
        Ok(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Bound;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn only_what_does_no_harm_twice_is_repeated() {
        #[track_caller]
        fn check(method: &str, content: Content, purpose: Purpose, expected: bool) {
            let method = method.parse().unwrap();
            assert_eq!(is_repeatable(&method, content, purpose), expected);
        }
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
            check(method, Content::Empty, Purpose::Client, true);
            check(method, Content::Empty, Purpose::PassThrough, true);
            check(method, Content::Some, Purpose::PassThrough, false);
        }
        for method in ["POST", "PATCH", "CONNECT", "get", "PURGE"] {
            check(method, Content::Empty, Purpose::PassThrough, false);
        }
        check("GET", Content::Empty, Purpose::Refresh, false);
    }

    #[test]
    fn only_what_may_be_over_in_a_moment_is_tried_again() {
        let text = String::new;
        let shed = Failure::Shed { bound: Bound::Breaker, retry_after: LONG };
        for (failure, expected) in [
            (Failure::Unreachable(text()), true),
            (Failure::Closed(text()), true),
            (Failure::ConnectTimedOut(text()), false),
            (Failure::TimedOut(text()), false),
            (Failure::Broken(text()), false),
            (Failure::RequestBroken(text()), false),
            (Failure::Loop, false),
            (shed, false),
            (Failure::Abandoned, false),
        ] {
            assert_eq!(may_pass(&failure), expected, "{failure:?}");
        }
    }

    #[test]
    fn a_request_has_its_number_and_its_time() {
        #[track_caller]
        fn check(most: u32, before: u32, left_ms: u64, expected: Option<Denied>) {
            let denied = Retries::new(most, 7).spend(before, Duration::from_millis(left_ms)).err();
            assert_eq!(denied, expected);
        }
        check(2, 0, 100, None);
        check(2, 1, 200, None);
        check(2, 2, 30_000, Some(Denied::Enough));
        check(0, 0, 30_000, Some(Denied::Enough));
        check(2, 0, 0, Some(Denied::TooLate));
        check(10, 9, 51_200, None);
    }

    #[test]
    fn pauses_differ_and_grow() {
        let longest = |before| {
            let pauses: Vec<Duration> =
                (0..200).map(|seed| Retries::new(3, seed).spend(before, LONG).unwrap()).collect();
            assert!(pauses.iter().min().unwrap().as_millis() < 20, "full jitter");
            pauses.into_iter().max().unwrap().as_millis()
        };
        assert!((90..=100).contains(&longest(0)));
        assert!((180..=200).contains(&longest(1)));
        assert!((360..=400).contains(&longest(2)));
    }

    #[test]
    fn ten_requests_pay_for_one_retry() {
        let mut retries = Retries::new(2, 7);
        // What there is at first, and no more than that is saved up.
        for _ in 0..1000 {
            retries.earn();
        }
        let mut made = 0;
        while retries.spend(0, LONG).is_ok() {
            made += 1;
        }
        assert_eq!(made, 10);
        for _ in 0..9 {
            retries.earn();
        }
        assert_eq!(retries.spend(0, LONG), Err(Denied::OverBudget));
        retries.earn();
        assert!(retries.spend(0, LONG).is_ok());
        // What comes too late costs nothing.
        for _ in 0..10 {
            retries.earn();
        }
        assert_eq!(retries.spend(0, Duration::ZERO), Err(Denied::TooLate));
        assert!(retries.spend(0, LONG).is_ok());
    }
}
