//! The token bucket, kept as the moment it will be full again.
//!
//! Times are lengths of time since the governor began, so that a test needs no
//! clock.

use std::time::Duration;

use crate::config::Fraction;

/// How many requests may go: one each `interval`, and `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    interval: Duration,
    burst: u32,
}

impl Allowance {
    /// `rate` is requests a second.
    pub fn new(rate: f64, burst: u32) -> Allowance {
        let interval = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(SLOWEST).min(SLOWEST);
        Allowance { interval: interval.max(Duration::from_nanos(1)), burst: burst.max(1) }
    }

    /// So much of it.
    #[must_use]
    pub fn part(self, fraction: Fraction) -> Allowance {
        let interval = fraction.stretch(self.interval).min(SLOWEST);
        Allowance { interval, burst: fraction.of(self.burst) }
    }

    /// How many may go at once.
    pub fn burst(self) -> u32 {
        self.burst
    }
}

/// The longest that a token takes to come back.
const SLOWEST: Duration = Duration::from_hours(1);

/// A token bucket: a request takes a token; they come back at the rate.
#[derive(Debug)]
pub struct Bucket {
    /// `None`: nothing limits the rate.
    allowance: Option<Allowance>,
    full_at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub fn new(allowance: Option<Allowance>) -> Bucket {
        Bucket { allowance, full_at: Duration::ZERO }
    }

    /// How long until so many tokens are there, or could have been there one
    /// after the other; 1 is the next.
    pub fn wait(&self, now: Duration, nth: u32) -> Duration {
        let Some(Allowance { interval, burst }) = self.allowance else { return Duration::ZERO };
        let missing = self.full_at.saturating_sub(now);
        (missing + interval * nth).saturating_sub(interval * burst)
    }

