//! How long requests take: they queue for the processors of an instance, first
//! come, first served.
//!
//! A random part of a Poisson process is a Poisson process, independent of the
//! rest (Kingman, *Poisson Processes*, 1993, §5.1). So instances do not know of
//! each other, and a sample of them has the response times of all.

use super::{Fleet, Relay};
use crate::capacity::analysis::{random::Random, real, whole};

/// Requests that are counted: 1 % of them are 800.
const REQUESTS: usize = 80_000;

/// Instances beyond which a sample stands for all: each gets as many requests
/// as its queue takes to become as long as it does.
const MOST_SAMPLED: usize = 40;

/// What clients wait, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    /// The median.
    pub(super) p50: f64,
    /// The 0.99 quantile.
    pub(super) p99: f64,
}

/// Requests of whom a share of `waiting` wait for the upstream too, without a
/// processor. A fifth as many go before those that are counted, while
/// queues fill.
pub(super) fn simulate(relay: &Relay, fleet: &Fleet, waiting: f64, random: &mut Random) -> Times {
    let sampled = fleet.instances.min(MOST_SAMPLED);
    let rate = fleet.rate * real(sampled) / real(fleet.instances);
    // When each processor of each instance is free again.
    let mut free = vec![0.0_f64; sampled * relay.cores];
    let mut times = Vec::with_capacity(REQUESTS);
    let mut now = 0.0;
    for request in 0..REQUESTS + REQUESTS / 5 {
        now += random.exponential() / rate;
        let first = random.below(sampled) * relay.cores;
        let own = &mut free[first..first + relay.cores];
        let Some(processor) = own.iter_mut().min_by(|a, b| a.total_cmp(b)) else { continue };
        *processor = processor.max(now) + relay.service * random.erlang(relay.steadiness);
        let upstream = if random.uniform() <= waiting { relay.upstream_latency } else { 0.0 };
        if REQUESTS / 5 <= request {
            times.push(*processor - now + upstream);
        }
    }
    Times { p50: quantile(&mut times, 0.5), p99: quantile(&mut times, 0.99) }
}

/// The least time that a share of at least q does not exceed; 0 of no times.
fn quantile(times: &mut [f64], q: f64) -> f64 {
    let rank = whole(libm::ceil(q * real(times.len()))).max(1);
    if times.len() < rank {
        return 0.0;
    }
    *times.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}
