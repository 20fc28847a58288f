use std::time::{Duration, SystemTime};

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::record::{Clock, Record};

const SECOND: Duration = Duration::from_secs(1);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250)
}

fn record(tag: Tag, nanoseconds: &[u64]) -> Record {
    let mut record = Record::new();
    for time in nanoseconds {
        record.times_mut(tag).record(Duration::from_nanos(*time));
    }
    record
}

/// Two intervals, of which the second has two tags, and a step.
fn log() -> Vec<u8> {
    let response = record(Tag::all(Clock::Response), &[1_500_000, 2_000_000]);
    let mut both = record(Tag::all(Clock::Service), &[700]);
    both.add(&response);
    let mut log = Vec::new();
    let mut writer =
        HlogWriter::new(&mut log, start(), &["kernel: 6.1".to_owned(), "a\nb".to_owned()]).unwrap();
    writer.write(&Scope::Settle, Duration::ZERO, SECOND, &response).unwrap();
    writer.write(&Scope::Interval, SECOND, SECOND, &both).unwrap();
    writer.write(&Scope::Step(7), SECOND / 2, 3 * SECOND, &response).unwrap();
    log
}

/// Up to the payload, whose bytes are the compressor's business; what all
/// readers know one by is how it begins.
#[test]
fn golden() {
    let log = String::from_utf8(log()).unwrap();
    let shown: String = log
        .lines()
        .map(|line| match line.split_once("HISTFAAA") {
            Some((before, _)) => format!("{before}HISTFAAA…\n"),
            None => format!("{line}\n"),
        })
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_written_is_read() {
    let log = read(&log()).unwrap();
    assert_eq!(log.start, start());
    assert_eq!(log.comments, ["kernel: 6.1", "a", "b"]);
    assert!(!log.truncated);
    let lines: Vec<_> =
        log.lines.iter().map(|line| (line.scope, line.tag, line.start, line.length)).collect();
    let [response, service] = [Clock::Response, Clock::Service].map(Tag::all);
    assert_eq!(
        lines,
        [
            (Scope::Settle, response, Duration::ZERO, SECOND),
            (Scope::Interval, response, SECOND, SECOND),
            (Scope::Interval, service, SECOND, SECOND),
            (Scope::Step(7), response, SECOND / 2, 3 * SECOND),
        ]
    );
    assert_eq!(log.lines[0].times.len(), 2);
}

#[test]
fn names() {
    for scope in [Scope::Interval, Scope::Settle, Scope::Step(7), Scope::Step(1234), Scope::Total] {
        for tag in Tag::each() {
            assert_eq!(Scope::parse(&format!("{scope}{tag}")), Some((scope, tag)));
        }
    }
    for name in ["", "latency", "step-.lag", "step-x.lag", "step-1", "final.lag", "total.", ".lag"]
    {
        assert_eq!(Scope::parse(name), None, "{name}");
    }
}

#[test]
fn an_unknown_tag_is_named() {
    let log = String::from_utf8(log()).unwrap();
    let log = log.replace("Tag=settle.", "Tag=unsettled.");
    let error = read(log.as_bytes()).unwrap_err();
    assert!(matches!(&error, HlogError::UnknownTag(tag) if tag == "unsettled.response"));
}

#[test]
fn a_killed_run_leaves_what_came_before() {
    let log = log();
    let all = read(&log).unwrap();
    let mut seen = 0;
    for end in 0..log.len() {
        let Ok(part) = read(&log[..end]) else {
            assert_eq!(seen, 0, "no longer readable at {end}");
            continue;
        };
        assert_eq!(part.truncated, log[end - 1] != b'\n');
        assert!(all.lines.starts_with(&part.lines));
        seen = part.lines.len();
    }
    assert_eq!(seen, 3);
}

proptest! {
    #[test]
    fn times_survive(times in vec(0..70_000_000_000_u64, 1..200)) {
        let tag = Tag::all(Clock::Lag);
        let record = record(tag, &times);
        let mut log = Vec::new();
        let mut writer = HlogWriter::new(&mut log, start(), &[]).unwrap();
        writer.write(&Scope::Total, Duration::ZERO, SECOND, &record).unwrap();
        let log = read(&log).unwrap();
        prop_assert_eq!(log.lines[0].times.histogram(), record.times(tag).unwrap().histogram());
    }

    /// A damaged file is refused, or what it says cannot be told from a file
    /// that was not.
    #[test]
    fn damage_does_no_harm(at in 0..log().len(), byte: u8) {
        let mut log = log();
        log[at] = byte;
        let _ = read(&log);
    }

    #[test]
    fn nonsense_does_no_harm(bytes in vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
