//! The only reader of time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// How often [`Clock::keep_true`] looks at the system's clock again.
const RE_ANCHOR: Duration = Duration::from_mins(1);

/// The relay's only source of the current time.
///
/// It ticks with [`tokio::time`], so a test that pauses and advances tokio's
/// clock moves freshness and deadlines together. Steps of the system's clock
/// are followed within a minute while [`Clock::keep_true`] runs, so that local
/// midnight is right after weeks of running.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    /// The wall-clock time of `started`, in nanoseconds since the Unix epoch.
    anchor: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        let clock = Clock { started: Instant::now(), anchor: Arc::default() };
        clock.re_anchor();
        clock
    }

    /// The current time.
    pub fn now(&self) -> SystemTime {
        let anchor = Duration::from_nanos(self.anchor.load(Ordering::Relaxed));
        UNIX_EPOCH + anchor + self.started.elapsed()
    }

    /// Follows the system's clock once a minute, for ever.
    pub async fn keep_true(self) {
        loop {
            tokio::time::sleep(RE_ANCHOR).await;
            self.re_anchor();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn re_anchor(&self) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let anchor = since_epoch.saturating_sub(self.started.elapsed());
        self.anchor.store(u64::try_from(anchor.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ticks_with_tokio() {
        let clock = Clock::start();
        let before = clock.now();
        advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now().duration_since(before).unwrap(), Duration::from_hours(1));
    }

    #[tokio::test(start_paused = true)]
    async fn follows_the_system_clock_again_within_a_minute() {
        let clock = Clock::start();
        let before = clock.now();
        clock.anchor.fetch_add(3_600_000_000_000, Ordering::Relaxed);
        assert!(Duration::from_mins(59) < clock.now().duration_since(before).unwrap());

        clock.re_anchor();
        assert!(clock.now().duration_since(before).unwrap() < Duration::from_mins(1));
    }
}
