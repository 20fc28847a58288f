//! What limits it: what was in use, what moved it, and what a request costs.

use super::{
    answer::limit_sentence,
    words::{
        about, change, figure, known, not_measured, paragraph, percent, rate, section, signed,
        suspect_short, table, us,
    },
};
use crate::capacity::{
    analysis::attribution::{Reading, Suspect},
    figures::{
        Axis, Bar, BarLook, Bars, Column, Effect, Figure, Interval, Labels, Look, Panel, Point,
        Range, Reference, Series, Tone, Tornado, Unit, XyChart,
    },
    findings::{
        Findings,
        ablation::{BASELINE, Condition},
        limit::Planted,
        usage::{Loads, Usage},
    },
    page::{Block, Section},
};

pub(super) fn limits(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("limits", "What limits it");
    let is_empty = findings.loads.is_none()
        && findings.ablations.conditions.is_empty()
        && findings.cost.points.is_empty();
    if is_empty {
        return not_measured(id, heading, profile);
    }
    let mut blocks = vec![paragraph(limit_sentence(&findings.limit))];
    if let Some((at, loads)) = &findings.loads {
        blocks.push(usage(*at, loads));
    }
    blocks.extend(causes(findings));
    blocks.extend(planted(&findings.planted));
    if let Some(demand) = demand(findings) {
        blocks.push(figure(
            demand,
            "One point for each step of each trial that counts; ordinary least squares. The slope is what one more request \
             takes (its service demand), the intercept what is used without any; 95 % by Student’s *t*.",
        ));
    }
    blocks.extend(budget(findings));
    if let Some(tornado) = tornado(findings) {
        blocks.push(figure(
            tornado,
            "Change of the closed model’s answers per second against the relay as it is (bodies: against 2 KB; a limited upstream: \
             against misses); Welch’s *t* over trials, 95 %; grey where the interval has zero in it. No interval: too few trials.",
        ));
    }
    section(id, heading, blocks)
}

/// Utilisation, saturation and errors of each resource.
fn usage(at: f64, loads: &Loads) -> Block {
    let all = [&loads.relay, &loads.generator, &loads.upstream];
    let row = |name: &str, value: &dyn Fn(&Usage) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(all.map(|usage| usage.as_ref().map_or("n/a".to_owned(), value)));
        cells
    };
    let machine =
        |name: &str, value: String| vec![name.to_owned(), value, String::new(), String::new()];
    let rows = vec![
        row("processors", &|own| format!("{:.0}", own.processors)),
        row("used of them (U)", &|own| percent(own.utilisation())),
        row("user / kernel, s/s", &|own| format!("{:.2} / {:.2}", own.user, own.system)),
        row("busiest thread (U)", &|own| known(own.busiest_thread, percent)),
        row("waiting for a processor (S), s/s", &|own| format!("{:.3}", own.waiting)),
        row("switched away from (S), per s", &|own| rate(own.involuntary_switches)),
        row("resident memory, MB", &|own| format!("{:.1}", own.resident / 1e6)),
        row("open descriptors", &|own| format!("{:.0}", own.descriptors)),
        machine("machine: taken by the hypervisor (S)", known(loads.machine.steal, percent)),
        machine("machine: held back by a quota (S)", known(loads.machine.throttled, percent)),
        machine("machine: backlog full (E), per s", known(loads.machine.overflows, rate)),
        machine("machine: segments sent again (E), per s", known(loads.machine.retransmits, rate)),
    ];
    table(
        format!(
            "What was in use at {} requests per second, the highest valid rate: utilisation (U), saturation (S), errors (E)",
            rate(at)
        ),
        vec![
            Column::words("resource"),
            Column::numbers("relay"),
            Column::numbers("generator"),
            Column::numbers("upstream"),
        ],
        rows,
    )
}

fn reading(reading: Reading) -> &'static str {
    match reading {
        Reading::Confirms => "confirms",
        Reading::Partly => "partly",
        Reading::Contradicts => "speaks against",
        Reading::Inconclusive => "cannot tell",
    }
}

