//! Numbers as people read them: 10k, 250 µs, 99.9 %.
//!
//! Logarithms and powers are those of `libm`, so that a figure is the same, to
//! the byte, whichever machine draws it.

use serde::Serialize;

/// What the numbers on an axis count.
///
/// Values are given in the base unit; labels choose the multiple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things, or things per second: 1k is a thousand.
    Count,
    /// Things that cannot be halved, or seconds since the start: in full.
    Whole,
    /// Seconds, shown as µs, ms or s.
    Seconds,
    /// A share, shown in per cent.
    Ratio,
    /// A difference as a share of what it is compared to, shown in per cent
    /// with its sign.
    Change,
    /// `1/(1−p)` of a percentile *p*, shown as the percentile: 100 is 99 %.
    Percentile,
}

impl Unit {
    /// The number as a label. `top` is the largest number beside it, which
    /// decides the multiple, so that an axis does not change it half-way.
    pub(super) fn label(self, value: f64, top: f64) -> String {
        let sign = if value < 0.0 { "−" } else { "" };
        let size = libm::fabs(value);
        match self {
            _ if !value.is_finite() => "n/a".to_owned(),
            Self::Count => format!("{sign}{}", thousands(size)),
            Self::Whole => format!("{sign}{}", plain(size)),
            Self::Seconds if value == 0.0 => "0".to_owned(),
            Self::Seconds => {
                let (multiple, name) = time_unit(libm::fabs(top));
                format!("{sign}{} {name}", plain(size * multiple))
            }
            Self::Change if 0.0 < value => format!("+{} %", plain(size * 100.0)),
            Self::Ratio | Self::Change => format!("{sign}{} %", plain(size * 100.0)),
            Self::Percentile => percentile(value),
        }
    }

    /// The unit's name in the head of a table's column.
    pub(super) fn in_tables(self) -> Option<&'static str> {
        match self {
            Self::Count | Self::Whole => None,
            Self::Seconds => Some("ms"),
            Self::Ratio | Self::Change | Self::Percentile => Some("%"),
        }
    }

    /// The number in a table's cell, in the unit of [`Self::in_tables`].
    pub(super) fn cell(self, value: f64) -> String {
        match self {
            _ if !value.is_finite() => "n/a".to_owned(),
            Self::Count | Self::Whole => plain(value),
            Self::Seconds => plain(value * 1000.0),
            Self::Ratio | Self::Change => plain(value * 100.0),
            Self::Percentile => plain(100.0 * (1.0 - 1.0 / value)),
        }
    }
}

fn time_unit(top: f64) -> (f64, &'static str) {
    // A little less than one is still shown as one.
    if top < 0.999e-3 {
        (1e6, "µs")
    } else if top < 0.999 {
        (1e3, "ms")
    } else {
        (1.0, "s")
    }
}

fn thousands(size: f64) -> String {
    for (multiple, name) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if multiple * 0.9999 <= size {
            return format!("{}{name}", plain(size / multiple));
        }
    }
    plain(size)
}

fn percentile(value: f64) -> String {
    if value <= 1.0 {
        return "0 %".to_owned();
    }
    // As many decimals as it has nines after the second.
    let nines = libm::floor(libm::log10(value) + 1e-9);
    format!("{} %", trimmed(100.0 * (1.0 - 1.0 / value), decimals(nines - 2.0).max(1)))
}

/// Six significant digits, without trailing zeros.
pub(in crate::capacity) fn plain(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = libm::floor(libm::log10(libm::fabs(value)));
    if !(-9.0..15.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    trimmed(value, decimals(5.0 - magnitude))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a decimal number can use"
)]
fn decimals(wanted: f64) -> usize {
    wanted.clamp(0.0, 15.0) as usize
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: Unit, value: f64, top: f64, expected: &str) {
        assert_eq!(unit.label(value, top), expected);
    }

    #[test]
    fn labels_choose_the_multiple() {
        check(Unit::Count, 0.0, 1e4, "0");
        check(Unit::Count, 950.0, 1e4, "950");
        check(Unit::Count, 1500.0, 1e4, "1.5k");
        check(Unit::Count, 10_000.0, 1e4, "10k");
        check(Unit::Count, 2.5e6, 1e7, "2.5M");
        check(Unit::Count, -20.0, 1e4, "−20");
        check(Unit::Seconds, 0.000_25, 0.000_25, "250 µs");
        check(Unit::Seconds, 0.02, 0.02, "20 ms");
        check(Unit::Seconds, 0.5, 2.0, "0.5 s");
        check(Unit::Ratio, 0.001, 1.0, "0.1 %");
        check(Unit::Change, 0.12, 1.0, "+12 %");
        check(Unit::Change, -0.3, 1.0, "−30 %");
        check(Unit::Percentile, 1.0, 1.0, "0 %");
        check(Unit::Percentile, 2.0, 1.0, "50 %");
        check(Unit::Percentile, 100.0, 1.0, "99 %");
        check(Unit::Percentile, 1e5, 1.0, "99.999 %");
        check(Unit::Count, f64::NAN, 1.0, "n/a");
    }

    #[test]
    fn tables_have_six_digits() {
        assert_eq!(plain(0.1 + 0.2), "0.3");
        assert_eq!(plain(123_456.789), "123457");
        assert_eq!(plain(-1.5), "-1.5");
        assert_eq!(plain(1e-300), "1.00e-300");
        assert_eq!(Unit::Seconds.cell(0.012_345_678), "12.3457");
        assert_eq!(Unit::Percentile.cell(1000.0), "99.9");
    }
}
