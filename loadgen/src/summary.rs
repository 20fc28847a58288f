//! A run in numbers: `summary.json`.

mod exit;
mod explain;
#[cfg(test)]
pub(crate) mod fixtures;
mod quantiles;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use quantiles::Quantiles;

use crate::{
    condition::Condition,
    fault::Fault,
    program::SearchResult,
    provenance::Provenance,
    record::{Record, Totals},
    schedule::Shard,
    verdict::{Health, Verdict},
};

/// The version of the file's form: it changes when a reader of an older one
/// would misread it.
pub const SCHEMA_VERSION: u32 = 1;

/// A run in numbers. Times are in microseconds, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The version of this form.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// What is needed to repeat it; one for each generator.
    pub provenance: Vec<Provenance>,
    /// What was asked for.
    pub run: Run,
    /// How it ended.
    pub ended: Ended,
    /// What became of all requests, those among them that were sent while a
    /// step settled.
    pub totals: Totals,
    /// What was recorded of the requests that count: not while a step settled.
    pub measures: Measures,
    /// The steps, in the order in which they were run.
    pub steps: Vec<Step>,
    /// What `--search` found.
    pub search: Option<SearchResult>,
    /// What `--fail-if` asked for.
    pub thresholds: Vec<Threshold>,
    /// The worst verdict of all steps.
    pub verdict: Verdict,
    /// How late the pacer was before the run, when there was nothing else to do;
    /// of several generators, that of the one with the highest p99.
    pub self_test: Quantiles,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The URL that was requested, with `***` in the place of secret parameters'
    /// values.
    pub url: String,
    /// With which method.
    pub method: String,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: String,
    /// Which steps were to be run, in words.
    pub program: String,
    /// Whether requests had due times.
    pub model: Model,
    /// Which part of an open model's requests each generator sent; several that
    /// sent all of them held a multiple of the program's rates together.
    pub shards: Vec<Shard>,
    /// Threads that send.
    pub threads: usize,
    /// Connections opened before the start.
    pub connections: u64,
    /// What wakes the threads: `timerfd` or `sleeper`; of several generators, each
    /// that there is.
    pub pacer: String,
    /// When the first step began, in seconds since the Unix epoch.
    pub started_unix: f64,
    /// How long it all took, in seconds.
    pub lasted_seconds: f64,
}

/// What decides when a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// The schedule does.
    Open,
    /// The answer to the one before does.
    Closed,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "how", content = "why", deny_unknown_fields)]
pub enum Ended {
    /// As it was planned.
    Finished,
    /// By a signal: what is here was measured until then.
    Interrupted,
    /// By `--abort-if`, with what was found.
    Aborted(String),
}

/// What was recorded of some requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Whole answers by status code.
    #[serde(deserialize_with = "by_status")]
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub faults: BTreeMap<Fault, FaultSummary>,
    /// Bytes of whole bodies.
    pub body_bytes: u64,
    /// Answers with status 200 whose body is not that of the first.
    pub differing_bodies: u64,
    /// Connections opened while requests went out.
    pub reopened: u64,
    /// Times, by clock and class: `response`, `service-hit` and so on.
    pub times: BTreeMap<String, Quantiles>,
}

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSummary {
    /// How many.
    pub count: u64,
    /// Whether it is this machine's fault rather than the target's.
    pub generators_own: bool,
    /// What the first one said.
    pub first: Option<String>,
}

/// A step in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Counted from 0.
    pub index: u32,
    /// How many steps of the same rate came before it.
    pub trial: u32,
    /// The rate that it holds, where it holds one, in requests per second; of
    /// several generators, the one that they held together.
    pub rate: Option<f64>,
    /// The rate at which requests were planned while it was judged, in requests
    /// per second; in a closed model, at which they were sent.
    pub offered_rate: f64,
    /// The rate at which requests due in that time were completed.
    pub completed_rate: f64,
    /// Answers per second while it was judged, whenever they were due: what the
    /// target achieved, where it did not keep up.
    pub throughput: f64,
    /// When it began, in seconds since the run's start.
    pub start_seconds: f64,
    /// How long it settled: what was due then is not judged.
    pub settle_seconds: f64,
    /// How long it was judged; of several generators, by the one that did longest.
    pub hold_seconds: f64,
    /// How long its last answer took after that.
    pub drain_seconds: f64,
    /// What became of the requests due while it was judged.
    pub totals: Totals,
    /// Requests with a status of 400 or more, or without a whole answer; those
    /// that were never sent among them.
    pub errors: u64,
    /// The mean number of requests under way, measured and not derived.
    pub in_flight: f64,
    /// The most at once, as the sum of each thread's most: as if all had had it
    /// at the same time.
    pub most_in_flight: u64,
    /// What was recorded.
    pub measures: Measures,
    /// What that is worth.
    pub health: Health,
}

/// A demand, and whether it was met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// What makes a run fail.
    pub fail_if: Condition,
    /// The steps in which it was so, with what was found there; empty is good.
    pub findings: Vec<String>,
}

impl Measures {
    /// What `record` has, with what the first failure of each kind said.
    pub fn of(record: &Record, first: &BTreeMap<Fault, String>) -> Self {
        let counts = &record.counts;
        let fault = |(fault, count): (&Fault, &u64)| {
            let summary = FaultSummary {
                count: *count,
                generators_own: fault.is_the_generators(),
                first: first.get(fault).cloned(),
            };
            (*fault, summary)
        };
        let times = record.all_times().map(|(tag, times)| (tag.to_string(), Quantiles::of(times)));
        Self {
            statuses: counts.statuses.clone(),
            faults: counts.faults.iter().map(fault).collect(),
            body_bytes: counts.bytes,
            differing_bodies: counts.differing,
            reopened: counts.reopened,
            times: times.collect(),
        }
    }
}

/// In JSON keys are text, and are not taken for numbers where a struct is
/// flattened into another one.
fn by_status<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u16, u64>, D::Error> {
    let by_text = BTreeMap::<String, u64>::deserialize(from)?;
    let by_number = by_text.into_iter().map(|(status, count)| Ok((status.parse()?, count)));
    by_number.collect::<Result<_, std::num::ParseIntError>>().map_err(D::Error::custom)
}
