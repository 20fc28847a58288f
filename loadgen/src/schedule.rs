//! When each request is due, computed from its number alone.
//!
//! An open model sends at times that do not depend on how the server answers,
//! as the clients of a public service do; a closed model has a fixed number of
//! users, each of whom waits for an answer before asking again. The two load a
//! server differently (Schroeder, Wierman and Harchol-Balter, "Open versus
//! closed: a cautionary tale", NSDI 2006), so [`Load`] makes one choose.
//!
//! A [`Profile`] is a rate λ(t). With Λ(t) its integral from 0 to t, arrival
//! *i* is due at Λ⁻¹(Sᵢ), where Sᵢ is *i* for evenly spaced arrivals, and the
//! sum of independent exponential gaps of mean 1 for a Poisson process
//! (the time-rescaling theorem: Daley and Vere-Jones, *An Introduction to the
//! Theory of Point Processes*, 2nd ed., theorem 7.4.I; for sampling by
//! inversion, Çinlar, *Introduction to Stochastic Processes*, 1975, ch. 4.7).
//! One formula serves every profile, fractional rates and random ramps, and as
//! the inverse is closed no error adds up: the millionth request is as exact as
//! the first.
//!
//! Nothing here reads a clock or does I/O. Logarithms are those of `libm`, so
//! that the same arguments give the same schedule on any machine.

mod arrivals;
mod busiest;
mod profile;
mod segment;

use std::{num::NonZeroU32, time::Duration};

pub use arrivals::{Arrivals, Dues, Shard, ShardError};
pub use profile::{MAX_LENGTH, MAX_SEGMENTS, Profile, ProfileError, Spike, Stage};
pub use segment::{MAX_RATE, Rate, RateError};

/// What decides when the next request is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// The schedule does: requests go out when they are due, whatever becomes
    /// of those before them.
    Open {
        /// How many requests per second, over time.
        profile: Profile,
        /// How they are spaced.
        arrivals: Arrivals,
    },
    /// The answers do: each user sends its next request when it has the answer
    /// to the last. There are no due times, so there is no waiting to measure
    /// either: a slow server is asked less.
    Closed {
        /// Requests under way at any time.
        users: NonZeroU32,
        /// For how long they go on.
        duration: Duration,
    },
}

impl Load {
    /// For how long requests go out.
    pub fn length(&self) -> Duration {
        match self {
            Self::Open { profile, .. } => profile.length(),
            Self::Closed { duration, .. } => *duration,
        }
    }
}

#[cfg(test)]
mod tests;
