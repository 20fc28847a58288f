//! `run.hlog`: a histogram per interval and tag, as an `HdrHistogram` interval
//! log.
//!
//! The payloads are compressed, the only ones that Java's `HistogramLogReader`
//! and `HdrHistogramJS` read. Times are in nanoseconds; a line's start and
//! length are in seconds, its start counts from that of the run, and its
//! maximum is in milliseconds.
//!
//! Which of the times are lower bounds is not in the file: the format has no
//! place for it.

mod reader;
mod writer;

use std::fmt;

pub use reader::{Hlog, HlogError, Line, read, read_each};
pub use writer::HlogWriter;

use crate::record::Tag;

/// Of which stretch of a run a histogram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// An interval in which a step was measured.
    Interval,
    /// An interval in which a step was still settling.
    Settle,
    /// All that was measured of a step.
    Step(u32),
    /// All that was measured.
    Total,
}

impl Scope {
    /// The scope and the tag that a file has as `name`.
    fn parse(name: &str) -> Option<(Self, Tag)> {
        let (scope, tag) = match name.split_once('.') {
            None => (Self::Interval, name),
            Some(("settle", tag)) => (Self::Settle, tag),
            Some(("total", tag)) => (Self::Total, tag),
            Some((step, tag)) => (Self::Step(step.strip_prefix("step-")?.parse().ok()?), tag),
        };
        Some((scope, Tag::parse(tag)?))
    }
}

/// What comes before the tag in a file: nothing for an interval, so that tools
/// which draw a time line need not be told what to leave out.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval => Ok(()),
            Self::Settle => f.write_str("settle."),
            Self::Step(step) => write!(f, "step-{step:03}."),
            Self::Total => f.write_str("total."),
        }
    }
}

#[cfg(test)]
mod tests;
