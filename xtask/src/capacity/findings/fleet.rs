//! Several instances: as measured, and as they would be from one to a thousand.

use super::{
    demand::Cost,
    levels::Scaling,
    reading::{factor, number, upstream},
};
use crate::capacity::{
    analysis::{
        real,
        simulate::{self, Outcome, Relay},
        whole,
    },
    loaded::{Loaded, LoadedTrial},
};

/// Instances that are simulated.
pub const INSTANCES: [usize; 7] = [1, 2, 5, 10, 50, 200, 1000];

/// Of the fleet's processor time, how much is used.
pub const UTILISATION: f64 = 0.5;

/// The site that is simulated: as many menus as a town has, each fresh for
/// ten minutes, before an upstream that takes a tenth of a second and allows
/// ten requests per second.
const SITE: (usize, f64, f64, f64) = (100, 600.0, 0.1, 10.0);

const SEED: u64 = 1;

/// Instances with caches of their own, or one that they share.
#[derive(Debug)]
pub struct Tier {
    /// `private` or `shared`.
    pub name: String,
    /// Throughput by instances.
    pub scaling: Scaling,
    /// What the upstream saw, by instances.
    pub upstream: Vec<Upstream>,
}

/// What the upstream saw of several instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Upstream {
    /// How many they were.
    pub instances: u32,
    /// Whether many different URIs were asked for, or one.
    pub keys: Keys,
    /// Requests upstream per second of the load.
    pub per_second: f64,
    /// Requests upstream for every thousand of clients.
    pub per_thousand: f64,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// One URI.
    One,
    /// Many different ones.
    Many,
}

/// Several instances, measured.
pub(super) fn tiers(loaded: &Loaded) -> Vec<Tier> {
    let mut names: Vec<&str> =
        loaded.of("e5").map(|trial| factor(trial, "tier").unwrap_or("private")).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| tier(loaded, name)).collect()
}

fn tier(loaded: &Loaded, name: &str) -> Tier {
    let own = |trial: &&LoadedTrial| factor(trial, "tier").unwrap_or("private") == name;
    let is_keys = |trial: &&LoadedTrial| factor(trial, "load") == Some("keys");
    let hits = loaded.of("e5").filter(own).filter(|trial| !is_keys(trial));
    let mut upstream: Vec<Upstream> = loaded.of("e5").filter(own).filter_map(seen).collect();
    upstream.sort_by_key(|seen| (seen.keys, seen.instances));
    Tier { name: name.to_owned(), scaling: Scaling::of(hits, "instances"), upstream }
}

#[expect(clippy::cast_precision_loss, reason = "requests of a minute")]
fn seen(trial: &LoadedTrial) -> Option<Upstream> {
    let (sent, asked) = (trial.summary.totals.sent as f64, upstream(trial)?);
    let seconds = trial.summary.run.lasted_seconds;
    let keys = if factor(trial, "load") == Some("keys") { Keys::Many } else { Keys::One };
    (0.0 < sent && 0.0 < seconds).then_some(Upstream {
        instances: number(trial, "instances")?,
        keys,
        per_second: asked / seconds,
        per_thousand: asked * 1000.0 / sent,
    })
}

/// A fleet, simulated from one instance's cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// What one instance is taken for.
    pub relay: Relay,
    /// Private copies first, then a shared tier; each by instances.
    pub outcomes: Vec<Outcome>,
    /// By how much the model of one instance is off at a step that it was not
    /// shown, as a share.
    pub error: Option<f64>,
}

/// None if it is not known what a request costs.
pub(super) fn fleet(cost: &Cost) -> Option<Fleet> {
    let service = cost.demand?.per_request.value;
    let queue = cost.queue.as_ref().ok();
    // v = (1 + c²)/2 of Poisson arrivals.
    let squared = queue.map_or(1.0, |fitted| (2.0 * fitted.queue.variability - 1.0).max(0.05));
    let (keys, ttl, upstream_latency, limit) = SITE;
    let relay = Relay {
        service,
        steadiness: whole((1.0 / squared).round()).clamp(1, 20),
        cores: whole(cost.processors).max(1),
        keys,
        ttl,
        upstream_latency,
        upstream_limit: Some(limit),
    };
    let outcomes = simulate::table(&relay, &INSTANCES, &[UTILISATION], SEED)?;
    Some(Fleet {
        relay,
        outcomes,
        error: queue.and_then(|fitted| fitted.held_out.relative_error()),
    })
}

/// Requests per second upstream in closed form: keys/ttl for each copy.
pub fn upstream_in_closed_form(relay: &Relay, copies: usize) -> f64 {
    real(copies * relay.keys) / relay.ttl
}
