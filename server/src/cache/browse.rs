//! What is stored, to be looked at: a list that can be searched, and one entry
//! with all there is to say of it.
//!
//! An entry is what is stored under one cache key, with all its variants. Its
//! name, the opaque [`Entry::id`], is the same as long as its key is, in any
//! instance and after a restart. The API and the console show these values as
//! they are.

mod entry;
mod query;

use std::{sync::Arc, time::SystemTime};

use serde::Serialize;

use self::query::{Facts, Row};
pub use self::{
    entry::{Entry, FieldLine, Freshness, Ground, Variant},
    query::{MOST_PER_PAGE, Page, Query, Sort},
};
use super::{Cache, key::CacheKey, stored::Prepared};

/// An entry in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, poem_openapi::Object)]
pub struct Summary {
    /// What it is found by.
    pub id: String,
    /// Path and query: the cache key.
    pub uri: String,
    /// The rule of its path.
    pub rule: String,
    /// The status of its newest variant, to which age and freshness belong too.
    pub status: u16,
    /// Bytes of the bodies of all variants.
    pub bytes: u64,
    /// The current age in seconds (RFC 9111 §4.2.3).
    pub age: u64,
    /// The freshness that is left in seconds, negative where it is stale.
    pub ttl: i64,
    /// Whether it is stale (RFC 9111 §4.2), or has to be validated before each use.
    pub stale: bool,
    /// Requests that its variants have answered.
    pub hits: u64,
    /// How many responses there are under the key (RFC 9111 §4.1).
    pub variants: u64,
    /// What it can be purged by: `Surrogate-Key`, `Cache-Tag`, `Cache-Groups`.
    pub tags: Vec<String>,
}

impl Cache {
    /// The entries that a query asks for.
    ///
    /// It looks at all that is stored: not to be called where others wait.
    pub fn list(&self, query: &Query) -> Page<Summary> {
        let now = self.clock.now();
        let mut rows = self.store.scan(|key, variants| {
            let is_meant = query.matches(key.as_str(), variants.iter().map(|one| &one.tags));
            let facts = Facts::of(variants, now);
            (is_meant).then(|| Row { key: key.clone(), rank: query.sort.rank(&facts) })
        });
        let total = rows.len();
        let shown = query.range(total);
        rows.sort_unstable();
        let items = rows.drain(shown).filter_map(|row| self.summary(&row.key, now)).collect();
        query.page(items, total)
    }

    /// The entry with this id, `None` where there is none.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        let key = CacheKey::of_id(id)?;
        let variants = self.store.variants(&key);
        if variants.is_empty() {
            return None;
        }
        Some(Entry::of(&key, &variants, self.in_force().rules.of(key.path()), self.clock.now()))
    }

    /// What is evicted meanwhile is not listed.
    fn summary(&self, key: &CacheKey, now: SystemTime) -> Option<Summary> {
        let variants = self.store.variants(key);
        let newest = variants.first()?;
        let facts = Facts::of(&variants, now);
        Some(Summary {
            id: key.id(),
            uri: key.as_str().to_owned(),
            rule: self.in_force().rules.of(key.path()).name.to_string(),
            status: newest.response.status.as_u16(),
            bytes: facts.bytes,
            age: facts.age,
            ttl: facts.ttl,
            stale: !newest.is_fresh(now),
            hits: facts.hits,
            variants: variants.len() as u64,
            tags: tags_of(&variants),
        })
    }
}

/// The tags of all variants, each once.
fn tags_of(variants: &[Arc<Prepared>]) -> Vec<String> {
    let all = variants.iter().flat_map(|variant| variant.tags.iter());
    let each: std::collections::BTreeSet<&str> = all.collect();
    each.into_iter().map(str::to_owned).collect()
}
