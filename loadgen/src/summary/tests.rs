//! The whole table of runs of each kind.

use super::{
    Ended, Measures, Model, Step, Summary, Threshold,
    fixtures::{HOLD, answer, moments, requests, step, summary},
};
use crate::{
    fault::Fault,
    health::{Activity, ThreadActivity},
    program::{Ended as SearchEnd, Judgement, SearchResult, TrialRecord},
    record::{Answer, Body, CacheClass, Moments, Outcome, Record},
    schedule::Rate,
    verdict::Health,
};

/// Lines fit a terminal; the snapshot is of all of them.
#[track_caller]
fn table(summary: &Summary) -> String {
    let text = summary.to_string();
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert_eq!(line.trim_end(), line);
    }
    text
}

fn open(record: &Record) -> Summary {
    summary(Model::Open, record, vec![step(0, Some(100.0), record)])
}

/// 10,000 requests whose service times go from a millisecond to two.
fn steady(connection: u64, lateness: u64) -> Record {
    let mut record = Record::new();
    for time in 0..10_000 {
        requests(&mut record, 1, answer(200), moments(connection, lateness, 1000 + time / 10));
    }
    record
}

#[test]
fn a_clean_run() {
    let mut run = open(&steady(0, 40));
    run.thresholds = vec![Threshold { fail_if: "p99>20ms".parse().unwrap(), findings: Vec::new() }];
    insta::assert_snapshot!(table(&run));
}

#[test]
fn an_overloaded_run() {
    let mut record = steady(1_500_000, 60);
    record.counts.dropped = 12_345;
    let mut run = open(&record);
    run.thresholds = vec![Threshold {
        fail_if: "p99>20ms".parse().unwrap(),
        findings: vec!["step 0: 1.502s".to_owned()],
    }];
    insta::assert_snapshot!(table(&run));
}

#[test]
fn a_run_whose_generator_was_late() {
    insta::assert_snapshot!(table(&open(&steady(0, 5_000))));
}

#[test]
fn a_closed_run() {
    let mut record = Record::new();
    let moments = Moments { due: None, ..moments(0, 0, 2_000) };
    requests(&mut record, 4_000, cached(CacheClass::Hit), moments);
    requests(&mut record, 100, cached(CacheClass::Miss), moments);
    let mut step = step(0, None, &record);
    (step.in_flight, step.most_in_flight) = (7.98, 8);
    insta::assert_snapshot!(table(&summary(Model::Closed, &record, vec![step])));
}

fn cached(class: CacheClass) -> Outcome {
    Outcome::Completed(Answer { status: 200, cache: Some(class), bytes: 9, body: Body::Same })
}

fn steps() -> (Record, Vec<Step>) {
    let (mut all, mut steps) = (Record::new(), Vec::new());
    for (index, rate, connection) in [(0, 100.0, 0), (1, 1_000.0, 300), (2, 20_000.0, 90_000_000)] {
        let mut record = Record::new();
        requests(&mut record, 1_000, answer(200), moments(connection, 30, 1_200));
        requests(&mut record, u64::from(index) * 9, answer(503), moments(connection, 30, 100));
        let mut step = step(index, Some(rate), &record);
        step.in_flight = rate / 800.0;
        steps.push(step);
        all.add(&record);
    }
    let busy = vec![ThreadActivity {
        name: "loadgen-0".to_owned(),
        cpu_share: 0.97,
        run_delay_share: 0.15,
    }];
    let activity = Activity { threads: busy, ..steps[2].health.activity.clone() };
    let mut last = Record::new();
    requests(&mut last, 1_000, answer(200), moments(0, 30, 1_200));
    steps[2].health = Health::of(&last, activity, Some(0.95));
    (all, steps)
}

#[test]
fn steps_one_by_one() {
    let (record, steps) = steps();
    let mut run = summary(Model::Open, &record, steps);
    "steps 100..20k:x2 per second, each held 10s after settling 2s, 3 times in a random order, by \
     2 generators"
        .clone_into(&mut run.run.program);
    run.ended = Ended::Interrupted;
    run.thresholds = ["p99>20ms", "errors>1%"]
        .map(|demand| Threshold {
            fail_if: demand.parse().unwrap(),
            findings: [1, 2].map(|step| format!("step {step}: at least 60.032s")).into(),
        })
        .into();
    insta::assert_snapshot!(table(&run));
}

#[test]
fn a_run_with_failures() {
    let mut record = Record::new();
    let differs = Answer { status: 200, cache: None, bytes: 9, body: Body::Differs };
    requests(&mut record, 700, answer(200), moments(0, 40, 2_000));
    requests(&mut record, 1, Outcome::Completed(differs), moments(0, 40, 2_000));
    requests(&mut record, 2_000, answer(503), moments(0, 40, 300));
    requests(&mut record, 30, Outcome::Failed(Fault::ReadReset), moments(0, 40, 900));
    requests(&mut record, 90, Outcome::Failed(Fault::HeaderTimeout), moments(0, 40, 30_000_000));
    requests(&mut record, 1, Outcome::Failed(Fault::AddrNotAvailable), moments(0, 40, 10));
    requests(&mut record, 4, Outcome::Unfinished, moments(0, 40, 10_000_000));
    record.counts.reopened = 1;
    let mut run = open(&record);
    run.ended = Ended::Aborted("errors>5% for 3s: 75.000%".to_owned());
    insta::assert_snapshot!(table(&run));
}

#[test]
fn a_search() {
    let (record, steps) = steps();
    let mut run = summary(Model::Open, &record, steps);
    "search for p99<20ms between 100/s and 20000/s, held 10s".clone_into(&mut run.run.program);
    let rate = |rate| Rate::new(rate).unwrap();
    let trials =
        [(100.0, Judgement::Met), (1_000.0, Judgement::Missed), (20_000.0, Judgement::Invalid)];
    run.search = Some(SearchResult {
        lower: Some(rate(100.0)),
        upper: Some(rate(1_000.0)),
        ended: SearchEnd::Converged,
        trials: trials.map(|(of, judgement)| TrialRecord { rate: rate(of), judgement }).into(),
        inconsistent: true,
    });
    insta::assert_snapshot!(table(&run));
}

/// There is nothing to tell of what was never sent.
#[test]
fn a_run_of_nothing() {
    let record = Record::new();
    let mut run = open(&record);
    run.measures = Measures::default();
    run.run.lasted_seconds = HOLD.as_secs_f64() / 2.0;
    insta::assert_snapshot!(table(&run));
}
