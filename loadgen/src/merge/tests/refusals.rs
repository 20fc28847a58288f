use super::*;
use crate::program::{Ended as SearchEnd, SearchResult};

#[track_caller]
fn check_refused(change: fn(&mut Source), message: &str) {
    let [one, mut other] = two();
    change(&mut other);
    assert_eq!(merge(vec![one, other]).unwrap_err().to_string(), message);
}

#[test]
fn refusals() {
    assert_eq!(merge(vec![]).unwrap_err(), MergeError::Nothing);
    check_refused(
        |other| "a at 0".clone_into(&mut other.summary.provenance[0].started),
        "a and b are the same run: give it once",
    );
    check_refused(
        |other| "http://127.0.0.1:8080/".clone_into(&mut other.summary.run.url),
        "a is of GET http://127.0.0.1:8080/menu over HTTP/1.1, and b of GET \
         http://127.0.0.1:8080/ over HTTP/1.1: merge what was made together",
    );
    check_refused(
        |other| other.summary.run.model = Model::Closed,
        "a is of an open model, and b of a closed model: merge what was made together",
    );
    check_refused(
        |other| drop(other.summary.steps.pop()),
        "a is of 2 steps, and b of 1 step: merge what was made together",
    );
    check_refused(
        |other| other.summary.steps[1].rate = Some(200.0),
        "step 1 is 100/s, settled for 0 s and held for 10 s in a, and 200/s, settled for 0 s and \
         held for 10 s in b: all generators need the same program, and --shard tells which part \
         of it each sends",
    );
    check_refused(
        |other| other.summary.steps[0].hold_seconds = 5.0,
        "step 0 is 100/s, settled for 0 s and held for 10 s in a, and 100/s, settled for 0 s and \
         held for 5 s in b: all generators need the same program, and --shard tells which part \
         of it each sends",
    );
    check_refused(
        |other| "50 requests over 10s".clone_into(&mut other.summary.run.program),
        "a is of 100/s over 10s, and b of 50 requests over 10s: merge what was made together",
    );
    check_refused(
        |other| {
            other.summary.search = Some(SearchResult {
                lower: None,
                upper: None,
                ended: SearchEnd::Inconclusive,
                trials: Vec::new(),
                inconsistent: false,
            });
        },
        "b is a search, and each generator would have searched for itself: search with one, or \
         make a sweep with several",
    );
    check_refused(
        |other| other.summary.steps[0].totals.unsent += 1,
        "the counters do not add up, so the numbers cannot be trusted: Totals { planned: 7, sent: \
         7, completed: 4, failed: 3, dropped: 0, unsent: 1, unfinished: 0 }",
    );
}

#[test]
fn files_that_are_none() {
    let [one, _] = two();
    let summary = serde_json::to_string(&one.summary).unwrap();
    let log = "#[BaseTime: 1700000000.000 (seconds since epoch)]\n";
    let check = |summary: &str, log: &str, intervals: &str, message: &str| {
        let contents = Contents {
            summary: summary.as_bytes(),
            log: log.as_bytes(),
            intervals: intervals.as_bytes(),
        };
        let found =
            Source::read("a", contents).map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(found, message);
    };
    check(&summary, log, "", "");
    let newer = summary.replacen("\"schema_version\":1", "\"schema_version\":2", 1);
    let version = "a/summary.json has schema version 2, and this loadgen reads 1: merge it with \
                   the loadgen that made it";
    check(&newer, log, "", version);
    let what = "is not what `loadgen run --out` writes: make the run again";
    check("{}", log, "", &format!("a/summary.json {what}"));
    check("no", log, "", &format!("a/summary.json {what}"));
    check(&summary, log, "step,part\n1,2\n", &format!("a/intervals.csv {what}"));
    check(&summary, "Tag=no\n", "", "a/run.hlog cannot be read: make the run again");
    let mut more = Vec::new();
    let mut writer = HlogWriter::new(&mut more, SystemTime::UNIX_EPOCH, &[]).unwrap();
    let mut record = Record::new();
    let response = record.times_mut(Tag::all(Clock::Response));
    (0..9).for_each(|_| response.record(SECOND));
    writer.write(&Scope::Step(1), HOLD, HOLD, &record).unwrap();
    drop(writer);
    let strangers = "a/run.hlog has 9 response times of step 1 and a/summary.json 1: they are not \
                     of the same run";
    check(&summary, &String::from_utf8(more).unwrap(), "", strangers);
}
