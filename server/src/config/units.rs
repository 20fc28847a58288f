//! Quantities as people write them.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};

/// Longer would overflow the clock somewhere, and means "never" by mistake.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A length of time: `10m`, `1h 30m`, `500ms`, `0s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// No time.
    pub const ZERO: Span = Span(Duration::ZERO);
    /// A second.
    pub const SECOND: Span = Span(Duration::from_secs(1));
    /// An hour.
    pub const HOUR: Span = Span(Duration::from_hours(1));
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        span.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        match humantime::parse_duration(text) {
            Ok(duration) if duration <= LONGEST => Ok(Span(duration)),
            Ok(_) => Err("that is longer than a year".to_owned()),
            Err(error) => Err(format!("{error}: write it like 10m, 30s or 500ms")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number of bytes: `256MiB`, `8MB`, `65536`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(usize);

impl Size {
    /// The bytes.
    pub fn bytes(self) -> usize {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        text.parse::<bytesize::ByteSize>()
            .ok()
            .and_then(|size| usize::try_from(size.as_u64()).ok())
            .map(Size)
            .ok_or_else(|| "write it like 256MiB, 8MB or 65536".to_owned())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if unit <= self.0 && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// So many requests in so much time: `5/s`, `60/m`, `100/h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// How many requests.
    pub requests: NonZeroU32,
    /// In how much time.
    pub per: Duration,
}

const UNITS: [(&str, Duration); 3] =
    [("s", Duration::from_secs(1)), ("m", Duration::from_mins(1)), ("h", Duration::from_hours(1))];

impl Rate {
    /// How long a request takes of the rate.
    pub fn interval(self) -> Duration {
        self.per / self.requests.get()
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let rate = || {
            let (requests, unit) = text.split_once('/')?;
            let (_, per) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            Some(Rate { requests: requests.parse().ok()?, per })
        };
        rate().ok_or_else(|| {
            format!(
                "not a rate: '{text}'; write a whole number and a unit, such as 5/s, 60/m or 100/h"
            )
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, per)| *per == self.per).map_or("s", |(name, _)| name);
        write!(f, "{}/{unit}", self.requests)
    }
}

/// A part of a whole, more than none: `1/3`, `0.25`, `1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    part: u32,
    whole: u32,
}

/// More parts would overflow a length of time that is multiplied by them.
const MOST_PARTS: u32 = 1_000_000;

impl Fraction {
    /// All of it.
    pub const WHOLE: Fraction = Fraction { part: 1, whole: 1 };

    /// So much of a number, rounded down, but one at least.
    pub fn of(self, number: u32) -> u32 {
        let part = u64::from(number) * u64::from(self.part) / u64::from(self.whole);
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }

    /// The time that so much of a rate takes, of which the whole takes `interval`.
    pub fn stretch(self, interval: Duration) -> Duration {
        interval.saturating_mul(self.whole) / self.part
    }

    /// As a number.
    pub fn value(self) -> f64 {
        f64::from(self.part) / f64::from(self.whole)
    }

    fn read(text: &str) -> Option<Fraction> {
        if let Some((part, whole)) = text.split_once('/') {
            return Some(Fraction { part: part.parse().ok()?, whole: whole.parse().ok()? });
        }
        let (ones, decimals) = text.split_once('.').unwrap_or((text, ""));
        let whole = 10_u32.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        let digits = if decimals.is_empty() { "0" } else { decimals };
        let part = ones.parse::<u32>().ok()?.checked_mul(whole)?;
        Some(Fraction { part: part.checked_add(digits.parse().ok()?)?, whole })
    }
}

impl FromStr for Fraction {
    type Err = String;

    fn from_str(text: &str) -> Result<Fraction, String> {
        Fraction::read(text)
            .filter(|read| 0 < read.part && read.part <= read.whole && read.whole <= MOST_PARTS)
            .ok_or_else(|| {
                "write a part that is more than 0 and at most 1, such as 1/3 or 0.25".to_owned()
            })
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part == self.whole {
            return f.write_str("1");
        }
        write!(f, "{}/{}", self.part, self.whole)
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A limit, or the word `unlimited`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AtMost<T> {
    /// No more than this.
    Limit(T),
    /// No limit.
    Unlimited,
}

impl<T> AtMost<T> {
    /// The limit, if there is one.
    pub fn limit(self) -> Option<T> {
        match self {
            AtMost::Limit(limit) => Some(limit),
            AtMost::Unlimited => None,
        }
    }
}

impl<T: FromStr<Err: fmt::Display>> FromStr for AtMost<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<AtMost<T>, String> {
        if text == "unlimited" {
            return Ok(AtMost::Unlimited);
        }
        text.parse()
            .map(AtMost::Limit)
            .map_err(|error: T::Err| format!("{error}; or write unlimited"))
    }
}

impl<T: fmt::Display> fmt::Display for AtMost<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtMost::Limit(limit) => limit.fmt(f),
            AtMost::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl<T: fmt::Display> Serialize for AtMost<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions() {
        #[track_caller]
        fn check(text: &str, shown: Option<&str>) {
            let fraction = text.parse::<Fraction>().ok();
            assert_eq!(fraction.map(|fraction| fraction.to_string()).as_deref(), shown, "{text}");
            if let Some(shown) = shown {
                assert_eq!(shown.parse().ok(), fraction);
            }
        }

        check("1/3", Some("1/3"));
        check("0.25", Some("25/100"));
        check("0.5", Some("5/10"));
        for whole in ["1/1", "1.0"] {
            assert_eq!(whole.parse::<Fraction>().unwrap().to_string(), "1");
        }
        check("1", Some("1"));
        for none in ["0", "0.0", "2/1", "1.5", "1/0", "-1", "1/2000000", "third", "", "1/", ".5.5"]
        {
            check(none, None);
        }
        let third: Fraction = "1/3".parse().unwrap();
        assert_eq!([third.of(21), third.of(20), third.of(1)], [7, 6, 1]);
        assert_eq!(third.stretch(Duration::from_millis(100)), Duration::from_millis(300));
    }

    #[test]
    fn rates() {
        #[track_caller]
        fn check(text: &str, interval_ms: Option<u64>) {
            let interval = text.parse::<Rate>().ok().map(Rate::interval);
            assert_eq!(interval, interval_ms.map(Duration::from_millis));
        }

        check("5/s", Some(200));
        check("60/m", Some(1000));
        check("1/s", Some(1000));
        check("3600/h", Some(1000));
        check("0/s", None);
        check("5", None);
        check("5/d", None);
        check("/s", None);
    }

    #[test]
    fn limits() {
        let check = |text: &str, limit: Option<u32>| {
            let at_most: AtMost<NonZeroU32> = text.parse().unwrap();
            assert_eq!(at_most.limit().map(NonZeroU32::get), limit);
            assert_eq!(at_most.to_string(), text);
        };
        check("8", Some(8));
        check("unlimited", None);
        let error = "0".parse::<AtMost<NonZeroU32>>().unwrap_err();
        assert!(error.contains("unlimited"), "{error}");
        let rate: AtMost<Rate> = "60/m".parse().unwrap();
        assert_eq!(rate.to_string(), "60/m");
    }

    #[test]
    fn sizes() {
        let check = |text: &str, bytes, shown: &str| {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
        };
        check("256MiB", 256 << 20, "256MiB");
        check("8 MB", 8_000_000, "8000000");
        check("1536KiB", 1536 << 10, "1536KiB");
        check("1GiB", 1 << 30, "1GiB");
        check("0", 0, "0");
        assert!("much".parse::<Size>().unwrap_err().contains("256MiB"));
        assert!("-1".parse::<Size>().is_err());
    }

    #[test]
    fn spans() {
        let check = |text: &str, millis, shown: &str| {
            let span: Span = text.parse().unwrap();
            assert_eq!(Duration::from(span), Duration::from_millis(millis));
            assert_eq!(span.to_string(), shown);
        };
        check("10m", 600_000, "10m");
        check("90s", 90_000, "1m 30s");
        check("0s", 0, "0s");
        check("500ms", 500, "500ms");
        assert!("500000000000y".parse::<Span>().unwrap_err().contains("a year"));
        assert!("10".parse::<Span>().unwrap_err().contains("30s"));
    }
}
