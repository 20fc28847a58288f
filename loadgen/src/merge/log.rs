//! A log in memory.

use std::time::{Duration, SystemTime};

use crate::{
    output::hlog::{self, HlogError, Line, Scope},
    record::{Tag, Times},
};

/// What a `run.hlog` has. A histogram of fixed size for each of its lines would
/// take gigabytes, so only the times are kept that there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// What lines count from.
    pub start: SystemTime,
    /// The histograms, in the order in which they were written.
    pub lines: Vec<Logged>,
    /// Whether its end is missing.
    pub truncated: bool,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Of what it is.
    pub scope: Scope,
    /// What is measured.
    pub tag: Tag,
    /// Since the run's start.
    pub start: Duration,
    /// How long it took.
    pub length: Duration,
    counts: Box<[(u64, u64)]>,
}

impl Log {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, HlogError> {
        let mut lines = Vec::new();
        let head = hlog::read_each(bytes, |line| lines.push(Logged::of(&line)))?;
        Ok(Self { start: head.start, lines, truncated: head.truncated })
    }
}

impl Logged {
    fn of(line: &Line) -> Self {
        let Line { scope, tag, start, length, ref times } = *line;
        Self { scope, tag, start, length, counts: times.counts().collect() }
    }

    /// Its times.
    pub fn times(&self) -> Times {
        Times::from_counts(self.counts.iter().copied())
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}
