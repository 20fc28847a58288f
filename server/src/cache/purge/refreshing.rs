//! Refreshing what a soft purge has made stale, before somebody asks for it.
//!
//! One after the other, as refreshes, which go behind all that clients ask for:
//! the governor spreads them. What is more than there are places for is
//! refreshed when it is asked for.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;

use super::Found;
use crate::{
    cache::{Cache, key::CacheKey, stored::Prepared},
    target::Target,
};

/// Responses that wait to be refreshed, at most.
const PLACES: usize = 256;

/// What waits to be refreshed: each a [`Due`].
#[derive(Debug)]
pub(in crate::cache) struct Refreshing<T = Due>(Mutex<Line<T>>);

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<T>,
    work: Work,
}

/// Whether somebody refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    None,
    UnderWay,
}

/// A key, and what was stored under it before.
pub(in crate::cache) type Due = (CacheKey, Arc<Prepared>);

impl<T> Default for Refreshing<T> {
    fn default() -> Refreshing<T> {
        Refreshing(Mutex::new(Line { waiting: VecDeque::new(), work: Work::None }))
    }
}

impl<T> Refreshing<T> {
    /// Adds as many as there are places for: whether somebody has to begin.
    fn add(&self, due: impl Iterator<Item = T>) -> bool {
        let mut line = self.0.lock();
        let free = PLACES.saturating_sub(line.waiting.len());
        line.waiting.extend(due.take(free));
        let begins = line.work == Work::None && !line.waiting.is_empty();
        if begins {
            line.work = Work::UnderWay;
        }
        begins
    }

    /// The next; the work has ended where there is none.
    fn next(&self) -> Option<T> {
        let mut line = self.0.lock();
        let next = line.waiting.pop_front();
        if next.is_none() {
            line.work = Work::None;
        }
        next
    }
}

impl Cache {
    /// Refreshes what was found and has answered somebody, what has answered
    /// most first.
    pub(super) fn refresh_all(self: &Arc<Self>, found: &[Found]) {
        let each = |(key, variants): &Found| {
            let key = key.clone();
            let variants: Vec<Due> =
                variants.iter().map(|variant| (key.clone(), Arc::clone(variant))).collect();
            variants
        };
        let mut due: Vec<Due> =
            found.iter().flat_map(each).filter(|(_, variant)| 0 < variant.hits()).collect();
        due.sort_by_key(|(_, variant)| std::cmp::Reverse(variant.hits()));
        if self.refreshing.add(due.into_iter()) {
            tokio::spawn(Arc::clone(self).refresh_in_turn());
        }
    }

    async fn refresh_in_turn(self: Arc<Self>) {
        while let Some((key, before)) = self.refreshing.next() {
            let Some(target) = key.as_str().parse().ok().and_then(|path| Target::new(path).ok())
            else {
                continue;
            };
            let request = before.response.request(target);
            let variants = self.store.variants(&key);
            let selecting = &before.response.selecting;
            let stored = variants.iter().find(|now| now.response.selecting == *selecting);
            // Somebody may have asked for it meanwhile, or it is gone.
            let Some(stored) = stored.filter(|stored| !stored.is_fresh(self.clock.now())) else {
                continue;
            };
            if let Some(reader) = self.refresh(key, &request, Arc::clone(stored)) {
                reader.landing().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_works_at_a_time_and_there_are_so_many_places() {
        let line = Refreshing::default();
        assert!(!line.add(std::iter::empty()));
        assert!(line.add(0..PLACES + 9));
        assert!(!line.add(0..9));
        assert_eq!(std::iter::from_fn(|| line.next()).count(), PLACES);
        assert!(line.add(0..1));
    }
}
