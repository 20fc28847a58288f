//! What happened in a second: the difference of two readings of the counters.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::{
    cache::status::Outcome,
    exchange::{Bound, Purpose},
    telemetry::{
        latencies::Buckets,
        ledger::account::Account,
        metrics::{Counts, StoreFigures},
    },
    upstream::governor::ledger::{Ledger, Spent},
};

/// The counters at a moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What was spent and what is left; with it the moment.
    pub account: Account,
    /// What was answered.
    pub counts: Counts,
    /// What is stored.
    pub store: StoreFigures,
    /// How long answers took to begin.
    pub latencies: Buckets,
}

/// What happened between two readings, as rates, and how things stand at the
/// second.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Beat {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Requests a second, by how they were answered.
    pub answered: Answered,
    /// The share of relayed requests for which the upstream was not asked;
    /// `None` where there were none.
    pub hit_ratio: Option<f64>,
    /// Answers a second with a status from 500.
    pub errors: f64,
    /// How long answers took to begin; `None` where none was timed.
    pub latency: Option<Latency>,
    /// How things stand with the upstream.
    pub upstream: Standing,
    /// What there is now.
    pub now: Now,
}

/// Requests a second, by how they were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Answered {
    /// From the cache, fresh; also from what another instance has stored.
    pub fresh: f64,
    /// From the cache, stale.
    pub stale: f64,
    /// By the answer to another client's request.
    pub collapsed: f64,
    /// By the upstream.
    pub forwarded: f64,
    /// By the relay itself.
    pub own: f64,
}

/// How long answers took to begin, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: f64,
    /// 90 of 100 took no longer.
    pub p90: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

/// How things stand with the upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// Requests a second that were put to it and have ended.
    pub asked: f64,
    /// Requests a second that were not put to it.
    pub refused: f64,
    /// Requests that may go at once now; `None`: nothing limits the rate.
    pub tokens: Option<u32>,
    /// Requests that may at most; `None`: nothing limits the rate.
    pub burst: Option<u32>,
    /// Requests that wait.
    pub waiting: u64,
    /// Requests under way.
    pub under_way: u64,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Now {
    /// Keys with a stored response.
    pub entries: u64,
    /// Bytes of stored responses.
    pub bytes: u64,
    /// The most that these may be.
    pub bound: u64,
    /// Client connections.
    pub connections: u64,
    /// Fills under way.
    pub flights: u64,
}

impl Beat {
    /// What happened from one reading to the next.
    pub fn between(before: &Reading, after: &Reading) -> Beat {
        let elapsed = after.account.at.duration_since(before.account.at).unwrap_or_default();
        let rate = |before: u64, after: u64| rate(after.saturating_sub(before), elapsed);
        let answered = Answered::between(&before.counts, &after.counts, rate);
        let governor = &after.account.governor;
        let asked = |reading: &Reading| asked(&reading.account.governor.ledger);
        let refused = |reading: &Reading| refused(&reading.account.governor.ledger);
        Beat {
            at: millis(after.account.at),
            answered,
            hit_ratio: answered.hit_ratio(),
            errors: rate(before.counts.server_errors(), after.counts.server_errors()),
            latency: Latency::of(&after.latencies.since(&before.latencies)),
            upstream: Standing {
                asked: rate(asked(before), asked(after)),
                refused: rate(refused(before), refused(after)),
                tokens: governor.tokens,
                burst: governor.burst,
                waiting: governor.waiting,
                under_way: governor.total_under_way(),
            },
            now: Now {
                entries: after.store.entries,
                bytes: after.store.bytes,
                bound: after.store.bound,
                connections: after.counts.connections,
                flights: after.counts.flights,
            },
        }
    }
}

impl Answered {
    fn between(before: &Counts, after: &Counts, rate: impl Fn(u64, u64) -> f64) -> Answered {
        let mut answered = Answered::default();
        for outcome in Outcome::ALL {
            let field = match outcome {
                Outcome::Hit | Outcome::Shared => &mut answered.fresh,
                Outcome::Stale => &mut answered.stale,
                Outcome::Collapsed => &mut answered.collapsed,
                Outcome::Forwarded(_) => &mut answered.forwarded,
                Outcome::Own | Outcome::Unsatisfiable => &mut answered.own,
            };
            *field += rate(before.requests(outcome), after.requests(outcome));
        }
        answered
    }

    /// All of them.
    pub fn total(&self) -> f64 {
        self.fresh + self.stale + self.collapsed + self.forwarded + self.own
    }

    fn hit_ratio(&self) -> Option<f64> {
        let spared = self.fresh + self.stale + self.collapsed;
        let relayed = spared + self.forwarded;
        (0.0 < relayed).then(|| spared / relayed)
    }
}

impl Latency {
    fn of(buckets: &Buckets) -> Option<Latency> {
        let millis = |share| Some(buckets.quantile(share)?.as_secs_f64() * 1e3);
        Some(Latency { p50: millis(0.5)?, p90: millis(0.9)?, p99: millis(0.99)? })
    }
}

fn asked(ledger: &Ledger) -> u64 {
    let of = |purpose| Spent::ALL.iter().map(move |how| ledger.spent(purpose, *how));
    Purpose::ALL.into_iter().flat_map(of).sum()
}

fn refused(ledger: &Ledger) -> u64 {
    Bound::ALL.iter().map(|bound| ledger.refused(*bound)).sum()
}

/// How often in a second. A clock that was set has no time between two readings.
#[expect(clippy::cast_precision_loss, reason = "there are not 2⁵³ requests in a second")]
fn rate(number: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { number as f64 / elapsed.as_secs_f64() }
}

fn millis(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
