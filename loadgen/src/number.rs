//! Numbers, rates and durations as people type them: `1500`, `1.5k`, `2M/s`,
//! `0.5s`; and counts as they read them.
//!
//! What is typed is decimal, and so is what is printed: each is read to the
//! nearest number that there is, and printed so that it is read as the same.

use std::time::Duration;

use thiserror::Error;

use crate::schedule::{Rate, RateError};

/// Units of time in nanoseconds; where there are two names, one is typed.
const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    // The micro sign and the Greek letter look alike.
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A text that is not the number it should be.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum NumberError {
    /// It is no number of at least 0.
    #[error("`{0}` is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M")]
    Number(String),
    /// It is no rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// It is no duration.
    #[error("`{0}` is not a duration such as 1.5s: its units are ns, us, ms, s, m and h")]
    Duration(String),
    /// It is longer than can be counted.
    #[error("`{0}` is longer than 500 years")]
    TooLong(String),
}

/// A number of at least 0, in thousands where a `k` follows and in millions
/// where an `M` does.
pub fn number(text: &str) -> Result<f64, NumberError> {
    let text = text.trim();
    let scaled = [("k", 3), ("M", 6)]
        .into_iter()
        .find_map(|(suffix, zeros)| shifted(text.strip_suffix(suffix)?, zeros))
        .or_else(|| shifted(text, 0));
    scaled.ok_or_else(|| NumberError::Number(text.to_owned()))
}

/// A number of requests per second; `/s` may follow.
pub fn rate(text: &str) -> Result<Rate, NumberError> {
    let text = text.trim();
    Ok(Rate::new(number(text.strip_suffix("/s").unwrap_or(text))?)?)
}

/// A number and a unit of time.
pub fn duration(text: &str) -> Result<Duration, NumberError> {
    let text = text.trim();
    let not_one = || NumberError::Duration(text.to_owned());
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(not_one)?;
    let (digits, name) = text.split_at(end);
    let unit = UNITS.into_iter().find(|(unit, _)| *unit == name.trim_start());
    let (_, unit) = unit.filter(|_| is_decimal(digits)).ok_or_else(not_one)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let too_long = || NumberError::TooLong(text.to_owned());
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
    let whole = whole.checked_mul(unit).ok_or_else(too_long)?;
    // A nanosecond is less than 10⁻¹² of no unit; what follows is cut off.
    let part = part.bytes().take(15).zip(1_u32..).fold(0, |sum: u128, (digit, place)| {
        sum + u128::from(digit - b'0') * u128::from(unit) * 10_u128.pow(15 - place)
    });
    let part = u64::try_from(part / 10_u128.pow(15)).unwrap_or(u64::MAX);
    whole.checked_add(part).map(Duration::from_nanos).ok_or_else(too_long)
}

/// The number whose decimal digits are `text`, times 10 to the power of
/// `zeros`: the nearest one, where a multiplication would round twice.
pub(crate) fn shifted(text: &str, zeros: i8) -> Option<f64> {
    if !is_decimal(text) {
        return None;
    }
    format!("{text}e{zeros}").parse().ok().filter(|number: &f64| number.is_finite())
}

/// Digits with at most one point among them: no sign, no exponent, no `nan`.
fn is_decimal(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    0 < digits && points <= 1 && digits + points == text.len()
}

/// Digits in threes, as 1,234,567.
pub fn in_threes(digits: &str) -> String {
    let mut apart = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A count with its digits in threes.
pub fn thousands(count: u64) -> String {
    in_threes(&count.to_string())
}

/// So many of `what`, which is more than one with an s.
pub fn plural(count: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<f64, &str>) {
        let found = rate(text).map(Rate::per_second).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn rates() {
        check("1500", Ok(1500.0));
        check("1.5k", Ok(1500.0));
        check(" 4.35k/s ", Ok(4350.0));
        check("2M", Ok(2e6));
        check(".5", Ok(0.5));
        check("0", Ok(0.0));
        for text in ["", "k", "-1", "+1", "1e3", "nan", "inf", "1.2.3", "1,5", "1 k", "1K", "."] {
            let error = "is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M";
            check(text, Err(&format!("`{text}` {error}")));
        }
        let high = "200000000 requests per second: a rate is a number from 0 to 100000000";
        check("200M", Err(high));
    }

    #[track_caller]
    fn check_duration(text: &str, expected: Result<u64, &str>) {
        let found = duration(text).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(Duration::from_nanos).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn durations() {
        check_duration("20ms", Ok(20_000_000));
        check_duration("1.5s", Ok(1_500_000_000));
        check_duration("800us", Ok(800_000));
        check_duration("800µs", Ok(800_000));
        check_duration("800μs", Ok(800_000));
        check_duration("1.5 m", Ok(90_000_000_000));
        check_duration("2min", Ok(120_000_000_000));
        check_duration("0.25h", Ok(900_000_000_000));
        check_duration("0.1234567899999999999999s", Ok(123_456_789));
        check_duration("0s", Ok(0));
        for text in ["", "20", "s", "1x", "-1s", "1e3s", "1.2.3s", "1m30s", ".s"] {
            let error = "is not a duration such as 1.5s: its units are ns, us, ms, s, m and h";
            check_duration(text, Err(&format!("`{text}` {error}")));
        }
        for text in ["99999999999999999999h", "6000000h"] {
            check_duration(text, Err(&format!("`{text}` is longer than 500 years")));
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(count), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(nanos: u64, number in 0.0..=1e8_f64) {
            let time = Duration::from_nanos(nanos);
            prop_assert_eq!(duration(&format!("{time:?}")).unwrap(), time);
            prop_assert_eq!(rate(&number.to_string()), Ok(Rate::new(number).unwrap()));
        }
    }
}
