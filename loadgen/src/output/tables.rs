//! Intervals and steps as CSV (RFC 4180), after comments that begin with `#`.

use std::{fmt, io};

use serde::Serialize;

use crate::{
    record::{Clock, Record, Tag},
    run::Interval,
    summary::{Quantiles, Step},
};

/// Rows under the names of their columns.
pub struct Table<W: io::Write>(csv::Writer<W>);

impl<W: io::Write> fmt::Debug for Table<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").finish_non_exhaustive()
    }
}

impl<W: io::Write> Table<W> {
    /// An empty table under `comments`.
    pub fn new(mut w: W, comments: &[String]) -> io::Result<Self> {
        for comment in comments {
            // A comment is one line, whatever is in it.
            writeln!(w, "# {}", comment.replace(['\r', '\n'], " "))?;
        }
        Ok(Self(csv::Writer::from_writer(w)))
    }

    /// Adds a row, and the names of the columns before the first.
    pub fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        self.0.serialize(row)?;
        // A run that is killed leaves what was measured until then.
        self.0.flush()
    }
}

/// A row of `intervals.csv`: what ended in an interval. Times are in
/// milliseconds, rates per second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalRow {
    step: u32,
    part: &'static str,
    rate: Option<f64>,
    start_s: f64,
    length_s: f64,
    sent: u64,
    completed: u64,
    failed: u64,
    errors: u64,
    dropped: u64,
    unfinished: u64,
    completed_rate: f64,
    in_flight: f64,
    body_bytes: u64,
    reopened: u64,
    largest_burst: u64,
    response_p50_ms: Option<f64>,
    response_p99_ms: Option<f64>,
    response_max_ms: Option<f64>,
    service_p50_ms: Option<f64>,
    service_p99_ms: Option<f64>,
    service_max_ms: Option<f64>,
    lag_p99_ms: Option<f64>,
    lateness_p99_ms: Option<f64>,
    lateness_max_ms: Option<f64>,
}

/// The rows of `interval`: what settled, if anything did, and what was held.
pub fn interval_rows(interval: &Interval<'_>) -> Vec<IntervalRow> {
    let parts = [("settle", interval.settle), ("hold", interval.hold)];
    let rows = parts.into_iter().filter(|(_, record)| !record.is_empty());
    rows.map(|(part, record)| interval_row(interval, part, record)).collect()
}

fn interval_row(interval: &Interval<'_>, part: &'static str, record: &Record) -> IntervalRow {
    let counts = &record.counts;
    let quantiles = |clock| record.times(Tag::all(clock)).map(Quantiles::of);
    let response = quantiles(Clock::Response);
    let service = quantiles(Clock::Service);
    let lateness = quantiles(Clock::Lateness);
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    let completed_rate = counts.completed() as f64 / interval.length.as_secs_f64().max(1e-9);
    IntervalRow {
        step: interval.step,
        part,
        rate: interval.rate,
        start_s: rounded(interval.start.as_secs_f64()),
        length_s: rounded(interval.length.as_secs_f64()),
        sent: counts.sent,
        completed: counts.completed(),
        failed: counts.failed(),
        errors: counts.errors(),
        dropped: counts.dropped,
        unfinished: counts.unfinished,
        completed_rate: rounded(completed_rate),
        in_flight: rounded(interval.in_flight),
        body_bytes: counts.bytes,
        reopened: counts.reopened,
        largest_burst: counts.largest_burst,
        response_p50_ms: ms(response.as_ref(), |q| q.p50_us),
        response_p99_ms: ms(response.as_ref(), |q| q.p99_us),
        response_max_ms: ms(response.as_ref(), |q| q.max_us),
        service_p50_ms: ms(service.as_ref(), |q| q.p50_us),
        service_p99_ms: ms(service.as_ref(), |q| q.p99_us),
        service_max_ms: ms(service.as_ref(), |q| q.max_us),
        lag_p99_ms: ms(quantiles(Clock::Lag).as_ref(), |q| q.p99_us),
        lateness_p99_ms: ms(lateness.as_ref(), |q| q.p99_us),
        lateness_max_ms: ms(lateness.as_ref(), |q| q.max_us),
    }
}

