//! E4: what more worker threads bring.

use super::{Experiment, Planned, Profile, USERS};
use crate::capacity::raw::Layout;

/// Each worker has as many users, so that none has less to do than another.
const USERS_PER_WORKER: u32 = USERS / 2;

/// As many workers as processors, from one up: 1, 2, 4 and so on, and all.
pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (trials, hold) = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => (3, 2000),
        Profile::Full => (5, 5000),
    };
    let all = layout.relay.len();
    let mut levels: Vec<usize> = std::iter::successors(Some(1), |level| Some(level * 2))
        .take_while(|it| *it < all)
        .collect();
    levels.push(all);
    let trial = |workers: usize, trial| {
        let few = Layout { relay: layout.relay[..workers].to_vec(), ..layout.clone() };
        let users = USERS_PER_WORKER * u32::try_from(workers).unwrap_or(u32::MAX);
        Planned::new(Experiment::Cores, trial, &few)
            .factor("workers", &workers)
            .closed(users, 500, hold)
    };
    (0..trials).flat_map(|number| levels.iter().map(move |it| trial(*it, number))).collect()
}
