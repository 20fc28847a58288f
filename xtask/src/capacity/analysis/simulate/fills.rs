//! When copies expire, are asked for, and may be fetched.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Fleet, Relay};
use crate::capacity::analysis::{random::Random, real};

/// Copies beyond which a sample of the keys stands for all, with the same
/// share of the upstream's limit.
const MOST_COPIES: usize = 50_000;

/// As many fetches are counted at least.
const LEAST_FETCHES: usize = 5_000;

/// What copies make of requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fills {
    /// Requests per second upstream.
    pub(super) rate: f64,
    /// The share of requests that wait for the upstream: the one that asks, and
    /// those that ask while it waits.
    pub(super) waiting: f64,
    /// The share of copies that are stale and held back.
    pub(super) stale: f64,
}

/// A moment in seconds, which has an order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment(f64);

impl Eq for Moment {}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Each copy is fetched when someone asks for it after it has expired; the
/// upstream's limit spaces fetches evenly, and a copy that is held back is
/// served stale until its turn. The first fetches, one for each copy, are not
/// counted: by then the queue is as long as it stays.
pub(super) fn simulate(relay: &Relay, fleet: &Fleet, random: &mut Random) -> Fills {
    let keys = relay.keys.min((MOST_COPIES / fleet.copies()).max(1));
    let copies = keys * fleet.copies();
    let scale = real(relay.keys) / real(keys);
    let asked = fleet.rate_per_copy(relay);
    let spacing = relay.upstream_limit.map_or(0.0, |limit| scale / limit);
    let wanted = copies.max(LEAST_FETCHES);

    let mut due: BinaryHeap<Reverse<Moment>> =
        (0..copies).map(|_| Reverse(Moment(first(relay.ttl, 1.0 / asked, random)))).collect();
    let (mut free, mut started, mut held) = (0.0_f64, 0.0, 0.0);
    let (mut at_once, mut last) = (0_usize, 0.0);
    for fetch in 0..copies + wanted {
        let Some(Reverse(Moment(now))) = due.pop() else { break };
        let turn = now.max(free);
        free = turn + spacing;
        if fetch < copies {
            started = turn;
        } else {
            held += turn - now;
            at_once += usize::from(turn <= now);
        }
        last = turn;
        due.push(Reverse(Moment(turn + relay.ttl + random.exponential() / asked)));
    }
    let length = last - started;
    let per_fetch = 1.0 + asked * relay.upstream_latency;
    let waiting = real(at_once) / length * scale * per_fetch / fleet.rate;
    Fills {
        rate: real(wanted) / length * scale,
        waiting: waiting.min(1.0),
        stale: (held / (real(copies) * length)).min(1.0),
    }
}

/// When a copy is first fetched, if nobody knows how old it is: it is fresh
/// with the probability that it is at any time, and for any part of its life
/// still.
fn first(ttl: f64, until_asked: f64, random: &mut Random) -> f64 {
    let wait = until_asked * random.exponential();
    if random.uniform() * (ttl + until_asked) < ttl { ttl * random.uniform() + wait } else { wait }
}
