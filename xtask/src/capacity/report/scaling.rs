//! How throughput grows: with users, cores and instances. F9 and F10.

use super::words::{about, counted, figure, not_measured, paragraph, rate, section, table};
use crate::capacity::{
    analysis::{
        real,
        usl::choice::{Choice, Shape},
        whole,
    },
    figures::{
        Axis, Column, Figure, Labels, Look, Panel, Point, Range, Reference, Series, Tone, Unit,
        XyChart,
    },
    findings::{
        Findings,
        fleet::{Keys, Tier, Upstream, upstream_in_closed_form},
        levels::{Level, Scaling},
    },
    page::{Block, Section},
};

pub(super) fn concurrency(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("concurrency", "Concurrency");
    let levels = &findings.users;
    let Some(best) = levels.best() else { return not_measured(id, heading, profile) };
    // More than these add nothing that could be told from chance.
    let enough = |level: &&Level| 0.97 * best.throughput() <= level.throughput();
    let enough = levels.levels.iter().find(enough).unwrap_or(best);
    let finding = format!(
        "{} are enough for {} answers per second: more add nothing.",
        counted(whole(enough.load), "user", "users"),
        rate(enough.throughput())
    );
    let chart = growth(levels, Axis::log("users", Unit::Whole), "closed model");
    section(
        id,
        heading,
        vec![
            figure(
                chart.figure(&about(
                    "f9a",
                    finding,
                    "Answers per second over the users of a closed model.",
                )),
                format!(
                    "Closed model: each user waits for its answer. {}; 95 % by Student’s *t* over trials.",
                    n(levels)
                ),
            ),
            paragraph(law(levels, "users")),
        ],
    )
}

fn n(levels: &Scaling) -> String {
    let trials = levels.levels.iter().map(|level| level.trials.len()).max().unwrap_or(0);
    format!("n = {} at each level", counted(trials, "trial", "trials"))
}

/// Levels with their law, dashed beyond the data up to twice as far.
fn growth(levels: &Scaling, x: Axis, name: &str) -> XyChart {
    let points = levels.levels.iter().map(|level| {
        let point = Point::new(level.load, level.throughput());
        match level.interval() {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        }
    });
    let mut series = vec![Series::new(name, Tone::Blue, Look::LineAndPoints, points)];
    let mut references = Vec::new();
    if let (Ok(choice), Some(first)) = (&levels.law, levels.levels.first()) {
        let (from, to) = (first.load, 2.0 * choice.highest_load);
        let curve = (0..=60).map(|part| {
            let load = from * libm::pow(to / from, real(part) / 60.0);
            Point::new(load, choice.best.law.throughput(load))
        });
        series.push(Series::new(shape(choice.best.shape), Tone::Grey, Look::Model, curve));
        references
            .push(Reference::Beyond { x: choice.highest_load, label: "extrapolated".to_owned() });
    }
    let y = Axis::linear("answers per second", Unit::Count).over(Range::FromZero);
    XyChart { x, panels: vec![Panel { y, series, references }], labels: Labels::Legend }
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Linear => "a straight line",
        Shape::Amdahl => "Amdahl’s law",
        Shape::Usl => "the universal scalability law",
    }
}

fn law(levels: &Scaling, what: &str) -> String {
    let choice: &Choice = match &levels.law {
        Ok(choice) => choice,
        Err(why) => {
            return format!(
                "Not identifiable, bounds only: {why}. The most that was seen is {} per second, and {} for each of the {what}.",
                rate(why.at_least),
                rate(why.per_load_at_most)
            );
        }
    };
    let coefficient =
        |name: &str, found: Option<crate::capacity::analysis::usl::choice::Coefficient>| {
            let found = found?;
            let zero = if found.may_be_zero() { ", which may as well be 0" } else { "" };
            let [value, low, high] = [found.value, found.interval.low, found.interval.high]
                .map(|number| crate::capacity::analysis::significant(number, 3));
            Some(format!("{name} = {value} (95 % CI {low} to {high}{zero})"))
        };
    let best = &choice.best;
    let coefficients: Vec<String> = [
        coefficient("λ", Some(best.lambda)),
        coefficient("σ", best.sigma),
        coefficient("κ", best.kappa),
    ]
    .into_iter()
    .flatten()
    .collect();
    let peak = match (best.kappa, best.law.peak()) {
        (Some(kappa), Some(peak))
            if !kappa.may_be_zero() && peak.load <= 2.0 * choice.highest_load =>
        {
            format!(" It is highest at {:.0} {what}.", peak.load)
        }
        _ => " No peak is claimed.".to_owned(),
    };
    format!(
        "Of a straight line, Amdahl’s law and the universal scalability law, {} fits best by AICc: {}.{peak}",
        shape(best.shape),
        coefficients.join(", ")
    )
}

pub(super) fn cores(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("cores", "Scaling over cores");
    let mut blocks = workers(&findings.cores);
    blocks.extend(shares(&findings.shares));
    if blocks.is_empty() {
        not_measured(id, heading, profile)
    } else {
        section(id, heading, blocks)
    }
}

