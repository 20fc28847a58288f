//! E6: what a request costs with one thing changed.

use std::num::NonZeroU32;

use super::{BODY, Experiment, Planned, Profile, Subject, USERS, Upstream, UpstreamEnds, relays};
use crate::capacity::raw::Layout;

/// What is changed, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Nothing: a stored answer of 1.5 KB, over connections that are kept.
    Baseline,
    /// A bare responder instead of the relay.
    Floor,
    /// A line in the log for each request.
    LogDebug,
    /// A body of so many bytes.
    Body(usize),
    /// A connection for each request.
    NewConnections,
    /// A condition that is met: 304 without a body.
    NotModified,
    /// A stale answer, its upstream gone.
    Stale,
    /// Nothing is stored, each request goes to the upstream.
    Miss,
    /// Nothing is stored, and the upstream may be asked 50 times a second.
    UpstreamLimited,
    /// A single user.
    OneConnection,
    /// The generator shares the relay's processor.
    GeneratorThrottled,
    /// Much to compute for each answer, which as many workers do as there are
    /// processors; the generator, which has little to do, shares them.
    AllWorkers,
    /// The same with a single worker.
    OneWorker,
    /// A quarter of a processor.
    Quota,
}

const ALL: [Change; 17] = [
    Change::Baseline,
    Change::Floor,
    Change::LogDebug,
    Change::Body(200),
    Change::Body(2_000),
    Change::Body(20_000),
    Change::Body(200_000),
    Change::NewConnections,
    Change::NotModified,
    Change::Stale,
    Change::Miss,
    Change::UpstreamLimited,
    Change::OneConnection,
    Change::GeneratorThrottled,
    Change::AllWorkers,
    Change::OneWorker,
    Change::Quota,
];

const QUICK: [Change; 3] = [Change::Baseline, Change::Floor, Change::LogDebug];

pub(super) fn plan(profile: Profile, layout: &Layout) -> Vec<Planned> {
    let (changes, trials, hold): (&[Change], u32, u64) = match profile {
        Profile::Quick => (&QUICK, 1, 1000),
        Profile::Default => (&ALL, 3, 1300),
        Profile::Full => (&ALL, 5, 3000),
    };
    (0..trials)
        .flat_map(|trial| changes.iter().filter_map(move |it| it.planned(trial, hold, layout)))
        .collect()
}

impl Change {
    fn name(self) -> String {
        match self {
            Self::Baseline => "baseline",
            Self::Floor => "floor",
            Self::LogDebug => "log-debug",
            Self::Body(bytes) => return format!("body-{bytes}"),
            Self::NewConnections => "new-connections",
            Self::NotModified => "304",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::UpstreamLimited => "upstream-limited",
            Self::OneConnection => "one-connection",
            Self::GeneratorThrottled => "generator-throttled",
            Self::AllWorkers => "workers-all",
            Self::OneWorker => "workers-1",
            Self::Quota => "quota",
        }
        .to_owned()
    }

    fn planned(self, trial: u32, hold: u64, layout: &Layout) -> Option<Planned> {
        let mut planned = Planned::new(Experiment::Ablation, trial, layout)
            .factor("ablation", &self.name())
            .closed(if self == Self::OneConnection { 1 } else { USERS }, 500, hold);
        planned.upstream = Upstream::Null { body: BODY, field: None };
        let load = |flag: &str| vec![flag.to_owned()];
        match self {
            Self::Baseline | Self::OneConnection => {}
            Self::Floor => planned.subject = Subject::Responder,
            Self::LogDebug => planned = planned.relay("--log", "debug"),
            Self::Body(body) => planned.upstream = Upstream::Null { body, field: None },
            Self::NewConnections => planned.load.extend(load("--new-connections")),
            Self::NotModified => {
                planned.load.extend(["--header".to_owned(), "if-none-match: *".to_owned()]);
            }
            Self::Stale => {
                planned.upstream_ends = UpstreamEnds::Stored;
                planned = planned.relay("--default-ttl", "100ms");
            }
            Self::Miss => planned = planned.uncacheable("unlimited"),
            Self::UpstreamLimited => planned = planned.uncacheable("50/s"),
            Self::GeneratorThrottled => planned.layout.generator.clone_from(&layout.relay),
            Self::AllWorkers | Self::OneWorker => return self.computing(planned),
            Self::Quota => planned.share = Some(0.25),
        }
        Some(planned)
    }

    /// A relay that has all processors for what it has to compute. None where
    /// one worker is all that there can be.
    fn computing(self, planned: Planned) -> Option<Planned> {
        let layout = planned.layout.shared();
        let workers = layout.relay.len();
        let workers = if self == Self::OneWorker { 1 } else { workers };
        let planned = Planned {
            // Before an upstream that is not the lunch API by its name.
            subject: relays(
                NonZeroU32::MIN,
                &[("--workers", workers.to_string()), ("--preset", "lunch".to_owned())],
            ),
            upstream: Upstream::Demo(Vec::new()),
            paths: vec![COMPUTED],
            layout,
            ..planned
        };
        (1 < planned.layout.relay.len()).then_some(planned)
    }
}

/// A typed answer: the menu is read and written anew for each request.
const COMPUTED: &str = "/v1/restaurants/bikupan";

impl Planned {
    /// Before an upstream that forbids to store, which may be asked at `rate`.
    fn uncacheable(mut self, rate: &str) -> Self {
        self.upstream = Upstream::Null { body: BODY, field: Some("cache-control: no-store") };
        self.relay("--upstream-rate", rate).relay("--upstream-concurrency", "unlimited")
    }
}
