//! What a reading says of a measure beside its bound.

use std::{cmp::Ordering, fmt, time::Duration};

use super::{Measure, Percent, Stat, Value};
use crate::{
    record::{Record, Times},
    schedule::Rate,
};

/// What was measured over some stretch of time: an interval or a step.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Its times and counters.
    pub record: &'a Record,
    /// How many requests the schedule has in it.
    pub planned: u64,
    /// How many of them never went out, for want of a connection.
    pub unsent: u64,
    /// Whole answers per second, whenever they had been due.
    pub throughput: f64,
    /// Requests under way, on average.
    pub in_flight: f64,
    /// The rate that the step holds, where it holds one.
    pub offered: Option<Rate>,
}

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// There are too few requests to tell, or too many were given up.
    Unknown,
}

/// An answer, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// Whether the condition holds.
    pub answer: Answer,
    /// What was measured, if there was enough to measure.
    pub measured: Option<Measured>,
}

/// A measured value, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// It is this.
    Is(Value),
    /// It is this or more, as some requests were given up.
    AtLeast(Value),
}

impl Answer {
    /// Whether both hold: as soon as one does not, the other need not be known.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Holds, Self::Holds) => Self::Holds,
        }
    }
}

impl Reading<'_> {
    /// The measure's value, and how it compares with `bound`, which has to be
    /// of its kind; `None` where there is nothing to compare.
    pub(super) fn beside(&self, measure: Measure, bound: Value) -> Option<(Measured, Ordering)> {
        let counts = &self.record.counts;
        match (measure, bound) {
            (Measure::Time(tag, stat), Value::Time(bound)) => {
                time(self.record.times(tag)?, stat, bound)
            }
            (Measure::Errors, Value::Share(bound)) => {
                self.share(counts.errors() + counts.dropped + self.unsent, bound)
            }
            (Measure::Dropped, Value::Share(bound)) => self.share(counts.dropped, bound),
            (Measure::Rate, Value::Rate(bound)) => {
                let rate = Rate::new(self.throughput).ok()?;
                Some((Measured::Is(Value::Rate(rate)), rate.partial_cmp(&bound)?))
            }
            (Measure::InFlight, Value::Number(bound)) => {
                let ordering = self.in_flight.partial_cmp(&bound)?;
                Some((Measured::Is(Value::Number(self.in_flight)), ordering))
            }
            _ => None,
        }
    }

    /// Of a share that many requests are, when none was planned, nobody knows.
    fn share(&self, count: u64, bound: Percent) -> Option<(Measured, Ordering)> {
        let share = (0 < self.planned).then(|| float(count) / float(self.planned))?;
        let measured = Measured::Is(Value::Share(Percent::of_share(share)));
        Some((measured, share.partial_cmp(&bound.share())?))
    }
}

/// Quantiles are compared on the histogram's grid, which gives the highest of
/// the times that it cannot tell apart: `p99<=20ms` holds when it is 20 ms.
fn time(times: &Times, stat: Stat, bound: Duration) -> Option<(Measured, Ordering)> {
    let on_grid = |time: Duration| {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        times.histogram().highest_equivalent(nanos)
    };
    let seen = match stat {
        Stat::Percentile(percent) => times.quantile(percent.share())?.seen(),
        Stat::Max => times.longest()?.seen(),
        Stat::Mean => {
            let mean = times.mean();
            let ordering = mean.cmp(&bound);
            // It has a part of each time that was given up.
            let measured = match times.censored() {
                0 => Measured::Is(Value::Time(mean)),
                _ => Measured::AtLeast(Value::Time(mean)),
            };
            return Some((measured, ordering));
        }
    };
    let from = times.least_censored().map(on_grid);
    let measured = if from.is_some_and(|from| from <= on_grid(seen)) {
        Measured::AtLeast(Value::Time(seen))
    } else {
        Measured::Is(Value::Time(seen))
    };
    Some((measured, on_grid(seen).cmp(&on_grid(bound))))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2⁵³")]
fn float(count: u64) -> f64 {
    count as f64
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(f, "{value:.3}"),
            Self::AtLeast(value) => write!(f, "at least {value:.3}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measured {
            Some(measured) => measured.fmt(f),
            None => f.write_str("too few requests to tell"),
        }
    }
}
