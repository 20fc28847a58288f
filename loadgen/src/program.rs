//! Which steps are run, and in which order.

mod stages;
mod sweep;

pub use stages::{Range, Stages, StagesError};
pub use sweep::{Sweep, SweepError};

/// The most steps that a program can have.
pub const MAX_STEPS: usize = 10_000;
