//! What the governor has to do with other instances' governors.

use std::time::Duration;

use super::{
    Governor, Obstacle,
    bucket::Bucket,
    budget::{Leave, Source},
    gate::{Gate, Role},
    learning::LONGEST_HOLD,
};
use crate::exchange::{
    Bound, Purpose,
    budget::{Claim, Claimed},
};

/// A hold that others know for no longer than this is the one that is known
/// here: being told takes time.
const SAME_HOLD: Duration = Duration::from_secs(1);

impl Governor {
    /// From now on the budget is shared with other instances.
    pub fn share(&mut self, now: Duration) {
        self.budget.share(now);
        self.settle(now);
    }

    /// When a claim is due; `None`: not before something happens.
    pub fn claim_at(&self, now: Duration) -> Option<Duration> {
        self.budget.claim_at(self.wanted(now), self.total())
    }

    /// There may be news of other instances.
    pub fn news(&mut self, now: Duration) {
        self.budget.news(now);
    }

    /// A claim on the budget, which is made now; [`Governor::claimed`] has to
    /// hear what came of it.
    pub fn claim(&mut self, now: Duration) -> Claim {
        let (wanted, under_way) = (self.wanted(now), self.total());
        Claim {
            share: self.limits.share,
            rate: self.pace.rate(),
            burst: self.pace.allowance().map_or(u32::MAX, super::Allowance::burst),
            concurrency: self.all_concurrency(),
            under_way,
            wanted,
            hold: self.budget.claim(wanted, under_way, now),
        }
    }

    /// What came of the claim. Those who may go now are to be let go before
    /// [`Governor::lapse`].
    pub fn claimed(&mut self, claimed: Claimed, now: Duration) {
        let before = self.budget.source();
        self.budget.claimed(claimed, now);
        self.settle(now);
        match (before, self.budget.source()) {
            // What is saved up is known where the budget is shared.
            (Source::Apart, Source::Shared) => self.bucket = Bucket::new(self.allowance()),
            // What comes of the share is counted from when it is this instance's own.
            (Source::Shared, Source::Apart) => self.start_own(now),
            (_, Source::Apart) if claimed == Claimed::Lost => self.start_own(now),
            _ => {}
        }
        if let Claimed::Told(told) = claimed {
            self.heard(told.hold.min(LONGEST_HOLD), now);
        }
    }

    /// Grants that nobody has used are no more.
    pub fn lapse(&mut self) {
        self.budget.lapse();
    }

    /// Another instance was told to leave the upstream alone for so long.
    fn heard(&mut self, hold: Duration, now: Duration) {
        let quota = self.quota.filter(|quota| quota.remaining == 0).map(|quota| quota.reset);
        let gate = match self.gate {
            Gate::Held { until, .. } | Gate::Broken { until } => Some(until),
            Gate::Open => None,
        };
        let known = quota.max(gate).unwrap_or(now).saturating_sub(now);
        if known + SAME_HOLD < hold || (known.is_zero() && !hold.is_zero()) {
            self.ledger.held += 1;
            self.gate.hold(now + hold, Role::Ordinary);
            self.shut_at = now;
            self.bucket.empty(now);
        }
    }

    /// Lets the bucket allow what is allowed now.
    pub(super) fn settle(&mut self, now: Duration) {
        self.bucket.set(self.allowance(), now);
        if self.budget.own_from(now).is_some() {
            self.start_own(now);
        }
    }

    /// Nothing has been saved up when this instance has its own share.
    fn start_own(&mut self, now: Duration) {
        self.bucket.empty(self.budget.own_from(now).unwrap_or(now));
    }

    /// Whether there is anything to share.
    fn is_limited(&self) -> bool {
        self.limits.rate.is_some() || self.limits.concurrency.is_some()
    }

    /// What other instances have to do with it that a request may not go.
    pub(super) fn budget_obstacle(&self, now: Duration) -> Option<Obstacle> {
        if !self.is_limited() {
            return None;
        }
        let until = match self.budget.leave(now) {
            Leave::Granted => return None,
            Leave::At(until) => Some(until),
            Leave::OnAnswer => None,
        };
        Some(Obstacle { bound: Bound::Rate, until })
    }

    /// How long until the `nth` request from now is likely to have its part of
    /// the budget.
    pub(super) fn budget_wait(&self, now: Duration, nth: u32) -> Duration {
        if self.is_limited() { self.budget.wait(now, nth) } else { Duration::ZERO }
    }

    /// How many of those who wait could go now if the budget had as many.
    fn wanted(&self, now: Duration) -> u32 {
        if self.gate.refusal(now).is_some() || !self.is_limited() {
            return 0;
        }
        let waiting: usize = Purpose::ALL
            .into_iter()
            .filter(|purpose| self.own_obstacle(*purpose, now).is_none())
            .map(|purpose| {
                let free = (purpose == Purpose::PassThrough)
                    .then(|| self.pass_through())
                    .flatten()
                    .map(|most| most.saturating_sub(self.under_way[purpose as usize]))
                    .and_then(|free| usize::try_from(free).ok());
                self.queue.count(purpose).min(free.unwrap_or(usize::MAX))
            })
            .sum();
        let free = self.concurrency().map(|most| most.saturating_sub(self.total()));
        // While the gate is not open, the next is a probe, and goes alone.
        let probe = (self.gate != Gate::Open).then_some(1);
        [free, self.bucket.left(now), probe]
            .into_iter()
            .flatten()
            .fold(u32::try_from(waiting).unwrap_or(u32::MAX), u32::min)
    }
}
