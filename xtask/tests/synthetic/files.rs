//! The load generator's files of a trial.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use loadgen::{
    health::{Activity, ThreadActivity},
    output::hlog::{HlogWriter, Scope},
    record::{Clock, Record, Tag, Times, Totals},
    summary::{Ended, Measures, Model, Quantiles, Run, SCHEMA_VERSION, Step, Summary},
    verdict::{Health, Verdict},
};

use super::trial::{HOLD, Load, Moment, START};

/// Pieces that a second's requests are divided into.
const PIECES: u32 = 200;

/// How late the generator is, in seconds.
const LATENESS: f64 = 30e-6;

/// Writes `summary.json`, `run.hlog` and `intervals.csv`.
pub(crate) fn write(folder: &Path, steps: &[Vec<Moment>], load: &Load, bytes: f64) {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(START);
    let mut log =
        HlogWriter::new(File::create(folder.join("run.hlog")).unwrap(), start, &[]).unwrap();
    let mut rows =
        String::from("start_s,length_s,sent,completed,errors,dropped,in_flight,response_p99_ms\n");
    let (mut total, mut summaries, mut at) = (Record::new(), Vec::new(), 0.0);
    let second = Duration::from_secs(1);
    for (index, moments) in steps.iter().enumerate() {
        let (index, began, mut whole) = (u32::try_from(index).unwrap(), at, Record::new());
        for moment in moments {
            let record = record(moment);
            log.write(&Scope::Interval, Duration::from_secs_f64(at), second, &record).unwrap();
            row(&mut rows, at, moment, &record);
            whole.add(&record);
            at += 1.0;
        }
        let length = Duration::from_secs_f64(at - began);
        log.write(&Scope::Step(index), Duration::from_secs_f64(began), length, &whole).unwrap();
        summaries.push(step(index, began, moments, &whole, bytes));
        total.add(&whole);
    }
    log.write(&Scope::Total, Duration::ZERO, Duration::from_secs_f64(at), &total).unwrap();
    std::fs::write(folder.join("intervals.csv"), rows).unwrap();
    let summary = summary(summaries, &total, load, bytes, at);
    std::fs::write(folder.join("summary.json"), serde_json::to_vec(&summary).unwrap()).unwrap();
}

/// Exponential times about a mean, in pieces of equal size.
fn record(moment: &Moment) -> Record {
    let each = (moment.answered / f64::from(PIECES)).max(1.0).round() as u64;
    let spread = |mean: f64| {
        let piece = |piece: u32| {
            let share = (f64::from(piece) + 0.5) / f64::from(PIECES);
            ((-(1.0 - share).ln() * 0.6 + 0.4) * mean * 1e9) as u64
        };
        Times::from_counts((0..PIECES).map(|own| (piece(own), each)))
    };
    let mut record = Record::new();
    let service = moment.response.min(64.0 / moment.answered);
    record.times_mut(Tag::all(Clock::Response)).add(&spread(moment.response));
    record.times_mut(Tag::all(Clock::Service)).add(&spread(service));
    record.times_mut(Tag::all(Clock::Lateness)).add(&spread(LATENESS));
    record
}

fn row(rows: &mut String, at: f64, moment: &Moment, record: &Record) {
    let p99 = record.times(Tag::all(Clock::Response)).unwrap().rough_quantile(0.99);
    writeln!(
        rows,
        "{at},1,{:.0},{:.0},0,0,{},{}",
        moment.offered,
        moment.answered,
        moment.answered * mean(record, Clock::Service),
        p99.as_secs_f64() * 1e3
    )
    .unwrap();
}

fn mean(record: &Record, clock: Clock) -> f64 {
    record.times(Tag::all(clock)).unwrap().mean().as_secs_f64()
}

fn measures(record: &Record, answers: u64, bytes: f64) -> Measures {
    let times = record.all_times().map(|(tag, times)| (tag.to_string(), Quantiles::of(times)));
    Measures {
        statuses: BTreeMap::from([(200, answers)]),
        body_bytes: answers * bytes as u64,
        times: times.collect(),
        ..Measures::default()
    }
}

fn totals(moments: &[Moment]) -> Totals {
    let answered: f64 = moments.iter().map(|moment| moment.answered.round()).sum();
    let completed = answered as u64;
    Totals {
        planned: completed,
        sent: completed,
        completed,
        failed: 0,
        dropped: 0,
        unsent: 0,
        unfinished: 0,
    }
}

fn step(index: u32, began: f64, moments: &[Moment], whole: &Record, bytes: f64) -> Step {
    let over =
        |value: fn(&Moment) -> f64| moments.iter().map(value).sum::<f64>() / moments.len() as f64;
    let (throughput, busy) = (over(|own| own.answered), over(|own| own.generator));
    let totals = totals(moments);
    let limited = 0.95 <= busy;
    Step {
        index,
        trial: 0,
        rate: moments[0].rate,
        offered_rate: over(|own| own.offered),
        completed_rate: throughput,
        throughput,
        start_seconds: began,
        settle_seconds: 0.0,
        hold_seconds: moments.len() as f64,
        drain_seconds: 0.0,
        totals,
        errors: 0,
        in_flight: throughput * mean(whole, Clock::Service),
        most_in_flight: 64,
        measures: measures(whole, totals.completed, bytes),
        health: Health {
            verdict: if limited { Verdict::GeneratorLimited } else { Verdict::Valid },
            reasons: if limited {
                vec!["loadgen-0 took all of a processor".to_owned()]
            } else {
                Vec::new()
            },
            late_bound_us: 1000.0,
            late_share: 0.0,
            largest_burst: 1,
            own_faults: 0,
            ceiling_share: None,
            activity: Activity {
                threads: vec![ThreadActivity {
                    name: "loadgen-0".to_owned(),
                    cpu_share: busy,
                    run_delay_share: 0.0,
                }],
                steal_share: Some(0.0),
                watchdog_gap_ms: 10.0,
                descriptors: Some(80),
            },
        },
    }
}

fn summary(steps: Vec<Step>, total: &Record, load: &Load, bytes: f64, lasted: f64) -> Summary {
    let model = if matches!(load, Load::Closed(_)) { Model::Closed } else { Model::Open };
    let sum = steps.iter().fold(Totals::default(), |sum, step| sum.plus(step.totals));
    Summary {
        schema_version: SCHEMA_VERSION,
        provenance: Vec::new(),
        run: Run {
            url: "http://127.0.0.1/".to_owned(),
            method: "GET".to_owned(),
            protocol: "HTTP/1.1".to_owned(),
            program: format!("{load:?} over {HOLD} s"),
            model,
            threads: 1,
            shards: Vec::new(),
            connections: 64,
            pacer: "timerfd".to_owned(),
            started_unix: START,
            lasted_seconds: lasted,
        },
        ended: Ended::Finished,
        totals: sum,
        measures: measures(total, sum.completed, bytes),
        verdict: steps.iter().map(|step| step.health.verdict).max().unwrap(),
        steps,
        search: None,
        thresholds: Vec::new(),
        self_test: Quantiles::of(&Times::default()),
    }
}
