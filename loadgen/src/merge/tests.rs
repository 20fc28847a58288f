mod properties;
mod refusals;
mod shards;

use std::time::{Duration, SystemTime};

use super::*;
use crate::{
    fault::Fault,
    output::{
        hlog::{HlogWriter, Scope},
        tables::{IntervalRow, Part, Place},
    },
    record::{Clock, Outcome, Tag, Times},
    schedule::Shard,
    summary::{
        Model, Threshold,
        fixtures::{self, HOLD, answer, moments, requests},
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// The service times of a step's requests in microseconds, by interval.
type Intervals = Vec<Vec<u64>>;

/// A run that began `after_ms` after the first could.
fn source(name: &str, after_ms: u64, steps: &[Intervals]) -> Source {
    let started = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + after_ms);
    let mut log = Vec::new();
    let mut writer = HlogWriter::new(&mut log, started, &[]).unwrap();
    let (mut rows, mut numbers, mut total) = (Vec::new(), Vec::new(), Record::new());
    for (index, intervals) in (0..).zip(steps) {
        let mut hold = Record::new();
        for (number, times) in (0..).zip(intervals) {
            let mut record = Record::new();
            for time in times {
                // Some are given up, and some are busy.
                let outcome = match time % 5 {
                    0 => Outcome::Failed(Fault::HeaderTimeout),
                    1 => answer(503),
                    _ => answer(200),
                };
                requests(&mut record, 1, outcome, moments(10, time % 7, *time));
            }
            let start = HOLD * index + SECOND * number;
            let place =
                Place { step: index, part: Part::Hold, rate: Some(100.0), start, length: SECOND };
            if !record.is_empty() {
                rows.push(IntervalRow::of(place, &record, 0.0));
            }
            writer.write(&Scope::Interval, start, SECOND, &record).unwrap();
            hold.add(&record);
        }
        let step = fixtures::step(index, Some(100.0), &hold);
        writer.write(&Scope::Step(index), HOLD * index, HOLD, &hold).unwrap();
        numbers.push(step);
        total.add(&hold);
    }
    writer.write(&Scope::Total, Duration::ZERO, HOLD, &total).unwrap();
    drop(writer);
    let mut summary = fixtures::summary(Model::Open, &total, numbers);
    summary.provenance[0].started = format!("{name} at {after_ms}");
    let log = Log::read(&log).unwrap();
    Source { name: name.to_owned(), summary, log, intervals: rows }
}

fn two() -> [Source; 2] {
    let mut two = [
        source("a", 0, &[vec![vec![200, 300], vec![400]], vec![vec![500]]]),
        source("b", 400, &[vec![vec![202], vec![302, 402, 502]], vec![vec![]]]),
    ];
    // Its load changes from moment to moment.
    let machine = two[0].summary.provenance[0].machine.clone();
    for (index, source) in (0..).zip(&mut two) {
        source.summary.run.shards = vec![shard(index, 2)];
        source.summary.provenance[0].machine = machine.clone();
    }
    two
}

fn shard(index: u32, of: u32) -> Shard {
    Shard::new(index, of.try_into().unwrap()).unwrap()
}

fn responses(merged: &Merged) -> Vec<(u128, u64)> {
    let count = |it: &Stretch| it.hold.times(Tag::all(Clock::Response)).map_or(0, Times::len);
    merged.stretches(0).map(|it| (it.start.as_millis(), count(&it))).collect()
}

#[test]
fn intervals_are_moved_to_the_nearest_cell() {
    let intervals = [vec![vec![200], vec![300, 302], vec![400]]];
    // Later by => what ends up in which cell.
    for (after, expected) in [
        (0, vec![(0, 2), (1000, 4), (2000, 2)]),
        (499, vec![(0, 2), (1000, 4), (2000, 2)]),
        (500, vec![(0, 1), (1000, 3), (2000, 3), (3000, 1)]),
        (1400, vec![(0, 1), (1000, 3), (2000, 3), (3000, 1)]),
        (2600, vec![(0, 1), (1000, 2), (2000, 1), (3000, 1), (4000, 2), (5000, 1)]),
    ] {
        let [one, other] =
            [("one", 0), ("other", after)].map(|(name, after)| source(name, after, &intervals));
        let merged = merge(vec![one, other]).unwrap();
        assert_eq!(responses(&merged), expected, "{after}");
    }
}

/// Cells go from where a step begins to hold, backwards while it settles.
#[test]
fn what_settled_has_cells_of_its_own() {
    // Where the second and third interval begin.
    for (settle, begins) in [(0.7, [700, 1700]), (1.7, [700, 1700]), (1.0, [1000, 2000])] {
        let mut one = source("a", 0, &[vec![vec![200], vec![300], vec![400]]]);
        one.summary.steps[0].settle_seconds = settle;
        for line in &mut one.log.lines {
            if line.scope == Scope::Interval {
                line.start = match line.start.as_secs() {
                    0 => Duration::ZERO,
                    1 => Duration::from_millis(begins[0]),
                    _ => Duration::from_millis(begins[1]),
                };
            }
        }
        one.intervals.clear();
        let merged = merge(vec![one]).unwrap();
        assert_eq!(responses(&merged), [(0, 1), (begins[0].into(), 1), (begins[1].into(), 1)]);
    }
}

#[test]
fn the_sum_is_that_of_one_generator() {
    let merged = merge(two().into()).unwrap();
    let Summary { run, totals, steps, self_test: _, .. } = &merged.summary;
    assert_eq!(run.program, "100/s over 10s, by 2 generators");
    assert_eq!((run.threads, run.connections, totals.planned), (2, 128, 8));
    assert!((run.lasted_seconds - 10.4).abs() < 1e-9, "{}", run.lasted_seconds);
    assert_eq!((steps[0].totals.planned, steps[1].totals.planned), (7, 1));
    assert_eq!(steps[0].health.activity.threads[1].name, "1/loadgen-0");
    assert_eq!(steps[0].health.activity.descriptors, Some(160));
    // 200, 300, 400 and 500 were given up, here and there.
    let response = &steps[0].measures.times["response"];
    assert_eq!((response.count, response.censored), (7, 3));
    assert!(merged.warnings.is_empty(), "{:?}", merged.warnings);
}

#[test]
fn demands_are_looked_at_anew() {
    let [mut one, mut other] = two();
    for (source, demands) in
        [(&mut one, ["rate<1", "errors>90%"]), (&mut other, ["rate<1", "p50>1s"])]
    {
        source.summary.thresholds = demands
            .map(|demand| Threshold {
                fail_if: demand.parse().unwrap(),
                findings: vec!["copied".to_owned()],
            })
            .into();
    }
    let merged = merge(vec![one, other]).unwrap();
    let found: Vec<_> = merged
        .summary
        .thresholds
        .iter()
        .map(|threshold| (threshold.fail_if.to_string(), threshold.findings.join(", ")))
        .collect();
    let expected = [
        ("rate<1/s", "step 0: 0.400/s, step 1: 0.000/s"),
        ("errors>90%", "step 1: 100.000%"),
        ("p50>1s", ""),
    ];
    assert_eq!(found, expected.map(|(demand, found)| (demand.to_owned(), found.to_owned())));
    assert_eq!(merged.summary.exit_code(), 1);
}

#[test]
fn it_ended_as_the_worst_did() {
    let check = |one: Ended, other: Ended, expected: &str| {
        let mut sources = two();
        sources[0].summary.ended = one;
        sources[1].summary.ended = other;
        assert_eq!(format!("{:?}", merge(sources.into()).unwrap().summary.ended), expected);
    };
    let aborted = || Ended::Aborted("errors>5%: 7%".to_owned());
    check(Ended::Finished, Ended::Finished, "Finished");
    check(Ended::Interrupted, Ended::Finished, "Interrupted");
    check(Ended::Interrupted, aborted(), r#"Aborted("1: errors>5%: 7%")"#);
    check(aborted(), aborted(), r#"Aborted("0: errors>5%: 7%; 1: errors>5%: 7%")"#);
}

/// What was cut short held for less long, and the rate is that of the longest.
#[test]
fn a_run_that_was_cut_short_fits() {
    let [one, mut other] = two();
    other.summary.ended = Ended::Interrupted;
    other.summary.steps[1].hold_seconds = 5.0;
    let merged = merge(vec![one, other]).unwrap();
    assert!((merged.summary.steps[1].hold_seconds - 10.0).abs() < 1e-9);
    assert_eq!(merged.summary.exit_code(), 130);
}

#[test]
fn what_does_not_fit_is_said() {
    let [one, other] = two();
    let mut late = source("b", 20_000, &[vec![vec![]], vec![vec![]]]);
    late.summary.run.shards = vec![shard(1, 2)];
    let merged = merge(vec![one.clone(), late]).unwrap();
    let expected = "b began when a had ended: rates are added as if they had been made at once";
    assert_eq!(merged.warnings, [expected]);
    let mut short = other;
    short.log.lines.retain(|line| line.scope == Scope::Interval);
    short.log.truncated = true;
    let merged = merge(vec![one, short]).unwrap();
    let expected = "b/run.hlog ends early: 28 times that were counted are missing from the sum's \
                    histograms";
    assert_eq!(merged.warnings, [expected]);
}
