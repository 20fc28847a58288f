//! What readings say.

use std::time::Duration;

use crate::{
    condition::{Answer, Condition, Reading, Slo},
    fault::Fault,
    record::{Answer as Whole, Body, Due, Moments, Outcome, Record},
    schedule::Rate,
};

/// Whole answers with these times of so many ms, then requests that were given
/// up after such times.
fn record(whole: &[(u64, u64)], given_up: &[(u64, u64)]) -> Record {
    let mut record = Record::new();
    let answer = Whole { status: 200, cache: None, bytes: 1, body: Body::Same };
    let ended =
        [(Outcome::Completed(answer), whole), (Outcome::Failed(Fault::HeaderTimeout), given_up)];
    for (outcome, times) in ended {
        for (count, ms) in times {
            for _ in 0..*count {
                record.sent();
                record.ended(outcome, moments(*ms));
            }
        }
    }
    record
}

fn moments(ms: u64) -> Moments {
    Moments {
        due: Some(Due { at: Duration::ZERO, ready: Duration::ZERO }),
        sent: Duration::from_micros(500),
        first_byte: None,
        done: Duration::from_millis(ms),
    }
}

fn reading(record: &Record) -> Reading<'_> {
    Reading {
        record,
        planned: record.counts.sent,
        unsent: 0,
        throughput: 96.5,
        in_flight: 4.5,
        offered: Rate::new(2000.0).ok(),
    }
}

#[track_caller]
fn check(reading: &Reading, text: &str, expected: &str) {
    let found = text.parse::<Condition>().unwrap().of(reading);
    let found = found.map_or_else(
        || "nothing demanded".to_owned(),
        |finding| format!("{:?}: {finding}", finding.answer),
    );
    assert_eq!(found, expected, "{text}");
}

#[test]
fn times() {
    let record = record(&[(990, 20), (10, 30)], &[]);
    let reading = reading(&record);
    check(&reading, "p50<20ms", "Fails: 20.005ms");
    // Times that the histogram cannot tell apart are equal.
    check(&reading, "p50<=20ms", "Holds: 20.005ms");
    check(&reading, "p50>20ms", "Fails: 20.005ms");
    check(&reading, "p50>=20ms", "Holds: 20.005ms");
    check(&reading, "p99<21ms", "Holds: 20.005ms");
    check(&reading, "p99.1<21ms", "Fails: 30.015ms");
    check(&reading, "max<=30ms", "Holds: 30.015ms");
    // A histogram takes the middle of what it cannot tell apart.
    check(&reading, "mean>20.2ms", "Fails: 20.097ms");
    check(&reading, "service.mean<20ms", "Holds: 19.605ms");
    check(&reading, "response-2xx.p90<100ms", "Holds: 20.005ms");
    check(&reading, "max<5000000h", "Holds: 30.015ms");
    check(&reading, "max>=18446744073709551615ns", "Fails: 30.015ms");
    // 1,000 are too few for that, and there are none of the others.
    check(&reading, "p99.9<1h", "Unknown: too few requests to tell");
    check(&reading, "response-hit.max<1h", "Unknown: too few requests to tell");
    // No byte of any came before its end.
    check(&reading, "ttfb.mean>0s", "Holds: at least 19.605ms");
}

#[test]
fn what_was_given_up_may_have_taken_any_time() {
    let record = record(&[(900, 20)], &[(100, 100)]);
    let reading = reading(&record);
    check(&reading, "p90<21ms", "Holds: 20.005ms");
    for (condition, answer) in [
        // Below what was seen, at it, and above it.
        ("p99<50ms", "Fails"),
        ("p99<100ms", "Fails"),
        ("p99<1s", "Unknown"),
        ("p99<=50ms", "Fails"),
        ("p99<=100ms", "Unknown"),
        ("p99<=1s", "Unknown"),
        ("p99>50ms", "Holds"),
        ("p99>100ms", "Unknown"),
        ("p99>1s", "Unknown"),
        ("p99>=50ms", "Holds"),
        ("p99>=100ms", "Holds"),
        ("p99>=1s", "Unknown"),
        ("max<1s", "Unknown"),
        ("max>50ms", "Holds"),
    ] {
        check(&reading, condition, &format!("{answer}: at least 100.008ms"));
    }
    check(&reading, "mean<21ms", "Fails: at least 27.995ms");
    check(&reading, "mean<50ms", "Unknown: at least 27.995ms");
    check(&reading, "mean>21ms", "Holds: at least 27.995ms");
}

#[test]
fn shares_and_rates() {
    let mut record = record(&[(970, 20)], &[(10, 100)]);
    record.counts.dropped = 15;
    let reading = Reading { planned: 1000, unsent: 5, ..reading(&record) };
    check(&reading, "errors<3%", "Fails: 3.000%");
    check(&reading, "errors<=3%", "Holds: 3.000%");
    check(&reading, "errors>0.02", "Holds: 3.000%");
    check(&reading, "dropped<=1.5%", "Holds: 1.500%");
    // Answers that come after the schedule's end are no rate that it sustained.
    check(&reading, "rate>=96.5/s", "Holds: 96.500/s");
    check(&reading, "rate<96.5", "Fails: 96.500/s");
    check(&reading, "in_flight>4", "Holds: 4.500");
    let nothing = Reading { planned: 0, throughput: f64::NAN, in_flight: f64::NAN, ..reading };
    for condition in ["errors<1%", "dropped<1%", "rate<1", "in_flight<1"] {
        check(&nothing, condition, "Unknown: too few requests to tell");
    }
}

#[test]
fn only_some_rates() {
    let record = record(&[(10, 20)], &[]);
    let reading = reading(&record);
    check(&reading, "errors>1% @rate<=2k", "Fails: 0.000%");
    check(&reading, "errors>1% @rate>=2k", "Fails: 0.000%");
    check(&reading, "errors>1% @rate<2k", "nothing demanded");
    check(&reading, "errors>1% @rate>2k", "nothing demanded");
    let ramp = Reading { offered: None, ..reading };
    check(&ramp, "errors>1% @rate>=0", "nothing demanded");
    check(&ramp, "errors>1%", "Fails: 0.000%");
}

#[test]
fn an_objective_is_met_when_all_of_it_is() {
    #[track_caller]
    fn check(reading: &Reading, slo: &str, expected: Answer) {
        assert_eq!(slo.parse::<Slo>().unwrap().met(reading), expected, "{slo}");
    }
    let record = record(&[(400, 20)], &[]);
    let reading = reading(&record);
    check(&reading, "p99<21ms", Answer::Holds);
    check(&reading, "p99<21ms,errors<1%", Answer::Holds);
    check(&reading, "p99<21ms,errors>1%", Answer::Fails);
    check(&reading, "p99<21ms,p99.9<21ms", Answer::Unknown);
    // One that fails decides, in whatever order.
    check(&reading, "p99.9<21ms,p99<20ms", Answer::Fails);
    check(&reading, "p99<20ms,p99.9<21ms", Answer::Fails);
}
