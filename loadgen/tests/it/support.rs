//! Runs of the library, and what is asked of their summaries.

use std::time::Duration;

use loadgen::{
    program::{Program, Step},
    record::Totals,
    run::{Event, Options, RunError, run},
    schedule::{Arrivals, Load, Profile, Rate},
    summary::Summary,
};
use tokio::sync::mpsc;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn rate(per_second: f64) -> Rate {
    Rate::new(per_second).unwrap()
}

/// One step of `per_second` requests, evenly spaced.
pub(crate) fn constant(per_second: f64, length: Duration) -> Program {
    let profile = Profile::constant(rate(per_second), length).unwrap();
    open(profile, Arrivals::Constant)
}

/// One step of an open model.
pub(crate) fn open(profile: Profile, arrivals: Arrivals) -> Program {
    once(Load::Open { profile, arrivals })
}

/// One step of a closed model.
pub(crate) fn closed(users: u32, duration: Duration) -> Program {
    once(Load::Closed { users: users.try_into().unwrap(), duration })
}

fn once(load: Load) -> Program {
    Program::once(Step { rate: None, trial: 0, load, settle: Duration::ZERO })
}

/// `program` against `url`, over few connections. The drain is for the sake of
/// busy machines: it ends when nothing is under way.
pub(crate) fn options(url: &str, program: Program) -> Options {
    let mut options = Options::new(url.parse().unwrap(), program);
    options.connections = 4;
    options.drain = ms(10_000);
    options
}

/// Runs without anybody who watches or stops it.
pub(crate) async fn load(options: Options) -> Result<Summary, RunError> {
    observed(options, |_| ()).await
}

/// Runs before the eyes of `observe`.
pub(crate) async fn observed(
    options: Options,
    observe: impl FnMut(Event<'_>),
) -> Result<Summary, RunError> {
    let (_stop, signals) = mpsc::channel(1);
    run(options, signals, observe).await
}

/// What became of the requests: planned, sent, completed, failed, dropped,
/// unsent, unfinished.
#[track_caller]
pub(crate) fn check_totals(summary: &Summary, expected: [u64; 7]) {
    let Totals { planned, sent, completed, failed, dropped, unsent, unfinished } = summary.totals;
    assert_eq!([planned, sent, completed, failed, dropped, unsent, unfinished], expected);
}

/// How many answers there were with each status.
pub(crate) fn statuses(summary: &Summary) -> Vec<(u16, u64)> {
    summary.measures.statuses.clone().into_iter().collect()
}

pub(crate) fn json(text: &[u8]) -> serde_json::Value {
    serde_json::from_slice(text).unwrap()
}
