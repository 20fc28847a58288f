//! Counters that have to add up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Body, Outcome};
use crate::fault::Fault;

/// What became of the requests of some stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that went out.
    pub sent: u64,
    /// Those whose answer came whole, by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Those that failed, by how.
    pub faults: BTreeMap<Fault, u64>,
    /// Those still under way when the run ended.
    pub unfinished: u64,
    /// Those left out on purpose because they were late.
    pub dropped: u64,
    /// Bytes of bodies that came whole.
    pub bytes: u64,
    /// Answers whose body is not that of the first.
    pub differing: u64,
    /// Connections opened while requests went out.
    pub reopened: u64,
    /// The most requests that were sent at one wake-up.
    pub largest_burst: u64,
}

impl Counts {
    /// A request that went out has ended.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Completed(answer) => {
                *self.statuses.entry(answer.status).or_default() += 1;
                self.bytes += answer.bytes;
                self.differing += u64::from(answer.body == Body::Differs);
            }
            Outcome::Failed(fault) => *self.faults.entry(fault).or_default() += 1,
            Outcome::Unfinished => self.unfinished += 1,
        }
    }

    /// Adds what `other` has.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        self.unfinished += other.unfinished;
        self.dropped += other.dropped;
        self.bytes += other.bytes;
        self.differing += other.differing;
        self.reopened += other.reopened;
        self.largest_burst = self.largest_burst.max(other.largest_burst);
    }

    /// Those whose answer came whole, whatever its status.
    pub fn completed(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Those without a whole answer, or with another body than was expected.
    pub fn failed(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Those with a status of 400 or more, and those that failed or did not end.
    pub fn errors(&self) -> u64 {
        let refused: u64 = self.statuses.range(400..).map(|(_, count)| count).sum();
        refused + self.failed() + self.unfinished
    }

    /// Requests that met a fault of this machine, not of the target.
    pub fn generators_faults(&self) -> u64 {
        let ours = |(fault, count): (&Fault, &u64)| fault.is_the_generators().then_some(*count);
        self.faults.iter().filter_map(ours).sum()
    }

    /// The totals of `planned` requests, `unsent` of which never went out; an
    /// error if they do not add up.
    pub fn totals(&self, planned: u64, unsent: u64) -> Result<Totals, Miscounted> {
        Totals {
            planned,
            sent: self.sent,
            completed: self.completed(),
            failed: self.failed(),
            dropped: self.dropped,
            unsent,
            unfinished: self.unfinished,
        }
        .checked()
    }
}

/// What became of the requests: `planned` = `sent` + `dropped` + `unsent`, and
/// `sent` = `completed` + `failed` + `unfinished`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Those that the schedule has, until its end or until the run was broken off.
    pub planned: u64,
    /// Those that went out.
    pub sent: u64,
    /// Those whose answer came whole, whatever its status.
    pub completed: u64,
    /// Those whose connection broke, or whose answer was no HTTP, came too late or
    /// had another body than was expected.
    pub failed: u64,
    /// Those left out on purpose because they were late.
    pub dropped: u64,
    /// Those for which no connection was free before the run ended.
    pub unsent: u64,
    /// Those still under way when the run ended.
    pub unfinished: u64,
}

impl Totals {
    /// Themselves, if they add up.
    pub fn checked(self) -> Result<Self, Miscounted> {
        if self.add_up() { Ok(self) } else { Err(Miscounted(self)) }
    }

    /// Whether every request is accounted for.
    pub fn add_up(&self) -> bool {
        let Self { planned, sent, completed, failed, dropped, unsent, unfinished } = *self;
        planned == sent + dropped + unsent && sent == completed + failed + unfinished
    }

    /// Both added.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            planned: self.planned + other.planned,
            sent: self.sent + other.sent,
            completed: self.completed + other.completed,
            failed: self.failed + other.failed,
            dropped: self.dropped + other.dropped,
            unsent: self.unsent + other.unsent,
            unfinished: self.unfinished + other.unfinished,
        }
    }
}

/// Counters that contradict each other: a fault of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the counters do not add up, so the numbers cannot be trusted: {0:?}")]
pub struct Miscounted(Totals);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Answer;

    #[test]
    fn totals_add_up_or_are_refused() {
        let mut counts = Counts { sent: 3, ..Counts::default() };
        let busy = Answer { status: 503, cache: None, bytes: 2, body: Body::Differs };
        counts.ended(Outcome::Completed(busy));
        counts.ended(Outcome::Failed(Fault::ReadReset));
        counts.ended(Outcome::Unfinished);
        let totals = counts.totals(5, 2).unwrap();
        assert_eq!((totals.completed, totals.failed, totals.unfinished), (1, 1, 1));
        assert_eq!((counts.errors(), counts.bytes, counts.differing), (3, 2, 1));
        assert!(counts.totals(5, 1).is_err());
        counts.sent += 1;
        assert!(counts.totals(6, 2).is_err());
    }
}
