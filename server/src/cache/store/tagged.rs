//! Which keys have responses with a tag.
//!
//! It follows what is alive: a response is in it from when it is stored until
//! the last memory of it is given back, so it is bounded as the store is, which
//! counts a response's tags into its weight. It may name a key whose response
//! is gone; it leaves out none.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::cache::{key::CacheKey, tags::Tags};

/// Memory that a tag takes besides its bytes: in the response, and here.
const OVERHEAD: usize = 200;

/// The keys under each tag, with the number of responses that have it.
type Keys = HashMap<Box<str>, HashMap<CacheKey, u32>>;

/// The index.
#[derive(Debug, Default)]
pub(super) struct Tagged {
    // A blocking mutex: nothing waits while it is held, and nothing is dropped
    // that would take it again.
    keys: Mutex<Keys>,
}

/// The place of one response in the index, until it is dropped.
#[derive(Debug)]
pub(super) struct Listed {
    index: Arc<Tagged>,
    key: CacheKey,
    tags: Tags,
}

impl Tagged {
    /// Lists a response, `None` where it has no tags.
    pub(super) fn list(self: &Arc<Self>, key: &CacheKey, tags: &Tags) -> Option<Listed> {
        if tags.is_empty() {
            return None;
        }
        let mut keys = self.keys.lock();
        for tag in tags.iter() {
            *keys.entry(tag.into()).or_default().entry(key.clone()).or_default() += 1;
        }
        Some(Listed { index: Arc::clone(self), key: key.clone(), tags: tags.clone() })
    }

    /// The keys of responses that may have a tag.
    pub(super) fn keys(&self, tag: &str) -> Vec<CacheKey> {
        self.keys.lock().get(tag).into_iter().flat_map(HashMap::keys).cloned().collect()
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut keys = self.index.keys.lock();
        for tag in self.tags.iter() {
            let Some(under) = keys.get_mut(tag) else { continue };
            if let Some(count) = under.get_mut(&self.key) {
                *count -= 1;
                if *count == 0 {
                    under.remove(&self.key);
                }
            }
            if under.is_empty() {
                keys.remove(tag);
            }
        }
    }
}

/// The memory that tags take.
pub(super) fn weight(tags: &Tags) -> usize {
    tags.iter().map(|tag| 2 * tag.len() + OVERHEAD).sum()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn tags(value: &'static str) -> Tags {
        let line = (HeaderName::from_static("cache-tag"), HeaderValue::from_static(value));
        Tags::of(&HeaderMap::from_iter([line]))
    }

    fn key(text: &str) -> CacheKey {
        CacheKey::of_text(text).unwrap()
    }

    #[test]
    fn a_key_is_listed_as_long_as_one_of_its_responses_lives() {
        let index = Arc::new(Tagged::default());
        assert!(index.list(&key("/a"), &Tags::default()).is_none());
        let first = index.list(&key("/a"), &tags("x,y"));
        let second = index.list(&key("/a"), &tags("y"));
        let other = index.list(&key("/b"), &tags("y"));
        assert_eq!(index.keys("x"), [key("/a")]);
        assert_eq!(index.keys("y").len(), 2);
        drop(first);
        assert_eq!(index.keys("x"), []);
        assert_eq!(index.keys("y").len(), 2);
        drop((second, other));
        assert!(index.keys.lock().is_empty());
    }
}
