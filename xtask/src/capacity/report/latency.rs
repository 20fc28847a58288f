//! Latency and load: F1 to F6.

use super::words::{about, figure, ms, not_measured, paragraph, rate, section};
use crate::capacity::{
    analysis::real,
    figures::{
        Axis, Cumulated, Figure, HeatMap, Labels, Look, Panel, Point, Range, Reference, Scale,
        Series, Tone, Unit, XyChart, percentiles, timeline,
    },
    findings::{
        Findings,
        objective::USUAL,
        ramp::{QUANTILES, RampStep},
    },
    loaded::{Loaded, LoadedTrial},
    page::Section,
};
use loadgen::{
    output::hlog::Scope,
    record::{Clock, Tag, Times},
};

const TONES: [Tone; 4] = [Tone::Green, Tone::Ochre, Tone::Orange, Tone::Purple];

pub(super) fn latency(loaded: &Loaded, findings: &Findings) -> Section {
    let (id, heading) = ("latency", "Latency and load");
    if findings.ramp.is_empty() {
        return not_measured(id, heading, &loaded.raw.profile);
    }
    let trials = findings.ramp.iter().map(|step| step.verdicts.len()).max().unwrap_or(0);
    let n = format!("n = {trials} trials");
    let mut blocks = vec![
        paragraph(
            "Requests for one stored answer were sent when they were *due*, by a Poisson process, whatever became of those \
             before them; response times count from then. Each trial had a relay of its own, and the rates came in random order.",
        ),
        figure(
            throughput(findings),
            format!(
                "Open model, Poisson arrivals; {n} at each rate; 95 % intervals by Student’s *t* over trials. *Good* answers are no errors and come within {} ms. Hollow points are not counted.",
                ms(USUAL.limit.as_secs_f64())
            ),
        ),
        figure(
            response(findings),
            format!(
                "Merged histograms of all trials, {n}; the interval of p99 is that of a block bootstrap over trials and seconds together with Student’s *t* over trials. Logarithmic axis."
            ),
        ),
        figure(
            clocks(findings),
            format!(
                "Response times count from when a request was due, service times from when it was sent; merged histograms, {n}. A generator that counts from sending alone sees only the lower ones (coordinated omission)."
            ),
        ),
    ];
    if let Some(curves) = curves(findings) {
        blocks.push(figure(curves, format!("Response times of all trials together, {n}; each curve ends where ten requests are slower.")));
    }
    let first = loaded.of("e1").find(|trial| 1 < trial.summary.steps.len());
    if let Some(heat) = first.and_then(heat) {
        blocks.push(figure(heat, "The first trial, n = 1: a column is an interval of a held step, sorted by rate; a cell is a sixth of a decade. Shades are equal factors."));
    }
    if let Some(in_flight) = first.and_then(in_flight) {
        blocks.push(figure(in_flight, "The first trial, n = 1, one value for each interval; L = X·R from answers per second and their mean service time."));
    }
    section(id, heading, blocks)
}

/// A point that is hollow where the generator was the limit.
pub(super) fn standing(step: &RampStep, point: Point) -> Point {
    if step.counts() { point } else { point.excluded("the generator was the limit") }
}

fn offered() -> Axis {
    Axis::linear("offered rate (req/s)", Unit::Count).over(Range::FromZero)
}

fn throughput(findings: &Findings) -> Figure {
    let answered = findings.ramp.iter().map(|step| {
        let point = Point::new(step.rate, step.throughput());
        let interval = step.throughput_interval();
        standing(
            step,
            match interval {
                Some(interval) => point.between(interval.low, interval.high),
                None => point,
            },
        )
    });
    let good = findings.ramp.iter().map(|step| standing(step, Point::new(step.rate, step.goodput)));
    let chart = XyChart {
        x: offered(),
        panels: vec![Panel {
            y: Axis::linear("answers per second", Unit::Count).over(Range::FromZero),
            series: vec![
                Series::new("answered", Tone::Blue, Look::LineAndPoints, answered),
                Series::new("good", Tone::Green, Look::LineAndPoints, good),
            ],
            references: vec![Reference::Diagonal { label: "all that was offered".to_owned() }],
        }],
        labels: Labels::Legend,
    };
    let bracket = findings.saturation.bracket;
    let finding = match (bracket.passed, bracket.failed) {
        (Some(passed), Some(failed)) => format!(
            "What is offered is answered up to {} requests per second, and no longer at {}.",
            rate(passed),
            rate(failed)
        ),
        (Some(passed), None) => {
            format!(
                "What is offered is answered, up to at least {} requests per second.",
                rate(passed)
            )
        }
        _ => "No rate that counts was kept up with.".to_owned(),
    };
    chart.figure(&about(
        "f1",
        finding,
        "Answers and good answers per second over the offered rate.",
    ))
}

