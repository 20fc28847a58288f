//! What may be demanded of measurements: `p99<20ms`, `errors>5% for 3s`,
//! `service.p99.9>50ms @rate<=2k`.
//!
//! A [`Condition`] compares one [`Measure`] with a bound. It is asked of a
//! [`Reading`], and there are three [answers](Answer): a quantile of too few
//! requests says nothing, and one that lies among requests that were given up
//! is only known to be *at least* something. What is not known neither meets a
//! demand nor breaks it.
//!
//! [`Sustained`] follows a condition over successive readings, and an [`Slo`]
//! is several conditions that have to hold together.

mod finding;
mod measure;
mod parse;
mod slo;
mod sustained;

use std::{cmp::Ordering, fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use finding::{Answer, Finding, Measured, Reading};
pub use measure::{Measure, Percent, Stat, Value};
pub use parse::ConditionError;
pub use slo::{Slo, SloError};
pub use sustained::Sustained;

use crate::schedule::Rate;

/// A measure beside a bound:
/// `MEASURE (<|<=|>|>=) VALUE [for DURATION] [@rate(<|<=|>|>=)NUMBER]`.
///
/// It is written as that in files too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Condition {
    measure: Measure,
    comparison: Comparison,
    /// Of the kind that the measure has.
    bound: Value,
    lasting: Option<Duration>,
    among: Option<Among>,
}

/// The rates at which something is demanded.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Among {
    comparison: Comparison,
    bound: Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Condition {
    /// What is measured.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// For how long it has to hold without interruption, if that is said.
    pub fn lasting(&self) -> Option<Duration> {
        self.lasting
    }

    /// Whether something is demanded of all rates alike.
    pub fn is_of_any_rate(&self) -> bool {
        self.among.is_none()
    }

    /// Whether it holds of `reading`; `None` where nothing is demanded of its
    /// rate. For how long it has to hold is left to [`Sustained`].
    pub fn of(&self, reading: &Reading) -> Option<Finding> {
        if !self.among.is_none_or(|among| among.has(reading.offered)) {
            return None;
        }
        let Some((measured, ordering)) = reading.beside(self.measure, self.bound) else {
            return Some(Finding { answer: Answer::Unknown, measured: None });
        };
        let answer = match measured {
            Measured::Is(_) => self.comparison.of(ordering),
            Measured::AtLeast(_) => self.comparison.of_at_least(ordering),
        };
        Some(Finding { answer, measured: Some(measured) })
    }
}

impl Among {
    /// Load without a nominal rate is at none of them.
    fn has(self, offered: Option<Rate>) -> bool {
        let ordering = offered.and_then(|rate| rate.partial_cmp(&self.bound));
        ordering.is_some_and(|ordering| self.comparison.allows(ordering))
    }
}

impl Comparison {
    /// Longer signs first, as the shorter ones begin them.
    const ALL: [Self; 4] = [Self::AtMost, Self::AtLeast, Self::Less, Self::More];

    fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether what compares with the bound like this is as demanded.
    fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// Whether it holds of a value that compares like this.
    fn of(self, ordering: Ordering) -> Answer {
        if self.allows(ordering) { Answer::Holds } else { Answer::Fails }
    }

    /// Whether it holds of a value that compares like this or is greater: not
    /// known where some of those values differ.
    fn of_at_least(self, least: Ordering) -> Answer {
        // There is always a greater one.
        let greater = self.of(Ordering::Greater);
        let mut possible = [Ordering::Less, Ordering::Equal].into_iter().filter(|it| least <= *it);
        if possible.all(|it| self.of(it) == greater) { greater } else { Answer::Unknown }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { measure, comparison, bound, lasting, among } = self;
        write!(f, "{measure}{comparison}{bound}")?;
        if let Some(lasting) = lasting {
            write!(f, " for {lasting:?}")?;
        }
        if let Some(Among { comparison, bound }) = among {
            write!(f, " @rate{comparison}{}", bound.per_second())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
