//! What is measured, in which order and for how long: pure.
//!
//! Each experiment answers one question by varying one factor. A trial is one
//! run of the load generator against a relay that was started for it, as the
//! unit that is repeated is the run, not the request.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::raw::Layout;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What fits into three minutes: for continuous integration.
    Quick,
    /// A quarter of an hour.
    Default,
    /// Three quarters of an hour.
    Full,
}

/// The experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Experiment {
    /// Latency over rate, on hits: capacity and knee.
    Ramp,
    /// Throughput over concurrency, in a closed model.
    Concurrency,
    /// A thousand users on an empty cache.
    ColdStart,
}

impl Experiment {
    /// All of them, in the order in which they are run.
    pub const ALL: [Self; 3] = [Self::Concurrency, Self::Ramp, Self::ColdStart];

    /// Its number in the design.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ramp => "e1",
            Self::Concurrency => "e3",
            Self::ColdStart => "e8",
        }
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A trial that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Of which experiment.
    pub experiment: Experiment,
    /// What is varied, and its level.
    pub factors: BTreeMap<String, String>,
    /// How many of the same come before it.
    pub trial: u32,
    /// The relay's arguments besides its addresses.
    pub relay: Vec<String>,
    /// The stand-in upstream's.
    pub upstream: Vec<String>,
    /// The path that is requested.
    pub path: &'static str,
    /// The load generator's arguments besides the URL, its processors and its
    /// folder.
    pub load: Vec<String>,
    /// How long the load is.
    pub length: Duration,
}

/// The single URI of all experiments but the cold start: a menu of 1.5 KB.
const PATH: &str = "/restaurant/bikupan/";

/// Concurrency levels of a closed model.
const USERS: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/// The part of the closed model's rate at which a ramp begins, and the one at
/// which it ends: well below the knee, and beyond what can be served.
const RAMP: (f64, f64) = (0.1, 1.25);

/// The trials of the concurrency sweep, which need nothing to be known.
pub fn concurrency(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (levels, trials, hold): (&[u32], u32, u64) = match profile {
        Profile::Quick => (&[1, 8, 64], 1, 2),
        Profile::Default => (&USERS, 3, 3),
        Profile::Full => (&USERS, 5, 6),
    };
    let trial = |users: u32, trial| Planned {
        experiment: Experiment::Concurrency,
        factors: factors([("users", users.to_string())]),
        trial,
        relay: relay(layout),
        upstream: Vec::new(),
        path: PATH,
        load: arguments(&[
            ("--closed", users.to_string()),
            ("--settle", "500ms".to_owned()),
            ("--duration", format!("{hold}s")),
        ]),
        length: Duration::from_millis(500 + 1000 * hold),
    };
    (0..trials).flat_map(|number| levels.iter().map(move |users| trial(*users, number))).collect()
}

/// The trials of the ramp, up to more than the closed model's `highest` rate.
pub fn ramp(profile: Profile, layout: &Layout, highest: f64) -> Vec<Planned> {
    let (steps, trials, settle, hold) = match profile {
        Profile::Quick => (8, 3, 500, 1500),
        Profile::Default => (12, 3, 1000, 5000),
        Profile::Full => (14, 5, 2000, 15_000),
    };
    let (from, to) = (highest * RAMP.0, highest * RAMP.1);
    let factor = libm::pow(to / from, 1.0 / f64::from(steps - 1));
    let rates: Vec<_> = (0..steps)
        .map(|step| format!("{:.0}", from * libm::pow(factor, f64::from(step))))
        .collect();
    let trial = |number: u32| Planned {
        experiment: Experiment::Ramp,
        factors: BTreeMap::new(),
        trial: number,
        relay: relay(layout),
        upstream: Vec::new(),
        path: PATH,
        load: arguments(&[
            ("--steps", rates.join(",")),
            ("--settle", format!("{settle}ms")),
            ("--hold", format!("{hold}ms")),
            // A block of its own for each trial.
            ("--order", "random".to_owned()),
            ("--seed", (number + 1).to_string()),
            ("--arrivals", "poisson".to_owned()),
            ("--connections", "64".to_owned()),
            ("--drain", "2s".to_owned()),
        ]),
        length: Duration::from_millis(settle + hold) * u32::try_from(steps).unwrap_or(u32::MAX),
    };
    (0..trials).map(trial).collect()
}

/// A thousand users who come at once, before an upstream that takes a second.
pub fn cold_start(layout: &Layout) -> Vec<Planned> {
    vec![Planned {
        experiment: Experiment::ColdStart,
        factors: factors([("users", "1000".to_owned())]),
        trial: 0,
        relay: relay(layout),
        upstream: arguments(&[("--latency", "1s".to_owned())]),
        path: PATH,
        load: arguments(&[("--closed", "1000".to_owned()), ("--duration", "3s".to_owned())]),
        length: Duration::from_secs(3),
    }]
}

/// As many workers as the relay has processors.
fn relay(layout: &Layout) -> Vec<String> {
    arguments(&[("--workers", layout.relay.len().to_string())])
}

fn arguments(pairs: &[(&str, String)]) -> Vec<String> {
    pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), value.clone()]).collect()
}

fn factors<const N: usize>(factors: [(&str, String); N]) -> BTreeMap<String, String> {
    factors.map(|(name, level)| (name.to_owned(), level)).into()
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Full => "full",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_goes_from_a_tenth_to_beyond_the_highest_rate() {
        let trials = ramp(Profile::Quick, &Layout::of(&[0, 1]), 50_000.0);
        assert_eq!(trials.len(), 3);
        let rates: Vec<f64> =
            trials[0].load[1].split(',').map(|rate| rate.parse().unwrap()).collect();
        assert_eq!((rates.len(), rates[0], rates[7]), (8, 5000.0, 62_500.0));
        // Equal ratios, to the rounding of the rates.
        let ratios: Vec<_> = rates.windows(2).map(|pair| pair[1] / pair[0]).collect();
        assert!(ratios.iter().all(|ratio| (ratio / ratios[0] - 1.0).abs() < 1e-3), "{ratios:?}");
        assert_ne!(trials[0].load, trials[1].load);
    }

    /// With calibration, restarts and drains the quick profile has three minutes.
    #[test]
    fn the_quick_profile_is_short() {
        let layout = Layout::of(&[0, 1]);
        let mut trials = concurrency(Profile::Quick, &layout);
        trials.extend(ramp(Profile::Quick, &layout, 50_000.0));
        trials.extend(cold_start(&layout));
        let length: Duration = trials.iter().map(|trial| trial.length).sum();
        assert!(length < Duration::from_secs(90), "{length:?}");
    }
}
