//! The ramp of a relay that has a share of a processor: small enough for the
//! generator to bring it to its knee, where a whole processor may not be.

use super::{
    objective::USUAL,
    ramp::{self, RampStep},
    reading::decimal,
    saturation::Saturation,
};
use crate::capacity::{
    analysis::isotonic::{Capacity, NoCapacity},
    loaded::{Loaded, LoadedTrial},
};

/// A ramp within a quota.
#[derive(Debug)]
pub struct ShareRamp {
    /// The share of one processor.
    pub share: f64,
    /// Its steps, by rate.
    pub steps: Vec<RampStep>,
    /// The highest rate that meets the usual objective.
    pub capacity: Result<Capacity, NoCapacity>,
    /// Where it saturates.
    pub saturation: Saturation,
}

impl ShareRamp {
    /// None if it was not measured.
    pub(super) fn of(loaded: &Loaded) -> Option<Self> {
        let trials: Vec<&LoadedTrial> = loaded.of("e11").collect();
        let share = trials.iter().find_map(|trial| decimal(trial, "share"))?;
        let steps = ramp::steps(&trials);
        Some(Self {
            share,
            capacity: ramp::capacity(&trials, &steps, USUAL),
            saturation: Saturation::of(None, &trials, &steps),
            steps,
        })
    }
}
