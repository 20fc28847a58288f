//! Writes an interval log.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use super::Scope;
use crate::record::{Record, Tag, Times};

/// Values are nanoseconds; the column for people is milliseconds.
const MAX_DIVISOR: f64 = 1e6;

/// For people and spreadsheets; readers skip it.
const COLUMNS: &str =
    r#""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#;

/// Writes an interval log, a line at a time.
///
/// The histogram crate has a writer too, which borrows the serializer and the
/// file for as long as it lives, so that no one could own all three. The format
/// is few lines; what is difficult about it, the payload, is the crate's.
pub struct HlogWriter<W> {
    w: W,
    serializer: V2DeflateSerializer,
    payload: Vec<u8>,
    line: String,
}

impl<W: Write> HlogWriter<W> {
    /// Writes the head of a log of what began at `start`; `preamble` is comments.
    pub fn new(mut w: W, start: SystemTime, preamble: &[String]) -> io::Result<Self> {
        writeln!(w, "#[Histogram log format version 1.3]")?;
        // A line break within a comment would end it for a reader.
        for line in preamble.iter().flat_map(|comment| comment.split(['\n', '\r'])) {
            writeln!(w, "# {line}")?;
        }
        let start = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        // With both of them no reader has to guess what lines count from.
        writeln!(w, "#[StartTime: {start:.3} (seconds since epoch)]")?;
        writeln!(w, "#[BaseTime: {start:.3} (seconds since epoch)]")?;
        writeln!(w, "#[MaxValueDivisor: {MAX_DIVISOR:.3}]")?;
        writeln!(w, "{COLUMNS}")?;
        Ok(Self {
            w,
            serializer: V2DeflateSerializer::new(),
            payload: Vec::new(),
            line: String::new(),
        })
    }

    /// Writes what was recorded for `length` from `start` on, which counts from
    /// the run's start: a line for each tag that has times. A line is one
    /// write, so a run that is killed leaves at most the last one unfinished.
    pub fn write(
        &mut self,
        scope: &Scope,
        start: Duration,
        length: Duration,
        record: &Record,
    ) -> io::Result<()> {
        record.all_times().try_for_each(|(tag, times)| {
            self.compose(*scope, tag, [start, length], times)?;
            self.w.write_all(self.line.as_bytes())
        })
    }

    fn compose(
        &mut self,
        scope: Scope,
        tag: Tag,
        [start, length]: [Duration; 2],
        times: &Times,
    ) -> io::Result<()> {
        self.payload.clear();
        let payload = &mut self.payload;
        self.serializer.serialize(times.histogram(), payload).map_err(io::Error::other)?;
        let [start, length] = [start, length].map(|time| time.as_secs_f64());
        let max = times.max().as_secs_f64() * 1e9 / MAX_DIVISOR;
        self.line.clear();
        write!(self.line, "Tag={scope}{tag},{start:.3},{length:.3},{max:.3},")
            .map_err(io::Error::other)?;
        BASE64_STANDARD.encode_string(&self.payload, &mut self.line);
        self.line.push('\n');
        Ok(())
    }
}

impl<W> fmt::Debug for HlogWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HlogWriter").finish_non_exhaustive()
    }
}
