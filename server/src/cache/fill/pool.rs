//! The memory that all fills share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// The memory that all fills share.
#[derive(Debug)]
pub struct Pool {
    size: usize,
    used: AtomicUsize,
    cut_off: AtomicU64,
}

impl Pool {
    /// A pool of so many bytes.
    pub fn new(size: usize) -> Arc<Pool> {
        Arc::new(Pool { size, used: AtomicUsize::new(0), cut_off: AtomicU64::new(0) })
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Readers that were cut off so far.
    pub fn cut_off(&self) -> u64 {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// Takes memory for as long as the charge lives; `None` where there is too
    /// little.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        self.take(bytes).then(|| Charge { pool: Arc::clone(self), bytes })
    }

    pub(super) fn take(&self, bytes: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= self.size)
            })
            .is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts a reader that is cut off.
    pub(super) fn note_cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }
}

/// Memory taken from a pool, given back when it is dropped.
#[derive(Debug)]
pub struct Charge {
    pool: Arc<Pool>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.pool.give_back(self.bytes);
    }
}
