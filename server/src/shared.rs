//! The tier that several instances share: what one has fetched, all have.
//!
//! It is Valkey, or Redis. The cache knows it as a [`Tier`]: bytes by key. Its
//! absence is no error: what the tier does not say in time it does not say at
//! all, and until it answers a probe nobody asks it ([`health`]). What an error
//! means ([`trouble`]) and what the bytes under a key are ([`said`]) is pure;
//! `link` has the words, `work` what is done behind the answers, `turns` how
//! instances ask the upstream one at a time ([`lease`]), `budget` how they share
//! the upstream's budget ([`claim`]).

pub mod address;
mod budget;
pub mod claim;
mod config;
pub mod health;
pub mod lease;
mod link;
pub mod log;
pub mod pending;
mod purges;
pub mod said;
mod scripts;
pub mod trouble;
mod turns;
mod work;

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout},
};

pub use self::{
    address::{Address, MASK},
    config::SharedConfig,
};
use self::{
    claim::ServerTime,
    health::{Change, Health},
    lease::Waiters,
    link::{Failed, Link},
    pending::Pending,
    purges::Ear,
    trouble::Trouble,
    turns::Ended,
};
use crate::{
    exchange::{
        ending::Ending,
        tier::{Kept, Mark, Said, Tier, Turn},
    },
    telemetry::metrics::{Metrics, SharedOutcome},
};

/// The version of the layout, a part of every key: releases with different ones
/// go side by side.
const LAYOUT: u32 = 1;
/// Keys that are asked for at a time, each with room for the largest value.
const ASKS: usize = 64;
/// Values that wait to be kept, and leases to be given back.
const QUEUED: usize = 1024;
/// Memory for them, in units of 1 KiB.
const QUEUED_KIB: usize = 16 << 10;

/// A tier in a Valkey.
pub struct Valkey {
    link: Link,
    namespace: String,
    largest: usize,
    timeout: Duration,
    health: Mutex<Health>,
    pending: Mutex<Pending>,
    asks: Semaphore,
    queue: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    /// There is something to do, or the health has changed.
    news: Notify,
    /// When it was last told that something of a kind was refused.
    refused: Mutex<HashMap<&'static str, Instant>>,
    waiters: Waiters,
    lease_ttl: Duration,
    patience: Duration,
    ear: OnceLock<Ear>,
    /// There may be news in the log.
    nudged: Notify,
    /// There may be news with the next claim on the budget.
    claims: Arc<Notify>,
    server_time: Mutex<Option<ServerTime>>,
    /// Of this instance in the log.
    name: String,
    /// Of marks and leases: no two are the same, here or elsewhere.
    numbers: AtomicU64,
    metrics: Arc<Metrics>,
}

/// What is done behind the answers.
#[derive(Debug)]
enum Job {
    Keep(Queued),
    End(Ended),
}

/// A value that waits to be kept, and its memory.
#[derive(Debug)]
struct Queued {
    kept: Kept,
    _room: OwnedSemaphorePermit,
}

/// Why there is no tier.
#[derive(Debug, thiserror::Error)]
#[error("--shared cannot be used: {0}")]
pub struct Unusable(String);

