//! What a run has measured: counters, times, and what they come to.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::{CreationError, Histogram};
use serde::Serialize;
use thiserror::Error;

/// Times are recorded from a microsecond to a minute, to three digits; what is
/// longer counts as a minute.
const BOUNDS: (u64, u64, u8) = (1_000, 60_000_000_000, 3);

/// What is recorded while requests go out. Its size does not depend on how
/// many there are.
#[derive(Debug)]
pub struct Record {
    sent: u64,
    completed: u64,
    failed: u64,
    unfinished: u64,
    statuses: BTreeMap<u16, u64>,
    response: Histogram<u64>,
    service: Histogram<u64>,
    lag: Histogram<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer came whole, with this status code.
    Completed(u16),
    /// The connection broke, or what came was no HTTP.
    Failed,
    /// It was given up when the run ended: its times are lower bounds.
    Unfinished,
}

/// The three times of a request, each since the start of the schedule.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When the schedule has it.
    pub due: Duration,
    /// When it was handed to its connection.
    pub sent: Duration,
    /// When the answer's last byte was here, or when it ended otherwise.
    pub done: Duration,
}

impl Record {
    /// A record of nothing yet.
    pub fn new() -> Result<Self, CreationError> {
        let (low, high, digits) = BOUNDS;
        let empty = Histogram::new_with_bounds(low, high, digits)?;
        Ok(Self {
            sent: 0,
            completed: 0,
            failed: 0,
            unfinished: 0,
            statuses: BTreeMap::new(),
            response: empty.clone(),
            service: empty.clone(),
            lag: empty,
        })
    }

    /// A request goes out.
    pub fn sent(&mut self) {
        self.sent += 1;
    }

    /// A request that went out has ended. Failures count among the times, so
    /// that a server does not look faster for them.
    pub fn ended(&mut self, outcome: Outcome, times: Times) {
        match outcome {
            Outcome::Completed(status) => {
                self.completed += 1;
                *self.statuses.entry(status).or_default() += 1;
            }
            Outcome::Failed => self.failed += 1,
            Outcome::Unfinished => self.unfinished += 1,
        }
        let Times { due, sent, done } = times;
        self.response.saturating_record(nanos(done.saturating_sub(due)));
        self.service.saturating_record(nanos(done.saturating_sub(sent)));
        self.lag.saturating_record(nanos(sent.saturating_sub(due)));
    }

    /// The totals of a run of `planned` requests, `unsent` of which never
    /// went out; an error if they do not add up.
    pub fn totals(&self, planned: u64, unsent: u64) -> Result<Totals, Miscounted> {
        let totals = Totals {
            planned,
            sent: self.sent,
            completed: self.completed,
            failed: self.failed,
            dropped: 0,
            unsent,
            unfinished: self.unfinished,
        };
        let Totals { sent, completed, failed, dropped, unfinished, .. } = totals;
        if planned == sent + dropped + unsent && sent == completed + failed + unfinished {
            Ok(totals)
        } else {
            Err(Miscounted(totals))
        }
    }

    /// The run in numbers.
    pub fn summary(&self, run: Run, totals: Totals) -> Summary {
        Summary {
            schema_version: 1,
            run,
            totals,
            statuses: self.statuses.clone(),
            response: Quantiles::of(&self.response),
            service: Quantiles::of(&self.service),
            lag: Quantiles::of(&self.lag),
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What became of the requests: `planned` = `sent` + `dropped` + `unsent`, and
/// `sent` = `completed` + `failed` + `unfinished`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Those that the schedule has.
    pub planned: u64,
    /// Those that went out.
    pub sent: u64,
    /// Those whose answer came whole, whatever its status.
    pub completed: u64,
    /// Those whose connection broke or whose answer was no HTTP.
    pub failed: u64,
    /// Those left out on purpose because they were late.
    pub dropped: u64,
    /// Those for which no connection was free before the run ended.
    pub unsent: u64,
    /// Those still under way when the run ended.
    pub unfinished: u64,
}

/// Counters that contradict each other: a fault of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the counters do not add up, so the numbers cannot be trusted: {0:?}")]
pub struct Miscounted(Totals);

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// The address that was requested.
    pub url: String,
    /// Requests per second, on average.
    pub planned_rate: f64,
    /// How long the schedule lasted.
    pub duration_seconds: f64,
    /// Connections opened before the start.
    pub connections: usize,
    /// Connections opened later, in the place of some that ended.
    pub reopened: u64,
}

/// A run in numbers: `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// 1.
    pub schema_version: u32,
    /// What was asked for.
    pub run: Run,
    /// What became of the requests.
    pub totals: Totals,
    /// Completed requests by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// From due to done: what a client waits.
    pub response: Quantiles,
    /// From sent to done: what the server takes for those it is asked.
    pub service: Quantiles,
    /// From due to sent: the wait for a free connection, and the generator's
    /// own lateness.
    pub lag: Quantiles,
}

