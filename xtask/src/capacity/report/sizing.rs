//! How many instances are needed.

use super::{
    answer::UTILISATION,
    words::{counted, paragraph, rate, section, table},
};
use crate::capacity::{
    analysis::{
        isotonic::{Capacity, Crossing},
        sizing::{self, Instances, Need},
        whole,
    },
    figures::Column,
    findings::{
        Findings,
        objective::{Objective, USUAL},
    },
    page::{self, Block, Calculator, Section},
};

/// Rates that the table has.
const RATES: [f64; 7] = [100.0, 1_000.0, 5_000.0, 20_000.0, 50_000.0, 100_000.0, 1_000_000.0];

/// The rate of the answer's line, unless another is asked for.
const EXAMPLE: f64 = 100_000.0;

fn need(peak: f64) -> Need {
    Need { peak, growth: 0.0, target_utilisation: UTILISATION, spare: 1 }
}

/// Instances as a sentence has them.
fn words(found: Instances) -> String {
    if found.low == found.high {
        counted(found.median, "instance", "instances")
    } else {
        format!("{} instances (95 % CI {} to {})", found.median, found.low, found.high)
    }
}

/// The line of the answer.
pub(super) fn line(findings: &Findings) -> Option<String> {
    need_line(findings.capacity().ok()?, USUAL, EXAMPLE)
        .map(|line| format!("{line} Other rates: [how many](#sizing)."))
}

/// How many instances serve a rate within an objective, one to spare.
pub fn need_line(capacity: &Capacity, objective: Objective, target: f64) -> Option<String> {
    let found = need(target).distribution(&capacity.draws)?;
    let bound = match capacity.crossing {
        Crossing::At(_) => "",
        Crossing::Above(_) => "at most ",
        Crossing::Below(_) => "more than ",
    };
    Some(format!(
        "For {} requests per second with {objective}, run **{bound}{}**: each at up to 70 % of its {} requests per second, one to spare.",
        rate(target),
        words(found),
        rate(capacity.crossing.rate())
    ))
}

pub(super) fn sizing(findings: &Findings) -> Section {
    let (id, heading) = ("sizing", "How many instances?");
    let known: Vec<(Objective, &Capacity)> = findings
        .capacities
        .iter()
        .filter_map(|(objective, found)| Some((*objective, found.as_ref().ok()?)))
        .filter(|(_, found)| !matches!(found.crossing, Crossing::Below(_)))
        .collect();
    let Some((objective, capacity)) = known.first() else {
        let why = "What one instance can do is not known, so that nothing follows from it.";
        return section(id, heading, vec![paragraph(why)]);
    };
    let mut blocks = vec![paragraph(
        "`N = ⌈peak · (1 + growth) / (X · used)⌉ + spare`, where X is the highest rate of one instance within its objective, \
         over the draws of its bootstrap: the interval of N is that of X. Instances on machines like this one, before a \
         balancer that shares evenly.",
    )];
    if matches!(capacity.crossing, Crossing::Above(_)) {
        blocks.push(Block::Callout {
            kind: page::Callout::Note,
            text: "The generator was the limit before the relay was: one instance does at least this much, so that N is at most as given.".into(),
        });
    }
    blocks.extend(rates(*objective, capacity));
    let capacities = known.iter().map(|(objective, found)| entry(*objective, found)).collect();
    let example = u32::try_from(whole(EXAMPLE)).unwrap_or(u32::MAX);
    blocks.push(Block::Calculator(Calculator {
        capacities,
        need: page::Need { rate: example, growth: 20, spare: 1 },
    }));
    section(id, heading, blocks)
}

fn rates(objective: Objective, capacity: &Capacity) -> Option<Block> {
    let found = sizing::table(&need(1.0), &RATES, &capacity.draws)?;
    let row = |row: &sizing::Row| {
        let Instances { least, low, median, high, most } = row.instances;
        vec![
            rate(row.rate),
            median.to_string(),
            format!("{low} to {high}"),
            format!("{least} to {most}"),
        ]
    };
    Some(table(
        format!("Instances for a peak rate with {objective}, each used to 70 %, one to spare"),
        vec![
            Column::numbers("requests per second"),
            Column::numbers("instances"),
            Column::numbers("95 % CI"),
            Column::numbers("all draws"),
        ],
        found.rows.iter().map(row).collect(),
    ))
}

/// What the calculator has of an objective.
fn entry(objective: Objective, capacity: &Capacity) -> page::Capacity {
    let whole = |rate: f64| u32::try_from(whole(rate)).unwrap_or(u32::MAX);
    page::Capacity {
        objective: objective.to_string(),
        utilisation: 70,
        low: whole(capacity.interval.low),
        median: whole(capacity.crossing.rate()),
        high: whole(capacity.interval.high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::analysis::Interval;

    #[test]
    fn a_line_for_a_target() {
        let capacity = |crossing| Capacity {
            crossing,
            interval: Interval { low: 9_000.0, high: 11_000.0 },
            beyond: 0,
            draws: vec![9_000.0, 10_000.0, 11_000.0],
        };
        let line = need_line(&capacity(Crossing::At(10_000.0)), USUAL, 20_000.0).unwrap();
        assert_eq!(
            line,
            "For 20,000 requests per second with p99 ≤ 20 ms, run **4 instances (95 % CI 4 to 5)**: each at up to 70 % of its \
             10,000 requests per second, one to spare."
        );
        let above = need_line(&capacity(Crossing::Above(10_000.0)), USUAL, 20_000.0).unwrap();
        assert!(above.contains("run **at most 4 instances"), "{above}");
        let none = Capacity { draws: vec![f64::NAN], ..capacity(Crossing::At(1.0)) };
        assert_eq!(need_line(&none, USUAL, 1.0), None);
    }
}