/// Throughput by workers, if there were processors for more than one.
fn workers(levels: &Scaling) -> Vec<Block> {
    let [first, .., last] = &levels.levels[..] else {
        return levels.levels.first().map(only_one).into_iter().collect();
    };
    let finding = format!(
        "From {} to {}, answers per second go from {} to {}.",
        counted(whole(first.load), "worker", "workers"),
        last.load,
        rate(first.throughput()),
        rate(last.throughput())
    );
    let x = Axis::linear("workers", Unit::Whole).over(Range::FromZero);
    let chart = growth(levels, x, "measured");
    vec![
        figure(
            chart.figure(&about("f9", finding, "Answers per second over the relay’s workers.")),
            format!(
                "Closed model, 32 users for each worker, `--workers` as far as there are processors. {}; 95 % by Student’s *t*.",
                n(levels)
            ),
        ),
        paragraph(law(levels, "workers")),
        figure(efficiency(levels), "X(n) / (n · X(1)) of the means above."),
    ]
}

fn only_one(level: &Level) -> Block {
    paragraph(format!(
        "There was one level: with {} the relay answers {} requests per second. Nothing can be said of more.",
        counted(whole(level.load), "worker", "workers"),
        rate(level.throughput())
    ))
}

/// Throughput by shares of one processor: how it grows with processor time.
fn shares(levels: &Scaling) -> Vec<Block> {
    let [first, .., last] = &levels.levels[..] else { return Vec::new() };
    let finding = format!(
        "From {:.0} % to {:.0} % of a processor, answers per second go from {} to {}.",
        first.load * 100.0,
        last.load * 100.0,
        rate(first.throughput()),
        rate(last.throughput())
    );
    let x = Axis::linear("share of a processor", Unit::Ratio).over(Range::FromZero);
    let chart = growth(levels, x, "measured");
    vec![
        Block::Heading("Shares of one processor".to_owned()),
        figure(
            chart.figure(&about(
                "f9c",
                finding,
                "Answers per second over the relay’s share of a processor.",
            )),
            format!(
                "Closed model; the relay held to a share of one processor by a quota. {}; 95 % by Student’s *t*.",
                n(levels)
            ),
        ),
        paragraph(law(levels, "processors")),
    ]
}

fn efficiency(levels: &Scaling) -> Figure {
    let shares = levels.efficiency();
    let finding = match shares.last() {
        Some((load, share)) => {
            format!("Each of {load} workers does {:.0} % of what one does alone.", share * 100.0)
        }
        None => "Efficiency by workers.".to_owned(),
    };
    let points = shares.iter().map(|(load, share)| Point::new(*load, *share));
    let chart = XyChart {
        x: Axis::linear("workers", Unit::Whole).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::linear("efficiency", Unit::Ratio).over(Range::FromZero),
            series: vec![Series::new("efficiency", Tone::Blue, Look::LineAndPoints, points)],
            references: vec![Reference::Height { y: 1.0, label: "linear".to_owned() }],
        }],
        labels: Labels::Legend,
    };
    chart.figure(&about("f10", finding, "Throughput per worker as a share of that of one."))
}

pub(super) fn instances(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("instances", "Scaling over instances");
    if findings.tiers.is_empty() {
        return not_measured(id, heading, profile);
    }
    let mut blocks = Vec::new();
    for tier in &findings.tiers {
        blocks.extend(self::tier(tier));
    }
    if !findings.tiers.iter().any(|tier| tier.name == "shared") {
        blocks.push(paragraph(
            "Instances that share a cache were not measured: neither Valkey nor Redis was there to share.",
        ));
    }
    let relay = findings.fleet.as_ref().map(|fleet| fleet.relay);
    let example = relay.map_or_else(String::new, |relay| {
        format!(
            " For {} keys of {} s that is {} requests per second upstream for one instance, and {} for ten.",
            relay.keys,
            relay.ttl,
            rate(upstream_in_closed_form(&relay, 1)),
            rate(upstream_in_closed_form(&relay, 10))
        )
    });
    blocks.push(paragraph(format!(
        "Private caches ask for each key themselves: at most `instances · keys / ttl` requests per second upstream, while a \
         shared cache asks `keys / ttl` however many there are. Crowds for one key are one request for each copy.{example}"
    )));
    section(id, heading, blocks)
}

fn tier(tier: &Tier) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(format!("Caches: {}", tier.name))];
    if let (Some(first), Some(last)) = (tier.scaling.levels.first(), tier.scaling.levels.last()) {
        let finding = format!(
            "{} answer {} requests per second together, where {} answered {}, on the same processors.",
            counted(whole(last.load), "instance", "instances"),
            rate(last.throughput()),
            first.load,
            rate(first.throughput())
        );
        let chart = growth(
            &tier.scaling,
            Axis::linear("instances", Unit::Whole).over(Range::FromZero),
            "measured",
        );
        blocks.push(figure(
            chart.figure(&about(&format!("f9-{}", tier.name), finding, "Answers per second over instances.")),
            format!("Closed model on hits, a generator for each instance, merged; {}. All share this machine’s processors, so that this is overhead, not what more machines give.", n(&tier.scaling)),
        ));
        blocks.push(paragraph(law(&tier.scaling, "instances")));
    }
    if !tier.upstream.is_empty() {
        blocks.push(upstream(&tier.upstream));
    }
    blocks
}

fn upstream(seen: &[Upstream]) -> Block {
    let row = |own: &Upstream| {
        let keys = match own.keys {
            Keys::One => "one",
            Keys::Many => "many",
        };
        vec![
            own.instances.to_string(),
            keys.to_owned(),
            rate(own.per_second),
            rate(own.per_thousand),
        ]
    };
    table(
        "What the upstream saw: each private cache asks for what has expired",
        vec![
            Column::numbers("instances"),
            Column::words("different URIs"),
            Column::numbers("upstream, per s"),
            Column::numbers("per 1,000 of clients"),
        ],
        seen.iter().map(row).collect(),
    )
}
