//! `steps.csv`.

use serde::Serialize;

use super::{ms, rounded};
use crate::summary::Step;

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
    throughput: f64,
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
    let activity = &step.health.activity;
    let cpu = activity.threads.iter().map(|thread| thread.cpu_share);
    let delay = activity.threads.iter().map(|thread| thread.run_delay_share);
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
        throughput: rounded(step.throughput),
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
        steal_share: activity.steal_share.map(rounded),
        watchdog_gap_ms: rounded(activity.watchdog_gap_ms),
    }
}
