//! The store: mini-moka, and all that has to be known about it.
//!
//! mini-moka does its housekeeping late: what it evicts, expires or replaces
//! stays in memory until maintenance runs. Memory is therefore counted here,
//! by what is alive, and reserved before it is used; see [`Store::hold`].

mod changing;
#[cfg(test)]
mod churn;
mod endings;
mod recent;
mod tagged;

use std::{
    cmp::Reverse,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::HeaderMap;
use mini_moka::sync::{Cache, ConcurrentCacheExt};
use parking_lot::Mutex;

pub use self::changing::Change;
pub(in crate::cache) use self::endings::covers;
use self::{
    endings::Endings,
    recent::Recent,
    tagged::{Listed, Tagged},
};
use super::{key::CacheKey, stored::Prepared};
use crate::telemetry::metrics::StoreFigures;

/// Variants kept under one key; the least recently used leaves.
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
    /// Counts what is stored and selected, to tell which variant was used last.
    turns: AtomicU64,
    epochs: Epochs,
    /// How many purges there have been that name no key.
    ended: AtomicU64,
    tagged: Arc<Tagged>,
    /// Keys that came, and those of them that were removed: what is left of them
    /// and is not there was evicted, or not let in.
    keys_added: AtomicU64,
    keys_removed: AtomicU64,
    /// Held from the reading of an entry until mini-moka has applied its change.
    ///
    /// Two fills under one key (a late one and its successor) may end at once.
    /// And what mini-moka refuses or evicts it removes by its key, be there
    /// something newer under it or not: then that newer entry is counted for
    /// ever, though it is gone. So one change waits at a time.
    replacing: Mutex<Endings>,
}

/// Keys whose purges are told apart, nearly: with a hundred writes a second and
/// answers that take one, one answer in 650 is not stored for nothing.
const EPOCHS: usize = 1 << 16;

/// How often the keys were purged, in a table of fixed size: where two keys
/// share a place, the worst is that a response is not stored this time.
#[derive(Debug)]
struct Epochs {
    places: Box<[AtomicU32]>,
    hasher: ahash::RandomState,
}

/// The state of a key, which each purge ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// How often it was purged.
    purges: u32,
    /// How many purges there have been that name no key.
    ended: u64,
}

impl Epochs {
    fn of(&self, key: &CacheKey) -> &AtomicU32 {
        let place = self.hasher.hash_one(key) % self.places.len() as u64;
        &self.places[usize::try_from(place).unwrap_or_default()]
    }
}

impl Default for Epochs {
    fn default() -> Epochs {
        let places = (0..EPOCHS).map(|_| AtomicU32::new(0)).collect();
        Epochs { places, hasher: ahash::RandomState::new() }
    }
}

/// All variants under one key, the newest first, replaced as a whole.
#[derive(Debug)]
struct Entry {
    variants: Vec<Kept>,
}

/// One variant, with its place in memory.
#[derive(Debug)]
struct Kept {
    prepared: Arc<Prepared>,
    weight: usize,
    /// The memory of its head; the body keeps its own.
    place: Arc<Place>,
    /// Its place in the index of tags, where it has any.
    listed: Option<Arc<Listed>>,
    /// The turn in which it was last selected, or stored.
    used: AtomicU64,
}

