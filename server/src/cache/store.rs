//! The store: mini-moka, and all that has to be known about it.
//!
//! mini-moka does its housekeeping late: what it evicts, expires or replaces
//! stays in memory until maintenance runs. Memory is therefore counted here,
//! by what is alive, and reserved before it is used; see [`Store::insert`].

mod recent;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::HeaderMap;
use mini_moka::sync::{Cache, ConcurrentCacheExt};
use parking_lot::Mutex;

use self::recent::Recent;
use super::{
    key::CacheKey,
    stored::{Prepared, StoredResponse},
};
use crate::telemetry::metrics::StoreFigures;

/// Variants kept under one key; the one stored longest ago leaves.
const MAX_VARIANTS: usize = 16;
/// How often maintenance runs.
const MAINTENANCE: Duration = Duration::from_millis(250);
/// How often responses that nothing will be answered with are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// The stored responses, bounded in bytes.
#[derive(Debug)]
pub struct Store {
    entries: Cache<CacheKey, Arc<Entry>, ahash::RandomState>,
    recent: Recent<CacheKey, Entry>,
    memory: Arc<Memory>,
    largest: usize,
    /// Two fills under one key (a late one and its successor) may end at once.
    replacing: Mutex<()>,
}

/// All variants under one key, replaced as a whole.
#[derive(Debug)]
struct Entry {
    variants: Vec<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    prepared: Arc<Prepared>,
    weight: usize,
}

/// What a lookup finds.
#[derive(Debug)]
pub enum Lookup {
    /// Nothing under this key.
    UriMiss,
    /// Something, but selected by other request fields.
    VaryMiss,
    /// The response that these request fields select.
    Found(Arc<Prepared>),
}

/// Whether a response found its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It was given to the store, which may still prefer what it has.
    Offered,
    /// It is too large, or all memory is in use.
    Refused,
}

impl Store {
    /// A store of at most `bound` bytes, with responses of at most `largest`.
    pub fn new(bound: usize, largest: usize) -> Store {
        // The largest response must find a place while everything else stays.
        let capacity = bound.saturating_sub(largest);
        let entries = Cache::builder()
            .max_capacity(capacity as u64)
            .weigher(|key: &CacheKey, entry: &Arc<Entry>| {
                let weight = key.as_str().len() + entry.weight();
                u32::try_from(weight).unwrap_or(u32::MAX)
            })
            .build_with_hasher(ahash::RandomState::new());
        let memory = Arc::new(Memory { used: AtomicUsize::new(0), bound });
        Store { entries, recent: Recent::default(), memory, largest, replacing: Mutex::new(()) }
    }

    /// The response stored under `key` that `request`'s fields select.
    pub fn lookup(&self, key: &CacheKey, request: &HeaderMap) -> Lookup {
        if let Some(lookup) = self.recent.read(key, |entry| entry.select(request)) {
            return lookup;
        }
        let generation = self.recent.generation();
        let Some(entry) = self.entries.get(key) else { return Lookup::UriMiss };
        self.recent.keep(generation, key, &entry);
        entry.select(request)
    }

