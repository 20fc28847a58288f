//! Purges that the tier has not confirmed.

use std::collections::{HashMap, VecDeque};

/// Bytes of keys that are kept; the oldest leave first.
const MOST: usize = 4 << 20;
/// Memory that a key takes besides its bytes, twice.
const OVERHEAD: usize = 128;

/// Keys that are to be purged, in the order in which they were.
#[derive(Debug, Default)]
pub struct Pending {
    order: VecDeque<String>,
    /// The number of the last purge of each.
    keys: HashMap<String, u64>,
    purges: u64,
    bytes: usize,
}

impl Pending {
    /// Adds a key: how many others had to leave.
    pub fn add(&mut self, key: &str) -> u64 {
        let mut lost = 0;
        self.purges += 1;
        if self.keys.insert(key.to_owned(), self.purges).is_none() {
            self.order.push_back(key.to_owned());
            self.bytes += weight(key);
        }
        while MOST < self.bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= weight(&oldest);
            self.keys.remove(&oldest);
            lost += 1;
        }
        lost
    }

    /// The key that has waited for the longest time, and the number of its last purge.
    pub fn first(&self) -> Option<(String, u64)> {
        let key = self.order.front()?;
        Some((key.clone(), *self.keys.get(key)?))
    }

    /// Takes a key out, unless it has been purged once more since this purge.
    pub fn done(&mut self, key: &str, purge: u64) {
        if self.keys.get(key) == Some(&purge) {
            self.keys.remove(key);
            // It is the first, unless that has left meanwhile.
            if self.order.front().is_some_and(|first| first == key) {
                self.order.pop_front();
            } else {
                self.order.retain(|waiting| waiting != key);
            }
            self.bytes -= weight(key);
        }
    }

    /// Whether what the tier has under a key is to be purged yet.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

fn weight(key: &str) -> usize {
    2 * key.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_once_and_leave_in_their_order() {
        let mut pending = Pending::default();
        for key in ["a", "b", "a"] {
            assert_eq!(pending.add(key), 0);
        }
        assert!(pending.has("a") && pending.has("b") && !pending.has("c"));
        assert_eq!(pending.first(), Some(("a".to_owned(), 3)));
        // The first purge of it is done, the second is not.
        pending.done("a", 1);
        pending.done("c", 2);
        assert!(pending.has("a"));
        pending.done("a", 3);
        assert_eq!(pending.first(), Some(("b".to_owned(), 2)));
        pending.done("b", 2);
        assert!(pending.is_empty() && pending.first().is_none());
        assert_eq!(pending.bytes, 0);
    }

    #[test]
    fn the_oldest_leave_where_there_are_too_many() {
        let mut pending = Pending::default();
        let key = |number: usize| format!("{number:0>1000}");
        let fitting = MOST / weight(&key(0));
        for number in 0..fitting {
            assert_eq!(pending.add(&key(number)), 0);
        }
        assert_eq!(pending.add(&key(fitting)), 1);
        assert!(!pending.has(&key(0)) && pending.has(&key(1)) && pending.has(&key(fitting)));
        assert!(pending.bytes <= MOST);
    }
}
