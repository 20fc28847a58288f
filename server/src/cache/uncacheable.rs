//! A memory of keys whose answers cannot be shared.
//!
//! Who asks for such a key goes straight on instead of waiting for somebody
//! else's answer. Only a mark is kept, in a table of fixed size: where two keys
//! fall on one place, the worst that happens is that one of them is asked for
//! twice at a time.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Keys that can be remembered at a time.
const PLACES: usize = 4096;
/// How long a key is remembered: long enough to matter for a herd, short
/// enough that an upstream that changes its mind is noticed.
const REMEMBERED: Duration = Duration::from_mins(2);

/// The memory.
#[derive(Debug)]
pub struct Uncacheable {
    /// Each place holds 32 bits of a key's hash above the second at which it
    /// is forgotten.
    places: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Default for Uncacheable {
    fn default() -> Uncacheable {
        Uncacheable {
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Uncacheable {
    /// Remembers that the answer for `key` was of no use to others.
    pub fn note(&self, key: &impl Hash, now: SystemTime) {
        let (place, mark) = self.find(key);
        place.store(mark | u64::from(seconds(now + REMEMBERED)), Ordering::Relaxed);
    }

    /// Forgets `key`: an answer for it has been stored.
    pub fn forget(&self, key: &impl Hash) {
        let (place, mark) = self.find(key);
        let found = place.load(Ordering::Relaxed);
        // Where another takes the place meanwhile, that one stays.
        if found & MARK == mark {
            let _ = place.compare_exchange(found, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether `key` is remembered.
    pub fn contains(&self, key: &impl Hash, now: SystemTime) -> bool {
        let (place, mark) = self.find(key);
        let found = place.load(Ordering::Relaxed);
        found & MARK == mark && u64::from(seconds(now)) < found & !MARK
    }

    fn find(&self, key: &impl Hash) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(key);
        let place = usize::try_from(hash & !MARK).unwrap_or_default() % PLACES;
        (&self.places[place], hash & MARK)
    }
}

/// The bits of a place that hold the hash.
const MARK: u64 = !0 << 32;

/// Seconds since the epoch, which fit until 2106.
fn seconds(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_key_for_a_while() {
        let memory = Uncacheable::default();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!memory.contains(&"a", at(0)));
        memory.note(&"a", at(0));
        assert!(memory.contains(&"a", at(119)));
        assert!(!memory.contains(&"a", at(120)));
        assert!(!memory.contains(&"b", at(0)));
    }

    #[test]
    fn forgets_a_key() {
        let memory = Uncacheable::default();
        memory.note(&"a", UNIX_EPOCH);
        memory.forget(&"b");
        assert!(memory.contains(&"a", UNIX_EPOCH));
        memory.forget(&"a");
        assert!(!memory.contains(&"a", UNIX_EPOCH));
    }

    #[test]
    fn never_takes_more_room() {
        let memory = Uncacheable::default();
        for key in 0..10 * PLACES {
            memory.note(&key, UNIX_EPOCH);
        }
        assert_eq!(memory.places.len(), PLACES);
    }
}
