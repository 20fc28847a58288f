//! A server with a queue, which may stand still for a while.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A stretch of time in which something stands still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Freeze {
    /// When it begins, since the start.
    pub(crate) from: Duration,
    /// How long it is.
    pub(crate) lasts: Duration,
}

impl Freeze {
    /// None.
    pub(crate) const NEVER: Self = Self { from: Duration::MAX, lasts: Duration::ZERO };

    /// When what comes at `at` is noticed: then, or when the freeze is over.
    pub(crate) fn noticed(self, at: Duration) -> Duration {
        let until = self.from.saturating_add(self.lasts);
        if self.from <= at && at < until { until } else { at }
    }

    /// When work that is begun at `start` is done, if nothing is done meanwhile.
    fn done(self, start: Duration, work: Duration) -> Duration {
        let done = start + work;
        if start < self.from && self.from < done { done + self.lasts } else { done }
    }
}

/// How long a server works for a request.
#[derive(Debug)]
pub(crate) enum Work {
    /// Always the same: the D of M/D/1.
    Fixed(Duration),
    /// As long as chance has it, with this mean: the second M of M/M/1.
    Exponential(Duration, Box<ChaCha8Rng>),
}

impl Work {
    /// Exponential work of this mean.
    pub(crate) fn exponential(mean: Duration, seed: u64) -> Self {
        Self::Exponential(mean, Box::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    fn next(&mut self) -> Duration {
        match self {
            Self::Fixed(work) => *work,
            Self::Exponential(mean, chance) => {
                // Uniform in (0, 1], to 32 bits.
                let u = (f64::from(chance.next_u32()) + 1.0) / (f64::from(u32::MAX) + 1.0);
                mean.mul_f64(-libm::log(u))
            }
        }
    }
}

/// A queue that is served in order, by one or several at once.
#[derive(Debug)]
pub(crate) struct Server {
    /// From when on each of those who serve is free.
    free: BinaryHeap<Reverse<Duration>>,
    work: Work,
    frozen: Freeze,
}

impl Server {
    /// A queue served by `servers` at once, who stand still in `frozen`.
    pub(crate) fn new(servers: usize, work: Work, frozen: Freeze) -> Self {
        Self { free: vec![Reverse(Duration::ZERO); servers].into(), work, frozen }
    }

    /// A request comes at `now`, no earlier than the one before: how long it is
    /// worked on, and when the answer is there.
    pub(crate) fn ask(&mut self, now: Duration) -> (Duration, Duration) {
        let Reverse(free) = self.free.pop().unwrap_or_default();
        let work = self.work.next();
        let done = self.frozen.done(self.frozen.noticed(now.max(free)), work);
        self.free.push(Reverse(done));
        (work, done)
    }
}
