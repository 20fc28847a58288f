//! What the upstream was asked for and what it was spared: one line an hour on
//! the target `ledger`, and one at the end for the whole run.

pub mod account;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use prometheus_client::metrics::counter::Counter;

use self::account::{Account, Line};
use crate::{cache::saved::Saved, clock::Clock, telemetry::metrics::Metrics, upstream::Watch};

/// The target of the ledger's lines, as `--log` names it.
pub const TARGET: &str = "ledger";

/// How often a line is written.
const HOUR: Duration = Duration::from_hours(1);

/// Where the figures come from.
#[derive(Debug)]
pub struct Books {
    upstream: String,
    sources: Sources,
    opening: Account,
}

#[derive(Debug)]
struct Sources {
    governor: Watch,
    saved: Arc<Saved>,
    received: Counter,
    clock: Clock,
}

impl Sources {
    fn account(&self) -> Account {
        Account {
            at: self.clock.now(),
            governor: self.governor.figures(),
            saved: self.saved.figures(),
            received_bytes: self.received.get(),
        }
    }
}

impl Books {
    /// Opens the books on the upstream at this address.
    pub fn open(
        upstream: String,
        governor: Watch,
        saved: Arc<Saved>,
        metrics: &Metrics,
        clock: Clock,
    ) -> Books {
        let sources = Sources { governor, saved, received: metrics.received().clone(), clock };
        let opening = sources.account();
        Books { upstream, sources, opening }
    }

    /// The upstream's address.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// When they were opened.
    pub fn since(&self) -> SystemTime {
        self.opening.at
    }

    /// The figures of now.
    pub fn account(&self) -> Account {
        self.sources.account()
    }

    /// Writes a line each hour, for ever.
    pub async fn keep(self: Arc<Self>) {
        let opening = self.opening.clone();
        each_hour(opening, || self.account(), |line| say(&line, "the last hour")).await;
    }

    /// Writes what the whole run came to.
    pub fn close(&self) {
        say(&Line::between(&self.opening, &self.account()), "the whole run");
    }
}

async fn each_hour(opening: Account, account: impl Fn() -> Account, mut say: impl FnMut(Line)) {
    let mut before = opening;
    loop {
        tokio::time::sleep(HOUR).await;
        let now = account();
        say(Line::between(&before, &now));
        before = now;
    }
}

fn say(line: &Line, period: &str) {
    let [answered, limited, failed, abandoned] = line.spent;
    let [hits, stale, collapsed, validated] = line.saved_by();
    tracing::info!(
        target: TARGET,
        seconds = line.seconds,
        spent = line.total_spent(),
        answered,
        limited,
        failed,
        abandoned,
        refreshes = line.refreshes,
        received_bytes = line.received_bytes,
        saved = line.saved.requests(),
        saved_percent = line.saved_percent(),
        hits,
        stale,
        collapsed,
        validated,
        saved_bytes = line.saved.bytes(),
        refused = line.refused,
        tokens = line.tokens,
        quota_remaining = line.quota_remaining,
        "{period}: what the upstream was asked for and what it was spared"
    );
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use parking_lot::Mutex;

    use super::{account::tests::account, *};

    #[tokio::test(start_paused = true)]
    async fn each_hour_has_a_line_of_its_own() {
        let spent = Arc::new(Mutex::new(0));
        let lines = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let (spent, lines) = (Arc::clone(&spent), Arc::clone(&lines));
            async move {
                let now = || account(UNIX_EPOCH, *spent.lock(), 0);
                each_hour(now(), now, |line| lines.lock().push(line.total_spent())).await;
            }
        });
        tokio::time::sleep(Duration::from_secs(3599)).await;
        assert!(lines.lock().is_empty());
        for total in [3, 3, 10] {
            *spent.lock() = total;
            tokio::time::sleep(HOUR).await;
        }
        assert_eq!(*lines.lock(), [3, 0, 7]);
    }
}
