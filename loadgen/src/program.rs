//! Which steps are run, and in which order.
//!
//! A [`Step`] is load that is judged by itself. A [`Program`] is one step, a
//! list of [`Steps`] that is known beforehand, or a [`Search`] whose next step
//! depends on how the ones before were judged. All of them are asked for
//! [the next](Program::next) until there is none.
//!
//! The same arguments give the same program on any machine: what is random
//! comes from a seed.

mod search;
mod stages;
mod steps;
mod sweep;

use std::{fmt, num::NonZeroU32, time::Duration};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use search::{
    Ended, MAX_TRIALS, Search, SearchError, SearchOptions, SearchResult, TrialRecord,
};
pub use stages::{Range, Stages, StagesError};
pub use steps::{Order, Steps, StepsError, StepsOptions};
pub use sweep::{Sweep, SweepError};

use crate::schedule::{Arrivals, Load, Profile, ProfileError, Rate};

/// The most steps that a program can have.
pub const MAX_STEPS: usize = 10_000;

/// A stretch of load that is judged by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rate that it holds, where it holds one.
    pub rate: Option<Rate>,
    /// How many steps of the same rate came before it.
    pub trial: u32,
    /// Load over settle and hold together.
    pub load: Load,
    /// What is due in this time at its start is sent but not judged.
    pub settle: Duration,
}

/// What became of a step, beside what was demanded of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The target did what was demanded.
    Met,
    /// It did not.
    Missed,
    /// The generator, not the target, was the limit.
    Invalid,
    /// There were too few requests to tell, or too many were given up.
    Unknown,
}

/// All steps of a run.
#[derive(Debug, Clone)]
pub enum Program {
    /// One step.
    Once(Once),
    /// Steps that are known beforehand.
    Steps(Steps),
    /// Steps that look for the highest rate at which the demands are met.
    Search(Search),
}

/// A program of one step.
#[derive(Debug, Clone)]
pub struct Once {
    step: Step,
    next: Option<Step>,
}

impl Step {
    /// How long it is: settle and hold.
    pub fn length(&self) -> Duration {
        self.load.length()
    }
}

impl Program {
    /// A program of `step` alone.
    pub fn once(step: Step) -> Self {
        Self::Once(Once { next: Some(step.clone()), step })
    }

    /// The next step, if there is one, when the one before was judged as
    /// `last`; before the first there is no judgement.
    ///
    /// Only a search needs it: where it is left out, the same step comes again.
    pub fn next(&mut self, last: Option<Judgement>) -> Option<Step> {
        match self {
            Self::Once(once) => once.next.take(),
            Self::Steps(steps) => steps.advance(),
            Self::Search(search) => {
                if let Some(last) = last {
                    search.judged(last);
                }
                search.next()
            }
        }
    }

    /// The highest rate that it asks for; in a closed model there is none.
    pub fn highest_rate(&self) -> Option<Rate> {
        let of = |step: &Step| match &step.load {
            Load::Open { profile, .. } => Some(profile.highest_rate()),
            Load::Closed { .. } => None,
        };
        match self {
            Self::Search(search) => Some(search.highest()),
            Self::Once(_) | Self::Steps(_) => {
                let rates = self.steps().iter().filter_map(of);
                rates.max_by(|a, b| a.per_second().total_cmp(&b.per_second()))
            }
        }
    }

    /// The most requests that are due within any `window`, if no time passes
    /// between steps; in a closed model it is not known. A search may go on at
    /// its highest rate.
    pub fn most_within(&self, window: Duration) -> Option<f64> {
        let highest = self.highest_rate()?;
        let profiles = self.steps().iter().filter_map(|step| match &step.load {
            Load::Open { profile, .. } => Some(profile),
            Load::Closed { .. } => None,
        });
        // Where it is not known beforehand, or is too long, it may be so busy.
        let whole = Profile::one_after_another(profiles).ok();
        let highest = highest.per_second() * window.as_secs_f64();
        Some(whole.map_or(highest, |profile| profile.most_within(window)))
    }

    /// The steps that are known beforehand.
    fn steps(&self) -> &[Step] {
        match self {
            Self::Once(once) => std::slice::from_ref(&once.step),
            Self::Steps(steps) => steps.all(),
            Self::Search(_) => &[],
        }
    }

    /// Whether each of its steps holds one rate.
    pub fn holds_rates(&self) -> bool {
        match self {
            Self::Once(once) => once.step.rate.is_some(),
            Self::Steps(_) | Self::Search(_) => true,
        }
    }

    /// The users of a closed model; an open one has none.
    pub fn users(&self) -> Option<NonZeroU32> {
        match self.steps() {
            [Step { load: Load::Closed { users, .. }, .. }] => Some(*users),
            _ => None,
        }
    }

    /// How long all steps are together; what a search takes is not known.
    pub fn length(&self) -> Option<Duration> {
        match self {
            Self::Once(once) => Some(once.step.length()),
            Self::Steps(steps) => Some(steps.length()),
            Self::Search(_) => None,
        }
    }
}

/// The program in one line.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(Once { step, .. }) => step.fmt(f),
            Self::Steps(steps) => steps.fmt(f),
            Self::Search(search) => search.fmt(f),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.load, self.rate) {
            (Load::Open { .. }, Some(rate)) => write!(f, "{}/s", rate.per_second())?,
            (Load::Open { profile, .. }, None) => match profile.count() {
                1 => f.write_str("1 request")?,
                count => write!(f, "{count} requests")?,
            },
            (Load::Closed { users: NonZeroU32::MIN, .. }, _) => f.write_str("1 user")?,
            (Load::Closed { users, .. }, _) => write!(f, "{users} users")?,
        }
        let hold = self.length().saturating_sub(self.settle);
        write!(f, " over {}", Held { hold, settle: self.settle })
    }
}

/// For how long a step is held, in words.
struct Held {
    hold: Duration,
    settle: Duration,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.hold)?;
        if self.settle.is_zero() { Ok(()) } else { write!(f, " after settling {:?}", self.settle) }
    }
}

/// What steps of one rate have in common, whichever that is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plateau {
    hold: Duration,
    settle: Duration,
    arrivals: Arrivals,
}

impl Plateau {
    /// Step number `index` of all, at `rate`. Nothing has to be judged where
    /// nothing is held.
    fn step(self, rate: Rate, trial: u32, index: u64) -> Result<Step, ProfileError> {
        let Self { hold, settle, arrivals } = self;
        if hold.is_zero() {
            return Err(ProfileError::Empty);
        }
        let profile = Profile::constant(rate, hold.saturating_add(settle))?;
        let load = Load::Open { profile, arrivals: arrivals_of(arrivals, index) };
        Ok(Step { rate: Some(rate), trial, load, settle })
    }
}

/// The arrivals of step `index`: where they are random, each step has a seed of
/// its own, as a trial that repeats another one exactly adds nothing to it.
fn arrivals_of(arrivals: Arrivals, index: u64) -> Arrivals {
    match arrivals {
        Arrivals::Constant => Arrivals::Constant,
        Arrivals::Poisson { seed } => {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            chance.set_stream(index);
            Arrivals::Poisson { seed: chance.next_u64() }
        }
    }
}

#[cfg(test)]
mod tests;
