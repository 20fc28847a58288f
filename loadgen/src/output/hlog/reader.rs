//! Reads an interval log back.

use std::{
    io::{self, Read},
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry, LogIteratorError},
};
use thiserror::Error;

use super::Scope;
use crate::record::{Tag, Times};

/// What an interval log has.
#[derive(Debug, Clone, PartialEq)]
pub struct Hlog {
    /// What lines count from, to the millisecond.
    pub start: SystemTime,
    /// Comments, without what the format itself has there.
    pub comments: Vec<String>,
    /// The histograms, in the order in which they were written.
    pub lines: Vec<Line>,
    /// Whether there is the beginning of one more line: the run was killed, or
    /// it still goes on.
    pub truncated: bool,
}

/// A line: the times of one tag in one stretch of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Of what it is.
    pub scope: Scope,
    /// What is measured.
    pub tag: Tag,
    /// Since the run's start.
    pub start: Duration,
    /// How long it took.
    pub length: Duration,
    /// What was recorded; none of it counts as a lower bound.
    pub times: Times,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum HlogError {
    /// It is no interval log, from this byte on.
    #[error("not an interval log at byte {0}")]
    Syntax(usize),
    /// There are histograms, but nothing says when the first of them began.
    #[error("an interval log without a BaseTime")]
    NoStart,
    /// It has times of something that is not known here.
    #[error("unknown tag {0:?}: another program, or a later loadgen, wrote this log")]
    UnknownTag(String),
    /// A payload is damaged.
    #[error("the histogram of {tag} at {start:?} cannot be read")]
    Payload {
        /// Its tag.
        tag: String,
        /// Its start.
        start: Duration,
        /// What is wrong with it.
        source: io::Error,
    },
}

/// Reads a log that [`HlogWriter`](super::HlogWriter) wrote.
pub fn read(bytes: &[u8]) -> Result<Hlog, HlogError> {
    let mut lines = Vec::new();
    let head = read_each(bytes, |line| lines.push(line))?;
    Ok(Hlog { lines, ..head })
}

/// Reads a log as [`read`] does, but hands out each line, of which a long run
/// has more than should be in memory at once. There is none in what is returned.
pub fn read_each(bytes: &[u8], mut each: impl FnMut(Line)) -> Result<Hlog, HlogError> {
    // Without its end a number or a payload may be shorter than it was.
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let whole = &bytes[..end];
    let mut start = None;
    for entry in IntervalLogIterator::new(whole) {
        let LogIteratorError::ParseError { offset } = match entry {
            Ok(LogEntry::BaseTime(since_epoch)) => {
                start = SystemTime::UNIX_EPOCH.checked_add(since_epoch);
                continue;
            }
            Ok(LogEntry::StartTime(_)) => continue,
            Ok(LogEntry::Interval(interval)) => {
                let name = interval.tag().map_or("", |tag| tag.as_str());
                let (scope, tag) =
                    Scope::parse(name).ok_or_else(|| HlogError::UnknownTag(name.to_owned()))?;
                let start = interval.start_timestamp();
                let times = decode(interval.encoded_histogram())
                    .map_err(|source| HlogError::Payload { tag: name.to_owned(), start, source })?;
                each(Line { scope, tag, start, length: interval.duration(), times });
                continue;
            }
            Err(error) => error,
        };
        return Err(HlogError::Syntax(offset));
    }
    Ok(Hlog {
        start: start.ok_or(HlogError::NoStart)?,
        comments: comments(whole),
        lines: Vec::new(),
        truncated: end < bytes.len(),
    })
}

/// The crate's reader leaves comments out.
fn comments(whole: &[u8]) -> Vec<String> {
    whole
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"#"))
        .filter(|comment| !comment.starts_with(b"["))
        .map(|comment| String::from_utf8_lossy(comment.trim_ascii()).into_owned())
        .collect()
}

/// More than the largest histogram takes.
const MAX_PAYLOAD: u64 = 1 << 24;

/// Before the counts: what it is, their length, and the histogram's bounds.
const HEADER: usize = 40;

/// Inflates here rather than in the crate: that believes any length it is told,
/// and does not compare checksums.
fn decode(payload: &str) -> io::Result<Times> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let payload = BASE64_STANDARD.decode(payload).map_err(io::Error::other)?;
    let compressed = match payload.split_first_chunk::<8>() {
        Some(([0x1c, 0x84, 0x93, 0x14, length @ ..], compressed))
            if usize::try_from(u32::from_be_bytes(*length)) == Ok(compressed.len()) =>
        {
            compressed
        }
        _ => return Err(invalid("no compressed histogram")),
    };
    let mut histogram = Vec::new();
    ZlibDecoder::new(compressed).take(MAX_PAYLOAD).read_to_end(&mut histogram)?;
    let length = histogram.get(4..8).and_then(|length| length.try_into().ok());
    let length = length.and_then(|length| usize::try_from(u32::from_be_bytes(length)).ok());
    if length != histogram.len().checked_sub(HEADER) {
        return Err(invalid("a histogram of another length than it says"));
    }
    let histogram = Deserializer::new()
        .deserialize::<u64, _>(&mut histogram.as_slice())
        .map_err(io::Error::other)?;
    Ok(Times::from_histogram(&histogram))
}