/// A row of `steps.csv`: what was due while a step held. Times are in
/// milliseconds, rates per second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRow {
    step: u32,
    trial: u32,
    rate: Option<f64>,
    verdict: &'static str,
    start_s: f64,
    settle_s: f64,
    hold_s: f64,
    drain_s: f64,
    planned: u64,
    sent: u64,
    completed: u64,
    failed: u64,
    dropped: u64,
    unsent: u64,
    unfinished: u64,
    errors: u64,
    offered_rate: f64,
    completed_rate: f64,
    in_flight: f64,
    most_in_flight: u64,
    response_p50_ms: Option<f64>,
    response_p90_ms: Option<f64>,
    response_p99_ms: Option<f64>,
    response_p999_ms: Option<f64>,
    response_max_ms: Option<f64>,
    service_p50_ms: Option<f64>,
    service_p90_ms: Option<f64>,
    service_p99_ms: Option<f64>,
    service_p999_ms: Option<f64>,
    service_max_ms: Option<f64>,
    lag_p99_ms: Option<f64>,
    lateness_p50_ms: Option<f64>,
    lateness_p99_ms: Option<f64>,
    lateness_max_ms: Option<f64>,
    late_share: f64,
    busiest_thread_cpu_share: Option<f64>,
    longest_run_delay_share: Option<f64>,
    steal_share: Option<f64>,
    watchdog_gap_ms: f64,
}

/// The row of `step`.
pub fn step_row(step: &Step) -> StepRow {
    let times = |tag: &str| step.measures.times.get(tag);
    let (response, service) = (times("response"), times("service"));
    let lateness = times("lateness");
    let load = &step.health.load;
    let cpu = load.threads.iter().map(|thread| thread.cpu_share);
    let delay = load.threads.iter().map(|thread| thread.run_delay_share);
    StepRow {
        step: step.index,
        trial: step.trial,
        rate: step.rate,
        verdict: step.health.verdict.as_str(),
        start_s: rounded(step.start_seconds),
        settle_s: step.settle_seconds,
        hold_s: rounded(step.hold_seconds),
        drain_s: rounded(step.drain_seconds),
        planned: step.totals.planned,
        sent: step.totals.sent,
        completed: step.totals.completed,
        failed: step.totals.failed,
        dropped: step.totals.dropped,
        unsent: step.totals.unsent,
        unfinished: step.totals.unfinished,
        errors: step.errors,
        offered_rate: rounded(step.offered_rate),
        completed_rate: rounded(step.completed_rate),
        in_flight: rounded(step.in_flight),
        most_in_flight: step.most_in_flight,
        response_p50_ms: ms(response, |q| q.p50_us),
        response_p90_ms: ms(response, |q| q.p90_us),
        response_p99_ms: ms(response, |q| q.p99_us),
        response_p999_ms: ms(response, |q| q.p999_us),
        response_max_ms: ms(response, |q| q.max_us),
        service_p50_ms: ms(service, |q| q.p50_us),
        service_p90_ms: ms(service, |q| q.p90_us),
        service_p99_ms: ms(service, |q| q.p99_us),
        service_p999_ms: ms(service, |q| q.p999_us),
        service_max_ms: ms(service, |q| q.max_us),
        lag_p99_ms: ms(times("lag"), |q| q.p99_us),
        lateness_p50_ms: ms(lateness, |q| q.p50_us),
        lateness_p99_ms: ms(lateness, |q| q.p99_us),
        lateness_max_ms: ms(lateness, |q| q.max_us),
        late_share: rounded(step.health.late_share),
        busiest_thread_cpu_share: cpu.max_by(f64::total_cmp).map(rounded),
        longest_run_delay_share: delay.max_by(f64::total_cmp).map(rounded),
        steal_share: load.steal_share.map(rounded),
        watchdog_gap_ms: rounded(load.watchdog_gap_ms),
    }
}

fn ms(quantiles: Option<&Quantiles>, value: fn(&Quantiles) -> Option<f64>) -> Option<f64> {
    quantiles.and_then(value).map(|us| rounded(us / 1000.0))
}

/// To six digits after the point: more would say what was not measured.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
