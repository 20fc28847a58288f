//! Percentiles as text (`.hgrm`), as `HdrHistogram` prints them: the plotters
//! for that format take a line of four fields for a point.
//!
//! Points get denser towards the end: each half of the distance to 100 % has
//! five, so the last nines are as well resolved as the first half.

use std::io::{self, Write};

use hdrhistogram::Histogram;

use crate::record::Times;

/// Points in each half of the distance to 100 %.
const TICKS: u32 = 5;

/// Nanoseconds in the unit that is printed.
const MILLISECOND: f64 = 1e6;

/// Writes the distribution of `times` in milliseconds. What made them is in
/// `provenance_line`, which has no whitespace (as
/// [`Provenance::one_word`](crate::provenance::Provenance::one_word)), so that
/// no reader takes it for a point.
pub fn write(mut w: impl Write, times: &Times, provenance_line: &str) -> io::Result<()> {
    let histogram = times.histogram();
    writeln!(
        w,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    for Row { value, percentile, count } in rows(histogram) {
        let value = half_up(precise(value) / MILLISECOND, 3);
        let quantile = percentile / 100.0;
        write!(w, "{value:>12} {} {count:>10}", half_up(quantile, 12))?;
        // The last point has no fourth field: it would be infinite.
        if quantile < 1.0 {
            write!(w, " {:>14}", half_up(1.0 / (1.0 - quantile), 2))?;
        }
        writeln!(w)?;
    }
    let (mean, deviation) = mean_and_deviation(histogram);
    let [mean, deviation, max] = [mean, deviation, precise(histogram.max())]
        .map(|nanoseconds| half_up(nanoseconds / MILLISECOND, 3));
    writeln!(w, "#[Mean    = {mean:>12}, StdDeviation   = {deviation:>12}]")?;
    writeln!(w, "#[Max     = {max:>12}, Total count    = {:>12}]", histogram.len())?;
    writeln!(
        w,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram.buckets(),
        sub_buckets(histogram)
    )?;
    writeln!(w, "#[loadgen:{provenance_line}]")
}

/// A point of the distribution: `count` times are at most `value`, which is
/// where `percentile` lies.
struct Row {
    value: u64,
    percentile: f64,
    count: u64,
}

fn rows(histogram: &Histogram<u64>) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut tick, mut count, mut value) = (0, 0, 0);
    for bucket in histogram.iter_recorded() {
        value = bucket.value_iterated_to();
        count += bucket.count_at_value();
        let reached = 100.0 * precise(count) / precise(histogram.len());
        while percentile_of(tick) <= reached {
            rows.push(Row { value, percentile: percentile_of(tick), count });
            tick += 1;
            if count == histogram.len() {
                // All further ticks have this value.
                break;
            }
        }
    }
    if 0 < count {
        rows.push(Row { value, percentile: 100.0, count });
    }
    rows
}

/// The percentile of the n-th tick: with every [`TICKS`] of them the distance
/// to 100 is halved. There is no rounding for as many halvings as matter.
fn percentile_of(tick: u32) -> f64 {
    let (halvings, tick) = (tick / TICKS, tick % TICKS);
    let step = 50.0 / f64::from(TICKS);
    100.0 - (100.0 - step * f64::from(tick)) * libm::exp2(-f64::from(halvings))
}

/// The mean and the standard deviation, a value counting as the middle of those that
/// the histogram cannot tell from it.
fn mean_and_deviation(histogram: &Histogram<u64>) -> (f64, f64) {
    if histogram.is_empty() {
        return (0.0, 0.0);
    }
    let total = precise(histogram.len());
    let values = || {
        histogram.iter_recorded().map(|bucket| {
            let middle = histogram.median_equivalent(bucket.value_iterated_to());
            (precise(middle), precise(bucket.count_at_value()))
        })
    };
    let mean = values().map(|(value, count)| value * count).sum::<f64>() / total;
    let squares: f64 = values().map(|(value, count)| (value - mean) * (value - mean) * count).sum();
    (mean, (squares / total).sqrt())
}

/// In how many parts a bucket is divided: what the digits need, as a power of
/// two. The histogram does not say.
fn sub_buckets(histogram: &Histogram<u64>) -> u32 {
    (2 * 10_u32.pow(u32::from(histogram.sigfig()))).next_power_of_two()
}

#[expect(clippy::cast_precision_loss, reason = "counts, and nanoseconds of a minute, fit")]
fn precise(number: u64) -> f64 {
    number as f64
}

/// `number` with this many decimals. What lies halfway as it is written goes
/// up, as in the programs that this format is from; Rust decides by the binary
/// value, which is a little more or less.
fn half_up(number: f64, decimals: usize) -> String {
    let shortest = number.to_string();
    let halfway = shortest
        .split_once('.')
        .is_some_and(|(_, digits)| digits.len() == decimals + 1 && digits.ends_with('5'));
    let number = if halfway { number.next_up() } else { number };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(milliseconds: &[u64]) -> String {
        let mut times = Times::default();
        for time in milliseconds {
            times.record(Duration::from_millis(*time));
        }
        let mut text = Vec::new();
        write(&mut text, &times, r#"{"seed":1}"#).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(text(&[1, 2, 2, 3, 3, 3, 4, 5, 8, 100]));
    }

    #[test]
    fn of_none_there_is_no_row() {
        let text = text(&[]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[2], "#[Mean    =        0.000, StdDeviation   =        0.000]");
    }

    /// What a plotter sees: four fields are a point.
    #[test]
    fn only_points_have_four_fields() {
        let text = text(&[7]);
        let points = text.lines().skip(1).filter(|line| line.split_whitespace().count() == 4);
        assert_eq!(points.count(), 1, "{text}");
    }

    #[test]
    fn ticks_halve_the_distance() {
        let ticks: Vec<_> = (0..12).map(percentile_of).collect();
        assert_eq!(ticks, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 77.5]);
    }

    #[test]
    fn halfway_goes_up() {
        for (number, rounded) in
            [(0.125, "0.13"), (0.135, "0.14"), (2.675, "2.68"), (0.124, "0.12")]
        {
            assert_eq!(half_up(number, 2), rounded);
        }
    }
}
