//! E5: several relays, each with a cache of its own or with one that they share
//! behind it.

use std::{num::NonZeroU32, time::Duration};

use super::{Experiment, Planned, Profile, Tier, USERS, arguments, relays};
use crate::capacity::raw::Layout;

/// How long an answer is fresh: short, so that what they ask of the upstream
/// shows.
const FRESH: &str = "1s";

/// Menus of different restaurants.
const KEYS: [&str; 8] = [
    "/restaurant/bikupan/",
    "/restaurant/biomedicum/",
    "/restaurant/delta/",
    "/restaurant/dufva/",
    "/restaurant/elma/",
    "/restaurant/glada/",
    "/restaurant/haga/",
    "/restaurant/hjulet/",
];

/// How often each of them is asked for at each relay, per second: often enough
/// that it is fetched again whenever it has expired.
const PER_KEY: &str = "50";

/// Together they have the processors that one has, and as many users; or they
/// have little to do, and many URIs to keep.
pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (trials, hold, of_keys, keys_hold) = match profile {
        Profile::Quick => return Vec::new(),
        Profile::Default => (2, 3000, 1, 5),
        Profile::Full => (4, 4000, 1, 15),
    };
    let throughput = |instances, tier, trial| {
        planned(instances, tier, trial, layout, &[]).closed(USERS / instances, 500, hold)
    };
    let keys = |instances, tier, trial| {
        many_keys(planned(instances, tier, trial, layout, &UNLIMITED), keys_hold)
    };
    let over = |trials, one: &dyn Fn(u32, Tier, u32) -> Planned| -> Vec<Planned> {
        let counts = (0..trials).flat_map(|trial| (1..=3).map(move |count| (count, trial)));
        let all = counts.flat_map(|(count, trial)| {
            [Tier::Private, Tier::Shared].map(|tier| one(count, tier, trial))
        });
        all.collect()
    };
    [over(trials, &throughput), over(of_keys, &keys)].concat()
}

/// What they may ask of the upstream is not what is measured.
const UNLIMITED: [(&str, &str); 1] = [("--upstream-rate", "unlimited")];

fn planned(
    instances: u32,
    tier: Tier,
    trial: u32,
    layout: &Layout,
    more: &[(&str, &str)],
) -> Planned {
    let count = NonZeroU32::new(instances).unwrap_or(NonZeroU32::MIN);
    let common = [("--workers", "1"), ("--default-ttl", FRESH)];
    let pairs = common.iter().chain(more).map(|(flag, value)| (*flag, (*value).to_owned()));
    let subject = relays(count, &pairs.collect::<Vec<_>>());
    Planned { subject, tier, ..Planned::new(Experiment::Instances, trial, layout) }
        .factor("instances", &instances)
        .factor("tier", &tier)
}

/// Each of many URIs at a low rate at each relay.
fn many_keys(planned: Planned, seconds: u64) -> Planned {
    let planned = Planned {
        paths: KEYS.to_vec(),
        load: arguments(&[
            ("--rate", PER_KEY.to_owned()),
            ("--settle", "1s".to_owned()),
            ("--duration", format!("{seconds}s")),
            ("--connections", "4".to_owned()),
        ]),
        length: Duration::from_secs(1 + seconds),
        ..planned
    };
    planned.factor("load", &"keys")
}
