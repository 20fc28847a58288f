//! Instances of the relay as they might be run, from one to a thousand, by
//! discrete events: from what was measured of one.
//!
//! Two things happen on scales of their own, and are simulated apart. Copies
//! expire and are asked for again (`fills`), which is what the upstream sees;
//! requests queue for processors (`responses`), which is what clients see.
//! Both have known answers where they are simple: one for each copy and
//! lifetime, and the M/M/1 queue.
//!
//! What it leaves out: the way to a shared tier takes no time, keys are equally
//! popular, and a copy of one instance is as long-lived as of any other.

mod fills;
mod responses;

use serde::Serialize;

use super::{random::Random, real};

/// The most instances that are simulated.
pub const MOST_INSTANCES: usize = 1000;

/// One instance, as it was measured, and what it relays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Relay {
    /// Seconds of a processor that a request takes.
    pub service: f64,
    /// One over the squared coefficient of variation of that, as a whole
    /// number: 1 for an exponential time, more for a steadier one.
    pub steadiness: usize,
    /// Processors that it has.
    pub cores: usize,
    /// Different answers that are asked for.
    pub keys: usize,
    /// Seconds for which each is fresh.
    pub ttl: f64,
    /// Seconds that the upstream takes.
    pub upstream_latency: f64,
    /// Requests per second that the upstream allows, if it says.
    pub upstream_limit: Option<f64>,
}

/// Who has copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Sharing {
    /// Each instance its own.
    Private,
    /// All of them together, in a shared tier.
    Shared,
}

/// What is asked of how many instances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fleet {
    /// How many there are; a request goes to any of them with the same
    /// probability.
    pub instances: usize,
    /// Who has copies.
    pub sharing: Sharing,
    /// Requests per second to all of them together, as a Poisson process.
    pub rate: f64,
}

impl Fleet {
    /// How many copies there are of each key.
    fn copies(&self) -> usize {
        match self.sharing {
            Sharing::Private => self.instances,
            Sharing::Shared => 1,
        }
    }

    /// Requests per second that ask for one copy.
    fn rate_per_copy(&self, relay: &Relay) -> f64 {
        self.rate / real(self.copies() * relay.keys)
    }
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outcome {
    /// The fleet.
    pub fleet: Fleet,
    /// Requests per second upstream.
    pub upstream_rate: f64,
    /// The share of requests that get a copy, fresh or stale.
    pub hit_ratio: f64,
    /// The share of copies that are stale because the upstream's limit holds
    /// their requests back.
    pub stale: f64,
    /// The share of processor time that is used; from 1 on it does not suffice.
    pub utilisation: f64,
    /// Half of the requests take at most so many seconds. None of what
    /// saturates: it would say for how long it was simulated.
    pub p50: Option<f64>,
    /// 99 % of them do.
    pub p99: Option<f64>,
}

/// Requests per second upstream in closed form, without a limit: each copy is
/// asked for anew when it has expired and someone wants it, once in
/// ttl + 1/rate seconds. With many requests that is keys/ttl × instances, or
/// keys/ttl with a shared tier.
pub fn upstream_rate(relay: &Relay, fleet: &Fleet) -> f64 {
    let between = relay.ttl + 1.0 / fleet.rate_per_copy(relay);
    real(fleet.copies() * relay.keys) / between
}

/// Simulates a fleet. None of no instances or more than a thousand, of no
/// processors, keys or requests, or of times that are not positive.
pub fn simulate(relay: &Relay, fleet: &Fleet, seed: u64) -> Option<Outcome> {
    let counted = (1..=MOST_INSTANCES).contains(&fleet.instances)
        && 0 < relay.cores.min(relay.keys).min(relay.steadiness);
    let positive = [relay.service, relay.ttl, fleet.rate].into_iter().all(|value| 0.0 < value)
        && 0.0 <= relay.upstream_latency
        && relay.upstream_limit.is_none_or(|limit| 0.0 < limit);
    if !(counted && positive) {
        return None;
    }
    let mut random = Random::new(seed);
    let fills = fills::simulate(relay, fleet, &mut random);
    let utilisation = fleet.rate * relay.service / real(fleet.instances * relay.cores);
    let times =
        (utilisation < 1.0).then(|| responses::simulate(relay, fleet, fills.waiting, &mut random));
    Some(Outcome {
        fleet: *fleet,
        upstream_rate: fills.rate,
        hit_ratio: 1.0 - fills.waiting,
        stale: fills.stale,
        utilisation,
        p50: times.map(|times| times.p50),
        p99: times.map(|times| times.p99),
    })
}

/// Simulates every number of instances, with private copies and a shared tier,
/// at shares of the fleet's processor time. None under the conditions of
/// [`simulate`].
pub fn table(
    relay: &Relay,
    instances: &[usize],
    utilisations: &[f64],
    seed: u64,
) -> Option<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for sharing in [Sharing::Private, Sharing::Shared] {
        for instances in instances.iter().copied() {
            for utilisation in utilisations {
                let capacity = real(instances * relay.cores) / relay.service;
                let fleet = Fleet { instances, sharing, rate: utilisation * capacity };
                outcomes.push(simulate(relay, &fleet, seed)?);
            }
        }
    }
    Some(outcomes)
}

#[cfg(test)]
mod tests;
