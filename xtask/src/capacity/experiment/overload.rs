//! E7: more than can be served, and what comes after.

use std::time::Duration;

use super::{Experiment, Known, Planned, Profile, arguments, rate};
use crate::capacity::raw::Layout;

/// The share of a processor that the relay has: little enough for the
/// generator to send three times what it can serve.
const SHARE: f64 = 0.25;

/// Parts of what it can serve, one after the other.
const PARTS: [f64; 4] = [0.7, 1.5, 3.0, 0.3];

pub(super) fn plan(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let seconds: [u64; 4] = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => [4, 6, 6, 8],
        Profile::Full => [10, 20, 20, 20],
    };
    #[expect(clippy::cast_precision_loss, reason = "a handful of processors")]
    let can_serve = known.highest * SHARE / layout.relay.len().max(1) as f64;
    let stages = PARTS.iter().zip(seconds).map(|(part, seconds)| {
        let rate = rate(can_serve * part);
        format!("{rate}:0s,{rate}:{seconds}s")
    });
    let planned = Planned::new(Experiment::Overload, 0, layout).factor("share", &SHARE);
    vec![Planned {
        share: Some(SHARE),
        load: arguments(&[
            ("--stages", stages.collect::<Vec<_>>().join(",")),
            ("--arrivals", "poisson".to_owned()),
            ("--seed", "1".to_owned()),
            ("--connections", "256".to_owned()),
            // Nobody waits for ever: without that, what was not sent in time
            // would be sent when there is time for it, as a load of its own.
            ("--late-policy", "drop-after=1s".to_owned()),
            ("--drain", "2s".to_owned()),
        ]),
        length: Duration::from_secs(seconds.iter().sum()),
        ..planned
    }]
}
