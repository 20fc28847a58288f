//! The governor: when the upstream may be asked, and who goes first.
//!
//! A state machine without a clock: `now` is the time since it began. It is
//! told who asks, how an exchange went and when it has ended, and says who may
//! go and who is refused. In the order of reading: [`bucket`], [`budget`], [`pace`],
//! [`advice`], [`breaker`], [`queue`], [`gate`], [`ledger`], and `learning`, which
//! takes in how exchanges went.

pub mod advice;
pub mod breaker;
pub mod bucket;
pub mod budget;
pub mod gate;
mod learning;
pub mod ledger;
pub mod pace;
pub mod queue;
mod sharing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::StatusCode;

use self::{
    advice::{Advice, Quota},
    breaker::Breaker,
    bucket::{Allowance, Bucket},
    budget::Budget,
    gate::{Gate, Random, Role},
    ledger::{Circuit, Figures, Ledger, Spent},
    pace::Pace,
    queue::{Queue, Share, Ticket},
};
use crate::{
    config::Fraction,
    exchange::{Bound, Purpose},
};

/// What the governor keeps to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests a second; `None`: unlimited.
    pub rate: Option<f64>,
    /// Requests at once.
    pub burst: u32,
    /// Requests under way at a time; `None`: unlimited.
    pub concurrency: Option<u32>,
    /// What of all this is this instance's where it does not share it.
    pub share: Fraction,
}

/// A request that may go, until it is released.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    purpose: Purpose,
    role: Role,
    sent_at: Duration,
    spent: Option<Spent>,
}

/// A request that is not put to the upstream, and when it might be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was reached.
    pub bound: Bound,
    /// How long to wait.
    pub retry_after: Duration,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may go.
    Go(Grant),
    /// It waits.
    Wait(Ticket),
}

/// How an exchange went, as soon as that is known.
#[derive(Clone, Copy, Debug)]
pub enum Came<'a> {
    /// The head of an answer.
    Answer(StatusCode, &'a Advice),
    /// No connection, no answer in time, or none that is HTTP.
    Failure,
}

/// What stands in the way of the next request of a purpose.
struct Obstacle {
    bound: Bound,
    /// When it is gone by itself; `None` where somebody has to finish first.
    until: Option<Duration>,
}

/// The state.
#[derive(Debug)]
pub struct Governor {
    limits: Limits,
    budget: Budget,
    bucket: Bucket,
    pace: Pace,
    /// What is left, and when there will be more.
    quota: Option<Quota>,
    /// How many requests the upstream takes at a time.
    told_concurrency: Option<u32>,
    gate: Gate,
    /// When the gate was shut last.
    shut_at: Duration,
    breaker: Breaker,
    /// Times in a row that the upstream said that there were too many requests.
    limited: u32,
    queue: Queue,
    under_way: [u32; Purpose::ALL.len()],
    /// How long an exchange takes, smoothed.
    typical: Option<Duration>,
    random: Random,
    ledger: Ledger,
}

impl Governor {
    /// A governor that has asked for nothing yet. `seed` decides how much is
    /// added to the times that the upstream tells.
    pub fn new(limits: Limits, seed: u64) -> Governor {
        let pace = Pace::new(limits.rate, limits.burst);
        Governor {
            limits,
            budget: Budget::own(limits.share),
            bucket: Bucket::new(pace.allowance().map(|whole| whole.part(limits.share))),
            pace,
            quota: None,
            told_concurrency: None,
            gate: Gate::Open,
            shut_at: Duration::ZERO,
            breaker: Breaker::default(),
            limited: 0,
            queue: Queue::default(),
            under_way: [0; Purpose::ALL.len()],
            typical: None,
            random: Random::new(seed),
            ledger: Ledger::default(),
        }
    }

    /// Keeps to other limits from now on; what the upstream has said and refused
    /// still counts, and who is under way stays so. The share is that of the
    /// start: others may have it already.
    pub fn keep_to(&mut self, limits: Limits, now: Duration) {
        self.limits = Limits { share: self.limits.share, ..limits };
        self.pace.configure(limits.rate, limits.burst);
        self.settle(now);
    }

