//! Whether the measurement is sound: the steps, F8, F13 and the self-checks.

use super::words::{about, figure, known, ms, not_measured, percent, rate, section, signed, table};
use crate::capacity::{
    analysis::{little::LITTLE_TOLERANCE, real},
    figures::{
        Axis, Column, Figure, Labels, Look, Panel, Point, Range, Reference, Series, Tone, Unit,
        XyChart, ecdf,
    },
    findings::{
        Findings,
        checks::{Outcome, SelfCheck},
        ramp::RampStep,
    },
    loaded::Loaded,
    page::{Block, Section},
};
use loadgen::verdict::Verdict;

pub(super) fn validity(loaded: &Loaded, findings: &Findings) -> Section {
    let mut blocks = vec![checks(&findings.checks)];
    if findings.ramp.is_empty() {
        return not_measured("validity", "Is the measurement sound?", &loaded.raw.profile);
    }
    blocks.push(steps(loaded, findings));
    if let Some(residuals) = residuals(findings) {
        blocks.push(figure(residuals, "One point for each step of each trial that counts; L as it was counted over time, X answers per second, R the mean service time. The range is ± 3 %."));
    }
    if let Some(lateness) = lateness(findings) {
        blocks.push(figure(lateness, "From when a request was due and a connection free to when it was sent, all trials together. The first millisecond counts as on time."));
    }
    section("validity", "Is the measurement sound?", blocks)
}

fn checks(checks: &[SelfCheck]) -> Block {
    let row = |check: &SelfCheck| {
        let outcome = match check.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::NotMeasured => "not measured",
        };
        vec![check.name.to_owned(), outcome.to_owned(), check.detail.clone()]
    };
    table(
        "Self-checks: one that fails makes `cargo xtask capacity` end with an error",
        vec![Column::words("what has to hold"), Column::words("outcome"), Column::words("numbers")],
        checks.iter().map(row).collect(),
    )
}

fn steps(loaded: &Loaded, findings: &Findings) -> Block {
    let ceiling = loaded.raw.calibration.ceiling_rate;
    let row = |step: &RampStep| {
        let count = |verdict| step.verdicts.iter().filter(|found| **found == verdict).count();
        let little = findings.laws.iter().filter(|(rate, _)| rate.total_cmp(&step.rate).is_eq());
        let worst = little.map(|(_, check)| check.relative_error()).reduce(f64::max);
        vec![
            rate(step.rate),
            rate(step.throughput()),
            rate(step.goodput),
            known(step.quantile(0.5), ms),
            known(step.quantile(0.99), ms),
            percent(step.error_share),
            percent(step.rate / ceiling),
            known(worst, percent),
            format!(
                "{} / {} / {}",
                count(Verdict::Valid),
                count(Verdict::Suspect),
                count(Verdict::GeneratorLimited)
            ),
            step.reasons.first().cloned().unwrap_or_default(),
        ]
    };
    let numbers = [
        "offered/s",
        "answered/s",
        "good/s",
        "p50 ms",
        "p99 ms",
        "errors",
        "of the ceiling",
        "Little",
        "valid / suspect / limited",
    ];
    let mut columns = numbers.map(Column::numbers).to_vec();
    columns.push(Column::words("the generator says"));
    table(
        format!(
            "The ramp. *Of the ceiling*: of the {} requests per second up to which the generator alone is on time. A rate at which it was the limit in any trial is shown, but not counted.",
            rate(ceiling)
        ),
        columns,
        findings.ramp.iter().map(row).collect(),
    )
}

fn residuals(findings: &Findings) -> Option<Figure> {
    let error = |check: &crate::capacity::analysis::little::Check| {
        (check.expected - check.measured) / check.measured
    };
    let points: Vec<Point> =
        findings.laws.iter().map(|(rate, check)| Point::new(*rate, error(check))).collect();
    let worst = points.iter().max_by(|a, b| a.y.abs().total_cmp(&b.y.abs()))?.y;
    let finding =
        format!("Little’s law is off by {} at most, of ± 3 % that are allowed.", signed(worst));
    let chart = XyChart {
        x: Axis::linear("offered rate (req/s)", Unit::Count).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::linear("(X·R − L) / L", Unit::Change).over(Range::Data),
            series: vec![Series::new("residual", Tone::Blue, Look::Points, points)],
            references: vec![Reference::Upward {
                from: -LITTLE_TOLERANCE,
                to: LITTLE_TOLERANCE,
                label: "allowed".to_owned(),
            }],
        }],
        labels: Labels::Legend,
    };
    Some(chart.figure(&about(
        "f8",
        finding,
        "By how much Little’s law is off at each step that counts.",
    )))
}

/// The generator's own lateness at the lowest, a middle and the highest rate.
fn lateness(findings: &Findings) -> Option<Figure> {
    let last = findings.ramp.len().checked_sub(1)?;
    let mut chosen = vec![0, last / 2, last];
    chosen.dedup();
    let samples: Vec<(String, Tone, Vec<f64>)> = chosen
        .iter()
        .zip([Tone::Green, Tone::Blue, Tone::Orange])
        .filter_map(|(index, tone)| {
            let step = &findings.ramp[*index];
            let quantile = |part: usize| {
                step.lateness.rough_quantile((real(part) + 0.5) / 400.0).as_secs_f64()
            };
            let name = format!("{}/s", rate(step.rate));
            (!step.lateness.is_empty()).then(|| (name, tone, (0..400).map(quantile).collect()))
        })
        .collect();
    let worst =
        findings.ramp.iter().filter(|step| step.counts()).filter_map(|step| {
            Some((step.lateness.quantile(0.99)?.seen().as_secs_f64(), step.rate))
        });
    let finding = match worst.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((late, at)) => format!(
            "At rates that count the generator is late by {} ms at p99 at most, at {} requests per second.",
            ms(late),
            rate(at)
        ),
        None => "The generator was late at every rate.".to_owned(),
    };
    let references = vec![Reference::Place { x: 0.001, label: "late".to_owned() }];
    let x = Axis::log("the generator’s own lateness", Unit::Seconds);
    (!samples.is_empty()).then(|| {
        ecdf(x, &samples, references).figure(&about(
            "f13",
            finding,
            "Which share of the requests was sent how late.",
        ))
    })
}
