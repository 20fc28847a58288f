//! The exchanges with the upstream: how they went, why there was one, and how
//! long they took.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

use super::timings::{Histogram, Timings};
use crate::exchange::{Failure, Fwd};

/// How a request to the upstream went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// It answered, with this class of status.
    Success,
    /// A redirect.
    Redirect,
    /// It found fault with the request.
    ClientError,
    /// It failed.
    ServerError,
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The exchange broke off, or never began.
    Broken,
    /// A pooled connection had been closed; sent again on another.
    Retried,
}

impl UpstreamOutcome {
    const ALL: [UpstreamOutcome; 8] = [
        UpstreamOutcome::Success,
        UpstreamOutcome::Redirect,
        UpstreamOutcome::ClientError,
        UpstreamOutcome::ServerError,
        UpstreamOutcome::Unreachable,
        UpstreamOutcome::TimedOut,
        UpstreamOutcome::Broken,
        UpstreamOutcome::Retried,
    ];

    /// The outcome of an answer.
    pub fn of(status: StatusCode) -> UpstreamOutcome {
        match status.as_u16() / 100 {
            0..=2 => UpstreamOutcome::Success,
            3 => UpstreamOutcome::Redirect,
            4 => UpstreamOutcome::ClientError,
            _ => UpstreamOutcome::ServerError,
        }
    }

    /// The outcome of a failure.
    pub fn failed(failure: &Failure) -> UpstreamOutcome {
        match failure {
            Failure::Unreachable(_) => UpstreamOutcome::Unreachable,
            Failure::TimedOut(_) | Failure::ConnectTimedOut(_) => UpstreamOutcome::TimedOut,
            Failure::Closed(_)
            | Failure::Broken(_)
            | Failure::RequestBroken(_)
            | Failure::Loop
            | Failure::Shed { .. }
            | Failure::Abandoned => UpstreamOutcome::Broken,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            UpstreamOutcome::Success => "success",
            UpstreamOutcome::Redirect => "redirect",
            UpstreamOutcome::ClientError => "client-error",
            UpstreamOutcome::ServerError => "server-error",
            UpstreamOutcome::Unreachable => "unreachable",
            UpstreamOutcome::TimedOut => "timed-out",
            UpstreamOutcome::Broken => "broken",
            UpstreamOutcome::Retried => "retried",
        }
    }
}

/// What became of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It brought an answer.
    Answered,
    /// It failed too.
    Failed,
    /// It was not sent: the governor said no.
    Shed,
    /// It was not sent: there had been too many.
    OverBudget,
}

impl Retry {
    const ALL: [Retry; 4] = [Retry::Answered, Retry::Failed, Retry::Shed, Retry::OverBudget];

    fn as_str(self) -> &'static str {
        match self {
            Retry::Answered => "answered",
            Retry::Failed => "failed",
            Retry::Shed => "shed",
            Retry::OverBudget => "over-budget",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    went: [[AtomicU64; Fwd::ALL.len()]; UpstreamOutcome::ALL.len()],
    retries: [AtomicU64; Retry::ALL.len()],
    timings: Timings,
}

impl Exchanges {
    pub(super) fn note(&self, outcome: UpstreamOutcome, fwd: Fwd) {
        self.went[outcome as usize][fwd as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn took(&self, time: Duration) {
        self.timings.note(time);
    }

    pub(super) fn retried(&self, retry: Retry) {
        self.retries[retry as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retries(&self, retry: Retry) -> u64 {
        self.retries[retry as usize].load(Ordering::Relaxed)
    }
}

impl Collector for Exchanges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Requests to the upstream, by how they went and by why they went forward (the words of Cache-Status, RFC 9211)";
        let counter = MetricType::Counter;
        let mut family = encoder.encode_descriptor("upstream_requests", help, None, counter)?;
        for outcome in UpstreamOutcome::ALL {
            for fwd in Fwd::ALL {
                let labels = [("outcome", outcome.as_str()), ("reason", fwd.as_str())];
                let count = &self.went[outcome as usize][fwd as usize];
                ConstCounter::new(count.load(Ordering::Relaxed))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        let help =
            "Requests that failed and were to be put to the upstream anew, by what became of that";
        let counter = MetricType::Counter;
        let mut family = encoder.encode_descriptor("upstream_retries", help, None, counter)?;
        for retry in Retry::ALL {
            ConstCounter::new(self.retries(retry))
                .encode(family.encode_family(&[("outcome", retry.as_str())])?)?;
        }
        let help = "From a request to the upstream to the beginning of its answer, the wait for its turn not included";
        let histogram = Histogram::of([&self.timings]);
        let unit = Some(&Unit::Seconds);
        histogram.encode(encoder.encode_descriptor(
            "upstream_duration",
            help,
            unit,
            MetricType::Histogram,
        )?)
    }
}
