//! What the cache does when it is empty, when its copies expire, and when the
//! upstream is slow, down or limited.

use loadgen::output::hlog::Scope;
use loadgen::record::{Clock, Tag, Times};

use super::reading::{factor, number, upstream};
use crate::capacity::loaded::{Loaded, LoadedTrial};

/// The scenarios in the order of the report, with what they are.
pub const SCENARIOS: [(&str, &str); 5] = [
    ("cold", "an empty cache"),
    ("expiry", "the copy expires under load"),
    ("slow", "a slow upstream"),
    ("down", "the upstream goes down"),
    ("limited", "the upstream limits"),
];

/// What became of a crowd.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Which.
    pub name: String,
    /// How many came at once.
    pub users: u32,
    /// Requests of all of them.
    pub requests: u64,
    /// Errors, and requests without an answer.
    pub errors: u64,
    /// Requests that reached the upstream, if anyone counted.
    pub upstream: Option<f64>,
    /// The slowest answer, in seconds.
    pub slowest: Option<f64>,
    /// The 99th percentile, in seconds.
    pub p99: Option<f64>,
    /// What was done to the upstream, with the seconds since the run's start.
    pub events: Vec<(f64, String)>,
}

impl Scenario {
    /// Requests upstream for every thousand of clients.
    #[expect(clippy::cast_precision_loss, reason = "requests of a minute")]
    pub fn upstream_per_thousand(&self) -> Option<f64> {
        (0 < self.requests).then_some(self.upstream? * 1000.0 / self.requests as f64)
    }

    /// What it is, in words.
    pub fn words(&self) -> &str {
        let known = SCENARIOS.iter().find(|(name, _)| *name == self.name);
        known.map_or(self.name.as_str(), |(_, words)| words)
    }
}

/// All that were run, in the order of [`SCENARIOS`].
pub(super) fn scenarios(loaded: &Loaded) -> Vec<Scenario> {
    let mut found: Vec<Scenario> = loaded.of("e8").map(scenario).collect();
    let place = |scenario: &Scenario| SCENARIOS.iter().position(|(name, _)| *name == scenario.name);
    found.sort_by_key(|scenario| place(scenario).unwrap_or(SCENARIOS.len()));
    found
}

fn scenario(trial: &LoadedTrial) -> Scenario {
    let is_it = |scope, tag| scope == Scope::Total && tag == Tag::all(Clock::Service);
    let times: Option<&Times> =
        trial.log.lines.iter().find(|line| is_it(line.scope, line.tag)).map(|line| &line.times);
    let quantiles = trial.summary.measures.times.get("service");
    let started = trial.summary.run.started_unix;
    let events = trial.trial.events.iter();
    Scenario {
        name: factor(trial, "scenario").unwrap_or("cold").to_owned(),
        users: number(trial, "users").unwrap_or(0),
        requests: trial.summary.totals.sent,
        errors: trial.summary.steps.iter().map(|step| step.errors).sum(),
        upstream: upstream(trial),
        slowest: quantiles.and_then(|times| times.max_us).map(|us| us / 1e6),
        p99: times.and_then(|times| times.quantile(0.99)).map(|found| found.seen().as_secs_f64()),
        events: events.map(|event| (event.at_unix - started, event.what.clone())).collect(),
    }
}
