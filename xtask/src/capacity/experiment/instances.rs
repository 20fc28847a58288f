//! E5: several relays, each with a cache of its own.

use std::num::NonZeroU32;

use super::{Experiment, Planned, Profile, USERS, relays};
use crate::capacity::raw::Layout;

/// How long an answer is fresh: short, so that what they ask of the upstream
/// shows.
const FRESH: &str = "1s";

/// Together they have the processors that one has, and as many users.
pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (trials, hold) = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => (2, 4000),
        Profile::Full => (5, 10_000),
    };
    let trial = |instances: u32, trial| {
        let subject = relays(
            NonZeroU32::new(instances).unwrap_or(NonZeroU32::MIN),
            &[("--workers", "1".to_owned()), ("--default-ttl", FRESH.to_owned())],
        );
        Planned { subject, ..Planned::new(Experiment::Instances, trial, layout) }
            .factor("instances", &instances)
            .factor("tier", &"private")
            .closed(USERS / instances, 500, hold)
    };
    (0..trials).flat_map(|number| (1..=3).map(move |instances| trial(instances, number))).collect()
}
