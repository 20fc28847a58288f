//! `intervals.csv`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ms, rounded};
use crate::{
    record::{Clock, Record, Tag},
    summary::Quantiles,
};

/// A row of `intervals.csv`: what ended in an interval. Times are in
/// milliseconds, rates per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntervalRow {
    step: u32,
    part: Part,
    rate: Option<f64>,
    start_s: f64,
    length_s: f64,
    sent: u64,
    completed: u64,
    failed: u64,
    errors: u64,
    dropped: u64,
    unfinished: u64,
    completed_rate: f64,
    in_flight: f64,
    body_bytes: u64,
    reopened: u64,
    largest_burst: u64,
    response_p50_ms: Option<f64>,
    response_p99_ms: Option<f64>,
    response_max_ms: Option<f64>,
    service_p50_ms: Option<f64>,
    service_p99_ms: Option<f64>,
    service_max_ms: Option<f64>,
    lag_p99_ms: Option<f64>,
    lateness_p99_ms: Option<f64>,
    lateness_max_ms: Option<f64>,
}

/// Which requests of a step: by when they were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// While it settled.
    Settle,
    /// While it held.
    Hold,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The number of the step.
    pub step: u32,
    /// Which of its requests.
    pub part: Part,
    /// Its rate, where it has one.
    pub rate: Option<f64>,
    /// When the interval began, since the run did.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
}

impl IntervalRow {
    /// The row of what was recorded at `place`.
    pub fn of(place: Place, record: &Record, in_flight: f64) -> Self {
        let counts = &record.counts;
        let quantiles = |clock| record.times(Tag::all(clock)).map(Quantiles::of);
        let response = quantiles(Clock::Response);
        let service = quantiles(Clock::Service);
        let lateness = quantiles(Clock::Lateness);
        Self {
            step: place.step,
            part: place.part,
            rate: place.rate,
            start_s: rounded(place.start.as_secs_f64()),
            length_s: rounded(place.length.as_secs_f64()),
            sent: counts.sent,
            completed: counts.completed(),
            failed: counts.failed(),
            errors: counts.errors(),
            dropped: counts.dropped,
            unfinished: counts.unfinished,
            completed_rate: rate(counts.completed(), place.length),
            in_flight: rounded(in_flight),
            body_bytes: counts.bytes,
            reopened: counts.reopened,
            largest_burst: counts.largest_burst,
            response_p50_ms: ms(response.as_ref(), |q| q.p50_us),
            response_p99_ms: ms(response.as_ref(), |q| q.p99_us),
            response_max_ms: ms(response.as_ref(), |q| q.max_us),
            service_p50_ms: ms(service.as_ref(), |q| q.p50_us),
            service_p99_ms: ms(service.as_ref(), |q| q.p99_us),
            service_max_ms: ms(service.as_ref(), |q| q.max_us),
            lag_p99_ms: ms(quantiles(Clock::Lag).as_ref(), |q| q.p99_us),
            lateness_p99_ms: ms(lateness.as_ref(), |q| q.p99_us),
            lateness_max_ms: ms(lateness.as_ref(), |q| q.max_us),
        }
    }

    /// The sum of `rows` at `place`, whose times are those of `record`: a row
    /// does not say of which statuses and faults its counters are made, so they
    /// add up here and not there.
    pub fn sum<'a>(
        place: Place,
        rows: impl IntoIterator<Item = &'a Self>,
        record: &Record,
    ) -> Self {
        let mut times = Record::new();
        record.all_times().for_each(|(tag, of)| times.times_mut(tag).add(of));
        let mut sum = Self::of(place, &times, 0.0);
        for row in rows {
            sum.sent += row.sent;
            sum.completed += row.completed;
            sum.failed += row.failed;
            sum.errors += row.errors;
            sum.dropped += row.dropped;
            sum.unfinished += row.unfinished;
            sum.in_flight = rounded(sum.in_flight + row.in_flight);
            sum.body_bytes += row.body_bytes;
            sum.reopened += row.reopened;
            sum.largest_burst = sum.largest_burst.max(row.largest_burst);
        }
        sum.completed_rate = rate(sum.completed, place.length);
        sum
    }

    /// What it is about.
    pub fn place(&self) -> Place {
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Place {
            step: self.step,
            part: self.part,
            rate: self.rate,
            start: seconds(self.start_s),
            length: seconds(self.length_s),
        }
    }

    /// Requests that went out.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
fn rate(completed: u64, over: Duration) -> f64 {
    rounded(completed as f64 / over.as_secs_f64().max(1e-9))
}

/// The rows of an `intervals.csv`; of one that was cut short, the whole ones.
pub fn read_intervals(bytes: &[u8]) -> Result<Vec<IntervalRow>, csv::Error> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(&bytes[..end]);
    reader.deserialize().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tables::Table;

    #[test]
    fn rows_are_read_back_without_the_last_half() {
        let place = |step| Place {
            step,
            part: Part::Hold,
            rate: None,
            start: Duration::from_millis(1500),
            length: Duration::from_secs(1),
        };
        let mut record = Record::new();
        record.counts.statuses = [(200, 7), (503, 2)].into();
        record.times_mut(Tag::all(Clock::Response)).record(Duration::from_millis(2));
        let rows = [0, 1].map(|step| IntervalRow::of(place(step), &record, 0.25));
        let mut text = Vec::new();
        let mut table = Table::new(&mut text, &["a, \"comment\"".to_owned()]).unwrap();
        for row in &rows {
            table.write(row).unwrap();
        }
        drop(table);
        assert_eq!(read_intervals(&text).unwrap(), rows);
        assert_eq!(read_intervals(&text[..text.len() - 1]).unwrap(), rows[..1]);
        assert_eq!(rows[1].place(), place(1));
        let sum = IntervalRow::sum(place(1), &rows, &record);
        assert_eq!((sum.completed, sum.errors, sum.in_flight), (2 * 9, 2 * 2, 0.5));
    }
}
