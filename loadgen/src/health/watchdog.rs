//! A thread that notices when the process stood still.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

const TICK: Duration = Duration::from_millis(10);

/// Wakes every 10 ms, and remembers when it did not. It ends with this.
#[derive(Debug)]
pub(crate) struct Watchdog(Arc<AtomicU64>);

impl Watchdog {
    pub(crate) fn start() -> io::Result<Self> {
        let longest = Arc::new(AtomicU64::new(0));
        let seen = Arc::downgrade(&longest);
        let watch = move || {
            let mut before = Instant::now();
            loop {
                thread::sleep(TICK);
                let now = Instant::now();
                let Some(longest) = seen.upgrade() else { return };
                let gap = now.duration_since(std::mem::replace(&mut before, now));
                let nanos = u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX);
                longest.fetch_max(nanos, Ordering::Relaxed);
            }
        };
        thread::Builder::new().name("watchdog".to_owned()).spawn(watch)?;
        Ok(Self(longest))
    }

    /// The longest gap between two ticks since this was asked last.
    pub(crate) fn take_gap(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}
