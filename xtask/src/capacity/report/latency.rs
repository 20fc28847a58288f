//! Latency and load: F1 to F3, and the distributions behind them.

use super::{
    distribution::{curves, heat, in_flight},
    words::{about, figure, ms, not_measured, paragraph, rate, section},
};
use crate::capacity::{
    analysis::real,
    figures::{
        Axis, Figure, Labels, Look, Panel, Point, Range, Reference, Series, Tone, Unit, XyChart,
    },
    findings::{
        Findings,
        objective::USUAL,
        ramp::{QUANTILES, RampStep},
    },
    loaded::Loaded,
    page::Section,
};
use loadgen::record::Times;

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
