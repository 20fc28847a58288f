//! How much the answer depends on what was held fixed.

use super::words::{
    change, grouped, known, not_measured, paragraph, percent, rate, section, table, us,
};
use crate::capacity::{
    figures::Column,
    findings::{Findings, ablation::BASELINE},
    page::Section,
};

pub(super) fn sensitivity(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("sensitivity", "Sensitivity");
    let ablations = &findings.ablations;
    if ablations.conditions.is_empty() {
        return not_measured(id, heading, profile);
    }
    let effects = ablations.effects();
    let rows = ablations.conditions.iter().map(|own| {
        let effect = effects.iter().find(|effect| effect.name == own.name);
        vec![
            own.name.clone(),
            grouped(own.bytes),
            rate(own.mean_throughput()),
            effect.map_or("—".to_owned(), |found| change(&found.throughput)),
            effect.map_or("—", |found| found.against).to_owned(),
            known(own.mean_cost().map(|(cost, _)| cost), us),
            percent(own.error_share),
        ]
    });
    let columns = vec![
        Column::words("condition"),
        Column::numbers("body, bytes"),
        Column::numbers("answers per s"),
        Column::numbers("change (95 %)"),
        Column::words("against"),
        Column::numbers("µs each"),
        Column::numbers("errors"),
    ];
    let mut blocks = vec![
        paragraph(
            "The same closed model under other conditions, one changed at a time. What the answer at the top says holds for the \
             baseline; the change says what to take off or add for another body, without keep-alive, or with another log.",
        ),
        table("Every condition (Welch’s *t* over trials)", columns, rows.collect()),
    ];
    let bodies: Vec<String> = ["body-20000", "body-200000", "new-connections", "log-debug"]
        .iter()
        .filter_map(|name| effects.iter().find(|effect| effect.name == *name))
        .filter(|effect| effect.throughput.is_certain())
        .map(|effect| format!("{} {}", effect.name, super::words::signed(effect.throughput.value)))
        .collect();
    if !bodies.is_empty() && ablations.get(BASELINE).is_some() {
        blocks.push(paragraph(format!("What certainly matters: {}.", bodies.join(", "))));
    }
    section(id, heading, blocks)
}
