//! Whether the upstream may be asked at all.

use std::time::Duration;

use super::{Refusal, breaker};
use crate::exchange::Bound;

/// Open, or shut for a time. When that is over, one request goes first: the
/// probe. While it is under way the gate is shut, until the next probe is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Requests go.
    Open,
    /// The upstream said when to come back.
    Held {
        /// When the next probe may go.
        until: Duration,
        /// Whether one is under way.
        probe: Probe,
    },
    /// The upstream keeps failing.
    Broken {
        /// When the next probe may go.
        until: Duration,
    },
}

/// Whether a probe is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It will be the next request.
    None,
    /// It is under way; others wait for what it finds.
    UnderWay,
}

/// What a request is to the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of many.
    Ordinary,
    /// It finds out whether the upstream may be asked again.
    Probe,
}

impl Gate {
    /// Whether nobody may go or wait.
    pub fn refusal(&self, now: Duration) -> Option<Refusal> {
        let (bound, until) = match *self {
            Gate::Held { until, probe: Probe::None } => (Bound::Hold, until),
            Gate::Broken { until } => (Bound::Breaker, until),
            Gate::Open | Gate::Held { .. } => return None,
        };
        let retry_after = until.checked_sub(now).filter(|wait| !wait.is_zero())?;
        Some(Refusal { bound, retry_after })
    }

    /// How long others wait for a probe.
    pub fn probing_until(&self, now: Duration) -> Option<Duration> {
        match *self {
            Gate::Held { until, probe: Probe::UnderWay } if now < until => Some(until),
            _ => None,
        }
    }

    /// Lets a request go.
    pub fn pass(&mut self, now: Duration) -> Role {
        let next = now + breaker::LONGEST_PAUSE;
        match self {
            Gate::Open => return Role::Ordinary,
            Gate::Held { until, probe } => (*until, *probe) = (next, Probe::UnderWay),
            Gate::Broken { until } => *until = next,
        }
        Role::Probe
    }

    /// Shuts until then; what was said before counts unless a probe has just
    /// found this out.
    pub fn hold(&mut self, until: Duration, role: Role) {
        let before = match *self {
            Gate::Held { until, probe: Probe::None } | Gate::Broken { until }
                if role == Role::Ordinary =>
            {
                until
            }
            _ => Duration::ZERO,
        };
        *self = Gate::Held { until: until.max(before), probe: Probe::None };
    }

    /// A probe has ended without an answer.
    pub fn probe_was_lost(&mut self, now: Duration) {
        match self {
            Gate::Open => {}
            Gate::Held { until, .. } | Gate::Broken { until } => *until = now.min(*until),
        }
    }
}

/// A small generator of numbers that nobody has to guess (`SplitMix64`).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A length of time up to this.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        Duration::from_millis(mixed % millis)
    }
}
