//! How arrivals are spaced, and how several generators share them.

use std::{fmt, iter::FusedIterator, num::NonZeroU32, time::Duration};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Profile;

/// How arrivals are spaced around the rate of a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly: arrival *i* is due when *i* are expected, counted from 0.
    Constant,
    /// By chance, as independent users come: a Poisson process of that rate.
    Poisson {
        /// The same seed gives the same times.
        seed: u64,
    },
}

/// Which part of the arrivals one generator of several sends.
///
/// Shards need nothing from each other but their number. Of evenly spaced
/// arrivals shard *k* of *n* has those whose number leaves the remainder *k*.
/// Of a Poisson process it has a process of its own at an *n*-th of the rate:
/// *n* such processes together are one at the whole rate (superposition;
/// Kingman, *Poisson Processes*, 1993, §2.2). Their times therefore depend on
/// *n*, which the evenly spaced ones do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked", deny_unknown_fields)]
pub struct Shard {
    /// Which one it is, counted from 0.
    index: u32,
    /// Of how many.
    of: NonZeroU32,
}

/// What was written as a shard.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    index: u32,
    of: NonZeroU32,
}

impl TryFrom<Unchecked> for Shard {
    type Error = ShardError;

    fn try_from(shard: Unchecked) -> Result<Self, ShardError> {
        Self::new(shard.index, shard.of)
    }
}

/// As `--shard` takes it.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// A shard that is not among those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is no shard {index} of {of}: they are counted from 0")]
pub struct ShardError {
    index: u32,
    of: NonZeroU32,
}

impl Shard {
    /// All arrivals.
    pub const WHOLE: Self = Self { index: 0, of: NonZeroU32::MIN };

    /// Shard `index`, counted from 0, of `of`.
    pub fn new(index: u32, of: NonZeroU32) -> Result<Self, ShardError> {
        if index < of.get() { Ok(Self { index, of }) } else { Err(ShardError { index, of }) }
    }

    /// Which of them it is, counted from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Of how many shards it is one.
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// Part `index`, counted from 0, of the `of` equal parts of this one: its
    /// arrivals are every `of`-th of this one's, or as random as they are.
    pub fn part(self, index: u32, of: NonZeroU32) -> Result<Self, ShardError> {
        let part = Self::new(index, of)?;
        let too_many = ShardError { index, of };
        let all = self.of.checked_mul(of).ok_or(too_many)?;
        // Numbers that leave k of n leave k + n·j of n·m for one j below m.
        Self::new(self.index + self.of.get() * part.index, all)
    }
}

impl Arrivals {
    /// When the arrivals of `shard` are due, since the start; they never go
    /// back in time.
    pub fn dues(self, profile: &Profile, shard: Shard) -> Dues {
        let (index, of) = (u64::from(shard.index), u64::from(shard.of.get()));
        let spacing = match self {
            Self::Constant => Spacing::Even { next: index, every: of },
            Self::Poisson { seed } => {
                let mut chance = ChaCha8Rng::seed_from_u64(seed);
                // Streams of one key do not overlap.
                chance.set_stream(index);
                Spacing::Random {
                    sum: 0.0,
                    mean: f64::from(shard.of.get()),
                    chance: Box::new(chance),
                }
            }
        };
        Dues { profile: profile.clone(), spacing }
    }

    /// How many arrivals of `shard` are due before `t`.
    ///
    /// Of evenly spaced ones it is looked up; random ones are gone through.
    pub fn count_before(self, profile: &Profile, shard: Shard, t: Duration) -> u64 {
        match self {
            Self::Constant => {
                let before = profile.count_before(t);
                let (index, of) = (u64::from(shard.index), u64::from(shard.of.get()));
                before.saturating_sub(index).div_ceil(of)
            }
            Self::Poisson { .. } => {
                let before = self.dues(profile, shard).take_while(|due| *due < t);
                before.fold(0, |count, _| count + 1)
            }
        }
    }
}

/// The due times of one shard, since the start, in order.
#[derive(Debug)]
pub struct Dues {
    profile: Profile,
    spacing: Spacing,
}

#[derive(Debug)]
enum Spacing {
    Even { next: u64, every: u64 },
    Random { sum: f64, mean: f64, chance: Box<ChaCha8Rng> },
}

impl Iterator for Dues {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match &mut self.spacing {
            Spacing::Even { next, every } => {
                #[expect(clippy::cast_precision_loss, reason = "counts stay below 2⁵³")]
                let due = self.profile.due(*next as f64)?;
                *next += *every;
                Some(due)
            }
            Spacing::Random { sum, mean, chance } => {
                // Past the end it stays there, as gaps are never negative.
                *sum += *mean * exponential(chance);
                self.profile.due(*sum)
            }
        }
    }
}

impl FusedIterator for Dues {}

/// An exponential gap of mean 1, by inversion: −ln(u) with u in (0, 1].
fn exponential(chance: &mut ChaCha8Rng) -> f64 {
    // The 53 bits that an f64 in [½, 1) can tell apart, counted from 1.
    #[expect(clippy::cast_precision_loss, reason = "at most 2⁵³")]
    let u = ((chance.next_u64() >> 11) + 1) as f64 / TWO_TO_53;
    -libm::log(u)
}

const TWO_TO_53: f64 = 9_007_199_254_740_992.0;
