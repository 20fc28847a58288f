//! E8: a thousand users, and an upstream that is slow, gone or limited.

use std::time::Duration;

use super::{Experiment, Planned, Profile, Upstream, UpstreamEnds, arguments};
use crate::capacity::raw::Layout;

const USERS: u32 = 1000;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    /// All of them come at once to an empty cache; the upstream takes a second.
    Cold,
    /// The answer expires each second.
    Expiry,
    /// It does, and the upstream takes three seconds.
    Slow,
    /// It does, and the upstream is gone after the first.
    Down,
    /// It does, and the upstream takes one request in two seconds.
    Limited,
}

const ALL: [Scenario; 5] =
    [Scenario::Cold, Scenario::Expiry, Scenario::Slow, Scenario::Down, Scenario::Limited];

pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (scenarios, seconds): (&[Scenario], u64) = match profile {
        Profile::Quick => (&[Scenario::Cold], 3),
        Profile::Default => (&ALL, 5),
        Profile::Full => (&ALL, 10),
    };
    scenarios.iter().map(|scenario| scenario.planned(seconds, layout)).collect()
}

impl Scenario {
    fn planned(self, seconds: u64, layout: &Layout) -> Planned {
        let demo = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(flag, it)| (*flag, (*it).to_owned())).collect();
            Upstream::Demo(arguments(&pairs))
        };
        let (name, upstream) = match self {
            Self::Cold => ("cold", demo(&[("--latency", "1s")])),
            Self::Expiry => ("expiry", demo(&[("--latency", "500ms")])),
            Self::Slow => ("slow", demo(&[("--latency", "3s")])),
            Self::Down => ("down", demo(&[("--latency", "200ms")])),
            Self::Limited => (
                "limited",
                demo(&[("--latency", "200ms"), ("--rate-limit", "30/m"), ("--burst", "1")]),
            ),
        };
        let planned = Planned::new(Experiment::Cache, 0, layout)
            .factor("scenario", &name)
            .factor("users", &USERS)
            .closed(USERS, 0, seconds * 1000);
        let planned = Planned {
            upstream,
            upstream_ends: if self == Self::Down {
                UpstreamEnds::After(Duration::from_millis(1500))
            } else {
                UpstreamEnds::Never
            },
            ..planned
        };
        if self == Self::Cold { planned } else { planned.relay("--default-ttl", "1s") }
    }
}
