//! E3: how many are answered depends on how many ask at a time.

use super::{Experiment, Planned, Profile};
use crate::capacity::raw::Layout;

/// Users of a closed model.
const LEVELS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (levels, trials, hold): (&[u32], u32, u64) = match profile {
        Profile::Quick => (&[1, 8, 64], 1, 1500),
        Profile::Default => (&LEVELS, 3, 1200),
        Profile::Full => (&LEVELS, 5, 4000),
    };
    let trial = |users: u32, trial| {
        Planned::new(Experiment::Concurrency, trial, layout)
            .factor("users", &users)
            .closed(users, 500, hold)
    };
    (0..trials).flat_map(|number| levels.iter().map(move |users| trial(*users, number))).collect()
}