impl Kept {
    fn again(&self) -> Kept {
        Kept {
            prepared: Arc::clone(&self.prepared),
            weight: self.weight,
            place: Arc::clone(&self.place),
            listed: self.listed.clone(),
            used: AtomicU64::new(self.used.load(Ordering::Relaxed)),
        }
    }
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
    /// All memory is in use.
    Refused,
    /// Its key was purged after it had been asked for, or what it was made of
    /// is not stored any more.
    Outdated,
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
        Store {
            entries,
            recent: Recent::default(),
            memory,
            largest,
            turns: AtomicU64::new(0),
            epochs: Epochs::default(),
            ended: AtomicU64::new(0),
            tagged: Arc::default(),
            keys_added: AtomicU64::new(0),
            keys_removed: AtomicU64::new(0),
            replacing: Mutex::default(),
        }
    }

    /// The response stored under `key` that `request`'s fields select.
    pub fn lookup(&self, key: &CacheKey, request: &HeaderMap) -> Lookup {
        if let Some(lookup) = self.recent.read(key, |entry| entry.select(request, &self.turns)) {
            return lookup;
        }
        let generation = self.recent.generation();
        let Some(entry) = self.entries.get(key) else { return Lookup::UriMiss };
        self.recent.keep(generation, key, &entry);
        entry.select(request, &self.turns)
    }

    /// Everything under a key, the newest first.
    pub fn variants(&self, key: &CacheKey) -> Vec<Arc<Prepared>> {
        let entry = self.entries.get(key);
        let variants = entry.iter().flat_map(|entry| &entry.variants);
        variants.map(|kept| Arc::clone(&kept.prepared)).collect()
    }

    /// All that is stored, not held on to: what is evicted meanwhile is gone.
    /// The variants under a key come in the order in which they can be put again.
    pub fn all(&self) -> Vec<(CacheKey, Weak<Prepared>)> {
        let mut all = Vec::new();
        // The iterator locks the map's shards: nothing else is done here.
        for entry in &self.entries {
            for kept in entry.variants.iter().rev() {
                all.push((entry.key().clone(), Arc::downgrade(&kept.prepared)));
            }
        }
        all
    }

    /// The bytes that it holds at most.
    pub fn bound(&self) -> usize {
        self.memory.bound
    }

    /// The state of a key: to be asked before a response is fetched that
    /// [`Store::put`] is given.
    pub fn epoch(&self, key: &CacheKey) -> Epoch {
        Epoch {
            purges: self.epochs.of(key).load(Ordering::Acquire),
            ended: self.ended.load(Ordering::Acquire),
        }
    }

    /// Reserves memory for a body, `None` where it is too large or where all
    /// memory is in use.
    ///
    /// Where there is too little, maintenance is made to let go of what is
    /// evicted; where that does not help, what is in use stays.
    pub fn hold(&self, body: Bytes) -> Option<Bytes> {
        if self.largest < body.len() {
            return None;
        }
        let place = self.reserve(body.len())?;
        // The memory is given back when the last answer that sends the body is done.
        Some(Bytes::from_owner(Held { body, _place: place }))
    }

    /// Stores a response whose body is held, in the place of what the same
    /// request selected.
    ///
    /// What was purged after `epoch` is outdated, and so is a response that was
    /// asked for before.
    pub fn put(&self, key: CacheKey, epoch: Epoch, prepared: Arc<Prepared>) -> Insertion {
        self.insert(key, epoch, None, prepared)
    }

    /// Stores what has been made of `old`, unless that has been purged, evicted
    /// or replaced since.
    pub fn replace(
        &self,
        key: CacheKey,
        epoch: Epoch,
        old: &Arc<Prepared>,
        prepared: Arc<Prepared>,
    ) -> Insertion {
        self.insert(key, epoch, Some(old), prepared)
    }

    fn insert(
        &self,
        key: CacheKey,
        epoch: Epoch,
        old: Option<&Arc<Prepared>>,
        prepared: Arc<Prepared>,
    ) -> Insertion {
        let tags = tagged::weight(&prepared.tags);
        let head = prepared.response.weight_of_head() + key.as_str().len() + tags;
        let Some(place) = self.reserve(head) else { return Insertion::Refused };

        let one_at_a_time = self.replacing.lock();
        if self.is_outdated(&one_at_a_time, &key, epoch, &prepared) {
            return Insertion::Outdated;
        }
        let entry = self.entries.get(&key);
        let has = |old| {
            let mut variants = entry.iter().flat_map(|entry| &entry.variants);
            variants.any(|kept| Arc::ptr_eq(&kept.prepared, old))
        };
        if old.is_some_and(|old| !has(old)) {
            return Insertion::Outdated;
        }
        if entry.is_none() {
            self.keys_added.fetch_add(1, Ordering::Relaxed);
        }
        let mut variants = entry.map_or_else(Vec::new, |entry| entry.beside(&prepared));
        while MAX_VARIANTS <= variants.len() {
            let used = |(_, kept): &(usize, &Kept)| kept.used.load(Ordering::Relaxed);
            let Some((oldest, _)) = variants.iter().enumerate().min_by_key(used) else { break };
            variants.remove(oldest);
        }
        let weight = head + prepared.response.body.len();
        let used = AtomicU64::new(self.turns.fetch_add(1, Ordering::Relaxed));
        let key = key.detached();
        let listed = self.tagged.list(&key, &prepared.tags).map(Arc::new);
        variants.insert(0, Kept { prepared, weight, place: Arc::new(place), listed, used });
        // The newest first; of several of one date, the one stored last. What has no `Vary` may
        // have lost it by mistake (§4.1), and must not hide what was selected.
        let is_selected = |kept: &Kept| kept.prepared.response.selecting.names().next().is_some();
        variants.sort_by_key(|kept| Reverse((is_selected(kept), kept.prepared.date)));
        self.entries.insert(key, Arc::new(Entry { variants }));
        self.apply();
        Insertion::Offered
    }

    /// Removes everything under a key: how many responses that were. What is on
    /// its way to this key is outdated.
    pub fn purge(&self, key: &CacheKey) -> usize {
        let _one_at_a_time = self.replacing.lock();
        self.epochs.of(key).fetch_add(1, Ordering::AcqRel);
        let removed = self.entries.get(key).map_or(0, |entry| entry.variants.len());
        self.invalidate(key);
        self.apply();
        removed
    }

    /// Outdates what is on its way, whatever its key; what is stored stays.
    pub fn outdate(&self) {
        let _one_at_a_time = self.replacing.lock();
        for epoch in &self.epochs.places {
            epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Removes one response, which has turned out to be one that may not be stored.
    pub fn remove(&self, key: &CacheKey, prepared: &Arc<Prepared>) {
        let _one_at_a_time = self.replacing.lock();
        let Some(entry) = self.entries.get(key) else { return };
        let stays = |kept: &&Kept| !Arc::ptr_eq(&kept.prepared, prepared);
        let variants: Vec<Kept> = entry.variants.iter().filter(stays).map(Kept::again).collect();
        if variants.is_empty() {
            self.invalidate(key);
        } else {
            self.entries.insert(key.clone().detached(), Arc::new(Entry { variants }));
        }
        self.apply();
    }

    fn reserve(&self, bytes: usize) -> Option<Place> {
        self.memory.reserve(bytes).or_else(|| {
            self.let_go();
            self.memory.reserve(bytes)
        })
    }

    /// What is held, after maintenance.
    pub fn figures(&self) -> StoreFigures {
        let _no_change = self.replacing.lock();
        self.let_go();
        let entries = self.entries.entry_count();
        let removed = self.keys_removed.load(Ordering::Relaxed);
        let left = self.keys_added.load(Ordering::Relaxed).saturating_sub(removed);
        StoreFigures {
            entries,
            bytes: self.memory.used.load(Ordering::Relaxed) as u64,
            bound: self.memory.bound as u64,
            evicted: left.saturating_sub(entries),
            in_flight: 0,
            waiting: 0,
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

    /// Removes what is of no use to any request to come, which mini-moka would
    /// keep until it needs the room.
    fn sweep(&self, now: SystemTime) {
        // The iterator locks the map's shards: removing waits until it is gone.
        let useless: Vec<CacheKey> = self
            .entries
            .iter()
            .filter(|entry| entry.variants.iter().all(|kept| !kept.prepared.is_useful(now)))
            .map(|entry| entry.key().clone())
            .collect();
        let _one_at_a_time = self.replacing.lock();
        for key in &useless {
            self.invalidate(key);
        }
        self.apply();
    }

    /// Removes a key, which is counted: the caller holds the lock.
    fn invalidate(&self, key: &CacheKey) {
        if self.entries.contains_key(key) {
            self.keys_removed.fetch_add(1, Ordering::Relaxed);
            self.entries.invalidate(key);
        }
    }

    /// Ends what was found before a change, and has mini-moka apply it.
    fn apply(&self) {
        self.recent.outdate();
        self.entries.sync();
    }

    /// Lets go of what is evicted, replaced or removed.
    fn let_go(&self) {
        self.entries.sync();
        self.recent.trim(|key| self.entries.contains_key(key));
    }
}

impl Entry {
    /// The variant that a request's fields select (RFC 9111 §4.1): the most
    /// recent one by its date.
    fn select(&self, request: &HeaderMap, turns: &AtomicU64) -> Lookup {
        let selects = |kept: &&Kept| kept.prepared.response.selecting.selects(request);
        let Some(kept) = self.variants.iter().find(selects) else { return Lookup::VaryMiss };
        // An only variant has nothing to be compared with.
        if 1 < self.variants.len() {
            kept.used.store(turns.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        }
        Lookup::Found(Arc::clone(&kept.prepared))
    }

    /// The variants that stay beside a new one, which goes on counting for those
    /// whose place it takes.
    fn beside(&self, new: &Prepared) -> Vec<Kept> {
        let is_replaced = |kept: &&Kept| kept.prepared.response.selecting == new.response.selecting;
        let (replaced, kept): (Vec<&Kept>, Vec<&Kept>) =
            self.variants.iter().partition(is_replaced);
        for replaced in replaced {
            new.count_on(&replaced.prepared);
        }
        kept.into_iter().map(Kept::again).collect()
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
mod tests;
