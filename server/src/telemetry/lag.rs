//! How late the event loop is.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::metrics::Metrics;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Notes how late a timer rings, for ever. Where tasks keep the threads busy, or
/// the machine gives the process no processor, requests wait as long.
pub async fn watch(metrics: Arc<Metrics>) {
    loop {
        let due = Instant::now() + EVERY;
        sleep_until(due).await;
        metrics.lag(due.elapsed());
    }
}
