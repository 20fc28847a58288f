//! Waking up when a request is due.
//!
//! tokio's own timers have a resolution of a millisecond. A timer of the
//! kernel's that the runtime polls like a socket (`timerfd_create(2)`) is late
//! by what it takes to wake a thread; where there is none, a thread sleeps
//! instead and notifies the runtime.

mod sleeper;
#[cfg(target_os = "linux")]
mod timerfd;

use std::{io, time::Duration};

use tokio::time::Instant;

use crate::record::Times;

/// The alarm of one thread: it is set to one time, and wakes one waiter.
#[derive(Debug)]
pub enum Pacer {
    /// A timer of the kernel's.
    #[cfg(target_os = "linux")]
    Timerfd(timerfd::Timerfd),
    /// A thread that sleeps.
    Sleeper(sleeper::Sleeper),
}

/// How long the test of a pacer takes.
const SELF_TEST: Duration = Duration::from_millis(500);

impl Pacer {
    /// The finest pacer there is here. To be called in a runtime.
    pub fn new() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(timer) = timerfd::Timerfd::new() {
            return Ok(Self::Timerfd(timer));
        }
        Self::sleeper()
    }

    /// The pacer that works everywhere.
    pub fn sleeper() -> io::Result<Self> {
        Ok(Self::Sleeper(sleeper::Sleeper::new()?))
    }

    /// The word for it in a summary.
    pub fn as_str(&self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Self::Timerfd(_) => "timerfd",
            Self::Sleeper(_) => "sleeper",
        }
    }

    /// Sets the alarm `after` from now, in the place of what it was set to.
    pub fn arm(&self, after: Duration) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Timerfd(timer) => timer.arm(after),
            Self::Sleeper(sleeper) => sleeper.arm(after),
        }
    }

    /// Waits until the alarm goes off. One that went off unseen still counts,
    /// so there may be one too many.
    pub async fn alarm(&self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Timerfd(timer) => timer.alarm().await,
            Self::Sleeper(sleeper) => sleeper.alarm().await,
        }
    }

    /// How late the alarm is on this machine, when nothing else is to be done:
    /// five hundred alarms, a millisecond apart.
    pub async fn self_test(&self) -> Times {
        let mut lateness = Times::default();
        let start = Instant::now();
        let mut due = start;
        while due < start + SELF_TEST {
            due += Duration::from_millis(1);
            self.arm(due.saturating_duration_since(Instant::now()));
            while Instant::now() < due {
                self.alarm().await;
            }
            lateness.record(due.elapsed());
        }
        lateness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never early, and set anew whether it has gone off or not.
    async fn check(pacer: Pacer) {
        let start = Instant::now();
        pacer.arm(Duration::from_hours(1));
        pacer.arm(Duration::from_millis(5));
        while start.elapsed() < Duration::from_millis(5) {
            pacer.alarm().await;
        }
        pacer.arm(Duration::from_millis(5));
        let again = Instant::now();
        while again.elapsed() < Duration::from_millis(5) {
            pacer.alarm().await;
        }
        // What is due now rings now.
        pacer.arm(Duration::ZERO);
        pacer.alarm().await;
        assert_eq!(pacer.self_test().await.len(), 500);
    }

    #[tokio::test]
    async fn the_kernels_timer() {
        let pacer = Pacer::new().unwrap();
        assert_eq!(pacer.as_str(), "timerfd");
        check(pacer).await;
    }

    #[tokio::test]
    async fn the_thread_that_sleeps() {
        check(Pacer::sleeper().unwrap()).await;
    }
}
