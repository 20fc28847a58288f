//! Steps that are known beforehand.

use std::{fmt, num::NonZeroU32, time::Duration};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use thiserror::Error;

use super::{Held, MAX_STEPS, Plateau, Step, Sweep};
use crate::schedule::{Arrivals, ProfileError};

/// Which of the rates comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The lowest, in each repeat.
    Up,
    /// The highest, in each repeat.
    Down,
    /// The lowest, and after the highest all of them back down: each repeat
    /// has each rate twice, and where the two differ the target remembers what
    /// it was put through.
    UpDown,
    /// Any: each repeat is a permutation of its own, so that what changes over
    /// time is not taken for an effect of the rate (randomised blocks).
    Random {
        /// The same seed gives the same order.
        seed: u64,
    },
}

/// Which steps there are to be.
#[derive(Debug, Clone, PartialEq)]
pub struct StepsOptions {
    /// Their rates.
    pub sweep: Sweep,
    /// How long each is judged.
    pub hold: Duration,
    /// What is due in this time before that is sent but not judged.
    pub settle: Duration,
    /// How often all of it is done.
    pub repeat: NonZeroU32,
    /// In which order.
    pub order: Order,
    /// How the requests of a step are spaced; where by chance, by another
    /// one in each step.
    pub arrivals: Arrivals,
}

/// Steps that are known beforehand, at most [`MAX_STEPS`].
#[derive(Debug, Clone)]
pub struct Steps {
    options: StepsOptions,
    all: Vec<Step>,
    given: usize,
}

/// Steps that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StepsError {
    /// There are too many.
    #[error("{0} steps are too many: at most {MAX_STEPS}; try fewer rates or repeats")]
    TooMany(u64),
    /// They cannot be held for so long, or so short.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl Steps {
    /// The steps of `options`.
    pub fn new(options: StepsOptions) -> Result<Self, StepsError> {
        let StepsOptions { sweep, hold, settle, repeat, order, arrivals } = &options;
        let rates = sweep.rates();
        let count = u64::from(repeat.get())
            * order.passes()
            * u64::try_from(rates.len()).unwrap_or(u64::MAX);
        if usize::try_from(count).map_or(true, |count| MAX_STEPS < count) {
            return Err(StepsError::TooMany(count));
        }
        let plateau = Plateau { hold: *hold, settle: *settle, arrivals: *arrivals };
        let mut trials = vec![0; rates.len()];
        let all = (0..repeat.get())
            .flat_map(|block| order.block(rates.len(), block))
            .zip(0..)
            .map(|(at, index)| {
                let trial = trials[at];
                trials[at] += 1;
                plateau.step(rates[at], trial, index)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { options, all, given: 0 })
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Step] {
        &self.all
    }

    /// How long all of them are together.
    pub fn length(&self) -> Duration {
        self.all.iter().map(Step::length).sum()
    }

    /// The next one.
    pub(super) fn advance(&mut self) -> Option<Step> {
        let step = self.all.get(self.given)?.clone();
        self.given += 1;
        Some(step)
    }
}

impl Order {
    /// How often a repeat has each rate.
    fn passes(self) -> u64 {
        match self {
            Self::Up | Self::Down | Self::Random { .. } => 1,
            Self::UpDown => 2,
        }
    }

    /// Which of `count` rates come in repeat number `block`, in order.
    fn block(self, count: usize, block: u32) -> Vec<usize> {
        match self {
            Self::Up => (0..count).collect(),
            Self::Down => (0..count).rev().collect(),
            Self::UpDown => (0..count).chain((0..count).rev()).collect(),
            Self::Random { seed } => {
                let mut chance = ChaCha8Rng::seed_from_u64(seed);
                chance.set_stream(u64::from(block));
                let mut order: Vec<_> = (0..count).collect();
                // Fisher and Yates: any of those left comes last.
                for left in (1..count).rev() {
                    order.swap(left, up_to(left, &mut chance));
                }
                order
            }
        }
    }
}

/// A number from 0 to `last`, each with the same probability up to 2⁻⁵⁰ of it
/// for the few that there are.
fn up_to(last: usize, chance: &mut ChaCha8Rng) -> usize {
    let wide = u128::from(chance.next_u64()) * (last as u128 + 1);
    usize::try_from(wide >> 64).unwrap_or(last)
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("going up"),
            Self::Down => f.write_str("going down"),
            Self::UpDown => f.write_str("going up and down"),
            Self::Random { seed } => write!(f, "in random order (seed {seed})"),
        }
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StepsOptions { sweep, hold, settle, repeat, order, .. } = &self.options;
        let held = Held { hold: *hold, settle: *settle };
        write!(f, "steps {sweep} per second, each held {held}, ")?;
        match repeat.get() {
            1 => f.write_str("once ")?,
            2 => f.write_str("twice ")?,
            times => write!(f, "{times} times ")?,
        }
        order.fmt(f)
    }
}
