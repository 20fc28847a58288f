//! More than it can do, and what comes after: F12. And a steady load of
//! minutes.

use super::words::{
    about, counted, figure, known, ms, not_measured, paragraph, percent, rate, section, table,
};
use crate::capacity::{
    figures::{
        Axis, Column, Figure, Look, Panel, Point, Range, Reference, Series, Tone, Unit, timeline,
    },
    findings::{
        Findings,
        objective::USUAL,
        overload::{Overload, Second, Stage},
        soak::{Drift, Soak},
    },
    page::{Block, Section},
};

pub(super) fn overload(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("overload", "Overload and recovery");
    let Some(found) = &findings.overload else { return not_measured(id, heading, profile) };
    let mut blocks = Vec::new();
    if let Some(share) = found.share {
        blocks.push(paragraph(format!(
            "The relay had {:.0} % of a processor, by a quota: little enough for the generator to send three times what that can serve.",
            share * 100.0
        )));
    }
    blocks.push(figure(
        timeline_of(found),
        format!(
            "One trial, n = 1, one value for each interval; good answers are no errors; p99 where there are enough requests. Dashed: {USUAL}. Who could not be sent within a second, as no connection was free, gave up."
        ),
    ));
    if !found.stages.is_empty() {
        blocks.push(stages(&found.stages));
    }
    section(id, heading, blocks)
}

fn timeline_of(found: &Overload) -> Figure {
    let of = |name: &str, tone, value: &dyn Fn(&Second) -> Option<f64>| {
        let points = found.seconds.iter().filter_map(|own| Some(Point::new(own.at, value(own)?)));
        Series::new(name, tone, Look::Line, points)
    };
    let phases = || -> Vec<Reference> {
        let labels = found.stages.iter().skip(1);
        labels
            .map(|own| Reference::Place { x: own.from, label: format!("{}/s", rate(own.rate)) })
            .collect()
    };
    let panel = |y, series, references| Panel { y, series, references };
    let objective = Reference::Height { y: USUAL.limit.as_secs_f64(), label: USUAL.to_string() };
    let panels = vec![
        panel(
            Axis::linear("per second", Unit::Count).over(Range::FromZero),
            vec![
                of("offered", Tone::Grey, &|own| Some(own.offered)),
                of("good answers", Tone::Green, &|own| Some(own.good)),
            ],
            phases(),
        ),
        panel(
            Axis::log("p99", Unit::Seconds),
            vec![of("p99", Tone::Orange, &|own| own.p99)],
            vec![objective],
        ),
        panel(
            Axis::log("under way", Unit::Count),
            vec![of("under way", Tone::Blue, &|own| Some(own.in_flight))],
            Vec::new(),
        ),
    ];
    let finding = match found.recovered_after {
        Some(after) if after <= 0.0 => {
            "As soon as the load falls, the objective is met again.".to_owned()
        }
        Some(after) => {
            format!("{after:.1} s after the load falls, the objective is met again for good.")
        }
        None => "The objective was not met again before the trial ended.".to_owned(),
    };
    timeline(panels).figure(&about(
        "f12",
        finding,
        "Offered load, good answers, p99 and requests under way over time.",
    ))
}

fn stages(stages: &[Stage]) -> Block {
    let row = |own: &Stage| {
        vec![
            format!("{:.1} to {:.1}", own.from, own.until),
            rate(own.rate),
            rate(own.good),
            percent(own.good / own.rate),
            percent(own.error_share),
            percent(own.given_up),
            known(own.worst_p99, ms),
        ]
    };
    table(
        "What became of each stage of the load",
        vec![
            Column::numbers("seconds"),
            Column::numbers("asked, per s"),
            Column::numbers("good, per s"),
            Column::numbers("good of asked"),
            Column::numbers("errors"),
            Column::numbers("given up"),
            Column::numbers("worst p99, ms"),
        ],
        stages.iter().map(row).collect(),
    )
}

pub(super) fn soak(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("soak", "Minutes of a steady load");
    let Some(found) = &findings.soak else { return not_measured(id, heading, profile) };
    let mut blocks = vec![paragraph(format!(
        "{:.0} s at {} requests per second, 70 % of the highest rate: {}.",
        found.seconds,
        rate(found.throughput),
        counted(found.errors, "error", "errors")
    ))];
    if !found.drifts.is_empty() {
        blocks.push(figure(
            drift(found),
            "One trial, n = 1; slopes by Theil and Sen after the first fifth, 95 %.",
        ));
        blocks.push(slopes(&found.drifts));
    }
    section(id, heading, blocks)
}

fn drift(found: &Soak) -> Figure {
    let panels =
        found.drifts.iter().zip([Tone::Blue, Tone::Green, Tone::Orange]).map(|(own, tone)| {
            let y = if own.name.starts_with("p99") {
                Axis::log("p99", Unit::Seconds)
            } else {
                Axis::linear(own.name, Unit::Count).over(Range::FromZero)
            };
            let points = own.series.iter().map(|(at, value)| Point::new(*at, *value));
            Panel {
                y,
                series: vec![Series::new(own.name, tone, Look::Line, points)],
                references: Vec::new(),
            }
        });
    let growing: Vec<String> = found
        .drifts
        .iter()
        .filter_map(|own| {
            Some(format!("{} by {:.0} % an hour", own.name, own.growth_per_hour()? * 100.0))
        })
        .collect();
    let finding = if growing.is_empty() {
        "Nothing certainly grows.".to_owned()
    } else {
        format!("What grows: {}.", growing.join(", "))
    };
    timeline(panels.collect()).figure(&about(
        "f16",
        finding,
        "Memory, descriptors and p99 over time.",
    ))
}

fn slopes(drifts: &[Drift]) -> Block {
    let row = |own: &Drift| {
        let [first, last] =
            [own.series.first(), own.series.last()].map(|end| end.map(|(_, value)| *value));
        let hour = own.slope.map(|slope| {
            let [value, low, high] =
                [slope.value, slope.interval.low, slope.interval.high].map(|each| each * 3600.0);
            format!("{value:.3} ({low:.3} to {high:.3})")
        });
        let number = |value: f64| format!("{}", crate::capacity::analysis::significant(value, 4));
        vec![
            own.name.to_owned(),
            known(first, number),
            known(last, number),
            hour.unwrap_or("n/a".to_owned()),
        ]
    };
    table(
        "First and last values, and growth in an hour at the same pace (95 %)",
        vec![
            Column::words("what"),
            Column::numbers("first"),
            Column::numbers("last"),
            Column::numbers("per hour"),
        ],
        drifts.iter().map(row).collect(),
    )
}
