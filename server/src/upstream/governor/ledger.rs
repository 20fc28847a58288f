//! What the upstream has been asked for, and what not.

use std::time::Duration;

use super::{Limits, Refusal, advice::Quota, budget::Source};
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

    /// Counts requests that another than the governor has refused.
    pub fn add_refused(&mut self, bound: Bound, number: u64) {
        self.refused[bound as usize] += number;
    }

    pub(super) fn spend(&mut self, purpose: Purpose, how: Spent) {
        self.spent[purpose as usize][how as usize] += 1;
    }

    pub(super) fn refuse(&mut self, bound: Bound) {
        self.refused[bound as usize] += 1;
    }
}

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// What has been counted.
    pub ledger: Ledger,
    /// What is configured.
    pub limits: Limits,
    /// Requests that wait.
    pub waiting: u64,
    /// Requests under way, until their answers' bodies have ended, by purpose.
    pub under_way: [u32; Purpose::ALL.len()],
    /// How long an exchange takes, smoothed; `None` before the first.
    pub typical: Option<Duration>,
    /// Whose budget it is.
    pub source: Source,
    /// The rate in force, in requests a second; `None`: nothing limits it.
    pub rate: Option<f64>,
    /// Requests at once; `None`: nothing limits the rate.
    pub burst: Option<u32>,
    /// Requests under way at a time; `None`: unlimited.
    pub concurrency: Option<u32>,
    /// Requests that may go at once now; `None`: nothing limits the rate.
    pub tokens: Option<u32>,
    /// What the upstream says is left, and how long until there is more.
    pub quota: Option<Quota>,
    /// Why nothing is asked, and for how long.
    pub hold: Option<Refusal>,
    /// What the circuit breaker does.
    pub circuit: Circuit,
}

impl Figures {
    /// Requests under way, whatever for.
    pub fn total_under_way(&self) -> u64 {
        self.under_way.iter().copied().map(u64::from).sum()
    }

    /// Seconds for which nothing is asked.
    pub fn held_for(&self) -> u64 {
        self.hold.map(|refusal| whole_seconds(refusal.retry_after)).unwrap_or_default()
    }
}

/// What the circuit breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Requests go.
    Closed,
    /// The upstream keeps failing: nothing goes until the next probe is due.
    Open,
    /// The next request is a probe.
    HalfOpen,
}

/// Rounded up, so that who waits so long has waited long enough.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() != 0)
}
