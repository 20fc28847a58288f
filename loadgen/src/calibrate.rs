//! What a generator is good for on its machine.
//!
//! A generator that is asked for more than it can send measures itself. So its
//! own ceiling is found first, against a server that does nothing: in a closed
//! model, how many requests it can send at all, and then, by a search, up to
//! which rate it sends them when they are due.

use std::{fmt, num::NonZeroU32, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    program::{Program, Search, SearchError, SearchOptions, Step},
    provenance::Provenance,
    schedule::{Arrivals, Load, Rate},
    summary::{Quantiles, Summary},
};

/// What `loadgen calibrate` has found. Rates are per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The highest rate at which requests were sent when they were due: what
    /// `loadgen run --calibration` compares with.
    pub ceiling_rate: f64,
    /// The lowest rate at which they were not, if there was one.
    pub limited_rate: Option<f64>,
    /// The rate of the closed model.
    pub closed_rate: f64,
    /// Processor time of the sending threads per request in the closed model.
    pub cpu_us_per_request: f64,
    /// How late requests were at the lowest rate of the search.
    pub lateness: Option<Quantiles>,
    /// Threads that sent.
    pub threads: usize,
    /// Connections that they had.
    pub connections: u64,
    /// What is needed to repeat it.
    pub provenance: Vec<Provenance>,
}

/// How long the closed model runs before the search.
const CLOSED: Duration = Duration::from_secs(2);

/// Of the closed model's rate, where the search begins: an open model is not
/// spared what a closed one is, the wait between answers.
const LOWEST_PART: f64 = 1.0 / 32.0;

/// How often a rate is tried: one that is late by chance is not the ceiling.
const TRIALS: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// As many users as there are connections.
pub fn closed(users: NonZeroU32) -> Program {
    let load = Load::Closed { users, duration: CLOSED };
    Program::once(Step { rate: None, trial: 0, load, settle: Duration::ZERO })
}

/// A search of the rates that a closed model of `closed_rate` makes possible.
pub fn search(closed_rate: f64, hold: Duration, precision: f64) -> Result<Program, SearchError> {
    let rate = |per_second| Rate::new(per_second).unwrap_or(Rate::ZERO);
    let search = Search::new(SearchOptions {
        lowest: rate(closed_rate * LOWEST_PART),
        highest: rate(closed_rate),
        precision,
        trials: TRIALS,
        hold,
        settle: hold / 4,
        arrivals: Arrivals::Constant,
    })?;
    Ok(Program::Search(search))
}

impl Calibration {
    /// What both runs came to; nothing where the lowest rate was too high.
    pub fn of(closed: &Summary, searched: &Summary) -> Option<Self> {
        let result = searched.search.as_ref()?;
        let step = closed.steps.first()?;
        let busy: f64 = step.health.activity.threads.iter().map(|thread| thread.cpu_share).sum();
        Some(Self {
            ceiling_rate: result.lower?.per_second(),
            limited_rate: result.upper.map(Rate::per_second),
            closed_rate: step.throughput,
            cpu_us_per_request: busy / step.throughput.max(1e-9) * 1e6,
            lateness: searched.steps.first()?.measures.times.get("lateness").cloned(),
            threads: searched.run.threads,
            connections: searched.run.connections,
            provenance: searched.provenance.clone(),
        })
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ceiling_rate, closed_rate, cpu_us_per_request, .. } = self;
        write!(f, "ceiling: {ceiling_rate:.0}/s on time")?;
        match self.limited_rate {
            Some(limited) => writeln!(f, ", {limited:.0}/s no longer")?,
            None => writeln!(f, ", as many as a closed model sends")?,
        }
        writeln!(
            f,
            "closed model: {closed_rate:.0}/s, {cpu_us_per_request:.2} µs of processor each"
        )?;
        let lateness =
            self.lateness.as_ref().and_then(|times| Some((times.p50_us?, times.p99_us?)));
        if let Some((p50, p99)) = lateness {
            writeln!(f, "lateness at a low rate: {p50:.0} µs at p50, {p99:.0} µs at p99")?;
        }
        writeln!(f, "connections: {}, threads: {}", self.connections, self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_is_below_what_a_closed_model_sends() {
        let program = search(64_000.0, Duration::from_secs(2), 0.1).unwrap();
        assert_eq!(program.highest_rate(), Some(Rate::new(64_000.0).unwrap()));
        let first = program.clone().next(None).unwrap();
        assert_eq!(first.rate, Some(Rate::new(2000.0).unwrap()));
        assert_eq!(first.settle, Duration::from_millis(500));
        // A responder that answered nothing has no ceiling to be found.
        assert!(search(0.0, Duration::from_secs(2), 0.1).is_err());
    }
}