    /// Stores a response, in the place of what the same request selected.
    ///
    /// Memory is reserved first. Where there is too little, maintenance is made
    /// to let go of what is evicted; where that does not help, what is in use
    /// stays and the newcomer is refused.
    pub fn insert(
        &self,
        key: CacheKey,
        mut response: StoredResponse,
        freshness_lifetime: Duration,
    ) -> Insertion {
        let weight = response.weight() + key.as_str().len();
        if self.largest < response.body.len() {
            return Insertion::Refused;
        }
        let place = self.memory.reserve(weight).or_else(|| {
            self.let_go();
            self.memory.reserve(weight)
        });
        let Some(place) = place else { return Insertion::Refused };
        // The memory is given back when the last answer that sends the body is done.
        response.body = Bytes::from_owner(Held { body: response.body, _place: place });

        let _one_at_a_time = self.replacing.lock();
        let mut variants: Vec<Kept> = match self.entries.get(&key) {
            Some(entry) => entry
                .variants
                .iter()
                .filter(|kept| kept.prepared.response.selecting != response.selecting)
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        if MAX_VARIANTS <= variants.len() {
            variants.remove(0);
        }
        let prepared = Arc::new(Prepared::new(response, freshness_lifetime));
        variants.push(Kept { prepared, weight });
        self.entries.insert(key, Arc::new(Entry { variants }));
        self.recent.outdate();
        Insertion::Offered
    }

    /// Removes everything under a key.
    pub fn purge(&self, key: &CacheKey) {
        self.entries.invalidate(key);
        self.recent.outdate();
    }

    /// What is held, after maintenance.
    pub fn figures(&self) -> StoreFigures {
        self.let_go();
        StoreFigures {
            entries: self.entries.entry_count(),
            bytes: self.memory.used.load(Ordering::Relaxed) as u64,
            bound: self.memory.bound as u64,
            in_flight: 0,
            cut_off: 0,
        }
    }

    /// Runs maintenance for ever, and sweeps out what is stale.
    pub async fn maintain(self: Arc<Self>, clock: crate::clock::Clock) {
        let mut until_sweep = SWEEP;
        loop {
            tokio::time::sleep(MAINTENANCE).await;
            if let Some(left) = until_sweep.checked_sub(MAINTENANCE) {
                until_sweep = left;
            } else {
                until_sweep = SWEEP;
                self.sweep(clock.now());
            }
            self.let_go();
        }
    }

    /// Removes what no request can be answered with any more, which mini-moka
    /// would keep until it needs the room.
    fn sweep(&self, now: SystemTime) {
        // The iterator locks the map's shards: removing waits until it is gone.
        let useless: Vec<CacheKey> = self
            .entries
            .iter()
            .filter(|entry| entry.variants.iter().all(|kept| !kept.prepared.is_fresh(now)))
            .map(|entry| entry.key().clone())
            .collect();
        for key in &useless {
            self.entries.invalidate(key);
        }
        self.recent.outdate();
    }

    /// Lets go of what is evicted, replaced or removed.
    fn let_go(&self) {
        self.entries.sync();
        self.recent.trim(|key| self.entries.contains_key(key));
    }
}

impl Entry {
    /// The variant that a request's fields select, the newest first.
    fn select(&self, request: &HeaderMap) -> Lookup {
        let selects = |kept: &&Kept| kept.prepared.response.selecting.selects(request);
        match self.variants.iter().rev().find(selects) {
            Some(kept) => Lookup::Found(Arc::clone(&kept.prepared)),
            None => Lookup::VaryMiss,
        }
    }

    fn weight(&self) -> usize {
        self.variants.iter().map(|kept| kept.weight).sum()
    }
}

/// The memory of all stored responses that are alive, in the map or not.
#[derive(Debug)]
struct Memory {
    used: AtomicUsize,
    bound: usize,
}

impl Memory {
    fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let next = used.checked_add(bytes).filter(|next| *next <= self.bound)?;
            match self.used.compare_exchange_weak(used, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some(Place { memory: Arc::clone(self), bytes }),
                Err(actual) => used = actual,
            }
        }
    }
}

/// A body that keeps its place in memory reserved for as long as anything
/// refers to it.
struct Held {
    body: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// Memory reserved for one response, given back when the response is gone.
#[derive(Debug)]
struct Place {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderName, HeaderValue, StatusCode};

    use super::*;
    use crate::{cache::vary::Selecting, target::Target};

    const MIB: usize = 1 << 20;

    fn key(path: &str) -> CacheKey {
        CacheKey::of(&Target::new(path.parse().unwrap()).unwrap())
    }

    fn response(body: &[u8]) -> StoredResponse {
        StoredResponse {
            status: StatusCode::OK,
            fields: Vec::new(),
            selecting: Selecting::default(),
            request_time: UNIX_EPOCH,
            response_time: UNIX_EPOCH,
            body: Bytes::copy_from_slice(body),
        }
    }

