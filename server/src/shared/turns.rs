//! Turns at work: taking a lease, keeping it, hearing that others have ended.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fred::{
    clients::SubscriberClient,
    interfaces::{ClientLike, EventInterface, PubsubInterface},
};
use tokio::{sync::broadcast::error::RecvError, time::sleep};

use super::{
    Job, Valkey,
    lease::{Holder, holder},
    trouble::Trouble,
};
use crate::{
    exchange::tier::{Lease, Turn},
    telemetry::metrics::SharedOutcome,
};

/// A pause before it is tried again to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// A lease to be given back.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) key: String,
    pub(super) token: u64,
}

impl Valkey {
    pub(super) async fn turn(&self, key: &str) -> Turn {
        if !self.is_there() || self.pending.lock().has(key) {
            return Turn::Away;
        }
        // Before the lease is asked for: its end is heard in any case.
        let waiter = self.waiters.wait(key);
        let token = self.numbers.fetch_add(1, Ordering::Relaxed);
        let name = self.lease_name(key);
        let found = self.link.lease(&name, token, self.lease_ttl).await;
        match found.map(|left| holder(left, self.lease_ttl)) {
            Ok(Holder::We) => Turn::Ours(self.ours(key, token)),
            Ok(Holder::Another) => {
                self.metrics.shared(SharedOutcome::Waited);
                Turn::Theirs(Box::pin(waiter.gone()))
            }
            Ok(Holder::Nobody) => Turn::Away,
            Err(failed) => {
                if failed.trouble == Trouble::Away {
                    self.failed(&failed.why);
                }
                Turn::Away
            }
        }
    }

    /// A lease that is made longer until it is dropped.
    fn ours(&self, key: &str, token: u64) -> Lease {
        let renewing = tokio::spawn({
            let (link, name, ttl) = (self.link.clone(), self.lease_name(key), self.lease_ttl);
            async move {
                loop {
                    sleep(ttl / 3).await;
                    // Where it cannot be, it ends, and another begins.
                    let _ = link.renew(&name, token, ttl).await;
                }
            }
        });
        let (queue, ended) = (self.queue.clone(), Ended { key: key.to_owned(), token });
        Lease::new(move || {
            renewing.abort();
            // Behind what is to be kept. Where there is no room, it ends by itself.
            let _ = queue.try_send(Job::End(ended));
        })
    }

    /// Gives a lease back, and tells those who wait for it.
    pub(super) async fn end_now(&self, Ended { key, token }: Ended) {
        let told = match self.link.release(&self.lease_name(&key), token).await {
            Ok(()) => self.link.tell(&self.channel(), &key).await,
            Err(failed) => Err(failed),
        };
        if let Err(failed) = told
            && failed.trouble == Trouble::Away
        {
            self.failed(&failed.why);
        }
    }

    pub(super) fn lease_name(&self, key: &str) -> String {
        // All targets begin with a slash, so this is no target's key.
        format!("{}lease:{key}", self.namespace)
    }

    pub(super) fn channel(&self) -> String {
        format!("{}over", self.namespace)
    }
}

/// Hears of the turns that are over, and that there are purges, for ever.
pub(super) async fn listen(valkey: Arc<Valkey>, ears: SubscriberClient) {
    let (over, purged) = (valkey.channel(), valkey.purged_channel());
    let held = valkey.held_channel();
    let mut messages = ears.message_rx();
    ears.connect();
    // Once it has been said, it is said again after each interruption.
    ears.manage_subscriptions();
    while ears.wait_for_connect().await.is_err()
        || ears.subscribe(vec![over.as_str(), purged.as_str(), held.as_str()]).await.is_err()
    {
        sleep(PAUSE).await;
    }
    loop {
        match messages.recv().await {
            Ok(message) => {
                let key = message.value.as_str().unwrap_or_default();
                if message.channel == over {
                    valkey.waiters.over(&key);
                } else if message.channel == held {
                    valkey.claims.notify_one();
                } else if key.is_empty() {
                    valkey.nudged.notify_one();
                } else {
                    valkey.heard_of(&key);
                }
            }
            // Whose message was among them looks again.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
