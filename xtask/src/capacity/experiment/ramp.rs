//! E1: latency over rate, on hits.

use std::time::Duration;

use super::{Experiment, Known, Planned, Profile, arguments, rate};
use crate::capacity::raw::Layout;

/// The part of the closed model's rate at which a ramp begins, and the one at
/// which it ends: well below the knee, and beyond what can be served.
const PARTS: (f64, f64) = (0.1, 1.25);

/// Of the generator's ceiling no more than this is asked: what it cannot send
/// says nothing.
const OF_CEILING: f64 = 0.98;

/// The part of the highest rate that is held out: what the steps beside it
/// predict for it is compared with what is measured.
const HELD_OUT: f64 = 0.6;

pub(super) fn plan(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let (steps, trials, settle, hold) = match profile {
        Profile::Quick => (8, 3, 500, 1500),
        Profile::Default => (12, 3, 1000, 2500),
        Profile::Full => (14, 5, 2000, 5000),
    };
    let highest = (known.highest * PARTS.1).min(known.ceiling * OF_CEILING);
    let rates = geometric(known.highest * PARTS.0, highest, steps);
    let between = highest * HELD_OUT;
    (0..trials)
        .flat_map(|trial| {
            let planned = || Planned::new(Experiment::Ramp, trial, layout);
            [
                sweep(planned(), &rates, settle, hold),
                sweep(planned(), &[between], settle, hold).factor("held_out", &"yes"),
            ]
        })
        .collect()
}

/// `count` rates from one to another by equal ratios.
pub(super) fn geometric(from: f64, to: f64, count: i32) -> Vec<f64> {
    let factor = libm::pow(to / from, 1.0 / f64::from((count - 1).max(1)));
    (0..count).map(|step| from * libm::pow(factor, f64::from(step))).collect()
}

/// Each of `rates` in turn, by chance as independent users come and in random
/// order, another one in each trial.
pub(super) fn sweep(planned: Planned, rates: &[f64], settle: u64, hold: u64) -> Planned {
    let rates: Vec<_> = rates.iter().map(|per_second| rate(*per_second)).collect();
    let seed = planned.trial + 1;
    let length = Duration::from_millis(settle + hold);
    Planned {
        load: arguments(&[
            ("--steps", rates.join(",")),
            ("--settle", format!("{settle}ms")),
            ("--hold", format!("{hold}ms")),
            ("--order", "random".to_owned()),
            ("--seed", seed.to_string()),
            ("--arrivals", "poisson".to_owned()),
            ("--connections", "64".to_owned()),
            ("--drain", "2s".to_owned()),
        ]),
        length: length * u32::try_from(rates.len()).unwrap_or(u32::MAX),
        ..planned
    }
}
