//! Axes: from values to places between 0 and 1, with a few good ticks.

use serde::Serialize;

use super::{
    number::Unit,
    ticks::{factors, steps},
};

/// Values beyond this are taken as absent: nothing measured here is as large.
const HUGE: f64 = 1e15;
/// What a logarithmic axis takes as zero, which it cannot show.
const TINY: f64 = 1e-12;

/// One direction of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Axis {
    /// What is measured along it, for example "offered rate (req/s)".
    pub label: String,
    /// What its numbers count.
    pub unit: Unit,
    /// Whether equal steps or equal factors are equally long.
    pub scale: Scale,
    /// From where to where it goes.
    pub range: Range,
}

/// Whether equal steps or equal factors are equally long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal factors. Zero and less are left out: plotters would draw them at
    /// the floor, as if they had been measured there.
    Log,
}

/// From where to where an axis goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// A little beyond the data on both sides.
    Data,
    /// From zero, so that lengths can be compared, to a little beyond the data.
    FromZero,
    /// From the first number to the second, whatever the data.
    Between(f64, f64),
}

impl Axis {
    /// An axis with equal steps from zero.
    pub fn linear(label: impl Into<String>, unit: Unit) -> Self {
        Self { label: label.into(), unit, scale: Scale::Linear, range: Range::FromZero }
    }

    /// An axis with equal factors around the data.
    pub fn log(label: impl Into<String>, unit: Unit) -> Self {
        Self { label: label.into(), unit, scale: Scale::Log, range: Range::Data }
    }

    /// The same axis over another range.
    #[must_use]
    pub fn over(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// The column of a table that holds this axis's values.
    pub(super) fn column(&self) -> String {
        match self.unit.in_tables() {
            // The label may name the unit already.
            Some(unit) if !self.label.ends_with(&format!("({unit})")) => {
                format!("{} ({unit})", self.label)
            }
            _ => self.label.clone(),
        }
    }

    /// Fits the axis to the values, with at most so many ticks.
    pub(super) fn resolve(&self, values: impl Iterator<Item = f64>, ticks: u8) -> Resolved {
        let scale = self.scale;
        let extent = values.filter_map(|value| scale.place(value)).fold(
            None,
            |extent: Option<(f64, f64)>, at| {
                Some(extent.map_or((at, at), |(low, high)| (low.min(at), high.max(at))))
            },
        );
        let (low, high) = self.ends(extent.unwrap_or((0.0, 1.0)));
        let mut resolved = Resolved { unit: self.unit, scale, low, high, ticks: Vec::new() };
        resolved.ticks = resolved.choose_ticks(ticks);
        resolved
    }

    fn ends(&self, (low, high): (f64, f64)) -> (f64, f64) {
        let margin = 0.04;
        match (self.range, self.scale) {
            (Range::Between(from, to), scale) => match (scale.place(from), scale.place(to)) {
                (Some(from), Some(to)) if from < to => (from, to),
                _ => (low, low + 1.0),
            },
            (Range::FromZero, Scale::Linear) => {
                let (low, high) = (low.min(0.0), high.max(0.0));
                let span = if high - low < f64::MIN_POSITIVE { 1.0 } else { high - low };
                let below = if low < 0.0 { low - span * margin } else { 0.0 };
                (below, if 0.0 < high || low == 0.0 { low + span * (1.0 + margin) } else { 0.0 })
            }
            (_, scale) => {
                // A factor of two at least, or a tenth of the value.
                let least = match scale {
                    Scale::Log => libm::log10(2.0),
                    Scale::Linear => (libm::fabs(high) * 0.1).max(1e-9),
                };
                let pad = ((high - low) * margin).max((least - (high - low)) / 2.0);
                (low - pad, high + pad)
            }
        }
    }
}

impl Scale {
    /// The value on a straight line, if it can be shown at all.
    fn place(self, value: f64) -> Option<f64> {
        match self {
            _ if !value.is_finite() || HUGE < libm::fabs(value) => None,
            Self::Linear => Some(value),
            Self::Log if value < TINY => None,
            Self::Log => Some(libm::log10(value)),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log => libm::pow(10.0, place),
        }
    }
}

/// An axis whose ends are known.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    unit: Unit,
    scale: Scale,
    low: f64,
    high: f64,
    pub(super) ticks: Vec<Tick>,
}

/// A place with a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// 0 at the axis's start, 1 at its end.
    pub(super) at: f64,
    pub(super) label: String,
}

impl Resolved {
    /// Where a value is: 0 at the start, 1 at the end, outside if it is beyond;
    /// nothing if it cannot be shown.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        self.scale.place(value).map(|place| (place - self.low) / (self.high - self.low))
    }

    /// The value at a place.
    pub(super) fn value(&self, at: f64) -> f64 {
        self.scale.value(self.low + at * (self.high - self.low))
    }

    fn choose_ticks(&self, most: u8) -> Vec<Tick> {
        let (low, high) = (self.value(0.0), self.value(1.0));
        let values = match (self.scale, self.unit) {
            (Scale::Linear, unit) => steps(low, high, most, unit),
            (Scale::Log, Unit::Percentile) => {
                let mut values = factors(self.low, self.high, most);
                values.push(2.0);
                values.sort_by(f64::total_cmp);
                values
            }
            (Scale::Log, _) => factors(self.low, self.high, most),
        };
        let top = values.iter().fold(0.0, |top: f64, value| top.max(libm::fabs(*value)));
        let ticks = values.into_iter().filter_map(|value| {
            let of = if self.scale == Scale::Log { value } else { top };
            let at = self.at(value)?;
            let inside = (-1e-9..=1.0 + 1e-9).contains(&at);
            inside.then(|| Tick { at: at.clamp(0.0, 1.0), label: self.unit.label(value, of) })
        });
        ticks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: &Axis, values: &[f64], expected: &[&str]) {
        let resolved = axis.resolve(values.iter().copied(), 6);
        let labels: Vec<&str> = resolved.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_are_round_numbers() {
        let rate = Axis::linear("rate", Unit::Count);
        check(&rate, &[100.0, 9_800.0], &["0", "2k", "4k", "6k", "8k", "10k"]);
        check(&rate, &[], &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        check(&rate, &[f64::NAN, f64::INFINITY, 1e300, 3.0], &["0", "1", "2", "3"]);
        check(&rate, &[-4.0, -1.0], &["−4", "−3", "−2", "−1", "0"]);
        check(&rate.clone().over(Range::Data), &[7.0], &["6.8", "7", "7.2"]);
        check(
            &rate.over(Range::Between(5.0, 5.0)),
            &[1.0, 2.0],
            &["1", "1.2", "1.4", "1.6", "1.8", "2"],
        );
    }

    #[test]
    fn logarithmic_ticks_suit_the_number_of_decades() {
        let time = Axis::log("time", Unit::Seconds);
        check(&time, &[0.0, 0.000_2, 0.6], &["1 ms", "10 ms", "100 ms"]);
        check(&time, &[0.001, 0.02], &["1 ms", "2 ms", "5 ms", "10 ms", "20 ms"]);
        check(&time, &[0.003], &["2.5 ms", "3 ms", "3.5 ms", "4 ms"]);
        check(&time, &[1e-4, 1e4], &["100 µs", "10 ms", "1 s", "100 s", "10000 s"]);
        let share = Axis::log("percentile", Unit::Percentile);
        check(&share, &[1.0, 1e4], &["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }
}