/// What was changed, and how the throughput moved.
fn causes(findings: &Findings) -> Vec<Block> {
    let attribution = &findings.limit.attribution;
    if attribution.evidence.is_empty() {
        return vec![paragraph(
            "Nothing was changed in at least three trials, so that nothing but use speaks for an answer, which is a hint and no proof.",
        )];
    }
    let rows = attribution.evidence.iter().map(|found| {
        let own = &found.perturbation;
        vec![
            own.id.clone(),
            suspect_short(own.suspect).to_owned(),
            if own.predicted.high < 100.0 {
                format!("{} to {}", signed(own.predicted.low), signed(own.predicted.high))
            } else {
                format!("more than {}", signed(own.predicted.low))
            },
            format!(
                "{} ({} to {})",
                signed(own.measured),
                signed(own.interval.low),
                signed(own.interval.high)
            ),
            reading(found.reading).to_owned(),
        ]
    });
    let names = |suspects: &[Suspect]| {
        let names: Vec<&str> = suspects.iter().map(|own| suspect_short(*own)).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    vec![
        table(
            "What was changed, by how much throughput should move if the suspect is what limits, and by how much it did (95 %)",
            vec![
                Column::words("change"),
                Column::words("suspect"),
                Column::numbers("foretold"),
                Column::numbers("measured"),
                Column::words("says"),
            ],
            rows.collect(),
        ),
        paragraph(format!(
            "Excluded: {}. Not decided: {}. Not tried: {}.",
            names(&attribution.excluded),
            names(&attribution.undecided),
            names(&attribution.untested)
        )),
    ]
}

/// Whether the method finds what was put there.
fn planted(planted: &[Planted]) -> Vec<Block> {
    if planted.is_empty() {
        return Vec::new();
    }
    let row = |own: &Planted| {
        let found = own.limit.by.map_or("not identified", |(by, _)| suspect_short(by));
        vec![
            own.name.to_owned(),
            suspect_short(own.suspect).to_owned(),
            change(&own.relief),
            found.to_owned(),
            own.by_use.map_or("—", suspect_short).to_owned(),
            if own.is_found() { "yes" } else { "no" }.to_owned(),
        ]
    };
    vec![
        Block::Heading("Does the method find what was put there?".to_owned()),
        table(
            "Bottlenecks on purpose: what taking each away does to throughput, and what is named as the limit",
            vec![
                Column::words("condition"),
                Column::words("put there"),
                Column::numbers("without it"),
                Column::words("named"),
                Column::words("by use alone"),
                Column::words("found"),
            ],
            planted.iter().map(row).collect(),
        ),
    ]
}

fn demand(findings: &Findings) -> Option<Figure> {
    let demand = findings.cost.demand?;
    let points = || findings.cost.points.iter();
    let of = |name: &str, tone, value: fn(&crate::capacity::findings::demand::CostPoint) -> f64| {
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
fn budget(findings: &Findings) -> Vec<Block> {
    let base = findings.ablations.get(BASELINE).and_then(Condition::mean_cost);
    let Some((base, _)) = base else { return Vec::new() };
    let conditions =
        || findings.ablations.conditions.iter().filter_map(|own| Some((own, own.mean_cost()?)));
    let rows = conditions().map(|(own, (cost, interval))| {
        vec![
            own.name.clone(),
            us(cost),
            interval.map_or("n/a".to_owned(), |found| {
                format!("{} to {}", us(found.low), us(found.high))
            }),
            format!("{}{} µs", if cost < base { "−" } else { "+" }, us((cost - base).abs())),
            known(own.kernel_share, percent),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let shown =
        ["floor", "no-metrics", "304", BASELINE, "log-debug", "stale", "miss", "new-connections"];
    let bars: Vec<Bar> = shown
        .iter()
        .filter_map(|name| findings.ablations.get(name))
        .filter_map(|own| {
            let (value, interval) = own.mean_cost()?;
            let interval =
                interval.map(|found| Interval { low: found.low.max(0.0), high: found.high });
            let tone = if own.name == BASELINE { Tone::Blue } else { Tone::Grey };
            Some(Bar { name: own.name.clone(), value, interval, tone })
        })
        .collect();
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
    let y = Axis::linear("processor time of an answer", Unit::Seconds).over(Range::FromZero);
    let chart =
        Bars { things: "condition".to_owned(), y, bars, look: BarLook::Bar, heights: Vec::new() };
    vec![
        Block::Heading("What a request costs".to_owned()),
        figure(
            chart.figure(&about("f7b", finding, "Processor time of an answer by condition.")),
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
            rows,
        ),
    ]
}

fn tornado(findings: &Findings) -> Option<Figure> {
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
