//! Whose budget requests are taken from: this instance's share of it, or the
//! whole that instances share.
//!
//! While it is shared, every request needs a grant, which the others see. When
//! it cannot be shared any more this instance has its own share, from when the
//! others no longer count on it, and with nothing saved up.

use std::time::Duration;

use crate::{
    config::Fraction,
    exchange::budget::{Claimed, LEASE, Told, WINDOW},
};

/// How often a claim is made where nothing is wanted: it keeps the lease, and
/// hears of holds.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How soon others learn that requests have ended.
const REPORT: Duration = Duration::from_millis(100);
/// Claims are not made more often.
const PAUSE: Duration = Duration::from_millis(1);
/// How soon it is tried again to share, doubled each time that a claim is lost.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The most that comes of doubling.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This instance's share, always.
    Own,
    /// All instances' together.
    Shared,
    /// This instance's share, until it can be shared again.
    Apart,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 3] = [Source::Own, Source::Shared, Source::Apart];

    /// Its name in metrics and for the operator.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Own => "own",
            Source::Shared => "shared",
            Source::Apart => "apart",
        }
    }
}

/// Whether a request has a budget to be taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It has.
    Granted,
    /// It has from then on.
    At(Duration),
    /// It has when a claim is answered.
    OnAnswer,
}

/// How this instance stands with the budget.
#[derive(Debug)]
pub struct Budget {
    share: Fraction,
    source: Source,
    /// Until then others may count on this instance's share.
    lent_until: Duration,
    /// The claim under way, and since when.
    claim: Option<(Asked, Duration)>,
    /// The claim before, and when it was answered.
    last: (Asked, Duration),
    granted: u32,
    /// When the next claim may bring something.
    next_at: Duration,
    /// How long a request takes of the rate, where there were too few.
    short: Option<Duration>,
    /// Since when there may be news.
    news_at: Option<Duration>,
    retry: Duration,
    /// Until when the upstream asked to be left alone, where others have not
    /// been told.
    hold: Option<Duration>,
}

/// What a claim said.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    under_way: u32,
    wanted: u32,
    hold: Option<Duration>,
}

impl Budget {
    /// The share of an instance that has always had it.
    pub fn own(share: Fraction) -> Budget {
        Budget {
            share,
            source: Source::Own,
            lent_until: Duration::ZERO,
            claim: None,
            last: (Asked::default(), Duration::ZERO),
            granted: 0,
            next_at: Duration::ZERO,
            short: None,
            news_at: None,
            retry: FIRST_RETRY,
            hold: None,
        }
    }

    /// From now on it is to be shared. Who was here before may have lent the
    /// same share a moment ago.
    pub fn share(&mut self, now: Duration) {
        self.source = Source::Apart;
        self.lent_until = now + WINDOW + LEASE;
        self.next_at = now;
    }

    /// Whose budget it is.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What of the whole is in force here.
    pub fn fraction(&self) -> Fraction {
        if self.source == Source::Shared { Fraction::WHOLE } else { self.share }
    }

    /// From when on the share is this instance's own, if that is still to come.
    pub fn own_from(&self, now: Duration) -> Option<Duration> {
        Some(self.lent_until).filter(|until| self.source == Source::Apart && now < *until)
    }

    /// Whether a request may be taken from it.
    pub fn leave(&self, now: Duration) -> Leave {
        match self.source {
            Source::Own => Leave::Granted,
            Source::Shared if 0 < self.granted => Leave::Granted,
            Source::Shared => Leave::OnAnswer,
            Source::Apart if self.claim.is_some() => Leave::OnAnswer,
            Source::Apart => self.own_from(now).map_or(Leave::Granted, Leave::At),
        }
    }

    /// How long until the `nth` request from now is likely to have its grant.
    pub fn wait(&self, now: Duration, nth: u32) -> Duration {
        match (self.source, self.short) {
            (Source::Apart, _) => self.lent_until.saturating_sub(now),
            (Source::Shared, Some(interval)) => {
                self.next_at.saturating_sub(now) + interval * nth.saturating_sub(1)
            }
            _ => Duration::ZERO,
        }
    }

    /// Takes a request from it.
    pub fn take(&mut self) {
        self.granted = self.granted.saturating_sub(1);
    }

    /// A grant is used at once or never: what others do not see as under way
    /// must not come later.
    pub fn lapse(&mut self) {
        self.granted = 0;
    }

    /// The upstream asked to be left alone until then.
    pub fn learned(&mut self, hold: Duration) {
        if self.source != Source::Own {
            self.hold = self.hold.max(Some(hold));
        }
    }