/// Times in microseconds. A quantile is missing where there are too few
/// requests to tell it from the maximum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quantiles {
    /// How many were recorded.
    pub count: u64,
    /// The median.
    pub p50_us: Option<f64>,
    /// Nine of ten are at most this.
    pub p90_us: Option<f64>,
    /// 99 of 100 are.
    pub p99_us: Option<f64>,
    /// 999 of 1000 are.
    pub p999_us: Option<f64>,
    /// The longest.
    pub max_us: Option<f64>,
}

impl Quantiles {
    fn of(times: &Histogram<u64>) -> Self {
        let count = times.len();
        let at = |p: f64| enough(count, p).then(|| micros(times.value_at_quantile(p)));
        Self {
            count,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: (count > 0).then(|| micros(times.max())),
        }
    }
}

/// Whether the p-quantile of `count` values has an upper 95 % limit among
/// them: the largest of n is below it with probability pⁿ, which is to be at
/// most 2.5 % (David and Nagaraja, *Order Statistics*, 3rd ed., §7.1).
#[expect(clippy::cast_precision_loss, reason = "near the bound counts are small")]
fn enough(count: u64, p: f64) -> bool {
    count as f64 >= libm::log(0.025) / libm::log(p)
}

#[expect(clippy::cast_precision_loss, reason = "a minute is 6 × 10¹⁰ nanoseconds")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { planned, sent, completed, failed, dropped, unsent, unfinished } = self.totals;
        writeln!(f, "planned {planned}: sent {sent}, dropped {dropped}, unsent {unsent}")?;
        writeln!(
            f,
            "sent {sent}: completed {completed}, failed {failed}, unfinished {unfinished}"
        )?;
        for (status, count) in &self.statuses {
            writeln!(f, "status {status}: {count}")?;
        }
        let heads = ["p50", "p90", "p99", "p99.9", "max"];
        write!(f, "{:<24}", "milliseconds")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>11}"))?;
        writeln!(f)?;
        let rows = [
            ("response (from due)", &self.response),
            ("service (from sent)", &self.service),
            ("lag (due to sent)", &self.lag),
        ];
        for (name, q) in rows {
            write!(f, "{name:<24}")?;
            for value in [q.p50_us, q.p90_us, q.p99_us, q.p999_us, q.max_us] {
                match value {
                    Some(us) => write!(f, "{:>11.3}", us / 1000.0)?,
                    None => write!(f, "{:>11}", "too few")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_late_request_waited_since_it_was_due() {
        let mut record = Record::new().unwrap();
        record.sent();
        let times = Times { due: ms(10), sent: ms(40), done: ms(45) };
        record.ended(Outcome::Completed(200), times);
        for (recorded, ms) in [(&record.response, 35), (&record.service, 5), (&record.lag, 30)] {
            assert!(
                (Quantiles::of(recorded).max_us.unwrap() / 1000.0 / f64::from(ms) - 1.0).abs()
                    < 1e-3
            );
        }
    }

    #[test]
    fn totals_add_up_or_are_refused() {
        let mut record = Record::new().unwrap();
        let times = Times { due: ms(0), sent: ms(0), done: ms(1) };
        for outcome in [Outcome::Completed(503), Outcome::Failed, Outcome::Unfinished] {
            record.sent();
            record.ended(outcome, times);
        }
        let totals = record.totals(5, 2).unwrap();
        assert_eq!((totals.completed, totals.failed, totals.unfinished), (1, 1, 1));
        assert!(record.totals(5, 1).is_err());
        record.sent();
        assert!(record.totals(6, 2).is_err());
    }

    #[test]
    fn a_quantile_needs_enough_values() {
        for (count, p) in [(6, 0.5), (368, 0.99), (3688, 0.999)] {
            assert!(enough(count, p), "{count} for {p}");
            assert!(!enough(count - 1, p), "{} for {p}", count - 1);
        }
    }
}
