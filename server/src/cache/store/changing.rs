//! Looking at all that is stored, and changing many entries.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use super::{Entry, Epoch, Kept, Store, endings::Endings};
use crate::{
    cache::{key::CacheKey, stored::Prepared},
    exchange::ending::{Ending, Scope},
};

/// Entries that are changed before others may change theirs.
const AT_ONCE: usize = 128;

/// What becomes of a stored response.
#[derive(Debug)]
pub enum Change {
    /// It stays.
    Keep,
    /// It is removed.
    Remove,
    /// This takes its place.
    Replace(Arc<Prepared>),
}

impl Store {
    /// Reads every entry, with its variants, the newest first: what `read` makes
    /// of those it is about.
    ///
    /// The map's shards are locked meanwhile: `read` must not use the store.
    pub fn scan<T>(
        &self,
        mut read: impl FnMut(&CacheKey, &[Arc<Prepared>]) -> Option<T>,
    ) -> Vec<T> {
        let mut variants = Vec::new();
        let mut found = Vec::new();
        for entry in &self.entries {
            variants.clear();
            variants.extend(entry.variants.iter().map(|kept| Arc::clone(&kept.prepared)));
            found.extend(read(entry.key(), &variants));
        }
        found
    }

    /// The keys of entries that a purge may mean.
    pub fn keys(&self, scope: &Scope) -> Vec<CacheKey> {
        match scope {
            Scope::Key(text) => CacheKey::of_text(text).into_iter().collect(),
            Scope::Prefix(prefix) => {
                self.scan(|key, _| key.as_str().starts_with(prefix.as_str()).then(|| key.clone()))
            }
            Scope::Tag(tag) => self.tagged.keys(tag),
        }
    }

    /// Ends what is on its way and turns out to be meant.
    pub fn note(&self, ending: &Ending) {
        let mut endings = self.replacing.lock();
        match &ending.scope {
            Scope::Key(text) => {
                if let Some(key) = CacheKey::of_text(text) {
                    self.epochs.of(&key).fetch_add(1, Ordering::AcqRel);
                }
            }
            Scope::Prefix(_) | Scope::Tag(_) => {
                let number = endings.note(ending.clone());
                self.ended.store(number, Ordering::Release);
            }
        }
    }

    /// Whether a response that was asked for at this time was ended since by a
    /// purge that names no key.
    pub fn has_ended(&self, key: &CacheKey, prepared: &Prepared, asked_at: SystemTime) -> bool {
        self.replacing.lock().end_of(asked_at, key.as_str(), &prepared.tags)
    }

    /// Changes what is stored under these keys: how many responses that changed.
    pub fn change(
        &self,
        keys: &[CacheKey],
        change: impl Fn(&CacheKey, &Prepared) -> Change,
    ) -> usize {
        let mut changed = 0;
        for keys in keys.chunks(AT_ONCE) {
            let _one_at_a_time = self.replacing.lock();
            for key in keys {
                changed += self.change_one(key, |prepared| change(key, prepared));
            }
            self.apply();
        }
        changed
    }

    fn change_one(&self, key: &CacheKey, change: impl Fn(&Prepared) -> Change) -> usize {
        let Some(entry) = self.entries.get(key) else { return 0 };
        let mut variants = Vec::with_capacity(entry.variants.len());
        let mut changed = 0;
        for kept in &entry.variants {
            match change(&kept.prepared) {
                Change::Keep => variants.push(kept.again()),
                Change::Remove => changed += 1,
                Change::Replace(prepared) => {
                    changed += 1;
                    variants.push(Kept { prepared, ..kept.again() });
                }
            }
        }
        if changed == 0 {
            return 0;
        }
        if variants.is_empty() {
            self.invalidate(key);
        } else {
            self.entries.insert(key.clone().detached(), Arc::new(Entry { variants }));
        }
        changed
    }

    /// Whether a response was ended after `epoch`.
    pub(super) fn is_outdated(
        &self,
        endings: &Endings,
        key: &CacheKey,
        epoch: Epoch,
        prepared: &Prepared,
    ) -> bool {
        let now = self.epoch(key);
        now.purges != epoch.purges
            || (now.ended != epoch.ended
                && endings.end_since(epoch.ended, key.as_str(), &prepared.tags))
    }
}
