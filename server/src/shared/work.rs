//! What is done behind the answers: keeping, purging, probing.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{Job, Queued, Valkey, health::Change, link::Failed, trouble::Trouble};
use crate::{exchange::tier::Mark, telemetry::metrics::SharedOutcome};

/// How often it is found out whether the tier is there.
const PROBE: Duration = Duration::from_secs(1);
/// How often it is said that the tier refuses what it is given.
const COMPLAINT: Duration = Duration::from_mins(1);

impl Valkey {
    /// Works for ever.
    pub(super) async fn work(self: Arc<Self>, mut queue: mpsc::Receiver<Job>) {
        loop {
            if !self.is_there() {
                while let Ok(job) = queue.try_recv() {
                    if matches!(job, Job::Keep(_)) {
                        self.metrics.shared(SharedOutcome::Dropped);
                    }
                }
                sleep(PROBE).await;
                self.probe().await;
                continue;
            }
            tokio::select! {
                biased;
                () = self.news.notified() => self.settle_or_fail().await,
                Some(job) = queue.recv() => match job {
                    Job::Keep(queued) => self.keep_now(queued).await,
                    Job::End(ended) => self.end_now(ended).await,
                },
                () = sleep(PROBE) => self.probe().await,
            }
        }
    }

    /// Finds out whether the tier is there. It is not before it has learnt what
    /// was purged meanwhile.
    pub(super) async fn probe(&self) {
        let reached = match self.link.reach().await {
            Ok(()) => self.settle().await,
            Err(failed) => Err(failed),
        };
        match reached {
            Ok(()) => {
                if let Change::Come(after) = self.health.lock().answered(Instant::now().into_std())
                {
                    let after = humantime::format_duration(Duration::from_secs(after.as_secs()));
                    tracing::info!("the shared tier is back after {after}");
                    self.metrics.shared_is_there(true);
                }
            }
            Err(failed) => self.gone(&failed.why),
        }
    }

    async fn settle_or_fail(&self) {
        if let Err(failed) = self.settle().await {
            self.failed(&failed.why);
        }
    }

    /// Purges what is to be purged. A tier that cannot is not asked.
    async fn settle(&self) -> Result<(), Failed> {
        loop {
            let Some((ending, purge)) = self.pending.lock().first() else { return Ok(()) };
            if let Some(key) = ending.key() {
                self.purge_now(key).await?;
            }
            self.tell_purge(&ending.to_string()).await?;
            self.metrics.shared(SharedOutcome::Purged);
            self.pending.lock().done(&ending, purge);
        }
    }

    async fn purge_now(&self, key: &str) -> Result<(), Failed> {
        let mark = Mark(Some(self.numbers.fetch_add(1, Ordering::Relaxed)));
        match self.link.purge(&self.full(key), mark).await {
            // What is not ours was never found.
            Ok(()) | Err(Failed { trouble: Trouble::Foreign, .. }) => {}
            Err(failed) => return Err(failed),
        }
        // Who asks now has not to wait for what was asked for before.
        match self.link.end(&self.lease_name(key)).await {
            Ok(()) | Err(Failed { trouble: Trouble::Foreign, .. }) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    async fn keep_now(&self, queued: Queued) {
        let key = self.full(&queued.kept.key);
        match self.link.keep(&key, queued.kept, self.largest).await {
            Ok(true) => self.metrics.shared(SharedOutcome::Kept),
            Ok(false) => self.metrics.shared(SharedOutcome::Outdated),
            Err(failed) if failed.trouble == Trouble::Away => self.failed(&failed.why),
            Err(failed) => {
                self.metrics.shared(SharedOutcome::Refused);
                self.complain("keep what it is given", &failed.why);
            }
        }
    }

    /// Says now and then what the tier does not do, and why.
    pub(super) fn complain(&self, what: &'static str, why: &str) {
        let now = Instant::now();
        let mut refused = self.refused.lock();
        let is_due = |last: &Instant| COMPLAINT <= now.saturating_duration_since(*last);
        if refused.get(what).is_none_or(is_due) {
            refused.insert(what, now);
            tracing::warn!("the shared tier does not {what}: {why}");
        }
    }
}
