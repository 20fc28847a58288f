//! What is measured, in which order and for how long: pure.
//!
//! Each experiment answers one question by varying one factor, its trials'
//! [`factors`](Planned::factors). A trial is one run of the load generator
//! against relays that were started for it, as the unit that is repeated is the
//! run, not the request.

mod ablation;
mod cache;
mod concurrency;
mod cores;
mod instances;
mod overload;
mod quota;
mod ramp;
mod search;
mod soak;

use std::{collections::BTreeMap, fmt, num::NonZeroU32, time::Duration};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use clap::ValueEnum;

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

/// The experiments. What the generator is good for (e0) is found before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Experiment {
    /// Latency over rate, on hits: capacity and knee.
    #[value(name = "e1")]
    Ramp,
    /// The highest rate that meets the objective, by search.
    #[value(name = "e2")]
    Search,
    /// Throughput over concurrency, in a closed model.
    #[value(name = "e3")]
    Concurrency,
    /// Throughput over worker threads.
    #[value(name = "e4")]
    Cores,
    /// Throughput, and requests to the upstream, over relays.
    #[value(name = "e5")]
    Instances,
    /// What a request costs with one thing changed.
    #[value(name = "e6")]
    Ablation,
    /// What becomes of more than can be served, and how it recovers.
    #[value(name = "e7")]
    Overload,
    /// What the upstream is asked for, and spared.
    #[value(name = "e8")]
    Cache,
    /// Whether anything drifts.
    #[value(name = "e9")]
    Soak,
    /// Throughput over shares of a processor.
    #[value(name = "e10")]
    Quota,
    /// Latency over rate with a share of a processor: the knee, where a whole
    /// processor takes more than the generator can send.
    #[value(name = "e11")]
    QuotaRamp,
}

impl Experiment {
    /// Its number in the design; those that it does not have come after.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ramp => "e1",
            Self::Search => "e2",
            Self::Concurrency => "e3",
            Self::Cores => "e4",
            Self::Instances => "e5",
            Self::Ablation => "e6",
            Self::Overload => "e7",
            Self::Cache => "e8",
            Self::Soak => "e9",
            Self::Quota => "e10",
            Self::QuotaRamp => "e11",
        }
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A trial that is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Of which experiment.
    pub experiment: Experiment,
    /// What is varied, and its level.
    pub factors: BTreeMap<String, String>,
    /// How many of the same come before it.
    pub trial: u32,
    /// What is loaded.
    pub subject: Subject,
    /// What is behind it.
    pub upstream: Upstream,
    /// Whose the caches are.
    pub tier: Tier,
    /// Which processors each process has.
    pub layout: Layout,
    /// The share of one processor that the relay may use, by a quota.
    pub share: Option<f64>,
    /// The paths that are requested, each by a generator of its own.
    pub paths: Vec<&'static str>,
    /// The load generator's arguments besides the URL, its processors and its
    /// folder.
    pub load: Vec<String>,
    /// When the upstream is taken away.
    pub upstream_ends: UpstreamEnds,
    /// How long the load is.
    pub length: Duration,
}

/// What is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Relays that are started for it, with these arguments besides their
    /// addresses; each has a generator of its own.
    Relays {
        /// How many.
        instances: NonZeroU32,
        /// Their arguments.
        arguments: Vec<String>,
    },
    /// A bare responder with the upstream's answer: the floor.
    Responder,
}

/// Whose the caches of several relays are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Each has its own.
    Private,
    /// Behind its own, each has one that all of them share.
    Shared,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::Shared => "shared",
        })
    }
}

/// What is behind the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// The stand-in of the lunch API, with these arguments.
    Demo(Vec<String>),
    /// A responder that answers from memory, with so many bytes.
    Null {
        /// How many.
        body: usize,
        /// A field of its answers.
        field: Option<&'static str>,
    },
}

/// When the upstream is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamEnds {
    /// It stays.
    Never,
    /// Before the load, when each path has been answered and stored once.
    Stored,
    /// So long after the load began.
    After(Duration),
}

/// What has to be known before the rest can be planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// The highest rate of the closed model, per second.
    pub highest: f64,
    /// The rate up to which the generator is on time, per second.
    pub ceiling: f64,
}

