//! What was looked up just now, found again without asking mini-moka.
//!
//! Each read of mini-moka takes part in its housekeeping: a queue, a lock, a
//! frequency sketch. For the few keys that most requests ask for, that is the
//! greater part of a lookup, and all processors meet in it. Here a lookup is
//! one load.
//!
//! Nothing outdated is ever found: whoever changes the store calls
//! [`Recent::outdate`] afterwards, which ends all that was kept before.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;

/// Keys that are kept at a time, at most.
const PLACES: usize = 256;
/// Every so many times, mini-moka is asked all the same: its policy has to see
/// what is in demand.
const SAMPLE: u32 = 16;

/// The last values found, by key.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    places: Box<[ArcSwapOption<Place<K, V>>]>,
    generation: AtomicU64,
    hasher: ahash::RandomState,
}

#[derive(Debug)]
struct Place<K, V> {
    key: K,
    value: Arc<V>,
    generation: Generation,
    found: AtomicU32,
}

/// The state of the store that a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// Looks a value up and reads it.
    pub(super) fn read<T>(&self, key: &K, read: impl FnOnce(&V) -> T) -> Option<T> {
        let place = self.place(key).load();
        let place = place.as_ref()?;
        if place.generation != self.generation() || place.key != *key {
            return None;
        }
        // Two threads may count as one: it is a sample.
        let found = place.found.load(Ordering::Relaxed).wrapping_add(1);
        place.found.store(found, Ordering::Relaxed);
        (!found.is_multiple_of(SAMPLE)).then(|| read(&place.value))
    }

    /// The state of the store now: to be asked before a value is looked up
    /// that [`Recent::keep`] is given.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Keeps a value that was looked up after `generation` was asked.
    pub(super) fn keep(&self, generation: Generation, key: &K, value: &Arc<V>) {
        let place = Place {
            key: key.clone(),
            value: Arc::clone(value),
            generation,
            found: AtomicU32::new(0),
        };
        self.place(key).store(Some(Arc::new(place)));
    }

    /// Ends all that was kept: the store has changed.
    pub(super) fn outdate(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Lets go of what is outdated, and of what the store has no more.
    pub(super) fn trim(&self, is_stored: impl Fn(&K) -> bool) {
        let generation = self.generation();
        for place in &self.places {
            let is_useless =
                |place: &Arc<Place<K, V>>| place.generation != generation || !is_stored(&place.key);
            if place.load().as_ref().is_some_and(is_useless) {
                place.store(None);
            }
        }
    }

    fn place(&self, key: &K) -> &ArcSwapOption<Place<K, V>> {
        let hash = usize::try_from(self.hasher.hash_one(key) % PLACES as u64).unwrap_or_default();
        &self.places[hash]
    }
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Recent<K, V> {
        Recent {
            places: (0..PLACES).map(|_| ArcSwapOption::empty()).collect(),
            generation: AtomicU64::new(0),
            hasher: ahash::RandomState::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Recent<&'static str, u32> {
        let recent = Recent::default();
        recent.keep(recent.generation(), &"a", &Arc::new(1));
        recent
    }

    fn find(recent: &Recent<&'static str, u32>, key: &'static str) -> Option<u32> {
        recent.read(&key, |value| *value)
    }

    #[test]
    fn finds_what_was_kept_but_for_a_sample() {
        let recent = kept();
        let found = (0..SAMPLE * 3).filter(|_| find(&recent, "a") == Some(1)).count();
        assert_eq!(found, (SAMPLE as usize - 1) * 3);
        assert_eq!(find(&recent, "b"), None);
    }

    #[test]
    fn a_change_of_the_store_ends_it() {
        let recent = kept();
        recent.outdate();
        assert_eq!(find(&recent, "a"), None);
    }

    #[test]
    fn a_value_that_was_looked_up_before_a_change_is_not_found_after_it() {
        let recent = Recent::default();
        let before = recent.generation();
        recent.outdate();
        recent.keep(before, &"a", &Arc::new(1));
        assert_eq!(find(&recent, "a"), None);
    }

    #[test]
    fn memory_is_let_go_of() {
        let recent = Recent::default();
        let value = Arc::new(1);
        recent.keep(recent.generation(), &"a", &value);
        recent.trim(|_| true);
        assert_eq!(Arc::strong_count(&value), 2);
        recent.trim(|_| false);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
