//! Instances from one to a thousand, simulated; what follows for memory and
//! network, and what to watch.

use super::{
    cache::bounds,
    words::{about, figure, known, ms, paragraph, percent, rate, section, signed, table, us},
};
use crate::capacity::{
    analysis::{
        real,
        simulate::{Outcome, Sharing},
    },
    figures::{
        Axis, Column, Figure, Labels, Look, Panel, Point, Reference, Series, Tone, Unit, XyChart,
    },
    findings::{
        Findings,
        fleet::{Fleet, UTILISATION},
    },
    page::{Block, Callout, Prose, Section},
};

pub(super) fn simulation(findings: &Findings) -> Option<Section> {
    let fleet = findings.fleet.as_ref()?;
    let relay = &fleet.relay;
    let error = match fleet.error {
        Some(error) => format!("The model of one instance foretells the fastest step that it was not shown with an error of {}.", signed(error)),
        None => "How well the model of one instance foretells a step that it was not shown is not known: too few steps are below \
                 80 %, or that one is beyond what the others allow.".to_owned(),
    };
    let blocks = vec![
        Block::Callout {
            kind: Callout::Caution,
            text: Prose::marked(&format!(
                "**Simulated, not measured.** {error} Extrapolated far beyond what was measured: read orders of magnitude."
            )),
        },
        paragraph(format!(
            "Each instance has {} and takes {} µs for a request, as measured here; the site has {} keys that are fresh for {} s, before \
             an upstream that takes {} ms and allows {} requests per second. Load is {} of the fleet’s processor time, spread by chance.",
            super::words::counted(relay.cores, "processor", "processors"),
            us(relay.service),
            relay.keys,
            relay.ttl,
            ms(relay.upstream_latency),
            known(relay.upstream_limit, rate),
            percent(UTILISATION)
        )),
        figure(
            upstream(fleet),
            "Discrete events, one run of each, seeded; the dashed line is what the upstream allows.",
        ),
        outcomes(fleet),
    ];
    Some(section("simulation", "One to a thousand instances (simulated)", blocks))
}

fn upstream(fleet: &Fleet) -> Figure {
    let of = |sharing: Sharing| {
        let own = fleet.outcomes.iter().filter(move |outcome| outcome.fleet.sharing == sharing);
        own.map(|outcome| Point::new(real(outcome.fleet.instances), outcome.upstream_rate))
            .collect::<Vec<_>>()
    };
    let limit = fleet.relay.upstream_limit;
    let references =
        limit.map(|y| Reference::Height { y, label: "what the upstream allows".to_owned() });
    let chart = XyChart {
        x: Axis::log("instances", Unit::Whole),
        panels: vec![Panel {
            y: Axis::log("requests per second upstream", Unit::Count),
            series: vec![
                Series::new(
                    "private caches",
                    Tone::Orange,
                    Look::LineAndPoints,
                    of(Sharing::Private),
                ),
                Series::new("a shared tier", Tone::Blue, Look::LineAndPoints, of(Sharing::Shared)),
            ],
            references: references.into_iter().collect(),
        }],
        labels: Labels::Legend,
    };
    let over = fleet.outcomes.iter().find(|outcome| {
        outcome.fleet.sharing == Sharing::Private
            && limit.is_some_and(|limit| 0.95 * limit <= outcome.upstream_rate)
    });
    let finding = match over {
        Some(outcome) => format!(
            "From {} instances on private caches use up what the upstream allows; a shared tier asks the same whatever their number.",
            outcome.fleet.instances
        ),
        None => {
            "Private caches ask more of the upstream with every instance; a shared tier does not."
                .to_owned()
        }
    };
    chart.figure(&about("f17", finding, "Requests per second upstream over instances, simulated."))
}

fn outcomes(fleet: &Fleet) -> Block {
    let row = |outcome: &Outcome| {
        let tier = match outcome.fleet.sharing {
            Sharing::Private => "private",
            Sharing::Shared => "shared",
        };
        vec![
            outcome.fleet.instances.to_string(),
            tier.to_owned(),
            rate(outcome.fleet.rate),
            rate(outcome.upstream_rate),
            percent(outcome.hit_ratio),
            percent(outcome.stale),
            known(outcome.p50, ms),
            known(outcome.p99, ms),
        ]
    };
    table(
        "Simulated fleets",
        vec![
            Column::numbers("instances"),
            Column::words("caches"),
            Column::numbers("requests per s"),
            Column::numbers("upstream per s"),
            Column::numbers("from a copy"),
            Column::numbers("copies stale"),
            Column::numbers("p50, ms"),
            Column::numbers("p99, ms"),
        ],
        fleet.outcomes.iter().map(row).collect(),
    )
}

/// What was measured says of production, and what was not.
pub(super) fn production(findings: &Findings) -> Section {
    let mut thoughts = bounds(findings);
    if let Some(memory) = memory(findings) {
        thoughts.push(memory);
    }
    let add = [
        "**Processor** above 70 % of the relay’s processors, or p99 above half of its objective at the peak: add an instance, or give it another processor.",
        "**Run-queue delay** or **throttling** that grows while processor use does not: raise the quota, not the number of instances.",
        "`lunch_relay_upstream_queued_total` or `lunch_relay_upstream_shed_total` growing: the upstream’s limit is the limit. Longer lifetimes, or a cache that instances share; more instances make it worse.",
        "`lunch_relay_store_used_bytes` near `lunch_relay_store_bound_bytes`: entries are evicted before they expire. More memory for each instance.",
        "`lunch_relay_connections_refused_total` growing, or `ListenOverflows`: more connections than it may have. Raise the cap, or add an instance.",
        "Requests upstream of more than `instances · keys / ttl` per second: keys that differ in what does not matter; look at the URIs.",
    ];
    let blocks = vec![
        Block::List(thoughts.iter().map(|text| Prose::marked(text)).collect()),
        Block::Heading("What to watch, and what to add when".to_owned()),
        Block::List(add.iter().map(|text| Prose::marked(text)).collect()),
    ];
    section("production", "What follows for production", blocks)
}

fn memory(findings: &Findings) -> Option<String> {
    let relay = findings.loads.as_ref()?.1.relay.as_ref()?;
    let each = findings.bytes_per_entry.map(|bytes| {
        format!(
            " A stored answer takes {} bytes in the store, so that a gigabyte holds {} of them.",
            super::words::grouped(bytes),
            rate(1e9 / bytes)
        )
    });
    Some(format!(
        "**Memory.** The relay had at most {:.0} MB resident at its highest valid rate.{}",
        relay.resident / 1e6,
        each.unwrap_or_default()
    ))
}
