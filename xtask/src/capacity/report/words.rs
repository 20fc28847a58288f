//! Numbers and names as the report has them, and the pieces of a section.

use loadgen::number::in_threes;

use crate::capacity::{
    analysis::{
        Interval,
        attribution::{Confidence, Suspect},
        significant,
        welch::Change,
    },
    figures::{About, Column, Figure, Table},
    page::{Block, Prose, Section},
};

/// A rate to three digits.
pub(super) fn rate(per_second: f64) -> String {
    let rounded = significant(per_second, 3);
    if rounded.abs() < 100.0 { format!("{rounded}") } else { grouped(rounded) }
}

/// A whole number with its digits in threes.
pub(crate) fn grouped(value: f64) -> String {
    let size = in_threes(&format!("{:.0}", value.abs()));
    if value < 0.0 { format!("−{size}") } else { size }
}

/// Seconds in milliseconds, to three digits.
pub(super) fn ms(seconds: f64) -> String {
    format!("{}", significant(seconds * 1e3, 3))
}

/// Seconds in microseconds, to three digits.
pub(super) fn us(seconds: f64) -> String {
    format!("{}", significant(seconds * 1e6, 3))
}

/// A share in per cent, to one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share in per cent with its sign.
pub(super) fn signed(share: f64) -> String {
    let percent = share * 100.0;
    let sign = if percent < 0.0 { "−" } else { "+" };
    match percent.abs() {
        size if size < 9.95 => format!("{sign}{size:.1} %"),
        size if size < 999.5 => format!("{sign}{size:.0} %"),
        size => format!("{sign}{} %", grouped(significant(size, 3))),
    }
}

/// A change with its interval.
pub(super) fn change(change: &Change) -> String {
    match change.interval {
        Some(Interval { low, high }) => {
            format!("{} ({} to {})", signed(change.value), signed(low), signed(high))
        }
        None => format!("{} (too few trials for an interval)", signed(change.value)),
    }
}

/// A number of things.
pub(super) fn counted(count: impl TryInto<u64>, one: &str, several: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// The value, or that it is not known.
pub(super) fn known(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "n/a".to_owned(), words)
}

/// What may limit the throughput.
pub(super) fn suspect(suspect: Suspect) -> &'static str {
    match suspect {
        Suspect::ProcessorUser => "the relay’s processor time (its own code)",
        Suspect::ProcessorSystem => {
            "the relay’s processor time (mostly in the kernel, on its behalf)"
        }
        Suspect::SingleThread => "one thread of the relay",
        Suspect::Network => "bytes over the network",
        Suspect::Connections => "connections: too few, or opened too often",
        Suspect::Upstream => "the upstream",
        Suspect::Generator => "the load generator",
        Suspect::Throttling => "a quota on processor time",
        Suspect::Steal => "processor time that the hypervisor gives to others",
        Suspect::Logging => "writing the log",
    }
}

/// The same in two words.
pub(super) fn suspect_short(suspect: Suspect) -> &'static str {
    match suspect {
        Suspect::ProcessorUser => "processor (user)",
        Suspect::ProcessorSystem => "processor (kernel)",
        Suspect::SingleThread => "one thread",
        Suspect::Network => "network",
        Suspect::Connections => "connections",
        Suspect::Upstream => "upstream",
        Suspect::Generator => "generator",
        Suspect::Throttling => "quota",
        Suspect::Steal => "steal",
        Suspect::Logging => "log",
    }
}

/// How sure something is.
pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

/// A section.
pub(super) fn section(id: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { id: id.to_owned(), heading: heading.to_owned(), blocks }
}

/// A section of what the profile left out.
pub(super) fn not_measured(id: &str, heading: &str, profile: &str) -> Section {
    let text = format!("Not measured in this profile ({profile}).");
    section(id, heading, vec![Block::Paragraph(Prose::plain(text))])
}

/// Sentences with marks.
pub(super) fn paragraph(text: impl AsRef<str>) -> Block {
    Block::Paragraph(Prose::marked(text.as_ref()))
}

/// A figure with its caption.
pub(super) fn figure(figure: Figure, caption: impl AsRef<str>) -> Block {
    Block::Figure { figure, caption: Prose::marked(caption.as_ref()) }
}

/// A table with what it says.
pub(super) fn table(
    caption: impl AsRef<str>,
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
) -> Block {
    Block::Table { caption: Prose::marked(caption.as_ref()), table: Table { columns, rows } }
}

/// What a figure is called and says.
pub(super) fn about(id: &str, finding: impl Into<String>, description: &str) -> About {
    About { id: id.to_owned(), finding: finding.into(), description: description.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([rate(9.876), rate(123.4), rate(65_432.1)], ["9.88", "123", "65,400"]);
        assert_eq!([ms(0.012_345), us(0.000_012_345), percent(0.1234)], ["12.3", "12.3", "12.3 %"]);
        assert_eq!([signed(0.051), signed(-0.5), signed(200.0)], ["+5.1 %", "−50 %", "+20,000 %"]);
        assert_eq!([known(None, rate), known(Some(f64::NAN), rate)], ["n/a", "n/a"]);
        assert_eq!(grouped(-1234.0), "−1,234");
    }
}
