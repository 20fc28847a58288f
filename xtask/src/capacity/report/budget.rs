//! What a request costs, and what changes throughput: F7 and F11.

use super::words::{about, figure, known, percent, signed, table, us};
use crate::capacity::{
    figures::{
        Axis, Bar, BarLook, Bars, Column, Effect, Figure, Interval, Labels, Look, Panel, Point,
        Range, Reference, Series, Tone, Tornado, Unit, XyChart,
    },
    findings::{
        Findings,
        ablation::{BASELINE, Condition},
        demand::CostPoint,
    },
    page::Block,
};

pub(super) fn demand(findings: &Findings) -> Option<Figure> {
    let demand = findings.cost.demand?;
    let points = || findings.cost.points.iter();
    let of = |name: &str, tone, value: fn(&CostPoint) -> f64| {
        Series::new(
            name,
            tone,
            Look::Points,
            points().map(|own| Point::new(own.throughput, value(own))),
        )
    };
    let highest = points().map(|point| point.throughput).fold(0.0, f64::max);
    let line =
        [0.0, highest].map(|x| Point::new(x, demand.idle.value + demand.per_request.value * x));
    let chart = XyChart {
        x: Axis::linear("answers per second", Unit::Count).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::linear("processor seconds per second", Unit::Count).over(Range::FromZero),
            series: vec![
                of("all", Tone::Blue, |own| own.user + own.system),
                of("kernel", Tone::Orange, |own| own.system),
                of("user", Tone::Green, |own| own.user),
                Series::new("demand", Tone::Grey, Look::Model, line),
            ],
            references: vec![Reference::Height {
                y: findings.cost.processors,
                label: "all processors of the relay".to_owned(),
            }],
        }],
        labels: Labels::Legend,
    };
    let interval = demand.per_request.interval;
    let finding = format!(
        "A request takes {} µs of processor time (95 % CI {} to {}), {} of it in the kernel.",
        us(demand.per_request.value),
        us(interval.low),
        us(interval.high),
        known(findings.cost.kernel_share(), percent)
    );
    Some(chart.figure(&about(
        "f7",
        finding,
        "Processor time over answers per second, with a line.",
    )))
}

/// What a request costs under each condition.
pub(super) fn budget(findings: &Findings) -> Vec<Block> {
    let base = findings.ablations.get(BASELINE).and_then(Condition::mean_cost);
    let Some((base, _)) = base else { return Vec::new() };
    vec![
        Block::Heading("What a request costs".to_owned()),
        figure(
            costs(findings, base),
            "Closed model; processor time of the relay over answers, while the load was on; 95 % by Student’s *t* over trials.",
        ),
        table(
            "Processor time of an answer, in µs",
            vec![
                Column::words("condition"),
                Column::numbers("µs"),
                Column::numbers("95 % CI"),
                Column::numbers("against the baseline"),
                Column::numbers("in the kernel"),
            ],
            findings.ablations.conditions.iter().filter_map(|own| cost(own, base)).collect(),
        ),
    ]
}

/// A row of what a request costs.
fn cost(own: &Condition, base: f64) -> Option<Vec<String>> {
    let (cost, interval) = own.mean_cost()?;
    let sign = if cost < base { "−" } else { "+" };
    Some(vec![
        own.name.clone(),
        us(cost),
        interval
            .map_or("n/a".to_owned(), |found| format!("{} to {}", us(found.low), us(found.high))),
        format!("{sign}{} µs", us((cost - base).abs())),
        known(own.kernel_share, percent),
    ])
}

/// The conditions that are parts of the baseline, or more of the same.
const SHOWN: [&str; 7] =
    ["floor", "304", BASELINE, "log-debug", "stale", "miss", "new-connections"];

fn costs(findings: &Findings, base: f64) -> Figure {
    let bar = |own: &Condition| {
        let (value, interval) = own.mean_cost()?;
        let interval = interval.map(|found| Interval { low: found.low.max(0.0), high: found.high });
        let tone = if own.name == BASELINE { Tone::Blue } else { Tone::Grey };
        Some(Bar { name: own.name.clone(), value, interval, tone })
    };
    let shown = SHOWN.iter().filter_map(|name| findings.ablations.get(name));
    let floor = findings.ablations.get("floor").and_then(Condition::mean_cost);
    let finding = match floor {
        Some((floor, _)) if floor < base => format!(
            "Of the {} µs that a hit takes, {} µs are the floor of kernel and HTTP stack, and {} µs the relay’s own.",
            us(base),
            us(floor),
            us(base - floor)
        ),
        _ => format!("A hit takes {} µs of processor time.", us(base)),
    };
    let chart = Bars {
        things: "condition".to_owned(),
        y: Axis::linear("processor time of an answer", Unit::Seconds).over(Range::FromZero),
        bars: shown.filter_map(bar).collect(),
        look: BarLook::Bar,
        heights: Vec::new(),
    };
    chart.figure(&about("f7b", finding, "Processor time of an answer by condition."))
}

pub(super) fn tornado(findings: &Findings) -> Option<Figure> {
    let effects: Vec<Effect> = findings
        .ablations
        .effects()
        .into_iter()
        .map(|own| {
            let interval = own.throughput.interval;
            let interval = interval.map(|found| Interval { low: found.low, high: found.high });
            let name = if own.against == BASELINE {
                own.name
            } else {
                format!("{} / {}", own.name, own.against)
            };
            Effect { name, change: own.throughput.value, interval }
        })
        .collect();
    let strongest = effects.iter().max_by(|a, b| a.change.abs().total_cmp(&b.change.abs()))?;
    let finding =
        format!("{} moves throughput most: {}.", strongest.name, signed(strongest.change));
    let chart = Tornado {
        change: Axis::linear("change of answers per second", Unit::Change),
        baseline: "as it is".to_owned(),
        effects,
    };
    Some(chart.figure(&about(
        "f11",
        finding,
        "What changes throughput, and how far, the strongest first.",
    )))
}
