//! Runs that never were, for tests.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::{Ended, Measures, Model, Quantiles, Run, SCHEMA_VERSION, Step, Summary};
use crate::{
    fault::Fault,
    health::{Activity, ThreadActivity},
    provenance::Provenance,
    record::{Answer, Body, Due, Moments, Outcome, Record, Times, Totals},
    schedule::Shard,
    verdict::{Health, Verdict},
};

/// How long a step of a fixture is held.
pub(crate) const HOLD: Duration = Duration::from_secs(10);

/// A whole answer.
pub(crate) fn answer(status: u16) -> Outcome {
    Outcome::Completed(Answer { status, cache: None, bytes: 100, body: Body::Same })
}

/// When a request was sent that waited for `connection`, was then sent late by
/// `lateness` and took `service`, all in microseconds.
pub(crate) fn moments(connection: u64, lateness: u64, service: u64) -> Moments {
    let us = Duration::from_micros;
    let sent = us(connection + lateness);
    Moments {
        due: Some(Due { at: Duration::ZERO, ready: us(connection) }),
        sent,
        first_byte: Some(sent + us(service / 2)),
        done: sent + us(service),
    }
}

/// Adds `count` requests that ended so.
pub(crate) fn requests(record: &mut Record, count: u64, outcome: Outcome, moments: Moments) {
    for _ in 0..count {
        record.sent();
        record.ended(outcome, moments);
    }
}

/// Threads and a machine with time to spare.
pub(crate) fn idle() -> Activity {
    let name = "loadgen-0".to_owned();
    let threads = vec![ThreadActivity { name, cpu_share: 0.2, run_delay_share: 0.001 }];
    Activity { threads, steal_share: Some(0.0), watchdog_gap_ms: 10.2, descriptors: Some(80) }
}

/// The step in which `record` was made, all of whose requests went out.
pub(crate) fn step(index: u32, rate: Option<f64>, record: &Record) -> Step {
    let totals = record.counts.totals(record.counts.sent + record.counts.dropped, 0).unwrap();
    let seconds = HOLD.as_secs_f64();
    let first: BTreeMap<_, _> =
        record.counts.faults.keys().map(|fault: &Fault| (*fault, format!("{fault}: so"))).collect();
    let per_second = |count| crate::run::per_second(count, HOLD);
    Step {
        index,
        trial: 0,
        rate,
        offered_rate: per_second(totals.planned),
        completed_rate: per_second(totals.completed),
        throughput: per_second(totals.completed),
        start_seconds: f64::from(index) * seconds,
        settle_seconds: 0.0,
        hold_seconds: seconds,
        drain_seconds: 0.0,
        totals,
        errors: record.counts.errors() + totals.dropped,
        in_flight: 0.25,
        most_in_flight: 3,
        measures: Measures::of(record, &first),
        health: Health::of(record, idle(), None),
    }
}

/// As late as a pacer is that has nothing else to do.
fn self_test() -> Quantiles {
    let mut times = Times::default();
    for us in 30..430 {
        times.record(Duration::from_micros(us / 5));
    }
    Quantiles::of(&times)
}

/// A run of `steps`, in which `record` was made.
pub(crate) fn summary(model: Model, record: &Record, steps: Vec<Step>) -> Summary {
    let totals = steps.iter().fold(Totals::default(), |sum, step| sum.plus(step.totals));
    let first = steps.iter().flat_map(|step| &step.measures.faults);
    let first = first.filter_map(|(fault, summary)| Some((*fault, summary.first.clone()?)));
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    Summary {
        schema_version: SCHEMA_VERSION,
        provenance: vec![Provenance::collect(started, &[], None)],
        run: Run {
            url: "http://127.0.0.1:8080/menu".to_owned(),
            method: "GET".to_owned(),
            protocol: "HTTP/1.1".to_owned(),
            program: match model {
                Model::Open => "100/s over 10s".to_owned(),
                Model::Closed => "8 users over 10s".to_owned(),
            },
            model,
            shards: vec![Shard::WHOLE],
            threads: 1,
            connections: 64,
            pacer: "timerfd".to_owned(),
            started_unix: 1_700_000_000.0,
            lasted_seconds: HOLD.as_secs_f64(),
        },
        ended: Ended::Finished,
        totals,
        measures: Measures::of(record, &first.collect()),
        verdict: steps.iter().map(|step| step.health.verdict).max().unwrap_or(Verdict::Valid),
        steps,
        search: None,
        thresholds: Vec::new(),
        self_test: self_test(),
    }
}
