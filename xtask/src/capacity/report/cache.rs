//! What the cache spares the upstream: F14.

use super::words::{
    about, counted, figure, grouped, known, not_measured, paragraph, rate, section, table,
};
use crate::capacity::{
    analysis::real,
    figures::{Axis, Bar, BarLook, Bars, Column, Figure, Range, Tone, Unit},
    findings::{Findings, cache::Scenario},
    page::{Block, Section},
};

pub(super) fn cache(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("cache", "Cache behaviour");
    if findings.scenarios.is_empty() {
        return not_measured(id, heading, profile);
    }
    let mut blocks = Vec::new();
    if let Some(cold) = findings.scenarios.iter().find(|own| own.name == "cold") {
        blocks.push(paragraph(cold_start(cold)));
    }
    if let Some(chart) = coalescing(&findings.scenarios) {
        blocks.push(figure(
            chart,
            "One trial of each, n = 1; requests upstream by the relay’s own count, over those that clients sent.",
        ));
    }
    blocks.push(scenarios(&findings.scenarios));
    let events: Vec<String> = findings
        .scenarios
        .iter()
        .flat_map(|own| {
            own.events.iter().map(move |(at, what)| format!("{}: {what} after {at:.1} s", own.name))
        })
        .collect();
    if !events.is_empty() {
        blocks.push(paragraph(format!("What was done meanwhile: {}.", events.join("; "))));
    }
    section(id, heading, blocks)
}

fn cold_start(cold: &Scenario) -> String {
    let upstream = cold.upstream.map_or_else(
        || "an unknown number of requests".to_owned(),
        |count| {
            format!(
                "{} {}",
                grouped(count),
                if (count - 1.0).abs() < 0.5 { "request" } else { "requests" }
            )
        },
    );
    format!(
        "{} users came at once to an empty cache, before an upstream that takes a second: {}, {upstream} to the upstream, the \
         slowest answer after {}.",
        cold.users,
        counted(cold.errors, "error", "errors"),
        known(cold.slowest, |seconds| format!("{seconds:.2} s"))
    )
}

fn coalescing(scenarios: &[Scenario]) -> Option<Figure> {
    let bars: Vec<Bar> = scenarios
        .iter()
        .filter_map(|own| {
            let value = own.upstream_per_thousand()?;
            Some(Bar { name: own.name.clone(), value, interval: None, tone: Tone::Blue })
        })
        .collect();
    let worst = bars.iter().max_by(|a, b| a.value.total_cmp(&b.value))?;
    let finding = format!(
        "Of 1,000 requests of clients at most {} reach the upstream ({}).",
        rate(worst.value),
        worst.name
    );
    let y = Axis::linear("upstream requests per 1,000", Unit::Count).over(Range::FromZero);
    let chart =
        Bars { things: "scenario".to_owned(), y, bars, look: BarLook::Bar, heights: Vec::new() };
    Some(chart.figure(&about(
        "f14",
        finding,
        "Requests upstream for every thousand of clients, by scenario.",
    )))
}

fn scenarios(scenarios: &[Scenario]) -> Block {
    #[expect(clippy::cast_precision_loss, reason = "requests of a minute")]
    let row = |own: &Scenario| {
        let share = own.errors as f64 / own.requests.max(1) as f64;
        vec![
            format!("{}: {}", own.name, own.words()),
            own.users.to_string(),
            grouped(own.requests as f64),
            format!("{} ({})", grouped(own.errors as f64), super::words::percent(share)),
            known(own.upstream, grouped),
            known(own.upstream_per_thousand(), rate),
            known(own.p99, |seconds| format!("{seconds:.3}")),
            known(own.slowest, |seconds| format!("{seconds:.2}")),
        ]
    };
    table(
        "Crowds for one URI: what clients and the upstream saw",
        vec![
            Column::words("scenario"),
            Column::numbers("users"),
            Column::numbers("requests"),
            Column::numbers("errors"),
            Column::numbers("upstream"),
            Column::numbers("per 1,000"),
            Column::numbers("p99, s"),
            Column::numbers("slowest, s"),
        ],
        scenarios.iter().map(row).collect(),
    )
}

/// Memory of one stored answer and what the network allows, as far as it was
/// measured: thoughts on scale.
pub(super) fn bounds(findings: &Findings) -> Vec<String> {
    let mut bounds = Vec::new();
    let base = findings.ablations.get("body-2000").or_else(|| findings.ablations.get("baseline"));
    if let Some(own) = base.filter(|own| 0.0 < own.bytes) {
        // A head of some 400 bytes, and what Ethernet, IP and TCP add to 1,448.
        let wire = (own.bytes + 400.0) * 1538.0 / 1448.0;
        bounds.push(format!(
            "**Network.** An answer of {} bytes is some {} bytes on the wire: a link of 1 Gbit/s carries {} of them per second, \
             one of 10 Gbit/s {}.",
            grouped(own.bytes),
            grouped(wire),
            rate(1e9 / 8.0 / wire),
            rate(1e10 / 8.0 / wire)
        ));
    }
    if let Some(cost) = findings.cost.bound() {
        bounds.push(format!(
            "**Processor.** The processors allow {} requests per second, {} for each.",
            rate(cost),
            rate(cost / findings.cost.processors.max(real(1)))
        ));
    }
    bounds
}
