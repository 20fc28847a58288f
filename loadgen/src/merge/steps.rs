//! The steps of several generators as those of one.

use std::{collections::BTreeMap, time::Duration};

use super::{Made, MergeError, Source, health, shards};
use crate::{
    condition::Reading,
    fault::Fault,
    output::hlog::Scope,
    record::{Counts, Record, Times},
    run::{finding, per_second},
    schedule::Rate,
    summary::{Measures, Step, Threshold},
};

/// The demands of all, with nothing found yet.
pub(super) fn thresholds(sources: &[Source]) -> Vec<Threshold> {
    let mut all: Vec<Threshold> = Vec::new();
    for threshold in sources.iter().flat_map(|source| &source.summary.thresholds) {
        if all.iter().all(|known| known.fail_if != threshold.fail_if) {
            all.push(Threshold { fail_if: threshold.fail_if.clone(), findings: Vec::new() });
        }
    }
    all
}

/// Step `index`, with what was recorded while it held; what is demanded of it
/// is looked at, and what was found added to `thresholds`.
pub(super) fn step(
    made: &[Made<'_>],
    index: usize,
    thresholds: &mut [Threshold],
) -> Result<(Step, Record), MergeError> {
    let steps: Vec<_> = made
        .iter()
        .filter_map(|made| Some((made, made.source.summary.steps.get(index)?)))
        .collect();
    let [(_, first), ..] = steps.as_slice() else { return Err(MergeError::Nothing) };
    let mut record = Record::new();
    for (made, step) in &steps {
        record.add(&recorded(made.source, step));
    }
    let each = || steps.iter().map(|(_, step)| *step);
    let sum = |of: fn(&Step) -> u64| each().map(of).sum::<u64>();
    let longest = |of: fn(&Step) -> f64| each().map(of).fold(0.0, f64::max);
    let starts = steps.iter().map(|(made, step)| made.after.as_secs_f64() + step.start_seconds);
    let totals = record.counts.totals(sum(|step| step.totals.planned), sum(|s| s.totals.unsent))?;
    // One that was cut short held for less long than was planned.
    let hold = Duration::try_from_secs_f64(longest(|step| step.hold_seconds)).unwrap_or_default();
    let step = Step {
        index: first.index,
        trial: first.trial,
        rate: shards::rate_together(&steps),
        offered_rate: per_second(totals.planned, hold),
        completed_rate: per_second(totals.completed, hold),
        throughput: each().map(|step| step.throughput).sum(),
        start_seconds: starts.fold(f64::INFINITY, f64::min),
        settle_seconds: first.settle_seconds,
        hold_seconds: hold.as_secs_f64(),
        drain_seconds: longest(|step| step.drain_seconds),
        totals,
        errors: sum(|step| step.errors),
        in_flight: each().map(|step| step.in_flight).sum(),
        most_in_flight: sum(|step| step.most_in_flight),
        measures: Measures::of(&record, &first_faults(each().map(|step| &step.measures))),
        health: health::worst(&each().collect::<Vec<_>>(), record.counts.largest_burst),
    };
    let reading = Reading {
        record: &record,
        planned: totals.planned,
        unsent: totals.unsent,
        throughput: step.throughput,
        in_flight: step.in_flight,
        offered: step.rate.and_then(|rate| Rate::new(rate).ok()),
    };
    for threshold in thresholds {
        threshold.findings.extend(finding(&threshold.fail_if, &reading, step.index));
    }
    Ok((step, record))
}

/// What one generator recorded: times from its log, all else from its summary,
/// which also says what of the times are lower bounds.
fn recorded(source: &Source, step: &Step) -> Record {
    let Step { totals, measures, health, .. } = step;
    let mut record = Record::new();
    record.counts = Counts {
        sent: totals.sent,
        statuses: measures.statuses.clone(),
        faults: measures.faults.iter().map(|(fault, summary)| (*fault, summary.count)).collect(),
        unfinished: totals.unfinished,
        dropped: totals.dropped,
        bytes: measures.body_bytes,
        differing: measures.differing_bodies,
        reopened: measures.reopened,
        largest_burst: health.largest_burst,
    };
    for line in source.log.lines.iter().filter(|line| line.scope == Scope::Step(step.index)) {
        let known = measures.times.get(&line.tag.to_string());
        let censored = known.and_then(|times| Some((times.censored, times.censored_from_us?)));
        record.times_mut(line.tag).add(&censor(line.times(), censored));
    }
    record
}

fn censor(times: Times, censored: Option<(u64, f64)>) -> Times {
    let Some((count, from_us)) = censored else { return times };
    let least = Duration::try_from_secs_f64(from_us / 1e6).unwrap_or_default();
    times.with_censored(count, least)
}

/// What the first failure of each kind said.
pub(super) fn first_faults<'a>(all: impl Iterator<Item = &'a Measures>) -> BTreeMap<Fault, String> {
    let mut first = BTreeMap::new();
    for (fault, summary) in all.flat_map(|measures| &measures.faults) {
        if let Some(text) = &summary.first {
            first.entry(*fault).or_insert_with(|| text.clone());
        }
    }
    first
}
