//! The search for the highest rate at which a target does what is demanded.
//!
//! It is in the manner of `MLRsearch` (RFC 9971): the answer is not a number but
//! an interval, from the *relevant lower bound*, a load that was met, to the
//! *relevant upper bound*, one that was missed. A load is tried several times
//! and goes by the majority (in the RFC's terms, the goal exceed ratio is ½),
//! as near the capacity one trial says little: a search that trusts each of
//! them is led astray for good by the first unlucky one.
//!
//! Loads double from the lowest until one is not met, and then halve the
//! interval, as ratios, until it is as narrow as was asked for. Of the RFC's
//! means the search leaves out the shorter trials of its early phases, and has
//! one goal.
//!
//! All of its state is the trials that were made: the next one, and how it
//! ends, follow from them.

mod load;
mod result;

use std::{fmt, num::NonZeroU32, time::Duration};

use thiserror::Error;

use self::load::{Class, TriedLoad};
pub use self::result::{Ended, SearchResult, TrialRecord};
use super::{Held, Judgement, Plateau, Step};
use crate::schedule::{Arrivals, ProfileError, Rate};

/// The most trials of a search, whatever their answers.
pub const MAX_TRIALS: usize = 200;

/// The narrowest interval that can be asked for, relative to its lower end: no
/// machine is as even as that.
const FINEST: f64 = 0.001;

/// What to search, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// The first load.
    pub lowest: Rate,
    /// The last one, if all are met.
    pub highest: Rate,
    /// How wide the interval may be in the end, relative to its lower end:
    /// 0.05 for 5 %.
    pub precision: f64,
    /// How often a load is tried at most: less often when the majority is
    /// decided.
    pub trials: NonZeroU32,
    /// How long a trial is judged.
    pub hold: Duration,
    /// What is due in this time before that is sent but not judged.
    pub settle: Duration,
    /// How the requests of a trial are spaced; where by chance, by another one
    /// in each trial.
    pub arrivals: Arrivals,
}

/// A search that is under way.
#[derive(Debug, Clone)]
pub struct Search {
    options: SearchOptions,
    /// From the lowest to the highest.
    loads: Vec<TriedLoad>,
    trials: Vec<TrialRecord>,
}

/// A search that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// No doubling leads away from 0.
    #[error("a search needs a lowest rate of more than 0")]
    Zero,
    /// There is nothing between its ends.
    #[error("the lowest rate, {lowest}, is above the highest, {highest}")]
    Empty {
        /// The one end.
        lowest: f64,
        /// The other end.
        highest: f64,
    },
    /// No interval is that narrow, or it is no number.
    #[error("a precision of {0}: it is a number from {FINEST} to 1")]
    Precision(f64),
    /// So many trials of each load cannot all be made.
    #[error("{0} trials of each load are too many: at most {most}", most = MAX_TRIALS / 10)]
    Trials(NonZeroU32),
    /// A trial cannot be so long, or so short.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// What comes next.
enum Plan {
    Try(Rate),
    End(Ended),
}

impl Search {
    /// The highest load that it may come to.
    pub fn highest(&self) -> Rate {
        self.options.highest
    }

    /// A search in which nothing was tried yet.
    pub fn new(options: SearchOptions) -> Result<Self, SearchError> {
        let SearchOptions { lowest, highest, precision, trials, .. } = options;
        if lowest == Rate::ZERO {
            return Err(SearchError::Zero);
        }
        if highest < lowest {
            let (lowest, highest) = (lowest.per_second(), highest.per_second());
            return Err(SearchError::Empty { lowest, highest });
        }
        if !(FINEST..=1.0).contains(&precision) {
            return Err(SearchError::Precision(precision));
        }
        if usize::try_from(trials.get()).map_or(true, |trials| MAX_TRIALS / 10 < trials) {
            return Err(SearchError::Trials(trials));
        }
        // No rate makes a difference to whether there can be such a step.
        options.plateau().step(lowest, 0, 0)?;
        Ok(Self { options, loads: Vec::new(), trials: Vec::new() })
    }

    /// The next trial; the same one until it is [judged](Self::judged).
    pub fn next(&self) -> Option<Step> {
        let Plan::Try(rate) = self.plan() else { return None };
        let before = self.loads.iter().find(|load| load.rate == rate);
        let trial = before.map_or(0, TriedLoad::trials);
        let index = u64::try_from(self.trials.len()).unwrap_or(u64::MAX);
        self.options.plateau().step(rate, trial, index).ok()
    }

