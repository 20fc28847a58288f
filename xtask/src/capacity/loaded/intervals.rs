//! `intervals.csv`: what ended in each interval, in the order of time.

use std::{fs::File, io::ErrorKind, path::Path};

use anyhow::Context;
use serde::Deserialize;

/// What a report needs of a row; the file has more.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct IntervalRow {
    /// When it began, in seconds since the run did.
    pub start_s: f64,
    /// How long it is, in seconds.
    pub length_s: f64,
    /// Requests that were sent in it.
    pub sent: u64,
    /// Whole answers.
    pub completed: u64,
    /// Errors among them, and requests without an answer.
    pub errors: u64,
    /// Requests that were given up before they were sent.
    pub dropped: u64,
    /// The mean number of requests under way.
    pub in_flight: f64,
    /// The 99th percentile of the response time in milliseconds, where there
    /// are enough requests.
    pub response_p99_ms: Option<f64>,
}

/// The rows of a file that may be missing: a run of several generators has one
/// for each.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<IntervalRow>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let rows = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(file);
    let rows = rows.into_deserialize().collect::<Result<Vec<IntervalRow>, _>>();
    rows.with_context(|| format!("{} is not what the load generator writes", path.display()))
}