    /// There may be news: the next claim is due.
    pub fn news(&mut self, now: Duration) {
        if self.source == Source::Shared {
            self.news_at = Some(now);
        }
    }

    /// When the next claim is due; `None` while one is under way, or where
    /// nothing is shared.
    pub fn claim_at(&self, wanted: u32, under_way: u32) -> Option<Duration> {
        let (asked, answered_at) = self.last;
        match self.source {
            _ if self.claim.is_some() => None,
            Source::Own => None,
            Source::Apart => Some(self.next_at),
            Source::Shared => {
                let mut at = (answered_at + HEARTBEAT).min(self.news_at.unwrap_or(Duration::MAX));
                if 0 < wanted {
                    at = at.min(self.next_at);
                }
                if under_way < asked.under_way {
                    at = at.min(answered_at + REPORT);
                }
                if self.hold.is_some() {
                    at = at.min(answered_at + PAUSE);
                }
                Some(at)
            }
        }
    }

    /// A claim is being made: what is to be told of a hold.
    pub fn claim(&mut self, wanted: u32, under_way: u32, now: Duration) -> Option<Duration> {
        let hold = self.hold.take().filter(|until| now < *until);
        self.claim = Some((Asked { under_way, wanted, hold }, now));
        self.news_at = None;
        hold.map(|until| until.saturating_sub(now))
    }

    /// What came of it.
    pub fn claimed(&mut self, claimed: Claimed, now: Duration) {
        let Some((asked, since)) = self.claim.take() else { return };
        match claimed {
            Claimed::Told(told) if now.saturating_sub(since) <= LEASE => {
                self.told(told, asked, now);
            }
            // What was granted long ago is not used now.
            Claimed::Told(told) => self.told(Told { granted: 0, ..told }, asked, now),
            Claimed::Unmade => {
                self.hold = self.hold.max(asked.hold);
                self.part(self.lent_until, FIRST_RETRY, now);
            }
            Claimed::Lost => {
                self.hold = self.hold.max(asked.hold);
                let lent_until = self.lent_until.max(since + WINDOW + LEASE);
                self.part(lent_until, self.retry, now);
                self.retry = (self.retry * 2).min(LONGEST_RETRY);
            }
        }
    }

    fn told(&mut self, told: Told, asked: Asked, now: Duration) {
        let granted = told.granted.min(asked.wanted);
        self.source = Source::Shared;
        self.lent_until = now + LEASE;
        self.last = (Asked { under_way: asked.under_way + granted, ..asked }, now);
        self.granted = granted;
        self.next_at = now + told.wait.max(PAUSE);
        self.short = Some(told.interval).filter(|_| granted < asked.wanted);
        self.retry = FIRST_RETRY;
    }

