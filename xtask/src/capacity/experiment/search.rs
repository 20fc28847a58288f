//! E2: the highest rate that meets the objective, by search.

use std::time::Duration;

use super::{Experiment, Known, Planned, Profile, arguments, rate};
use crate::capacity::raw::Layout;

/// What is looked for: the objective of the report.
const OBJECTIVE: &str = "p99<=20ms,errors<0.1%";

/// How many trials a search takes at most, by its own bracket: the interval is
/// halved until it is a tenth.
const TRIALS: u32 = 24;

pub(super) fn plan(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let (settle, hold) = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => (500, 2000),
        Profile::Full => (1000, 6000),
    };
    let highest = known.ceiling.min(known.highest * 1.25);
    let planned = Planned::new(Experiment::Search, 0, layout);
    vec![Planned {
        load: arguments(&[
            ("--search", OBJECTIVE.to_owned()),
            ("--between", format!("{}..{}", rate(highest / 8.0), rate(highest))),
            ("--precision", "0.1".to_owned()),
            ("--settle", format!("{settle}ms")),
            ("--hold", format!("{hold}ms")),
            ("--arrivals", "poisson".to_owned()),
            ("--seed", "1".to_owned()),
            ("--connections", "64".to_owned()),
            ("--drain", "2s".to_owned()),
        ]),
        length: Duration::from_millis(settle + hold) * TRIALS,
        ..planned
    }]
}
