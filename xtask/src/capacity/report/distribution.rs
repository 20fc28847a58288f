//! Response times as distributions and over time: F4 to F6.

use super::words::{about, ms, rate};
use crate::capacity::{
    analysis::{real, whole},
    figures::{
        Axis, Cumulated, Figure, HeatMap, Look, Panel, Point, Range, Scale, Series, Tone, Unit,
        percentiles, timeline,
    },
    findings::{Findings, ramp::RampStep},
    loaded::LoadedTrial,
};
use loadgen::{
    output::hlog::Scope,
    record::{Clock, Tag, Times},
};

/// Percentile curves of four rates that count, from the lowest to the highest.
pub(super) fn curves(findings: &Findings) -> Option<Figure> {
    let counted: Vec<&RampStep> = findings.ramp.iter().filter(|step| step.counts()).collect();
    let last = counted.len().checked_sub(1)?;
    let mut chosen: Vec<usize> = (0..4).map(|part| part * last / 3).collect();
    chosen.dedup();
    let tones = [Tone::Green, Tone::Blue, Tone::Ochre, Tone::Orange];
    let curves: Vec<Cumulated> = chosen
        .iter()
        .zip(tones)
        .map(|(index, tone)| {
            let step = counted[*index];
            Cumulated {
                name: format!("{}/s", rate(step.rate)),
                tone,
                quantiles: quantiles(&step.response),
            }
        })
        .filter(|curve| 1 < curve.quantiles.len())
        .collect();
    let (first, highest) = (counted[0], counted[last]);
    let p999 = |step: &RampStep| step.quantile(0.999).map(ms);
    let finding = match (p999(first), p999(highest)) {
        (Some(low), Some(high)) => format!(
            "One of a thousand takes {low} ms at {} requests per second, and {high} ms at {}.",
            rate(first.rate),
            rate(highest.rate)
        ),
        _ => "How long the slowest take, at four rates.".to_owned(),
    };
    let y = Axis::log("response time", Unit::Seconds);
    (!curves.is_empty()).then(|| {
        percentiles(y, &curves).figure(&about(
            "f4",
            finding,
            "Response time by percentile, for four rates.",
        ))
    })
}

/// Nines in quarters, as far as ten requests are slower.
#[expect(clippy::cast_precision_loss, reason = "counts of requests, below 2⁵³")]
fn quantiles(times: &Times) -> Vec<(f64, f64)> {
    let least = 10.0 / (times.len().max(1) as f64);
    let shares = (0..40).map(|quarter| 1.0 - libm::pow(10.0, -f64::from(quarter) / 4.0));
    let known = shares.filter(|share| least <= 1.0 - share);
    known.map(|share| (share, times.rough_quantile(share.max(1e-9)).as_secs_f64())).collect()
}

/// Response times of each interval, sorted by the rate of its step.
pub(super) fn heat(trial: &LoadedTrial) -> Option<Figure> {
    let columns = columns(trial);
    let all = columns.iter().flat_map(|(_, times)| times.counts().map(|(nanos, _)| nanos));
    let (low, high) =
        all.fold((u64::MAX, 0), |(low, high), nanos| (low.min(nanos), high.max(nanos)));
    if columns.len() < 4 || high < low {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a minute")]
    let [first, last] = [low, high].map(|nanos| libm::log10(nanos as f64 / 1e9) * 6.0);
    let (first, last) = (libm::floor(first), libm::floor(last) + 1.0);
    let cells = whole(last - first).clamp(1, 60);
    let y_edges: Vec<f64> =
        (0..=cells).map(|cell| libm::pow(10.0, (first + real(cell)) / 6.0)).collect();
    let count = |times: &Times| {
        let mut counts = vec![0; cells];
        for (nanos, count) in times.counts() {
            #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a minute")]
            let place = libm::floor(libm::log10(nanos as f64 / 1e9) * 6.0) - first;
            counts[whole(place).min(cells - 1)] += count;
        }
        counts
    };
    let map = HeatMap {
        x: Axis::linear("intervals of held steps, by rate", Unit::Whole),
        y: Axis {
            label: "response time".to_owned(),
            unit: Unit::Seconds,
            scale: Scale::Log,
            range: Range::Data,
        },
        x_edges: (0..=columns.len()).map(real).collect(),
        y_edges,
        counts: columns.iter().map(|(_, times)| count(times)).collect(),
        counted: "requests".to_owned(),
    };
    let (slowest, fastest) = (columns.first()?.0, columns.last()?.0);
    let finding = format!(
        "From {} to {} requests per second the bulk moves little and the tail moves far.",
        rate(slowest),
        rate(fastest)
    );
    Some(map.figure(&about(
        "f5",
        finding,
        "How many requests took how long, by interval and rate.",
    )))
}

/// Every interval's response times with the rate of its step.
fn columns(trial: &LoadedTrial) -> Vec<(f64, &Times)> {
    let mut steps: Vec<_> = trial.summary.steps.iter().filter(|step| step.rate.is_some()).collect();
    steps.sort_by(|a, b| a.rate.unwrap_or(0.0).total_cmp(&b.rate.unwrap_or(0.0)));
    let lines = |from: f64, until: f64| {
        trial.log.lines.iter().filter(move |line| {
            line.scope == Scope::Interval
                && line.tag == Tag::all(Clock::Response)
                && (from - 0.002..until - 0.002).contains(&line.start.as_secs_f64())
        })
    };
    steps
        .iter()
        .flat_map(|step| {
            let from = step.start_seconds + step.settle_seconds;
            let rate = step.rate.unwrap_or(0.0);
            lines(from, from + step.hold_seconds).map(move |line| (rate, &line.times))
        })
        .collect()
}

/// Requests under way over time, and what Little's law makes of them.
pub(super) fn in_flight(trial: &LoadedTrial) -> Option<Figure> {
    let service = |start: f64| {
        let mut lines = trial.log.lines.iter();
        lines.find(|line| {
            line.scope == Scope::Interval
                && line.tag == Tag::all(Clock::Service)
                && (line.start.as_secs_f64() - start).abs() < 0.002
        })
    };
    let rows = || trial.intervals.iter().filter(|row| 0.0 < row.length_s);
    let measured: Vec<Point> = rows().map(|row| Point::new(row.start_s, row.in_flight)).collect();
    let derived = rows().filter_map(|row| {
        #[expect(clippy::cast_precision_loss, reason = "requests of a second")]
        let throughput = row.completed as f64 / row.length_s;
        Some(Point::new(row.start_s, throughput * service(row.start_s)?.times.mean().as_secs_f64()))
    });
    if measured.len() < 4 {
        return None;
    }
    let most = measured.iter().map(|point| point.y).fold(0.0, f64::max);
    let panel = Panel {
        y: Axis::log("requests under way", Unit::Count),
        series: vec![
            Series::new("measured", Tone::Blue, Look::Line, measured),
            Series::new("L = X·R", Tone::Orange, Look::Line, derived),
        ],
        references: Vec::new(),
    };
    let finding =
        format!("At most {} requests were under way, as Little’s law has it.", rate(most));
    Some(timeline(vec![panel]).figure(&about(
        "f6",
        finding,
        "Requests under way over the time of a trial.",
    )))
}