    fn part(&mut self, lent_until: Duration, retry: Duration, now: Duration) {
        self.source = Source::Apart;
        self.lent_until = lent_until;
        self.granted = 0;
        self.short = None;
        self.next_at = now + retry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn told(granted: u32, wait: u64) -> Claimed {
        let (wait, interval) = (ms(wait), ms(100));
        Claimed::Told(Told { granted, wait, interval, hold: Duration::ZERO })
    }

    /// One that shares since the time 0.
    fn shared() -> Budget {
        let mut budget = Budget::own("1/3".parse().unwrap());
        budget.share(ms(0));
        budget.claim(0, 0, ms(0));
        budget.claimed(told(0, 0), ms(0));
        budget
    }

    #[test]
    fn who_shares_needs_a_grant_for_each_request() {
        let mut budget = shared();
        assert_eq!((budget.source(), budget.leave(ms(0))), (Source::Shared, Leave::OnAnswer));
        budget.claim(3, 0, ms(10));
        assert_eq!(budget.claim_at(3, 0), None);
        budget.claimed(told(2, 50), ms(10));
        for _ in 0..2 {
            assert_eq!(budget.leave(ms(10)), Leave::Granted);
            budget.take();
        }
        assert_eq!(budget.leave(ms(10)), Leave::OnAnswer);
        // The third comes with the next claim, and one more an interval later.
        assert_eq!(budget.claim_at(1, 2), Some(ms(60)));
        assert_eq!((budget.wait(ms(10), 1), budget.wait(ms(10), 2)), (ms(50), ms(150)));
    }

    #[test]
    fn what_is_not_used_at_once_lapses_and_more_than_was_wanted_is_none() {
        let mut budget = shared();
        budget.claim(1, 0, ms(10));
        budget.claimed(told(9, 0), ms(10));
        budget.take();
        assert_eq!(budget.leave(ms(10)), Leave::OnAnswer);
        budget.claim(2, 0, ms(20));
        budget.claimed(told(2, 0), ms(20));
        budget.lapse();
        assert_eq!(budget.leave(ms(20)), Leave::OnAnswer);
        // Nor what was granted long ago.
        for (took, leave) in [(3000, Leave::Granted), (3001, Leave::OnAnswer)] {
            budget.claim(1, 0, ms(30));
            budget.claimed(told(1, 0), ms(30 + took));
            assert_eq!(budget.leave(ms(30 + took)), leave, "{took}");
            budget.lapse();
        }
    }

    #[test]
    fn what_was_lent_is_not_used_before_the_lease_is_over() {
        #[track_caller]
        fn check(claimed: Claimed, own_from: u64) {
            let mut budget = shared();
            budget.claim(1, 0, ms(1000));
            // Nothing goes while nobody knows.
            assert_eq!(budget.leave(ms(1500)), Leave::OnAnswer);
            budget.claimed(claimed, ms(1500));
            assert_eq!(budget.source(), Source::Apart);
            assert_eq!(budget.leave(ms(own_from - 1)), Leave::At(ms(own_from)), "{claimed:?}");
            assert_eq!(budget.leave(ms(own_from)), Leave::Granted, "{claimed:?}");
            assert_eq!(budget.fraction().to_string(), "1/3");
        }

        // Lent at 0, for three seconds.
        check(Claimed::Unmade, 3000);
        // It may have arrived up to a second after it was sent.
        check(Claimed::Lost, 5000);
    }

    #[test]
    fn its_own_share_is_at_rest_while_a_claim_may_lend_it() {
        let mut budget = shared();
        budget.claim(0, 0, ms(1000));
        budget.claimed(Claimed::Unmade, ms(1000));
        assert_eq!(budget.leave(ms(9000)), Leave::Granted);
        budget.claim(1, 0, ms(9000));
        assert_eq!(budget.leave(ms(9000)), Leave::OnAnswer);
        budget.claimed(Claimed::Unmade, ms(9001));
        assert_eq!(budget.leave(ms(9001)), Leave::Granted);
        budget.claim(1, 0, ms(9100));
        budget.claimed(Claimed::Lost, ms(9200));
        assert_eq!(budget.leave(ms(9200)), Leave::At(ms(13_100)));
    }

    #[test]
    fn it_is_tried_less_and_less_often_to_share() {
        let mut budget = Budget::own(Fraction::WHOLE);
        assert_eq!(budget.claim_at(1, 0), None);
        budget.share(ms(0));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            budget.claim(0, 0, ms(0));
            budget.claimed(Claimed::Lost, ms(0));
            pauses.push(budget.claim_at(0, 0).unwrap().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        // What was not made costs nothing.
        budget.claim(0, 0, ms(0));
        budget.claimed(Claimed::Unmade, ms(0));
        assert_eq!(budget.claim_at(0, 0), Some(ms(1000)));
    }

    #[test]
    fn when_claims_are_due() {
        let mut budget = shared();
        budget.claim(2, 3, ms(100));
        budget.claimed(told(2, 0), ms(100));
        // Five are under way, as far as others know.
        assert_eq!(budget.claim_at(0, 5), Some(ms(1100)));
        assert_eq!(budget.claim_at(0, 4), Some(ms(200)));
        assert_eq!(budget.claim_at(1, 5), Some(ms(101)));
        budget.news(ms(300));
        assert_eq!(budget.claim_at(0, 5), Some(ms(300)));
    }

    #[test]
    fn a_hold_is_told_until_it_is_heard() {
        let mut budget = shared();
        budget.learned(ms(5000));
        assert!(budget.claim_at(0, 0).unwrap() <= ms(1));
        assert_eq!(budget.claim(0, 0, ms(1000)), Some(ms(4000)));
        budget.claimed(Claimed::Lost, ms(1500));
        assert_eq!(budget.claim(0, 0, ms(2000)), Some(ms(3000)));
        budget.claimed(told(0, 0), ms(2000));
        assert_eq!(budget.claim(0, 0, ms(3000)), None);
        budget.claimed(told(0, 0), ms(3000));
        // What is over is told to nobody.
        budget.learned(ms(4000));
        assert_eq!(budget.claim(0, 0, ms(4000)), None);
        // Nor is anything where there is nobody.
        let mut own = Budget::own(Fraction::WHOLE);
        own.learned(ms(9));
        assert_eq!(own.claim(0, 0, ms(0)), None);
    }
}
