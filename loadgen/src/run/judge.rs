//! What a step comes to: numbers, demands met or not, and what is next. Pure.

use std::time::Duration;

use super::{Goal, Interval};
use crate::{
    condition::{Answer, Condition, Reading, Sustained},
    engine::Measured,
    program::{Judgement, Step},
    record::{Miscounted, Totals},
    schedule::{Load, Rate, Shard},
    summary::{self, Measures},
    verdict::{Health, Verdict},
};

/// The numbers of a step that began so long after the run did.
pub(super) fn numbers(
    index: u32,
    step: &Step,
    began: Duration,
    measured: &Measured,
    ceiling_share: Option<f64>,
) -> Result<summary::Step, Miscounted> {
    let record = &measured.parts.hold;
    let totals = record.counts.totals(measured.planned.hold, measured.unsent.hold)?;
    // A step that was cut short held for less long.
    let hold = held(step, measured);
    let offered = per_second(totals.planned, hold);
    let health = Health::of(record, measured.activity.clone(), ceiling_share);
    Ok(summary::Step {
        index,
        trial: step.trial,
        rate: step.rate.map(f64::from),
        offered_rate: offered,
        completed_rate: per_second(totals.completed, hold),
        throughput: measured.within.throughput,
        start_seconds: began.as_secs_f64(),
        settle_seconds: step.settle.as_secs_f64(),
        hold_seconds: hold.as_secs_f64(),
        drain_seconds: measured.lasted.saturating_sub(step.settle + hold).as_secs_f64(),
        totals,
        errors: record.counts.errors() + totals.dropped + totals.unsent,
        in_flight: measured.within.in_flight,
        most_in_flight: measured.within.most_in_flight,
        measures: Measures::of(record, &measured.failures),
        health,
    })
}

/// The highest rate that this generator has to send in `step`, as a part of
/// `ceiling`, up to which it is on time. Users of a closed model are asked
/// nothing on time.
pub(super) fn share_of_ceiling(step: &Step, shard: Shard, ceiling: f64) -> Option<f64> {
    match &step.load {
        Load::Open { profile, .. } => {
            Some(profile.highest_rate().per_second() / f64::from(shard.of()) / ceiling)
        }
        Load::Closed { .. } => None,
    }
}

fn held(step: &Step, measured: &Measured) -> Duration {
    measured.cut.unwrap_or(step.length()).min(step.length()).saturating_sub(step.settle)
}

/// The rate that `count` requests are.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
pub(crate) fn per_second(count: u64, over: Duration) -> f64 {
    if over.is_zero() { 0.0 } else { count as f64 / over.as_secs_f64() }
}

/// What became of the requests that were due while the step settled.
pub(super) fn settled(measured: &Measured) -> Result<Totals, Miscounted> {
    measured.parts.settle.counts.totals(measured.planned.settle, measured.unsent.settle)
}

/// What may be demanded of the step.
pub(super) fn reading<'a>(
    step: &Step,
    measured: &'a Measured,
    numbers: &summary::Step,
) -> Reading<'a> {
    Reading {
        record: &measured.parts.hold,
        planned: numbers.totals.planned,
        unsent: numbers.totals.unsent,
        throughput: numbers.throughput,
        in_flight: numbers.in_flight,
        offered: step.rate,
    }
}

/// What was found in step `index`, if it is what makes a run fail.
pub(crate) fn finding(fail_if: &Condition, reading: &Reading<'_>, index: u32) -> Option<String> {
    let finding = fail_if.of(reading)?;
    (finding.answer == Answer::Holds).then(|| format!("step {index}: {finding}"))
}

/// Whether a step did what a search looks for.
pub(super) fn judge(goal: &Goal, reading: &Reading<'_>, verdict: Verdict) -> Judgement {
    match (goal, verdict) {
        (Goal::OwnCeiling, Verdict::GeneratorLimited) => Judgement::Missed,
        (Goal::OwnCeiling, Verdict::Valid | Verdict::Suspect) => Judgement::Met,
        (Goal::Slo(_), Verdict::GeneratorLimited) => Judgement::Invalid,
        (Goal::Slo(slo), Verdict::Valid | Verdict::Suspect) => match slo.met(reading) {
            Answer::Holds => Judgement::Met,
            Answer::Fails => Judgement::Missed,
            Answer::Unknown => Judgement::Unknown,
        },
    }
}

/// What was found, if `abort_if` has now held for long enough.
pub(super) fn broken(
    abort_if: &Condition,
    sustained: &mut Sustained,
    offered: Option<Rate>,
    interval: &Interval<'_>,
) -> Option<String> {
    let counts = &interval.hold.counts;
    let reading = Reading {
        record: interval.hold,
        // Of a stretch that has passed: what has ended there, and what was left out.
        planned: counts.completed() + counts.failed() + counts.unfinished + counts.dropped,
        unsent: 0,
        throughput: interval.throughput(),
        in_flight: interval.in_flight,
        offered,
    };
    let finding = abort_if.of(&reading);
    let answer = finding.as_ref().map(|finding| finding.answer);
    let long_enough = sustained.observe(answer, interval.length);
    finding.filter(|_| long_enough).map(|finding| format!("{abort_if}: {finding}"))
}
