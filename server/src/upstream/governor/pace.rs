//! How fast the upstream may be asked: what is configured, what it says, and
//! what it has refused.
//!
//! The rate is halved where the upstream says that there were too many
//! requests, and grows back by equal steps while it answers.

use std::time::Duration;

use super::{advice::Policy, bucket::Allowance};

/// The rate is never cut below this, in requests a second; where less is
/// configured, not below that.
const FLOOR: f64 = 0.1;
/// What was cut grows back in about this time, in seconds.
const GROWTH: f64 = 60.0;
/// An answer makes the rate grow for no more than this time before it.
const LONGEST_STEP: Duration = Duration::from_secs(10);
/// A rate without a configured limit is free again when it has grown to so many
/// times what was refused.
const FREE_AT: f64 = 4.0;
/// What the upstream has not said for so long is forgotten.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The rate in force.
#[derive(Debug)]
pub struct Pace {
    /// Requests a second; `None`: unlimited.
    configured: Option<f64>,
    burst: u32,
    cut: Option<Cut>,
    policy: Option<(Policy, Duration)>,
    /// Since when the policy is what it is.
    policy_since: Duration,
    /// The most at once that the upstream says, and when it said so.
    limit: Option<(u32, Duration)>,
    observed: Observed,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    rate: f64,
    /// The rate that was too much.
    refused: f64,
    at: Duration,
    grown: Duration,
}

impl Pace {
    /// As configured: requests a second, and so many at once.
    pub fn new(configured: Option<f64>, burst: u32) -> Pace {
        let observed = Observed::default();
        Pace {
            configured,
            burst,
            cut: None,
            policy: None,
            policy_since: Duration::ZERO,
            limit: None,
            observed,
        }
    }

    /// Configures it anew; what the upstream has said and refused still counts.
    pub fn configure(&mut self, configured: Option<f64>, burst: u32) {
        self.configured = configured;
        self.burst = burst;
        // What was cut of a higher rate may be more than there is now.
        if let (Some(configured), Some(cut)) = (configured, self.cut)
            && configured <= cut.rate
        {
            self.cut = None;
        }
    }

    /// The rate in force, in requests a second; `None`: nothing limits it.
    pub fn rate(&self) -> Option<f64> {
        let told = self.policy.map(|(policy, _)| policy.spread().1);
        [self.configured, self.cut.map(|cut| cut.rate), told]
            .into_iter()
            .flatten()
            .min_by(f64::total_cmp)
    }

    /// What the bucket is to allow.
    pub fn allowance(&self) -> Option<Allowance> {
        let mut burst = self.burst;
        if let Some((policy, _)) = self.policy {
            burst = burst.min(policy.spread().0);
        }
        if let Some((limit, _)) = self.limit {
            burst = burst.min(limit);
        }
        // What has been too much once is asked for evenly.
        if self.cut.is_some() {
            burst = 1;
        }
        Some(Allowance::new(self.rate()?, burst))
    }

    /// Notes a request.
    pub fn sent(&mut self, now: Duration) {
        self.observed.note(now);
    }

    /// Notes what the upstream says of its limits.
    pub fn told(&mut self, policy: Option<Policy>, limit: Option<u32>, now: Duration) {
        let before = self.policy.map(|(policy, _)| policy);
        let known = |said: Duration| now.saturating_sub(said) < REMEMBERED;
        self.policy = policy
            .filter(|policy| policy.quota != 0)
            .map(|policy| (policy, now))
            .or(self.policy.filter(|(_, said)| known(*said)));
        if self.policy.map(|(policy, _)| policy) != before {
            self.policy_since = now;
        }
        self.limit = limit
            .filter(|limit| *limit != 0)
            .map(|limit| (limit, now))
            .or(self.limit.filter(|(_, said)| known(*said)));
    }

    /// The upstream said that there were too many requests; the one it said it
    /// of was sent then.
    pub fn refused(&mut self, sent_at: Duration, now: Duration) {
        // What was sent before the last change says nothing of the rate since.
        if sent_at < self.policy_since || self.cut.is_some_and(|cut| sent_at < cut.at) {
            return;
        }
        let floor = self.configured.map_or(FLOOR, |configured| configured.min(FLOOR));
        let refused = self.rate().unwrap_or_else(|| self.observed.rate(now)).max(floor);
        let rate = (refused / 2.0).max(floor);
        self.cut = Some(Cut { rate, refused, at: now, grown: now });
    }

    /// The upstream answered: the rate grows.
    pub fn answered(&mut self, now: Duration) {
        let Some(cut) = &mut self.cut else { return };
        let step = cut.refused.max(1.0) / GROWTH;
        let time = now.saturating_sub(cut.grown).min(LONGEST_STEP);
        cut.rate += step * time.as_secs_f64();
        cut.grown = now;
        if self.configured.unwrap_or(cut.refused * FREE_AT) <= cut.rate {
            self.cut = None;
        }
    }
}

/// How often the upstream has been asked lately.
#[derive(Debug, Default)]
struct Observed {
    slot: u64,
    current: u32,
    previous: u32,
}

