//! Hearing what other instances have purged.
//!
//! A message says that there is news in the log; the log is what counts. Who
//! has missed a message finds the news within a second, and who has missed more
//! of the log than there is of it ends all that it has stored.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    Valkey,
    link::Failed,
    log::{Generation, News, news},
    trouble::Trouble,
};
use crate::exchange::tier::Heard;

/// How often the log is read where no message comes.
const REREAD: Duration = Duration::from_secs(1);

/// What is done with what is heard.
pub(super) type Ear = Box<dyn Fn(Heard) + Send + Sync>;

impl Valkey {
    /// Tells `ear` what other instances have purged: at once what is in the log,
    /// and from then on what comes; the first call counts.
    pub async fn follow(self: &Arc<Self>, ear: impl Fn(Heard) + Send + Sync + 'static) {
        if self.ear.set(Box::new(ear)).is_ok() {
            // Later it would end what has been fetched since.
            let since = self.reread(Generation::default()).await;
            tokio::spawn(Arc::clone(self).hear(since));
        }
    }

    async fn hear(self: Arc<Self>, mut since: Generation) {
        loop {
            tokio::select! {
                () = self.nudged.notified() => {}
                () = sleep(REREAD) => {}
            }
            since = self.reread(since).await;
        }
    }

    /// Reads what the log has after a place: the place up to which it is known.
    async fn reread(&self, since: Generation) -> Generation {
        if !self.is_there() {
            return since;
        }
        match self.link.read_log(&self.log_name(), &since.to_string()).await {
            Ok(said) => return self.learn(&said, since),
            Err(failed) if failed.trouble == Trouble::Away => self.failed(&failed.why),
            // What is there is no log of ours.
            Err(_) => {}
        }
        since
    }

    /// Passes on what is new: the place up to which it is known.
    fn learn(&self, said: &[String], since: Generation) -> Generation {
        match news(said, since, &self.name) {
            Some(News::Keys(keys, last)) => {
                for key in keys {
                    self.heard_of(&key);
                }
                last
            }
            Some(News::Gap(last)) => {
                tracing::warn!("purges of other relays were missed: all that is stored here ends");
                self.heard(Heard::Any);
                last
            }
            Some(News::Anew) => {
                self.nudged.notify_one();
                Generation::default()
            }
            None => since,
        }
    }

    /// Passes on what somebody has purged. What cannot be read may be anything:
    /// a later release may have said it.
    pub(super) fn heard_of(&self, purge: &str) {
        self.heard(purge.parse().map_or(Heard::Any, Heard::Ended));
    }

    fn heard(&self, heard: Heard) {
        if let Some(ear) = self.ear.get() {
            ear(heard);
        }
    }

    /// Tells other instances of a purge. Where memory is full the log cannot
    /// have it, and only those hear who listen now.
    pub(super) async fn tell_purge(&self, purge: &str) -> Result<(), Failed> {
        let is_logged = match self.link.log(&self.log_name(), &self.name, purge).await {
            Ok(()) => true,
            Err(failed) if failed.trouble == Trouble::Away => return Err(failed),
            Err(_) => false,
        };
        let unlogged = if is_logged { "" } else { purge };
        self.link.tell(&self.purged_channel(), unlogged).await
    }

    pub(super) fn purged_channel(&self) -> String {
        format!("{}purged", self.namespace)
    }

    fn log_name(&self) -> String {
        format!("{}purges", self.namespace)
    }
}
