//! Collapsed requests (RFC 9111 §4): one flight per key at a time, and beside it
//! those that have brought what is for others.
//!
//! This module knows nothing of HTTP: a flight is whatever its leader makes it.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;

/// Flights under one key that are side by side at most.
const MOST: usize = 8;

/// The flights under way.
#[derive(Debug)]
pub struct Flights<K, F> {
    // A blocking mutex: nothing waits while it is held.
    airborne: Arc<Mutex<Airborne<K, F>>>,
}

type Airborne<K, F> = HashMap<K, Vec<Arc<F>>>;

impl<K, F> Default for Flights<K, F> {
    fn default() -> Flights<K, F> {
        Flights { airborne: Arc::default() }
    }
}

/// What a flight is to one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It brings what is asked for, as far as is known.
    Serves,
    /// It has brought something that is for others.
    ForOthers,
    /// It has brought something that is for nobody who asks now.
    Over,
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
    /// Joins a flight for `key` that fits, or begins the one that `fly` makes.
    ///
    /// Where `fly` has something better, there is no flight, and nobody can
    /// have joined it. A flight that is over ends as it would have, but has its
    /// key no more. Where as many are for others as may be, the last is joined.
    pub fn join<T>(
        &self,
        key: &K,
        fit: impl Fn(&F) -> Fit,
        fly: impl FnOnce() -> Result<F, T>,
    ) -> Result<Joined<K, F>, T> {
        let mut airborne = self.airborne.lock();
        if let Some(flights) = airborne.get_mut(key) {
            flights.retain(|flight| fit(flight) != Fit::Over);
            let fitting = flights.iter().find(|flight| fit(flight) == Fit::Serves);
            let last = flights.last().filter(|_| MOST <= flights.len());
            if let Some(flight) = fitting.or(last) {
                return Ok(Joined::Following(Arc::clone(flight)));
            }
            if flights.is_empty() {
                airborne.remove(key);
            }
        }
        let flight = Arc::new(fly()?);
        airborne.entry(key.clone()).or_default().push(Arc::clone(&flight));
        let leave = Leave {
            key: key.clone(),
            flight: Arc::clone(&flight),
            airborne: Arc::clone(&self.airborne),
        };
        Ok(Joined::Leading(flight, leave))
    }

    /// Takes flights out of the count of those that can be joined: they end as
    /// they would have, and the next who asks begins another.
    pub fn detach(&self, is_meant: impl Fn(&K, &F) -> bool) {
        self.airborne.lock().retain(|key, flights| {
            flights.retain(|flight| !is_meant(key, flight));
            !flights.is_empty()
        });
    }

    /// How many keys have flights under way.
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
    airborne: Arc<Mutex<Airborne<K, F>>>,
}

impl<K: Eq + Hash, F> Leave<K, F> {
    /// What the flight is for.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Whether the flight has its key still, so that no other has taken its place.
    pub fn is_needed(&self) -> bool {
        let airborne = self.airborne.lock();
        let mut flights = airborne.get(&self.key).into_iter().flatten();
        flights.any(|flight| Arc::ptr_eq(flight, &self.flight))
    }
}

impl<K: Eq + Hash, F> Drop for Leave<K, F> {
    fn drop(&mut self) {
        let mut airborne = self.airborne.lock();
        if let Some(flights) = airborne.get_mut(&self.key) {
            flights.retain(|flight| !Arc::ptr_eq(flight, &self.flight));
            if flights.is_empty() {
                airborne.remove(&self.key);
            }
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
        flights.join(&key, |_| Fit::Serves, || Ok::<_, ()>(flight)).unwrap()
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
        assert_eq!(flights.join(&"a", |()| Fit::Serves, || Err("stored")).unwrap_err(), "stored");
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn a_flight_that_is_over_makes_place_and_takes_none_away() {
        let flights = Flights::default();
        let Joined::Leading(_, old) = join(&flights, "a", 1) else { panic!("not first") };
        let fit = |flight: &i32| if *flight == 1 { Fit::Over } else { Fit::Serves };
        let joined = flights.join(&"a", fit, || Ok::<_, ()>(2)).unwrap();
        let Joined::Leading(_, new) = joined else { panic!("it is over") };
        assert!(!old.is_needed() && new.is_needed());
        drop(old);
        assert!(matches!(join(&flights, "a", 3), Joined::Following(flight) if *flight == 2));
        assert_eq!(flights.join(&"a", |_| Fit::Over, || Err("stored")).unwrap_err(), "stored");
        assert!(!new.is_needed());
        assert_eq!(flights.count(), 0);
    }

    #[test]
    fn some_for_others_are_side_by_side_and_the_one_that_serves_is_found() {
        let flights = Flights::default();
        let only = |number| {
            move |flight: &usize| if *flight == number { Fit::Serves } else { Fit::ForOthers }
        };
        let mut leaves = Vec::new();
        for number in 0..MOST {
            let joined = flights.join(&"a", only(number), || Ok::<_, ()>(number)).unwrap();
            let Joined::Leading(_, leave) = joined else { panic!("{number} follows") };
            leaves.push(leave);
        }
        for number in [0, MOST - 1, MOST] {
            let joined = flights.join(&"a", only(number), || Ok::<_, ()>(number)).unwrap();
            let expected = number.min(MOST - 1);
            assert!(matches!(joined, Joined::Following(flight) if *flight == expected));
        }
        drop(leaves);
        assert_eq!(flights.count(), 0);
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
