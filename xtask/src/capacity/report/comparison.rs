//! Two runs side by side: F15.

use super::words::{about, change, figure, ms, paragraph, rate, section, table, us};
use crate::capacity::{
    figures::{Axis, Bar, BarLook, Bars, Column, Figure, Interval, Range, Tone, Unit},
    findings::comparison::{Comparison, Difference, Measure, SameMachine},
    page::{Block, Callout, Section},
};

pub(super) fn comparison(found: &Comparison) -> Section {
    let mut blocks = vec![paragraph(format!(
        "Before: {}. Now: {}. A difference is certain if the 95 % interval of Welch’s *t* over trials does not have zero in it.",
        found.before, found.after
    ))];
    if found.same_machine == SameMachine::No {
        blocks.push(Block::Callout {
            kind: Callout::Caution,
            text: "The two were measured on different machines, or kernels: what differs may be theirs.".into(),
        });
    }
    blocks.push(table(
        "Side by side",
        vec![
            Column::words("what"),
            Column::numbers("before"),
            Column::numbers("now"),
            Column::numbers("change (95 %)"),
            Column::words("says"),
        ],
        found.differences.iter().map(row).collect(),
    ));
    if let Some(history) = history(found) {
        blocks.push(figure(
            history,
            "The highest rate within the objective; 95 % by bootstrap and *t* over trials.",
        ));
    }
    section("comparison", "Compared with another run", blocks)
}

fn value(difference: &Difference, value: f64) -> String {
    match difference.measure {
        Measure::Rate => format!("{}/s", rate(value)),
        Measure::Time if value < 1e-3 => format!("{} µs", us(value)),
        Measure::Time => format!("{} ms", ms(value)),
    }
}

fn row(found: &Difference) -> Vec<String> {
    vec![
        found.name.clone(),
        value(found, found.before),
        value(found, found.after),
        change(&found.change),
        found.reading().to_owned(),
    ]
}

/// The same for a terminal.
pub fn lines(found: &Comparison) -> Vec<String> {
    let head = format!("before: {}\nnow:    {}", found.before, found.after);
    let rows = found.differences.iter().map(|own| {
        let [name, before, after, change, says] =
            <[String; 5]>::try_from(row(own)).unwrap_or_default();
        format!("  {name}: {before} → {after}, {change}: {says}")
    });
    std::iter::once(head).chain(rows).collect()
}

fn history(found: &Comparison) -> Option<Figure> {
    let [before, after] = &found.capacities[..] else { return None };
    let bar = |name: &str, own: &(String, f64, (f64, f64))| Bar {
        name: name.to_owned(),
        value: own.1,
        interval: Some(Interval { low: own.2.0, high: own.2.1 }),
        tone: Tone::Blue,
    };
    let finding = format!(
        "One instance served {} requests per second within the objective, and serves {} now.",
        rate(before.1),
        rate(after.1)
    );
    let chart = Bars {
        things: "run".to_owned(),
        y: Axis::linear("requests per second", Unit::Count).over(Range::FromZero),
        bars: vec![bar("before", before), bar("now", after)],
        look: BarLook::Dot,
        heights: Vec::new(),
    };
    Some(chart.figure(&about(
        "f15",
        finding,
        "The highest rate within the objective in both runs.",
    )))
}