    /// A request asks to go, until then at the latest.
    pub fn ask(
        &mut self,
        purpose: Purpose,
        share: Share,
        until: Duration,
        now: Duration,
    ) -> Result<Entry, Refusal> {
        // Nobody waits for an upstream that said when to come back, or keeps failing.
        if let Some(refusal) = self.gate.refusal(now) {
            return Err(self.refuse(refusal));
        }
        // Who may go and passes nobody who may, goes.
        if self.obstacle(purpose, now).is_none() && self.ready(now).is_none() {
            return Ok(Entry::Go(self.grant(purpose, now)));
        }
        let ahead = u32::try_from(self.queue.ahead(purpose, share)).unwrap_or(u32::MAX);
        let expected = self.expected(purpose, ahead, now);
        // The queue has so many places and no more.
        if queue::PLACES <= self.queue.len() {
            return Err(self.refuse(Refusal { bound: Bound::Queue, ..expected }));
        }
        // Who would wait in vain is told at once.
        if until < now + expected.retry_after {
            return Err(self.refuse(expected));
        }
        self.ledger.waited += 1;
        Ok(Entry::Wait(self.queue.push(purpose, share, until)))
    }

    /// A waiter has left.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.queue.remove(ticket);
    }

    /// Whose waiting is over now; to be asked until there is nobody.
    pub fn next(&mut self, now: Duration) -> Option<(Ticket, Result<Grant, Refusal>)> {
        if let Some(refusal) = self.gate.refusal(now) {
            let (_, ticket) = self.queue.first_deadline()?;
            self.queue.remove(ticket);
            return Some((ticket, Err(self.refuse(refusal))));
        }
        // Whose turn comes at the last moment still goes.
        if let Some(purpose) = self.ready(now) {
            let ticket = self.queue.pop(purpose)?;
            return Some((ticket, Ok(self.grant(purpose, now))));
        }
        let (deadline, ticket) = self.queue.first_deadline()?;
        // Who cannot have its part of the budget in time does not wait for that.
        if now < deadline && now + self.budget_wait(now, 1) <= deadline {
            return None;
        }
        let purpose = self.queue.remove(ticket)?;
        let refusal = self.expected(purpose, 0, now);
        Some((ticket, Err(self.refuse(refusal))))
    }

    /// When [`Governor::next`] has to be asked again if nothing happens before;
    /// `None` where nobody waits.
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let (deadline, _) = self.queue.first_deadline()?;
        Purpose::ALL
            .into_iter()
            .filter(|purpose| self.queue.has(*purpose))
            .filter_map(|purpose| self.obstacle(purpose, now)?.until)
            .fold(deadline, Duration::min)
            .into()
    }

    /// An exchange has ended: its body has, or nobody wants it any more.
    pub fn release(&mut self, grant: &Grant, now: Duration) {
        let under_way = &mut self.under_way[grant.purpose as usize];
        *under_way = under_way.saturating_sub(1);
        let spent = grant.spent.unwrap_or(Spent::Abandoned);
        self.ledger.spend(grant.purpose, spent);
        if spent == Spent::Abandoned && self.role(grant) == Role::Probe {
            // It found nothing out: the next one does.
            self.gate.probe_was_lost(now);
        } else {
            let took = now.saturating_sub(grant.sent_at);
            self.typical = Some(self.typical.map_or(took, |typical| (typical * 7 + took) / 8));
        }
    }

    /// What a request is to the gate now: a probe that was sent before the gate
    /// was shut anew has no say any more.
    fn role(&self, grant: &Grant) -> Role {
        if self.shut_at <= grant.sent_at { grant.role } else { Role::Ordinary }
    }

    /// How things stand.
    pub fn figures(&self, now: Duration) -> Figures {
        let allowance = self.allowance();
        let left = |quota: Quota| {
            let reset = quota.reset.checked_sub(now).filter(|left| !left.is_zero())?;
            Some(Quota { reset, ..quota })
        };
        Figures {
            ledger: self.ledger,
            limits: self.limits,
            waiting: self.queue.len() as u64,
            under_way: self.under_way,
            typical: self.typical,
            rate: self.pace.rate().map(|rate| rate * self.budget.fraction().value()),
            source: self.budget.source(),
            burst: allowance.map(Allowance::burst),
            concurrency: self.concurrency(),
            tokens: self.bucket.left(now),
            quota: self.quota.and_then(left),
            hold: self.gate.refusal(now),
            circuit: match self.gate {
                Gate::Broken { until } if now < until => Circuit::Open,
                Gate::Broken { .. } => Circuit::HalfOpen,
                Gate::Open | Gate::Held { .. } => Circuit::Closed,
            },
        }
    }

    /// Of those who wait, whose turn it is.
    fn ready(&self, now: Duration) -> Option<Purpose> {
        let may_go =
            |purpose: &Purpose| self.queue.has(*purpose) && self.obstacle(*purpose, now).is_none();
        self.queue.order().into_iter().find(may_go)
    }

    fn total(&self) -> u32 {
        self.under_way.iter().sum()
    }

    fn grant(&mut self, purpose: Purpose, now: Duration) -> Grant {
        self.bucket.take(now);
        self.budget.take();
        self.pace.sent(now);
        if let Some(quota) = &mut self.quota {
            quota.remaining = quota.remaining.saturating_sub(1);
        }
        self.under_way[purpose as usize] += 1;
        Grant { purpose, role: self.gate.pass(now), sent_at: now, spent: None }
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        self.ledger.refuse(refusal.bound);
        refusal
    }

    /// How many may be under way.
    fn concurrency(&self) -> Option<u32> {
        self.all_concurrency().map(|all| self.budget.fraction().of(all))
    }

    /// How many may be of all instances together.
    fn all_concurrency(&self) -> Option<u32> {
        self.limits.concurrency.into_iter().chain(self.told_concurrency).min()
    }

    /// What the bucket is to allow.
    fn allowance(&self) -> Option<Allowance> {
        self.pace.allowance().map(|whole| whole.part(self.budget.fraction()))
    }

    /// How many of those that go at their client's pace may be: half of all, so
    /// that slow clients leave the others their places.
    fn pass_through(&self) -> Option<u32> {
        self.concurrency().map(|all| (all / 2).max(1))
    }

    fn is_full(&self, purpose: Purpose) -> Option<Bound> {
        if self.concurrency().is_some_and(|most| most <= self.total()) {
            return Some(Bound::Concurrency);
        }
        let passing = self.under_way[Purpose::PassThrough as usize];
        (purpose == Purpose::PassThrough && self.pass_through().is_some_and(|most| most <= passing))
            .then_some(Bound::PassThrough)
    }

    fn obstacle(&self, purpose: Purpose, now: Duration) -> Option<Obstacle> {
        self.own_obstacle(purpose, now).or_else(|| self.budget_obstacle(now))
    }

    /// What stands in the way here, whatever other instances do.
    fn own_obstacle(&self, purpose: Purpose, now: Duration) -> Option<Obstacle> {
        if let Some(until) = self.gate.probing_until(now) {
            return Some(Obstacle { bound: Bound::Hold, until: Some(until) });
        }
        if let Some(bound) = self.is_full(purpose) {
            return Some(Obstacle { bound, until: None });
        }
        if let Some(quota) = self.quota
            && quota.remaining == 0
            && now < quota.reset
        {
            return Some(Obstacle { bound: Bound::Quota, until: Some(quota.reset) });
        }
        let wait = self.bucket.wait(now, 1);
        (!wait.is_zero()).then(|| Obstacle { bound: Bound::Rate, until: Some(now + wait) })
    }

    /// How long a request is likely to wait with so many before it, and what
    /// for.
    fn expected(&self, purpose: Purpose, ahead: u32, now: Duration) -> Refusal {
        let places = match self.is_full(purpose) {
            Some(Bound::PassThrough) => self.pass_through(),
            Some(_) => self.concurrency(),
            None => None,
        };
        let typical = self.typical.unwrap_or_default();
        let turn = typical * ahead.saturating_add(1) / places.unwrap_or(1).max(1);
        let quota = self.quota.filter(|quota| quota.remaining <= ahead);
        [
            (Bound::Rate, self.bucket.wait(now, ahead.saturating_add(1))),
            (Bound::Rate, self.budget_wait(now, ahead.saturating_add(1))),
            (Bound::Quota, quota.map_or(Duration::ZERO, |quota| quota.reset.saturating_sub(now))),
            (self.is_full(purpose).unwrap_or(Bound::Rate), places.map_or(Duration::ZERO, |_| turn)),
        ]
        .into_iter()
        .max_by_key(|(_, wait)| *wait)
        .map_or(
            Refusal { bound: Bound::Rate, retry_after: Duration::ZERO },
            |(bound, wait)| {
                let obstacle = self.obstacle(purpose, now).map(|obstacle| obstacle.bound);
                let bound = if wait.is_zero() { obstacle.unwrap_or(bound) } else { bound };
                Refusal { bound, retry_after: wait }
            },
        )
    }
}
