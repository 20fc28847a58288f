//! What can be measured, and the values that it has.

use std::{fmt, time::Duration};

use crate::{
    number::shifted,
    record::{Clock, Tag},
    schedule::Rate,
};

/// Something that is measured over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Of the times under a tag, such as `service.p99`.
    Time(Tag, Stat),
    /// `errors`: the share of the planned requests with a status of 400 or
    /// more, without a whole answer, or that never went out.
    Errors,
    /// `dropped`: the share of the planned requests that were left out because
    /// they were late.
    Dropped,
    /// `rate`: whole answers per second, whenever they had been due.
    Rate,
    /// `in_flight`: requests under way, on average.
    InFlight,
}

/// A number that stands for many times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    /// So many percent are no longer: `p99.9`.
    Percentile(Percent),
    /// The longest.
    Max,
    /// Their mean.
    Mean,
}

/// A share in percent, which is how it is typed and printed.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl Percent {
    /// `share` of 1.
    pub fn of_share(share: f64) -> Self {
        Self(share * 100.0)
    }

    /// As a share of 1: the nearest number to the decimal digits, so that
    /// p99.9 of 1,000 is the 999th and not, for a rounding, the 1,000th.
    pub fn share(self) -> f64 {
        shifted(&self.0.to_string(), -2).unwrap_or(self.0 / 100.0)
    }

    /// From digits that are to be shifted by `zeros` places.
    pub(super) fn parse(digits: &str, zeros: i8) -> Option<Self> {
        shifted(digits, zeros).map(Self)
    }
}

/// A measured value, or the bound that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Of [`Measure::Time`].
    Time(Duration),
    /// Of [`Measure::Errors`] and [`Measure::Dropped`].
    Share(Percent),
    /// Of [`Measure::Rate`].
    Rate(Rate),
    /// Of [`Measure::InFlight`].
    Number(f64),
}

impl Measure {
    /// The measure that is written as `name`. A time without its clock is the
    /// response time of all requests.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "errors" => Some(Self::Errors),
            "dropped" => Some(Self::Dropped),
            "rate" => Some(Self::Rate),
            "in_flight" => Some(Self::InFlight),
            _ => {
                // The point in `p99.9` follows no tag.
                let tagged = name.split_once('.').and_then(|(tag, stat)| {
                    let tag = Tag::parse(tag)?;
                    Some((tag, stat))
                });
                let (tag, stat) = tagged.unwrap_or((Tag::all(Clock::Response), name));
                Some(Self::Time(tag, Stat::parse(stat)?))
            }
        }
    }
}

impl Stat {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "max" => Some(Self::Max),
            "mean" => Some(Self::Mean),
            _ => {
                let percent = Percent::parse(name.strip_prefix('p')?, 0)?;
                (0.0 < percent.0 && percent.0 < 100.0).then_some(Self::Percentile(percent))
            }
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(tag, stat) if *tag == Tag::all(Clock::Response) => stat.fmt(f),
            Self::Time(tag, stat) => write!(f, "{tag}.{stat}"),
            Self::Errors => f.write_str("errors"),
            Self::Dropped => f.write_str("dropped"),
            Self::Rate => f.write_str("rate"),
            Self::InFlight => f.write_str("in_flight"),
        }
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(Percent(percent)) => write!(f, "p{percent}"),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
        }
    }
}

/// All digits, unless the formatter says how many follow the point.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => fmt::Debug::fmt(time, f),
            Self::Share(Percent(percent)) => {
                fmt::Display::fmt(percent, f)?;
                f.write_str("%")
            }
            Self::Rate(rate) => {
                fmt::Display::fmt(&rate.per_second(), f)?;
                f.write_str("/s")
            }
            Self::Number(number) => fmt::Display::fmt(number, f),
        }
    }
}
