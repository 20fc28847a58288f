//! The ramp of a relay that is held to a share of a processor.

use super::{
    latency::standing,
    words::{about, figure, known, paragraph, rate, section},
};
use crate::capacity::{
    figures::{Axis, Labels, Look, Panel, Point, Range, Reference, Series, Tone, Unit, XyChart},
    findings::{Findings, objective::USUAL, share::ShareRamp},
    page::Section,
};

pub(super) fn share(findings: &Findings) -> Option<Section> {
    let found = findings.of_a_share.as_ref().filter(|found| !found.steps.is_empty())?;
    let capacity = found.capacity.as_ref().ok();
    let saturation = &found.saturation;
    let text = format!(
        "Where the generator can hardly send what a whole processor serves, a quota makes the relay small enough to be brought \
         to its knee. With {:.0} % of a processor it meets {USUAL} up to {} requests per second (95 % CI {}); it keeps up with {}, \
         not with {}; the knee is at {} (95 % CI {}). A quota stops the relay for the rest of each period: latencies below it are \
         longer than those of a slower processor would be.",
        found.share * 100.0,
        known(capacity.map(|own| own.crossing.rate()), rate),
        interval(capacity.map(|own| (own.interval.low, own.interval.high))),
        known(saturation.bracket.passed, rate),
        known(saturation.bracket.failed, rate),
        known(saturation.knees.power, rate),
        interval(saturation.knee_interval.map(|own| (own.low, own.high))),
    );
    Some(section(
        "share",
        "With a share of a processor",
        vec![
            paragraph(text),
            figure(
                chart(found),
                "Open model, Poisson arrivals; merged histograms of all trials; intervals of p99 by block bootstrap over trials and \
                 seconds together with Student’s *t*. Hollow points are not counted.",
            ),
        ],
    ))
}

fn interval(found: Option<(f64, f64)>) -> String {
    found.map_or("n/a".to_owned(), |(low, high)| format!("{} to {}", rate(low), rate(high)))
}

fn chart(found: &ShareRamp) -> crate::capacity::figures::Figure {
    let of = |name: &str, q: f64, tone| {
        let points = found.steps.iter().filter_map(|step| {
            let point = Point::new(step.rate, step.quantile(q)?);
            let point = match (&step.p99, name) {
                (Ok(p99), "p99") => point.between(p99.interval().low, p99.interval().high),
                _ => point,
            };
            Some(standing(step, point))
        });
        Series::new(name, tone, Look::LineAndPoints, points)
    };
    let objective =
        Reference::Height { y: USUAL.limit.as_secs_f64(), label: format!("objective: {USUAL}") };
    let chart = XyChart {
        x: Axis::linear("offered rate (req/s)", Unit::Count).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::log("response time", Unit::Seconds),
            series: vec![of("p99", 0.99, Tone::Orange), of("p50", 0.5, Tone::Green)],
            references: vec![objective],
        }],
        labels: Labels::Direct,
    };
    let finding = match &found.capacity {
        Ok(capacity) => format!(
            "With {:.0} % of a processor p99 stays within the objective up to {} requests per second.",
            found.share * 100.0,
            rate(capacity.crossing.rate())
        ),
        Err(_) => format!("Response times with {:.0} % of a processor.", found.share * 100.0),
    };
    chart.figure(&about("f2b", finding, "p50 and p99 over the offered rate, within a quota."))
}
