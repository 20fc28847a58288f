//! What the upstream has been asked for, and what not.

use crate::exchange::{Bound, Purpose};

/// How a request that was let go came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// The upstream answered.
    Answered,
    /// It said that there were too many requests, or when to come back.
    Limited,
    /// It could not be reached, did not answer, or said that it is down.
    Failed,
    /// Nobody waited for the answer any more, or the client broke off.
    Abandoned,
}

impl Spent {
    /// All of them.
    pub const ALL: [Spent; 4] = [Spent::Answered, Spent::Limited, Spent::Failed, Spent::Abandoned];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Spent::Answered => "answered",
            Spent::Limited => "limited",
            Spent::Failed => "failed",
            Spent::Abandoned => "abandoned",
        }
    }
}

/// Requests counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    spent: [[u64; Spent::ALL.len()]; Purpose::ALL.len()],
    refused: [u64; Bound::ALL.len()],
    /// How often the upstream was left alone for a time: it said so, or it kept
    /// failing.
    pub held: u64,
    /// Requests that waited for their turn.
    pub waited: u64,
}

impl Ledger {
    /// Requests put to the upstream.
    pub fn spent(&self, purpose: Purpose, how: Spent) -> u64 {
        self.spent[purpose as usize][how as usize]
    }

    /// Requests refused.
    pub fn refused(&self, bound: Bound) -> u64 {
        self.refused[bound as usize]
    }

    pub(super) fn spend(&mut self, purpose: Purpose, how: Spent) {
        self.spent[purpose as usize][how as usize] += 1;
    }

    pub(super) fn refuse(&mut self, bound: Bound) {
        self.refused[bound as usize] += 1;
    }
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// What has been counted.
    pub ledger: Ledger,
    /// Requests that wait.
    pub waiting: u64,
    /// Requests under way, until their answers' bodies have ended.
    pub under_way: u64,
    /// The rate in force, in requests a second; `None`: nothing limits it.
    pub rate: Option<f64>,
    /// Seconds for which nothing is asked.
    pub held_for: u64,
}
