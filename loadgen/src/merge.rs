//! Adds the runs of several generators that were made together: pure.
//!
//! What one machine cannot send, several send each a shard of
//! (`loadgen run --shard`). Their histograms and counters add up without any
//! loss; what does not add up is dealt with as follows.
//!
//! - Times of day are those that the generators have, so their clocks should
//!   agree. Everything counts from the earliest start.
//! - Intervals (`grid`) of different generators do not begin at the same moment:
//!   each is laid onto the nearest cell of a grid, so when something happened is
//!   said to within half an interval.
//! - Shards (`shards`) of an open model add up to its program; whoever sent all
//!   of it without `--shard` sent it once more, and the rates add up.
//! - Rates are the sum's over the time for which the step was held. In-flight
//!   requests are added, the most at a time too, as if all had had it at once.
//! - Demands are looked at anew (`steps`): what each shard did says little of
//!   their sum.
//! - A verdict (`health`) is the worst there is, as one generator that was late
//!   spoils the times of all.
//! - The self-test's quantiles cannot be added: those of the worst are kept.

mod check;
mod grid;
mod health;
mod log;
mod shards;
mod source;
mod steps;

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

pub use check::MergeError;
pub use grid::Stretch;
pub use log::{Log, Logged};
use shards::Sent;
pub use source::{Contents, Source, SourceError};

use crate::{
    record::{Miscounted, Record, Totals},
    summary::{Ended, Measures, Quantiles, Run, SCHEMA_VERSION, Summary},
    verdict::Verdict,
};

/// The runs of several generators as if it had been one.
#[derive(Debug, Clone)]
pub struct Merged {
    /// When the first of them began.
    pub started: SystemTime,
    /// All of it in numbers.
    pub summary: Summary,
    /// What was recorded while each step held.
    pub holds: Vec<Record>,
    /// What should be known of how they fit together.
    pub warnings: Vec<String>,
    sources: Vec<Source>,
}

impl Merged {
    /// What was recorded in the intervals of step `index`, in order.
    pub fn stretches(&self, index: usize) -> impl Iterator<Item = Stretch> {
        let made = made(&self.sources, self.started);
        let step = self.summary.steps.get(index);
        step.into_iter().flat_map(move |step| grid::stretches(&made, step))
    }
}

/// Adds `sources`, or says why they were not made together.
pub fn merge(sources: Vec<Source>) -> Result<Merged, MergeError> {
    let [first, ..] = sources.as_slice() else { return Err(MergeError::Nothing) };
    check::check(&sources)?;
    let started = sources.iter().map(|source| source.log.start).min().unwrap_or(first.log.start);
    let made = made(&sources, started);
    let (mut steps, mut holds) = (Vec::new(), Vec::new());
    let mut thresholds = steps::thresholds(&sources);
    let mut total = Record::new();
    for index in 0..first.summary.steps.len() {
        let (step, hold) = steps::step(&made, index, &mut thresholds)?;
        total.add(&hold);
        steps.push(step);
        holds.push(hold);
    }
    let summaries = || sources.iter().map(|source| &source.summary);
    let verdict = summaries().map(|summary| summary.verdict).max();
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        provenance: summaries().flat_map(|summary| summary.provenance.clone()).collect(),
        run: run(&made, &first.summary.run),
        ended: ended(&sources),
        totals: totals(&sources)?,
        measures: Measures::of(&total, &steps::first_faults(summaries().map(|it| &it.measures))),
        steps,
        search: None,
        thresholds,
        verdict: verdict.unwrap_or(Verdict::Valid),
        self_test: self_test(&sources).unwrap_or_else(|| first.summary.self_test.clone()),
    };
    let warnings = check::warnings(&sources);
    Ok(Merged { started, summary, holds, warnings, sources })
}

/// A run beside the others.
#[derive(Debug, Clone, Copy)]
struct Made<'a> {
    source: &'a Source,
    /// How long after the earliest it began.
    after: Duration,
}

fn made(sources: &[Source], started: SystemTime) -> Vec<Made<'_>> {
    let after = |source: &Source| source.log.start.duration_since(started).unwrap_or_default();
    sources.iter().map(|source| Made { source, after: after(source) }).collect()
}

fn run(made: &[Made<'_>], first: &Run) -> Run {
    let runs = || made.iter().map(|made| &made.source.summary.run);
    let pacers: BTreeSet<_> = runs().flat_map(|run| run.pacer.split(", ")).collect();
    let generators: usize = made.iter().map(|made| made.source.summary.provenance.len()).sum();
    let ends =
        made.iter().map(|made| made.after.as_secs_f64() + made.source.summary.run.lasted_seconds);
    Run {
        program: check::by_generators(check::nominal(&first.program), generators, Sent::of(first)),
        shards: runs().flat_map(|run| run.shards.iter().copied()).collect(),
        threads: runs().map(|run| run.threads).sum(),
        connections: runs().map(|run| run.connections).sum(),
        pacer: pacers.into_iter().collect::<Vec<_>>().join(", "),
        started_unix: runs().map(|run| run.started_unix).fold(f64::INFINITY, f64::min),
        lasted_seconds: ends.fold(0.0, f64::max),
        ..first.clone()
    }
}

/// As the one did that ended worst; what ended it follows the generator's number.
fn ended(sources: &[Source]) -> Ended {
    let each = || sources.iter().map(|source| &source.summary.ended);
    let aborted: Vec<_> = each()
        .enumerate()
        .filter_map(|(number, ended)| match ended {
            Ended::Aborted(why) => Some(format!("{number}: {why}")),
            Ended::Finished | Ended::Interrupted => None,
        })
        .collect();
    if !aborted.is_empty() {
        Ended::Aborted(aborted.join("; "))
    } else if each().any(|ended| *ended == Ended::Interrupted) {
        Ended::Interrupted
    } else {
        Ended::Finished
    }
}

fn totals(sources: &[Source]) -> Result<Totals, Miscounted> {
    let totals = sources.iter().map(|source| source.summary.totals);
    totals.fold(Totals::default(), Totals::plus).checked()
}

fn self_test(sources: &[Source]) -> Option<Quantiles> {
    let tests = sources.iter().map(|source| &source.summary.self_test);
    let by = |test: &Quantiles| test.p99_us.unwrap_or_default();
    tests.max_by(|one, other| by(one).total_cmp(&by(other))).cloned()
}

#[cfg(test)]
mod tests;