    fn insert(store: &Store, path: &str, body: &[u8]) -> Insertion {
        store.insert(key(path), response(body), Duration::from_mins(1))
    }

    fn body(store: &Store, path: &str) -> Option<Bytes> {
        match store.lookup(&key(path), &HeaderMap::new()) {
            Lookup::Found(found) => Some(found.response.body.clone()),
            _ => None,
        }
    }

    #[test]
    fn finds_what_was_stored_last() {
        let store = Store::new(8 * MIB, MIB);
        assert!(body(&store, "/a").is_none());
        insert(&store, "/a", b"1");
        insert(&store, "/a", b"2");
        assert_eq!(body(&store, "/a").unwrap(), "2");
        store.purge(&key("/a"));
        assert!(body(&store, "/a").is_none());
        assert_eq!(store.figures().bytes, 0);
    }

    #[test]
    fn bytes_never_exceed_the_bound() {
        let store = Store::new(4 * MIB, MIB);
        for at in 0..200 {
            insert(&store, &format!("/{at}"), &vec![0; MIB / 2]);
            assert!(store.memory.used.load(Ordering::Relaxed) <= 4 * MIB);
        }
        assert!(0 < store.figures().entries);
    }

    #[test]
    fn what_is_being_sent_counts_until_it_is_sent() {
        let store = Store::new(4 * MIB, MIB);
        insert(&store, "/a", &vec![0; MIB]);
        let being_sent = body(&store, "/a").unwrap();
        store.purge(&key("/a"));
        assert!(MIB as u64 <= store.figures().bytes);
        drop(being_sent);
        assert_eq!(store.figures().bytes, 0);
    }

    #[test]
    fn a_newcomer_is_refused_while_all_memory_is_in_use() {
        let store = Store::new(2 * MIB + 4096, MIB);
        let in_use: Vec<_> = ["/a", "/b"]
            .into_iter()
            .map(|path| {
                insert(&store, path, &vec![0; MIB]);
                let sent = body(&store, path).unwrap();
                store.purge(&key(path));
                sent
            })
            .collect();
        assert_eq!(insert(&store, "/c", &vec![0; MIB]), Insertion::Refused);
        drop(in_use);
        assert_eq!(insert(&store, "/c", &vec![0; MIB]), Insertion::Offered);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert_eq!(insert(&Store::new(8 * MIB, 10), "/a", &[0; 11]), Insertion::Refused);
    }

    #[test]
    fn variants_are_selected_and_bounded() {
        let store = Store::new(8 * MIB, MIB);
        let vary = HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("a"))]);
        let asks =
            |a: usize| HeaderMap::from_iter([(HeaderName::from_static("a"), HeaderValue::from(a))]);
        for a in 0..=MAX_VARIANTS {
            let mut response = response(a.to_string().as_bytes());
            response.selecting = Selecting::of(&vary, &asks(a)).unwrap();
            store.insert(key("/a"), response, Duration::from_mins(1));
        }
        let found = |a| match store.lookup(&key("/a"), &asks(a)) {
            Lookup::Found(found) => Some(found.response.body.clone()),
            Lookup::VaryMiss => None,
            Lookup::UriMiss => panic!("nothing is stored"),
        };
        assert_eq!(found(0), None);
        assert_eq!(found(1).unwrap(), "1");
        assert_eq!(found(MAX_VARIANTS).unwrap(), MAX_VARIANTS.to_string());
    }

    #[test]
    fn the_sweep_takes_what_is_stale() {
        let store = Store::new(8 * MIB, MIB);
        insert(&store, "/a", b"1");
        store.sweep(UNIX_EPOCH + Duration::from_secs(59));
        assert_eq!(store.figures().entries, 1);
        store.sweep(UNIX_EPOCH + Duration::from_mins(1));
        assert_eq!(store.figures().entries, 0);
        assert_eq!(store.figures().bytes, 0);
    }
}
