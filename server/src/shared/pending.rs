//! Purges that the tier has not confirmed.

use std::collections::{HashMap, VecDeque};

use crate::exchange::ending::{Ending, How};

/// Bytes that are kept of them; the oldest leave first.
const MOST: usize = 4 << 20;
/// Memory that one takes besides its bytes, twice.
const OVERHEAD: usize = 256;

/// What is to be purged, in the order in which it was.
#[derive(Debug, Default)]
pub struct Pending {
    order: VecDeque<Ending>,
    /// The number of the last purge of each.
    numbers: HashMap<Ending, u64>,
    purges: u64,
    bytes: usize,
}

impl Pending {
    /// Adds a purge: how many others had to leave.
    pub fn add(&mut self, ending: &Ending) -> u64 {
        let mut lost = 0;
        self.purges += 1;
        if self.numbers.insert(ending.clone(), self.purges).is_none() {
            self.order.push_back(ending.clone());
            self.bytes += weight(ending);
        }
        while MOST < self.bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= weight(&oldest);
            self.numbers.remove(&oldest);
            lost += 1;
        }
        lost
    }

    /// The purge that has waited for the longest time, and its number.
    pub fn first(&self) -> Option<(Ending, u64)> {
        let first = self.order.front()?;
        Some((first.clone(), *self.numbers.get(first)?))
    }

    /// Takes a purge out, unless it has been asked for once more since this one.
    pub fn done(&mut self, ending: &Ending, purge: u64) {
        if self.numbers.get(ending) == Some(&purge) {
            self.numbers.remove(ending);
            // It is the first, unless that has left meanwhile.
            if self.order.front().is_some_and(|first| first == ending) {
                self.order.pop_front();
            } else {
                self.order.retain(|waiting| waiting != ending);
            }
            self.bytes -= weight(ending);
        }
    }

    /// Whether what the tier has under a key is to be purged yet.
    pub fn has(&self, key: &str) -> bool {
        let has = |how| self.numbers.contains_key(&Ending::of_key(key, how));
        !self.is_empty() && (has(How::Hard) || has(How::Soft))
    }

    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

fn weight(ending: &Ending) -> usize {
    2 * ending.bytes() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str) -> Ending {
        Ending::of_key(key, How::Hard)
    }

    #[test]
    fn keys_are_kept_once_and_leave_in_their_order() {
        let mut pending = Pending::default();
        for key in ["a", "b", "a"] {
            assert_eq!(pending.add(&of(key)), 0);
        }
        assert!(pending.has("a") && pending.has("b") && !pending.has("c"));
        assert_eq!(pending.first(), Some((of("a"), 3)));
        // The first purge of it is done, the second is not.
        pending.done(&of("a"), 1);
        pending.done(&of("c"), 2);
        assert!(pending.has("a"));
        pending.done(&of("a"), 3);
        assert_eq!(pending.first(), Some((of("b"), 2)));
        pending.done(&of("b"), 2);
        assert!(pending.is_empty() && pending.first().is_none());
        assert_eq!(pending.bytes, 0);
    }

    #[test]
    fn the_oldest_leave_where_there_are_too_many() {
        let mut pending = Pending::default();
        let key = |number: usize| format!("{number:0>1000}");
        let add = |pending: &mut Pending, number| pending.add(&of(&key(number)));
        let fitting = MOST / weight(&of(&key(0)));
        for number in 0..fitting {
            assert_eq!(add(&mut pending, number), 0);
        }
        assert_eq!(add(&mut pending, fitting), 1);
        assert!(!pending.has(&key(0)) && pending.has(&key(1)) && pending.has(&key(fitting)));
        assert!(pending.bytes <= MOST);
    }

    #[test]
    fn a_soft_purge_of_a_key_is_one_of_the_key_and_one_by_tag_is_none() {
        let mut pending = Pending::default();
        pending.add(&Ending::of_key("/a", How::Soft));
        pending.add(&"tag 1 /b".parse().unwrap());
        assert!(pending.has("/a") && !pending.has("/b") && !pending.is_empty());
    }
}