impl std::fmt::Debug for Valkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Valkey").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Valkey {
    /// The tier for what is stored of the upstream `source`, given the time of
    /// one time-out to be there. What others ask the upstream for is waited for
    /// with `patience`.
    pub async fn start(
        address: &Address,
        config: &SharedConfig,
        source: &str,
        patience: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Valkey>, Unusable> {
        let to = address.config().map_err(|error| Unusable(error.to_string()))?;
        let timeout = config.shared_timeout.into();
        let ears = link::builder(to.clone(), timeout).build_subscriber_client();
        let ears = ears.map_err(|error| Unusable(error.to_string()))?;
        let link = Link::open(to, timeout).map_err(|error| Unusable(error.to_string()))?;
        let (queue, queued) = mpsc::channel(QUEUED);
        let valkey = Arc::new(Valkey {
            link,
            namespace: namespace(&config.shared_prefix, source),
            largest: config.shared_max_object_size.bytes(),
            timeout,
            health: Mutex::new(Health::There),
            pending: Mutex::default(),
            asks: Semaphore::new(ASKS),
            queue,
            room: Arc::new(Semaphore::new(QUEUED_KIB)),
            news: Notify::new(),
            refused: Mutex::default(),
            waiters: Waiters::default(),
            lease_ttl: lease::ttl(timeout),
            patience,
            ear: OnceLock::new(),
            nudged: Notify::new(),
            claims: Arc::default(),
            server_time: Mutex::default(),
            name: format!("{:016x}", RandomState::new().hash_one("name")),
            numbers: AtomicU64::new(RandomState::new().hash_one(source)),
            metrics,
        });
        valkey.metrics.shared_is_there(true);
        valkey.probe().await;
        tracing::info!(servers = %address, namespace = valkey.namespace, "shared tier");
        tokio::spawn(turns::listen(Arc::clone(&valkey), ears));
        tokio::spawn(Arc::clone(&valkey).work(queued));
        Ok(valkey)
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.namespace)
    }

    fn is_there(&self) -> bool {
        *self.health.lock() == Health::There
    }

    async fn ask(&self, key: &str) -> Said {
        // Purges go first: what they end must not be found.
        if !self.is_there() || self.pending.lock().has(key) {
            self.metrics.shared(SharedOutcome::Away);
            return Said::Away;
        }
        let full = self.full(key);
        let found = async {
            let _seat = self.asks.acquire().await;
            self.link.find(&full, self.largest).await
        };
        match timeout(self.timeout, found).await {
            _ if self.pending.lock().has(key) => Said::Away,
            Ok(Ok(found)) => self.found(found),
            Ok(Err(failed)) => self.not_found(&failed),
            Err(_) => self.not_found(&Failed {
                trouble: Trouble::Away,
                why: "it answers more slowly than it is asked".to_owned(),
            }),
        }
    }

    fn found(&self, found: Bytes) -> Said {
        let said = said::said(found, self.largest);
        if matches!(said, Said::Nothing(_)) {
            self.metrics.shared(SharedOutcome::Missing);
        }
        said
    }

    fn not_found(&self, failed: &Failed) -> Said {
        match failed.trouble {
            Trouble::Foreign => {
                self.metrics.shared(SharedOutcome::Unusable);
                Said::Nothing(Mark::default())
            }
            Trouble::Away | Trouble::Refused => {
                self.failed(&failed.why);
                Said::Away
            }
        }
    }

    /// Counts a failure.
    fn failed(&self, why: &str) {
        self.metrics.shared(SharedOutcome::Failed);
        self.gone(why);
    }

    /// Nobody asks until a probe is answered.
    fn gone(&self, why: &str) {
        if self.health.lock().failed(Instant::now().into_std()) == Change::Gone {
            tracing::warn!("the shared tier is away, going on alone: {why}");
            self.metrics.shared_is_there(false);
            self.waiters.leave();
            self.news.notify_one();
        }
    }
}

impl Tier for Valkey {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Said> {
        Box::pin(self.ask(key))
    }

    fn lease<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Turn> {
        Box::pin(self.turn(key))
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn largest(&self) -> usize {
        self.largest
    }

    fn keep(&self, kept: Kept) {
        let kib = u32::try_from(kept.value.len() / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib);
        let is_queued = self.is_there()
            && room.is_ok_and(|room| {
                self.queue.try_send(Job::Keep(Queued { kept, _room: room })).is_ok()
            });
        if !is_queued {
            self.metrics.shared(SharedOutcome::Dropped);
        }
    }

    fn purge(&self, ending: &Ending) {
        let lost = self.pending.lock().add(ending);
        if 0 < lost {
            tracing::warn!(lost, "purges that the shared tier will not learn of: too many wait");
        }
        self.news.notify_one();
    }
}

/// What all keys begin with: nothing that one upstream said answers for another.
fn namespace(prefix: &str, source: &str) -> String {
    let digest = Sha256::digest(source.as_bytes());
    let first = digest.first_chunk().copied().unwrap_or_default();
    format!("{prefix}:{LAYOUT}:{:08x}:", u32::from_be_bytes(first))
}