    /// Takes what became of the [next](Self::next) trial. At the end there is
    /// none.
    pub fn judged(&mut self, judgement: Judgement) {
        let Plan::Try(rate) = self.plan() else { return };
        let at = self.loads.partition_point(|load| load.rate < rate);
        if self.loads.get(at).is_none_or(|load| load.rate != rate) {
            self.loads.insert(at, TriedLoad::new(rate));
        }
        self.loads[at].count(judgement);
        self.trials.push(TrialRecord { rate, judgement });
    }

    /// What is known by now.
    pub fn result(&self) -> SearchResult {
        let ended = match self.plan() {
            Plan::Try(_) => Ended::Interrupted,
            Plan::End(ended) => ended,
        };
        let upper = self.loads.iter().find(|load| self.class(load) == Class::Missed);
        let below = |load: &&TriedLoad| upper.is_none_or(|upper| load.rate < upper.rate);
        let met = |load: &&TriedLoad| self.class(load) == Class::Met;
        let lower = self.loads.iter().filter(below).rfind(met);
        SearchResult {
            lower: lower.map(|load| load.rate),
            upper: upper.map(|load| load.rate),
            ended,
            trials: self.trials.clone(),
            inconsistent: result::contradict(&self.trials),
        }
    }

    /// What would be tried next is not when there were as many trials as there
    /// can be.
    fn plan(&self) -> Plan {
        match self.unbounded_plan() {
            Plan::Try(_) if MAX_TRIALS <= self.trials.len() => Plan::End(Ended::OutOfTrials),
            plan => plan,
        }
    }

    fn unbounded_plan(&self) -> Plan {
        if let Some(open) = self.loads.iter().find(|load| self.class(load) == Class::Open) {
            return Plan::Try(open.rate);
        }
        let stops = |load: &&TriedLoad| matches!(self.class(load), Class::Missed | Class::Limited);
        match self.loads.iter().find(stops) {
            Some(top) => self.narrow(top),
            None => self.ascend(),
        }
    }

    /// Nothing was missed yet: the double of the highest load so far. What
    /// cannot be told of a low rate, for it has few requests, a higher one may
    /// tell.
    fn ascend(&self) -> Plan {
        let SearchOptions { lowest, highest, .. } = self.options;
        let Some(last) = self.loads.last() else { return Plan::Try(lowest) };
        if last.rate < highest {
            let double = Rate::new(2.0 * last.rate.per_second()).unwrap_or(highest);
            return Plan::Try(if double < highest { double } else { highest });
        }
        Plan::End(match self.class(last) {
            Class::Met => Ended::HighestMet,
            _ => Ended::Inconclusive,
        })
    }

    /// Between `top`, the lowest load that was missed or that the generator
    /// could not make, and the highest below it: their geometric mean.
    fn narrow(&self, top: &TriedLoad) -> Plan {
        let ended = match self.class(top) {
            Class::Limited => Ended::GeneratorLimited,
            _ => Ended::Converged,
        };
        let Some(floor) = self.loads.iter().rfind(|load| load.rate < top.rate) else {
            return Plan::End(match ended {
                Ended::Converged => Ended::LowestMissed,
                other => other,
            });
        };
        let (low, high) = (floor.rate.per_second(), top.rate.per_second());
        let mean = Rate::new(low * libm::sqrt(high / low)).unwrap_or(floor.rate);
        let narrow = high <= low * (1.0 + self.options.precision);
        // Rounding may leave nothing in between.
        if !narrow && floor.rate < mean && mean < top.rate {
            return Plan::Try(mean);
        }
        Plan::End(match self.class(floor) {
            Class::Met => ended,
            _ => Ended::Inconclusive,
        })
    }

    fn class(&self, load: &TriedLoad) -> Class {
        load.class(self.options.trials)
    }
}

impl SearchOptions {
    fn plateau(&self) -> Plateau {
        Plateau { hold: self.hold, settle: self.settle, arrivals: self.arrivals }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SearchOptions { lowest, highest, precision, trials, hold, settle, .. } = self.options;
        let (lowest, highest) = (lowest.per_second(), highest.per_second());
        let percent = (precision * 1e4).round() / 100.0;
        let held = Held { hold, settle };
        write!(f, "search {lowest}..{highest} per second to {percent}%, each load tried ")?;
        match trials.get() {
            1 => f.write_str("once")?,
            2 => f.write_str("up to twice")?,
            times => write!(f, "up to {times} times")?,
        }
        write!(f, " and held {held}")
    }
}

#[cfg(test)]
mod tests;