fn response(findings: &Findings) -> Figure {
    let mut series: Vec<Series> = QUANTILES
        .iter()
        .zip(TONES)
        .rev()
        .map(|((name, q), tone)| {
            let points = findings.ramp.iter().filter_map(|step| {
                let point = Point::new(step.rate, step.quantile(*q)?);
                let point = match (&step.p99, *name) {
                    (Ok(p99), "p99") => point.between(p99.interval().low, p99.interval().high),
                    _ => point,
                };
                Some(standing(step, point))
            });
            Series::new(*name, tone, Look::LineAndPoints, points)
        })
        .collect();
    series.extend(model(findings));
    let mut references = vec![Reference::Height {
        y: USUAL.limit.as_secs_f64(),
        label: format!("objective: {USUAL}"),
    }];
    if let Some(knee) = findings.saturation.knee_interval {
        // A band that is too narrow to see is a line.
        references.push(if knee.width() < 0.01 * knee.high {
            Reference::Place { x: knee.high, label: "knee".to_owned() }
        } else {
            let label = "knee, 95 %".to_owned();
            Reference::Across { from: knee.low, to: knee.high, label }
        });
    }
    let y = Axis::log("response time", Unit::Seconds);
    let chart = XyChart {
        x: offered(),
        panels: vec![Panel { y, series, references }],
        labels: Labels::Direct,
    };
    let finding = match findings.capacity() {
        Ok(capacity) => format!(
            "p99 stays within {} ms up to {} requests per second.",
            ms(USUAL.limit.as_secs_f64()),
            rate(capacity.crossing.rate())
        ),
        Err(_) => "Response times over the rate.".to_owned(),
    };
    chart.figure(&about(
        "f2",
        finding,
        "Quantiles of the response time over the offered rate, with a queue’s mean.",
    ))
}

/// The mean response time of the fitted queue, up to 95 % of its capacity.
fn model(findings: &Findings) -> Option<Series> {
    let queue = findings.cost.queue.as_ref().ok()?.queue;
    let highest = findings.ramp.last()?.rate.min(0.95 * queue.capacity());
    let points = (1..=60).filter_map(|part| {
        let rate = highest * real(part) / 60.0;
        Some(Point::new(rate, queue.response(rate)?))
    });
    Some(Series::new("a queue’s mean", Tone::Grey, Look::Model, points))
}

fn clocks(findings: &Findings) -> Figure {
    let of = |name: &str, q: f64, tone, look, clock: fn(&RampStep) -> &Times| {
        let points = findings.ramp.iter().filter_map(|step| {
            let value = clock(step).quantile(q)?.seen().as_secs_f64();
            Some(standing(step, Point::new(step.rate, value)))
        });
        Series::new(name, tone, look, points)
    };
    let series = vec![
        of("p99 response", 0.99, Tone::Orange, Look::LineAndPoints, |step| &step.response),
        of("p99 service", 0.99, Tone::Purple, Look::LineAndPoints, |step| &step.service),
        of("p50 response", 0.5, Tone::Green, Look::LineAndPoints, |step| &step.response),
        of("p50 service", 0.5, Tone::Blue, Look::LineAndPoints, |step| &step.service),
    ];
    let y = Axis::log("time", Unit::Seconds);
    let chart = XyChart {
        x: offered(),
        panels: vec![Panel { y, series, references: Vec::new() }],
        labels: Labels::Legend,
    };
    let apart = findings.ramp.iter().filter(|step| step.counts()).filter_map(|step| {
        let of = |times: &Times| Some(times.quantile(0.99)?.seen().as_secs_f64());
        Some((of(&step.response)? / of(&step.service)?, step.rate))
    });
    let finding = match apart.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((ratio, at)) if 1.2 < ratio => format!(
            "Counting from when requests are due makes p99 up to {} times that from when they are sent, at {} requests per second.",
            rate(ratio),
            rate(at)
        ),
        _ => "Requests were sent when they were due: both clocks agree at every rate that counts."
            .to_owned(),
    };
    chart.figure(&about("f3", finding, "Response and service time over the offered rate."))
}

/// Percentile curves of four rates that count, from the lowest to the highest.
fn curves(findings: &Findings) -> Option<Figure> {
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
fn heat(trial: &LoadedTrial) -> Option<Figure> {
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
    let cells = crate::capacity::analysis::whole(last - first).clamp(1, 60);
    let y_edges: Vec<f64> =
        (0..=cells).map(|cell| libm::pow(10.0, (first + real(cell)) / 6.0)).collect();
    let count = |times: &Times| {
        let mut counts = vec![0; cells];
        for (nanos, count) in times.counts() {
            #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a minute")]
            let place = libm::floor(libm::log10(nanos as f64 / 1e9) * 6.0) - first;
            counts[crate::capacity::analysis::whole(place).min(cells - 1)] += count;
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
fn in_flight(trial: &LoadedTrial) -> Option<Figure> {
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
