//! E9: whether anything drifts.

use std::time::Duration;

use super::{Experiment, Known, Planned, Profile, arguments, rate};
use crate::capacity::raw::Layout;

/// Of what can be served and sent: the operating point that the report
/// recommends.
const PART: f64 = 0.7;

pub(super) fn plan(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let seconds = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => 30,
        Profile::Full => 240,
    };
    let planned = Planned::new(Experiment::Soak, 0, layout);
    vec![Planned {
        load: arguments(&[
            ("--rate", rate(known.highest.min(known.ceiling) * PART)),
            ("--settle", "1s".to_owned()),
            ("--duration", format!("{seconds}s")),
            ("--arrivals", "poisson".to_owned()),
            ("--seed", "1".to_owned()),
            ("--connections", "64".to_owned()),
        ]),
        length: Duration::from_secs(1 + seconds),
        ..planned
    }]
}
