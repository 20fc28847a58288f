//! What the load generator sends, and what it says of it: pure.

use std::{num::NonZeroU32, time::Duration};

use anyhow::{Context, ensure};
use loadgen::{
    summary::{Quantiles, Step, Summary},
    verdict::Verdict,
};

use super::SLOW;

/// The users of the closed model.
pub(super) const USERS: u32 = 64;

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Load {
    /// As fast as [`USERS`] users get their answers.
    Closed(Duration),
    /// So many a second, whatever becomes of them.
    Open(f64, Duration),
    /// From so many clients at once, each of which connects and asks one time.
    Crowd(NonZeroU32),
}

impl Load {
    /// The generator's arguments that say so.
    pub(super) fn arguments(self) -> Vec<String> {
        let duration = |duration: Duration| format!("{}us", duration.as_micros());
        let pairs = match self {
            Self::Closed(hold) => {
                vec![("--closed", USERS.to_string()), ("--duration", duration(hold))]
            }
            Self::Open(rate, hold) => {
                vec![("--rate", rate.to_string()), ("--duration", duration(hold))]
            }
            // It is over before the first answer, so that nobody asks again.
            Self::Crowd(clients) => vec![
                ("--closed", clients.to_string()),
                ("--duration", duration(SLOW * 9 / 10)),
                ("--header-timeout", "60s".to_owned()),
                ("--body-timeout", "60s".to_owned()),
                ("--drain", "2m".to_owned()),
            ],
        };
        let mut arguments: Vec<String> =
            pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
        if matches!(self, Self::Crowd(_)) {
            arguments.push("--new-connections".to_owned());
        }
        arguments
    }
}

/// What one server did in the closed model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Closed {
    /// Its processor time per request, in microseconds.
    pub(super) cpu_us: f64,
    /// Answers per second.
    pub(super) rate: f64,
    /// Answers.
    pub(super) answers: u64,
    /// Requests without an answer, or with one of 400 or more.
    pub(super) errors: u64,
}

impl Closed {
    /// Of a run in which the server used `cpu_seconds`.
    pub(super) fn of(summary: &Summary, cpu_seconds: f64) -> anyhow::Result<Self> {
        let step = step(summary)?;
        let answers = summary.totals.completed;
        let cpu_us = cpu_seconds * 1e6 / real(answers);
        Ok(Self { cpu_us, rate: step.throughput, answers, errors: step.errors })
    }

    /// The part of its one processor that the server used.
    pub(super) fn busy(&self) -> f64 {
        self.cpu_us * self.rate / 1e6
    }
}

/// What one server did at a fixed rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Open {
    /// The median response time in milliseconds, if there were enough requests.
    pub(super) p50_ms: Option<f64>,
    /// What 99 of 100 did not exceed.
    pub(super) p99_ms: Option<f64>,
    /// Answers.
    pub(super) answers: u64,
    /// Requests without an answer, or with one of 400 or more.
    pub(super) errors: u64,
    /// Whether the generator was the limit.
    pub(super) verdict: Verdict,
}

impl Open {
    /// Of a run.
    pub(super) fn of(summary: &Summary) -> anyhow::Result<Self> {
        let step = step(summary)?;
        let times = step.measures.times.get("response");
        let ms = |us: fn(&Quantiles) -> Option<f64>| times.and_then(us).map(|us| us / 1e3);
        Ok(Self {
            p50_ms: ms(|times| times.p50_us),
            p99_ms: ms(|times| times.p99_us),
            answers: summary.totals.completed,
            errors: step.errors,
            verdict: step.health.verdict,
        })
    }
}

/// What one server did with a crowd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crowd {
    /// Requests that reached the origin.
    pub(super) to_origin: u64,
    /// Clients without an answer, or with one of 400 or more.
    pub(super) errors: u64,
    /// From when a client began to connect to the end of its answer, in seconds.
    pub(super) slowest: f64,
    /// The most memory that the server had, in bytes.
    pub(super) peak_bytes: u64,
}

impl Crowd {
    /// Of a run of `clients`.
    pub(super) fn of(
        summary: &Summary,
        clients: NonZeroU32,
        to_origin: u64,
        peak_bytes: u64,
    ) -> anyhow::Result<Self> {
        let step = step(summary)?;
        let sent = summary.totals.sent;
        ensure!(
            u64::from(clients.get()) <= sent,
            "only {sent} of {clients} clients could ask before the first had its answer: this \
             machine is too busy, or too slow for so many"
        );
        let longest = step.measures.times.get("service").and_then(|times| times.max_us);
        let slowest = longest.context("no client had an answer")? / 1e6;
        Ok(Self { to_origin, errors: step.errors, slowest, peak_bytes })
    }
}

/// The one step that has been asked for.
fn step(summary: &Summary) -> anyhow::Result<&Step> {
    ensure!(0 < summary.totals.completed, "no request was answered");
    summary.steps.first().context("the load generator has loaded nothing")
}

#[expect(clippy::cast_precision_loss, reason = "answers of minutes")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(load: Load) -> String {
        load.arguments().join(" ")
    }

    #[test]
    fn how_requests_come() {
        let hold = Duration::from_millis(1500);
        assert_eq!(line(Load::Closed(hold)), "--closed 64 --duration 1500000us");
        assert_eq!(line(Load::Open(15_000.0, hold)), "--rate 15000 --duration 1500000us");
        let crowd = line(Load::Crowd(NonZeroU32::new(9000).unwrap()));
        for said in ["--closed 9000 ", "--duration 900000us ", " --new-connections"] {
            assert!(crowd.contains(said), "{crowd}");
        }
    }

    #[test]
    fn how_busy_a_processor_is() {
        let closed = Closed { cpu_us: 10.0, rate: 90_000.0, answers: 1, errors: 0 };
        assert!((closed.busy() - 0.9).abs() < 1e-12);
    }
}
