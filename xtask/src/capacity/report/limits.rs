//! What limits it: what was in use, what moved it, and what was put there.

use super::{
    answer::limit_sentence,
    budget::{budget, demand, tornado},
    words::{
        change, figure, known, not_measured, paragraph, percent, rate, section, signed,
        suspect_short, table,
    },
};
use crate::capacity::{
    analysis::attribution::{Evidence, Reading, Suspect},
    figures::Column,
    findings::{
        Findings,
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

/// A row of what was changed.
fn cause(found: &Evidence) -> Vec<String> {
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
}

/// What was changed, and how the throughput moved.
fn causes(findings: &Findings) -> Vec<Block> {
    let attribution = &findings.limit.attribution;
    if attribution.evidence.is_empty() {
        return vec![paragraph(
            "Nothing was changed in at least three trials, so that nothing but use speaks for an answer, which is a hint and no proof.",
        )];
    }
    let rows = attribution.evidence.iter().map(cause);
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
