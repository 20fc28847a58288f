//! E10 and E11: shares of a processor.
//!
//! Where a generator can hardly send what a whole processor serves, a quota
//! makes the relay small enough for it: the knee can be seen, and how
//! throughput grows with processor time.

use super::{
    Experiment, Known, Planned, Profile, USERS,
    ramp::{geometric, sweep},
};
use crate::capacity::raw::Layout;

/// Shares of one processor.
const SHARES: [f64; 5] = [0.125, 0.25, 0.375, 0.5, 0.75];

/// The share whose knee is looked for.
const KNEE: f64 = 0.25;

pub(super) fn plan(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let (trials, hold, steps) = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => (3, 1200, 8),
        Profile::Full => (5, 3000, 12),
    };
    let part = KNEE / processors(layout);
    let rates = geometric(known.highest * part * 0.2, known.highest * part * 1.5, steps);
    (0..trials)
        .flat_map(|trial| {
            let closed = SHARES.map(|share| {
                let planned = Planned::new(Experiment::Quota, trial, layout);
                of_a_share(planned, share).closed(USERS, 500, hold)
            });
            let ramp = Planned::new(Experiment::QuotaRamp, trial, layout);
            let ramp = sweep(of_a_share(ramp, KNEE), &rates, 500, hold);
            closed.into_iter().chain([ramp])
        })
        .collect()
}

fn of_a_share(planned: Planned, share: f64) -> Planned {
    Planned { share: Some(share), ..planned }.factor("share", &share)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of processors")]
fn processors(layout: &Layout) -> f64 {
    layout.relay.len().max(1) as f64
}