    /// How many may go at once now; `None`: nothing limits the rate.
    pub fn left(&self, now: Duration) -> Option<u32> {
        let Allowance { interval, burst } = self.allowance?;
        let missing = self.full_at.saturating_sub(now).as_nanos().div_ceil(interval.as_nanos());
        Some(burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX)))
    }

    /// Takes a token that is there.
    pub fn take(&mut self, now: Duration) {
        if let Some(Allowance { interval, .. }) = self.allowance {
            self.full_at = self.full_at.max(now) + interval;
        }
    }

    /// Takes all tokens.
    pub fn empty(&mut self, now: Duration) {
        if let Some(Allowance { interval, burst }) = self.allowance {
            self.full_at = now + interval * burst;
        }
    }

    /// Changes what is allowed; tokens that are there stay as far as they fit.
    pub fn set(&mut self, allowance: Option<Allowance>, now: Duration) {
        if allowance == self.allowance {
            return;
        }
        let tokens = self.tokens(now);
        self.allowance = allowance;
        if let Some(Allowance { interval, burst }) = allowance {
            let burst = f64::from(burst);
            self.full_at = now + interval.mul_f64(burst - tokens.clamp(0.0, burst));
        }
    }

    /// The tokens that are there; none where there was no limit before.
    fn tokens(&self, now: Duration) -> f64 {
        let Some(Allowance { interval, burst }) = self.allowance else { return 0.0 };
        let missing = self.full_at.saturating_sub(now);
        f64::from(burst) - missing.as_secs_f64() / interval.as_secs_f64()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Takes a token at each of these times (milliseconds) if it is there, else
    /// notes how long it would take.
    #[track_caller]
    fn check(rate: f64, burst: u32, asked: &[(u64, u64)]) {
        let mut bucket = Bucket::new(Some(Allowance::new(rate, burst)));
        for (at, wait) in asked {
            assert_eq!(bucket.wait(ms(*at), 1), ms(*wait), "at {at} ms");
            if *wait == 0 {
                bucket.take(ms(*at));
            }
        }
    }

    /// In no stretch of time go more than the rate and one burst.
    pub(in crate::upstream::governor) fn check_windows(went: &[Duration], rate: f64, burst: u32) {
        for (first, begin) in went.iter().enumerate() {
            for (number, end) in (1_u32..).zip(&went[first..]) {
                let most = end.saturating_sub(*begin).as_secs_f64() * rate + f64::from(burst);
                assert!(f64::from(number) <= most + 1e-6, "{number} from {begin:?} to {end:?}");
            }
        }
    }

    #[test]
    fn tokens_come_back_at_the_rate() {
        check(5.0, 2, &[(0, 0), (0, 0), (0, 200), (150, 50), (200, 0), (200, 200)]);
        // What would come back to a full bucket is lost.
        check(5.0, 2, &[(0, 0), (900, 0), (900, 0), (900, 200)]);
        check(1.0, 1, &[(0, 0), (999, 1), (1000, 0), (1000, 1000)]);
    }

    #[test]
    fn a_part_is_as_much_slower_and_has_so_much_less_at_once() {
        let whole = Allowance::new(10.0, 20);
        assert_eq!(whole.part("1/4".parse().unwrap()), Allowance::new(2.5, 5));
        assert_eq!(whole.part("1/40".parse().unwrap()), Allowance::new(0.25, 1));
        assert_eq!(whole.part(Fraction::WHOLE), whole);
    }

    #[test]
    fn what_is_left_may_go_at_once() {
        let mut bucket = Bucket::new(Some(Allowance::new(2.0, 3)));
        assert_eq!(bucket.left(ms(0)), Some(3));
        bucket.take(ms(0));
        bucket.take(ms(0));
        for (at, left) in [(0, 1), (499, 1), (500, 2), (999, 2), (1000, 3), (9000, 3)] {
            assert_eq!(bucket.left(ms(at)), Some(left), "at {at} ms");
            assert!(
                bucket.wait(ms(at), left).is_zero() && !bucket.wait(ms(at), left + 1).is_zero()
            );
        }
        bucket.empty(ms(9000));
        assert_eq!(bucket.left(ms(9000)), Some(0));
        assert_eq!(Bucket::new(None).left(ms(0)), None);
    }

    #[test]
    fn who_waits_behind_others_waits_for_their_tokens_too() {
        let mut bucket = Bucket::new(Some(Allowance::new(2.0, 2)));
        assert_eq!(bucket.wait(ms(0), 2), ms(0));
        assert_eq!(bucket.wait(ms(0), 3), ms(500));
        bucket.take(ms(0));
        assert_eq!(bucket.wait(ms(0), 3), ms(1000));
        assert_eq!(Bucket::new(None).wait(ms(0), 1000), ms(0));
    }

    #[test]
    fn a_change_keeps_what_is_there() {
        let mut bucket = Bucket::new(Some(Allowance::new(10.0, 20)));
        (0..17).for_each(|_| bucket.take(ms(0)));
        // Three are left, and one comes back each second.
        bucket.set(Some(Allowance::new(1.0, 5)), ms(0));
        assert_eq!((bucket.wait(ms(0), 3), bucket.wait(ms(0), 4)), (ms(0), ms(1000)));
        bucket.set(Some(Allowance::new(1.0, 1)), ms(0));
        assert_eq!((bucket.wait(ms(0), 1), bucket.wait(ms(0), 2)), (ms(0), ms(1000)));
        bucket.empty(ms(0));
        assert_eq!(bucket.wait(ms(0), 1), ms(1000));
        // Where there was no limit, nothing has been saved up.
        let mut bucket = Bucket::new(None);
        bucket.set(Some(Allowance::new(1.0, 3)), ms(0));
        assert_eq!(bucket.wait(ms(0), 1), ms(1000));
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            rate in 1_u32..50,
            burst in 1_u32..30,
            pauses in prop::collection::vec(0_u64..400, 1..120),
        ) {
            let mut bucket = Bucket::new(Some(Allowance::new(f64::from(rate), burst)));
            let mut now = Duration::ZERO;
            let mut went = Vec::new();
            for pause in pauses {
                now += ms(pause);
                if bucket.wait(now, 1).is_zero() {
                    bucket.take(now);
                    went.push(now);
                }
            }
            check_windows(&went, f64::from(rate), burst);
        }
    }
}