/// How long a slot lasts, in seconds.
const SLOT: u32 = 10;

impl Observed {
    fn note(&mut self, now: Duration) {
        self.turn(now);
        self.current = self.current.saturating_add(1);
    }

    fn turn(&mut self, now: Duration) {
        let slot = now.as_secs() / u64::from(SLOT);
        if slot != self.slot {
            self.previous = if slot == self.slot + 1 { self.current } else { 0 };
            self.current = 0;
            self.slot = slot;
        }
    }

    /// Requests a second.
    fn rate(&mut self, now: Duration) -> f64 {
        self.turn(now);
        let within = now.as_secs_f64() % f64::from(SLOT);
        let before = if self.previous == 0 { 0.0 } else { f64::from(SLOT) };
        f64::from(self.current.saturating_add(self.previous)) / (before + within).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[track_caller]
    fn check(pace: &Pace, rate: Option<f64>) {
        let close = match (pace.rate(), rate) {
            (Some(actual), Some(expected)) => (actual - expected).abs() < 0.01,
            (actual, expected) => actual == expected,
        };
        assert!(close, "{:?}, not {rate:?}", pace.rate());
    }

    #[test]
    fn halves_and_grows_back_to_what_is_configured() {
        let mut pace = Pace::new(Some(10.0), 20);
        pace.refused(seconds(0), seconds(1));
        check(&pace, Some(5.0));
        assert_eq!(pace.allowance(), Some(Allowance::new(5.0, 1)));
        // Those that were under way say the same thing again.
        pace.refused(seconds(0), seconds(1));
        check(&pace, Some(5.0));
        pace.refused(seconds(2), seconds(3));
        check(&pace, Some(2.5));

        for at in 4..=33 {
            pace.answered(seconds(at));
        }
        check(&pace, Some(5.0));
        for at in 34..=93 {
            pace.answered(seconds(at));
        }
        check(&pace, Some(10.0));
        assert_eq!(pace.allowance(), Some(Allowance::new(10.0, 20)));
    }

    #[test]
    fn there_is_a_floor() {
        for (configured, floor) in [(Some(10.0), 0.1), (Some(0.05), 0.05), (None, 0.1)] {
            let mut pace = Pace::new(configured, 20);
            for at in 0..20 {
                pace.refused(seconds(at), seconds(at));
            }
            check(&pace, Some(floor));
        }
    }

    #[test]
    fn without_a_limit_the_observed_rate_counts() {
        let mut pace = Pace::new(None, 20);
        check(&pace, None);
        for at in 0..200 {
            pace.sent(Duration::from_millis(at * 50));
        }
        pace.refused(seconds(9), Duration::from_millis(9_999));
        check(&pace, Some(10.0));
        // It is free again when it has grown far past what was refused.
        let mut at = 10;
        while pace.rate().is_some() {
            at += 1;
            pace.answered(seconds(at));
        }
        assert!((200..300).contains(&at), "{at}");
    }

    #[test]
    fn who_did_not_know_the_policy_has_not_broken_it() {
        let mut pace = Pace::new(Some(10.0), 20);
        let policy = Some(Policy { quota: 2, window: seconds(1) });
        pace.told(policy, None, seconds(2));
        pace.refused(seconds(1), seconds(2));
        check(&pace, Some(1.8));
        pace.told(policy, None, seconds(4));
        pace.refused(seconds(3), seconds(4));
        check(&pace, Some(0.9));
    }

    #[test]
    fn what_the_upstream_says_counts_for_an_hour() {
        let mut pace = Pace::new(Some(10.0), 20);
        let policy = Policy { quota: 50, window: seconds(10) };
        pace.told(Some(policy), None, seconds(0));
        assert_eq!(pace.allowance(), Some(Allowance::new(4.5, 5)));
        pace.told(None, Some(3), seconds(3599));
        assert_eq!(pace.allowance(), Some(Allowance::new(4.5, 3)));
        pace.told(None, None, seconds(3600));
        assert_eq!(pace.allowance(), Some(Allowance::new(10.0, 3)));
        pace.told(None, None, seconds(7200));
        check(&pace, Some(10.0));
        // More than configured is not asked for.
        pace.told(Some(Policy { quota: 500, window: seconds(1) }), None, seconds(7200));
        check(&pace, Some(10.0));
    }

    #[test]
    fn another_limit_keeps_what_the_upstream_has_said_and_refused() {
        let mut pace = Pace::new(Some(10.0), 20);
        pace.refused(seconds(0), seconds(1));
        pace.configure(Some(100.0), 30);
        check(&pace, Some(5.0));
        // It is cut no more where no more is wanted.
        pace.configure(Some(4.0), 30);
        assert_eq!(pace.allowance(), Some(Allowance::new(4.0, 30)));
        let policy = Policy { quota: 2, window: seconds(1) };
        pace.told(Some(policy), None, seconds(2));
        pace.configure(None, 30);
        check(&pace, Some(1.8));
    }
}
