//! The rate limit: a token bucket, kept as the moment it will be full again.

use std::time::Duration;

use http::{HeaderName, StatusCode, header};
use tokio::time::Instant;

use super::{Rate, answer::Answer};

/// A token bucket: a request takes a token; they come back at the rate.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Rate,
    burst: u32,
    full_at: Instant,
}

/// What the limiter says to a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Quota {
    rate: Rate,
    /// `None`: admitted. Otherwise how long until there is a token for it.
    refused_for: Option<Duration>,
    /// Whole tokens left.
    remaining: u32,
    /// How long until there is one more; `None` when the bucket is full.
    next: Option<Duration>,
}

impl Limiter {
    /// A full bucket; without `burst` it holds the rate of one second, rounded
    /// up.
    pub(super) fn new(rate: Rate, burst: Option<u32>, now: Instant) -> Limiter {
        let per_second =
            Duration::from_secs(1).as_nanos().div_ceil(rate.interval().as_nanos().max(1));
        let per_second = u32::try_from(per_second).unwrap_or(u32::MAX);
        Limiter { rate, burst: burst.unwrap_or(per_second), full_at: now }
    }

    /// Takes a token for a request, if there is one.
    pub(super) fn ask(&mut self, now: Instant) -> Quota {
        let interval = self.rate.interval();
        let until_full = self.full_at.saturating_duration_since(now);
        let full_enough = interval * (self.burst - 1);
        let refused_for = until_full.checked_sub(full_enough).filter(|wait| !wait.is_zero());
        if refused_for.is_none() {
            self.full_at = now + until_full + interval;
        }

        let until_full = self.full_at.saturating_duration_since(now).as_nanos();
        let missing = until_full.div_ceil(interval.as_nanos().max(1));
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let after_next = interval * missing.saturating_sub(1);
        Quota {
            rate: self.rate,
            refused_for,
            remaining: self.burst.saturating_sub(missing),
            next: (missing > 0).then(|| (self.full_at - now).saturating_sub(after_next)),
        }
    }
}

const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

impl Quota {
    /// The refusal, if the request is refused.
    pub(super) fn refusal(&self) -> Option<Answer> {
        let wait = self.refused_for?;
        let refusal = Answer::nginx(StatusCode::TOO_MANY_REQUESTS)
            .header(header::RETRY_AFTER, &whole_seconds(wait).to_string());
        Some(self.announce(refusal))
    }

    /// The answer with the fields that tell a client where it stands
    /// (draft-ietf-httpapi-ratelimit-headers).
    pub(super) fn announce(&self, answer: Answer) -> Answer {
        let Quota { rate, remaining, next, .. } = self;
        let policy = format!("\"demo\";q={};w={}", rate.requests, rate.per.as_secs());
        let reset = next.map(|next| format!(";t={}", whole_seconds(next))).unwrap_or_default();
        answer
            .header(RATELIMIT_POLICY, &policy)
            .header(RATELIMIT, &format!("\"demo\";r={remaining}{reset}"))
    }
}

/// Rounded up, so that who waits so long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens left and the time to the next, or the time a refused request
    /// should wait; in milliseconds.
    type Outcome = Result<(u32, u64), u64>;

    /// Asks at these times, in milliseconds.
    #[track_caller]
    fn check(rate: &str, burst: Option<u32>, asked: &[(u64, Outcome)]) {
        let start = Instant::now();
        let mut limiter = Limiter::new(rate.parse().unwrap(), burst, start);
        for (at, expected) in asked {
            let quota = limiter.ask(start + Duration::from_millis(*at));
            let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
            let outcome = match quota.refused_for {
                Some(wait) => Err(ms(wait)),
                None => Ok((quota.remaining, ms(quota.next.unwrap()))),
            };
            assert_eq!(outcome, *expected, "at {at} ms");
        }
    }

    #[test]
    fn tokens_come_back_at_the_rate() {
        check(
            "5/s",
            Some(2),
            &[
                (0, Ok((1, 200))),
                (0, Ok((0, 200))),
                (0, Err(200)),
                (150, Err(50)),
                (200, Ok((0, 200))),
                (200, Err(200)),
                // Two came back; half of a third is lost with the bucket full.
                (700, Ok((1, 200))),
                (700, Ok((0, 200))),
                (700, Err(200)),
                (10_000, Ok((1, 200))),
            ],
        );
    }

    #[test]
    fn the_bucket_holds_a_second_of_the_rate_and_at_least_one() {
        let burst = |rate: &str| Limiter::new(rate.parse().unwrap(), None, Instant::now()).burst;
        assert_eq!(burst("5/s"), 5);
        assert_eq!(burst("90/m"), 2);
        assert_eq!(burst("60/m"), 1);
        assert_eq!(burst("1/h"), 1);
        check("60/m", None, &[(0, Ok((0, 1000))), (10, Err(990)), (1000, Ok((0, 1000)))]);
    }

    #[test]
    fn fields_say_whole_seconds() {
        #[track_caller]
        fn check(rate: &str, asks: usize, expected: [&str; 2], retry_after: Option<&str>) {
            let now = Instant::now();
            let mut limiter = Limiter::new(rate.parse().unwrap(), None, now);
            let quota = (0..asks).map(|_| limiter.ask(now)).last().unwrap();
            let admitted = || quota.announce(Answer::new("test", StatusCode::OK));
            let answer = quota.refusal().unwrap_or_else(admitted);
            let field = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(
                [field("ratelimit-policy"), field("ratelimit"), field("retry-after")],
                [Some(expected[0]), Some(expected[1]), retry_after]
            );
        }

        check("5/s", 1, [r#""demo";q=5;w=1"#, r#""demo";r=4;t=1"#], None);
        check("5/s", 6, [r#""demo";q=5;w=1"#, r#""demo";r=0;t=1"#], Some("1"));
        check("2/m", 2, [r#""demo";q=2;w=60"#, r#""demo";r=0;t=30"#], Some("30"));
    }
}
