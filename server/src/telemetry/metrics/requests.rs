//! The requests that were answered: how many, and how long each waited for its
//! answer to begin.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

use super::{
    exemplars::Exemplars,
    timings::{Histogram, Timings},
};
use crate::{
    cache::status::Outcome,
    exchange::trace::{Sampling, Trace},
};

pub(super) const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// How many threads count without meeting each other; more share a place.
const SHARDS: usize = 16;

/// Kinds of answers that take their time for reasons of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From memory.
    Hit,
    /// From memory, though stale, or in the place of an error.
    Stale,
    /// Through the upstream.
    Miss,
    /// Through another client's request.
    Collapsed,
    /// By the relay itself.
    Own,
}

impl Way {
    pub(super) const ALL: [Way; 5] = [Way::Hit, Way::Stale, Way::Miss, Way::Collapsed, Way::Own];

    fn of(outcome: Outcome) -> Way {
        match outcome {
            Outcome::Hit => Way::Hit,
            Outcome::Stale => Way::Stale,
            // What another instance has stored is asked for over the network.
            Outcome::Forwarded(_) | Outcome::Shared => Way::Miss,
            Outcome::Collapsed => Way::Collapsed,
            Outcome::Unsatisfiable | Outcome::Own => Way::Own,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Way::Hit => "hit",
            Way::Stale => "stale",
            Way::Miss => "miss",
            Way::Collapsed => "collapsed",
            Way::Own => "own",
        }
    }
}

/// The counters, in as many copies as threads count at a time: what one thread
/// adds is in no other's cache.
#[derive(Debug)]
pub(super) struct Requests {
    shards: Box<[Shard]>,
    exemplars: Exemplars,
}

// Two lines of a processor's cache, which it may fetch together.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Shard {
    answered: [[AtomicU64; STATUS_CLASSES.len()]; Outcome::ALL.len()],
    timings: [Timings; Way::ALL.len()],
}

thread_local! {
    /// Which shard is this thread's, once it has counted something.
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The shard of this thread: threads take turns.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.get().unwrap_or_else(|| {
        let shard = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        SHARD.set(Some(shard));
        shard
    })
}

impl Default for Requests {
    fn default() -> Requests {
        Requests {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            exemplars: Exemplars::default(),
        }
    }
}

impl Requests {
    /// Counts an answer that began after this time.
    pub(super) fn note(
        &self,
        outcome: Outcome,
        status: StatusCode,
        time: Duration,
        trace: Option<&Trace>,
    ) {
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        let shard = &self.shards[shard()];
        shard.answered[outcome.index()][class].fetch_add(1, Ordering::Relaxed);
        let way = Way::of(outcome);
        let bucket = shard.timings[way as usize].note(time);
        if let Some(trace) = trace.filter(|trace| trace.sampling == Sampling::Sampled) {
            self.exemplars.keep(way, bucket, trace.id, time);
        }
    }

    /// The text of `OpenMetrics` with the traces to look at.
    pub(super) fn with_exemplars(&self, text: &str) -> String {
        self.exemplars.add_to(text)
    }

    /// All requests that were answered.
    pub(super) fn total(&self) -> u64 {
        let all = self.shards.iter().flat_map(|shard| shard.answered.iter().flatten());
        all.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The same by outcome and class of status.
    pub(super) fn all_answered(&self) -> [[u64; STATUS_CLASSES.len()]; Outcome::ALL.len()] {
        Outcome::ALL.map(|outcome| std::array::from_fn(|class| self.answered(outcome, class)))
    }

    fn answered(&self, outcome: Outcome, class: usize) -> u64 {
        let of = |shard: &Shard| shard.answered[outcome.index()][class].load(Ordering::Relaxed);
        self.shards.iter().map(of).sum()
    }
}

impl Collector for Requests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Requests answered, by how (the words of Cache-Status, RFC 9211; own = not relayed) and class of status";
        let mut family = encoder.encode_descriptor("requests", help, None, MetricType::Counter)?;
        for outcome in Outcome::ALL {
            for (class, status) in STATUS_CLASSES.iter().enumerate() {
                let labels = [("outcome", outcome.as_str()), ("status", status)];
                ConstCounter::new(self.answered(outcome, class))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "From a request's arrival to the beginning of its answer, by the way it took";
        let unit = Some(&Unit::Seconds);
        let mut family =
            encoder.encode_descriptor("request_duration", help, unit, MetricType::Histogram)?;
        for way in Way::ALL {
            let timings = self.shards.iter().map(|shard| &shard.timings[way as usize]);
            Histogram::of(timings).encode(family.encode_family(&[("way", way.as_str())])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_added_up() {
        let requests = Requests::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| {
                    requests.note(Outcome::Hit, StatusCode::OK, Duration::from_micros(9), None);
                    requests.note(Outcome::Own, StatusCode::NOT_FOUND, Duration::ZERO, None);
                });
            }
        });
        let each = 2 * SHARDS as u64;
        assert_eq!(requests.total(), 2 * each);
        assert_eq!(requests.answered(Outcome::Hit, 1), each);
        assert_eq!(requests.answered(Outcome::Own, 3), each);
        assert_eq!(requests.answered(Outcome::Hit, 0), 0);
    }

    #[test]
    fn a_status_beyond_the_classes_is_in_the_nearest() {
        let requests = Requests::default();
        for status in [600, 999] {
            let status = StatusCode::from_u16(status).unwrap();
            requests.note(Outcome::Hit, status, Duration::ZERO, None);
        }
        assert_eq!(requests.answered(Outcome::Hit, 4), 2);
    }
}
