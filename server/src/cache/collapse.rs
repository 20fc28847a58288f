//! Collapsed requests (RFC 9111 §4): one flight per key at a time.
//!
//! This module knows nothing of HTTP: a flight is whatever its leader makes it.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;

/// The flights under way.
#[derive(Debug)]
pub struct Flights<K, F> {
    // A blocking mutex: nothing waits while it is held.
    airborne: Arc<Mutex<HashMap<K, Arc<F>>>>,
}

impl<K, F> Default for Flights<K, F> {
    fn default() -> Flights<K, F> {
        Flights { airborne: Arc::default() }
    }
}

/// What joining comes to.
#[derive(Debug)]
pub enum Joined<K: Eq + Hash, F> {
    /// The caller is first: it has to see the flight through.
    Leading(Arc<F>, Leave<K, F>),
    /// Somebody else's flight is under way.
    Following(Arc<F>),
}

impl<K: Clone + Eq + Hash, F> Flights<K, F> {
    /// Joins the flight for `key`, or begins the one that `fly` makes.
    ///
    /// Where `fly` has something better, there is no flight, and nobody can
    /// have joined it. A flight that `is_over` ends as it would have, but the new
    /// one takes its place.
    pub fn join<T>(
        &self,
        key: &K,
        is_over: impl FnOnce(&F) -> bool,
        fly: impl FnOnce() -> Result<F, T>,
    ) -> Result<Joined<K, F>, T> {
        let mut airborne = self.airborne.lock();
        if let Some(flight) = airborne.get(key)
            && !is_over(flight)
        {
            return Ok(Joined::Following(Arc::clone(flight)));
        }
        let flight = Arc::new(fly()?);
        airborne.insert(key.clone(), Arc::clone(&flight));
        let leave = Leave {
            key: key.clone(),
            flight: Arc::clone(&flight),
            airborne: Arc::clone(&self.airborne),
        };
        Ok(Joined::Leading(flight, leave))
    }

    /// Takes flights out of the count of those that can be joined: they end as
    /// they would have, and the next who asks begins another.
    pub fn detach(&self, is_meant: impl Fn(&K) -> bool) {
        self.airborne.lock().retain(|key, _| !is_meant(key));
    }

    /// How many flights are under way.
    pub fn count(&self) -> usize {
        self.airborne.lock().len()
    }
}

/// Frees the key when it is dropped, however the flight ends: by its result, a
/// panic, or a task that was dropped.
#[derive(Debug)]
pub struct Leave<K: Eq + Hash, F> {
    key: K,
    flight: Arc<F>,
    airborne: Arc<Mutex<HashMap<K, Arc<F>>>>,
}

impl<K: Eq + Hash, F> Leave<K, F> {
    /// What the flight is for.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Whether the flight has its key still, so that no other is under way.
    pub fn is_needed(&self) -> bool {
        let airborne = self.airborne.lock();
        airborne.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight))
    }
}

impl<K: Eq + Hash, F> Drop for Leave<K, F> {
    fn drop(&mut self) {
        let mut airborne = self.airborne.lock();
        if airborne.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            airborne.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join<F: std::fmt::Debug>(
        flights: &Flights<&'static str, F>,
        key: &'static str,
        flight: F,
    ) -> Joined<&'static str, F> {
        flights.join(&key, |_| false, || Ok::<_, ()>(flight)).unwrap()
    }

    #[test]
    fn the_second_follows_the_first_until_it_leaves() {
        let flights = Flights::default();
        let Joined::Leading(first, leave) = join(&flights, "a", 1) else { panic!("not first") };
        let Joined::Following(joined) = join(&flights, "a", 2) else { panic!("not second") };
        assert!(Arc::ptr_eq(&first, &joined));
        assert!(matches!(join(&flights, "b", 3), Joined::Leading(..)));

        drop(leave);
        assert!(matches!(join(&flights, "a", 4), Joined::Leading(..)));
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn what_makes_a_flight_needless_leaves_the_key_free() {
        let flights = Flights::<_, ()>::default();
        assert_eq!(flights.join(&"a", |()| false, || Err("stored")).unwrap_err(), "stored");
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn a_flight_that_is_over_makes_place_and_takes_none_away() {
        let flights = Flights::default();
        let Joined::Leading(_, old) = join(&flights, "a", 1) else { panic!("not first") };
        let joined = flights.join(&"a", |flight| *flight == 1, || Ok::<_, ()>(2)).unwrap();
        let Joined::Leading(_, new) = joined else { panic!("it is over") };
        assert!(!old.is_needed() && new.is_needed());
        drop(old);
        assert!(matches!(join(&flights, "a", 3), Joined::Following(flight) if *flight == 2));
        assert_eq!(flights.join(&"a", |_| true, || Err("stored")).unwrap_err(), "stored");
        assert_eq!(flights.count(), 1);
    }

    #[test]
    fn a_panic_frees_the_key() {
        let flights = Flights::default();
        let Joined::Leading(_, leave) = join(&flights, "a", ()) else { panic!("not first") };
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _leave = leave;
            std::panic::resume_unwind(Box::new("in flight"));
        }));
        assert!(panicked.is_err());
        assert_eq!(flights.count(), 0);
    }
}