/// What is run first: it needs nothing to be known, and tells what the rest
/// needs.
pub fn first(profile: Profile, layout: &Layout) -> Vec<Planned> {
    concurrency::plan(profile, layout)
}

/// What is run then. The order is random, within blocks of a trial of
/// everything, so that what changes over time changes all of them alike; what
/// takes longest comes last.
pub fn rest(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let repeated = [
        ramp::plan(profile, layout, known),
        cores::plan(profile, layout),
        instances::plan(profile, layout),
        ablation::plan(profile, layout),
        quota::plan(profile, layout, known),
        cache::plan(profile, layout),
    ];
    let mut trials = in_blocks(repeated.concat());
    trials.extend(search::plan(profile, layout, known));
    trials.extend(overload::plan(profile, layout, known));
    trials.extend(soak::plan(profile, layout, known));
    trials
}

/// What can be measured of a relay that is already running: what a client
/// sees.
pub fn of_running(profile: Profile, layout: &Layout, known: Known) -> Vec<Planned> {
    let mut trials = in_blocks(ramp::plan(profile, layout, known));
    trials.extend(search::plan(profile, layout, known));
    trials
}

/// Each trial of all before the next of any, in random order, the same each
/// time.
fn in_blocks(mut trials: Vec<Planned>) -> Vec<Planned> {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    trials.sort_by_cached_key(|planned| (planned.trial, chance.next_u64()));
    trials
}

/// How long a trial takes besides its load, as was measured: processes that start
/// and end, and a relay that waits for whoever may still come.
pub const OVERHEAD: Duration = Duration::from_millis(1800);

/// The single URI of all experiments: a menu of 1.5 KB.
const PATH: &str = "/restaurant/bikupan/";

/// As many bytes, where the upstream is no menu.
const BODY: usize = 1536;

/// Users who keep a relay busy, and no more than that.
const USERS: u32 = 64;

impl Planned {
    /// A trial of one relay with as many workers as it has processors, before
    /// the stand-in of the lunch API.
    fn new(experiment: Experiment, trial: u32, layout: &Layout) -> Self {
        Self {
            experiment,
            factors: BTreeMap::new(),
            trial,
            subject: relays(NonZeroU32::MIN, &[("--workers", layout.relay.len().to_string())]),
            upstream: Upstream::Demo(Vec::new()),
            tier: Tier::Private,
            layout: layout.clone(),
            share: None,
            paths: vec![PATH],
            load: Vec::new(),
            upstream_ends: UpstreamEnds::Never,
            length: Duration::ZERO,
        }
    }

    fn factor(mut self, name: &str, level: &dyn fmt::Display) -> Self {
        self.factors.insert(name.to_owned(), level.to_string());
        self
    }

    /// Users of a closed model, who are counted when they have settled.
    fn closed(mut self, users: u32, settle: u64, hold: u64) -> Self {
        self.load = arguments(&[
            ("--closed", users.to_string()),
            ("--settle", format!("{settle}ms")),
            ("--duration", format!("{hold}ms")),
        ]);
        self.length = Duration::from_millis(settle + hold);
        self
    }

    /// One more argument of the relay.
    fn relay(mut self, flag: &str, value: &str) -> Self {
        if let Subject::Relays { arguments, .. } = &mut self.subject {
            arguments.extend([flag.to_owned(), value.to_owned()]);
        }
        self
    }

    /// The name of the folder with the generator's files.
    pub fn folder(&self) -> String {
        let levels = self.factors.iter().map(|(name, level)| format!("-{name}-{level}"));
        format!("{}{}-{}", self.experiment, levels.collect::<String>(), self.trial)
    }
}

fn relays(instances: NonZeroU32, pairs: &[(&str, String)]) -> Subject {
    Subject::Relays { instances, arguments: arguments(pairs) }
}

fn arguments(pairs: &[(&str, String)]) -> Vec<String> {
    pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), value.clone()]).collect()
}

/// A rate as the load generator takes it.
fn rate(per_second: f64) -> String {
    format!("{per_second:.0}")
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
mod tests;
