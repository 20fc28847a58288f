//! Traces to look at for each bucket of the time that requests took: the last
//! that was recorded.

use std::{fmt::Write, time::Duration};

use parking_lot::Mutex;

use super::{
    requests::Way,
    timings::{BUCKETS, bound},
};
use crate::exchange::trace::TraceId;

/// What the samples are called that have exemplars.
const SAMPLES: &str = "lunch_relay_request_duration_seconds_bucket{";

#[derive(Clone, Copy, Debug)]
struct Exemplar {
    trace: TraceId,
    time: Duration,
}

/// The last recorded trace of each bucket.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    ways: [[Mutex<Option<Exemplar>>; BUCKETS]; Way::ALL.len()],
}

impl Exemplars {
    /// Keeps a trace, unless another is being kept just now.
    pub(super) fn keep(&self, way: Way, bucket: usize, trace: TraceId, time: Duration) {
        if let Some(mut place) = self.ways[way as usize][bucket].try_lock() {
            *place = Some(Exemplar { trace, time });
        }
    }

    /// The text of `OpenMetrics` with the exemplars at its samples. The library
    /// has them only for histograms of its own, which lock.
    pub(super) fn add_to(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for line in text.lines() {
            out.push_str(line);
            if let Some(Exemplar { trace, time }) = self.of(line) {
                // Writing to a String does not fail.
                let _ = write!(out, " # {{trace_id=\"{trace}\"}} {}", time.as_secs_f64());
            }
            out.push('\n');
        }
        out
    }

    /// The exemplar of a sample.
    fn of(&self, line: &str) -> Option<Exemplar> {
        let labels = line.strip_prefix(SAMPLES)?;
        let label = |name: &str| {
            let (_, value) = labels.split_once(name)?;
            value.split('"').nth(1)
        };
        let (way, le) = (label("way=")?, label("le=")?);
        let way = Way::ALL.into_iter().find(|known| known.as_str() == way)?;
        let le = if le == "+Inf" { f64::INFINITY } else { le.parse().ok()? };
        let bucket = (0..BUCKETS).find(|bucket| le <= bound(*bucket))?;
        *self.ways[way as usize][bucket].lock()
    }
}
