//! Which entries are listed, in which order, and which part of them: pure.

use std::{
    cmp::{Ordering, Reverse},
    ops::Range,
    sync::Arc,
    time::SystemTime,
};

use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

use crate::cache::{key::CacheKey, stored::Prepared, tags::Tags};

/// Entries on a page, at most.
pub const MOST_PER_PAGE: u32 = 500;
/// Entries on a page where nobody says how many.
const PER_PAGE: u32 = 50;

/// What is to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// A part of the URI, in any case; empty: any URI.
    pub text: String,
    /// A tag; empty: with any tags, or none.
    pub tag: String,
    /// In which order.
    pub sort: Sort,
    /// Which page; the first is 1.
    pub page: u64,
    /// Entries on a page; [`MOST_PER_PAGE`] at most.
    pub per_page: u32,
}

impl Default for Query {
    fn default() -> Query {
        let (text, tag) = (String::new(), String::new());
        Query { text, tag, sort: Sort::Uri, page: 1, per_page: PER_PAGE }
    }
}

/// The order of a list; what is equal comes in the order of the URIs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Enum)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// By URI.
    #[default]
    Uri,
    /// What has answered most first.
    Hits,
    /// What is largest first.
    Size,
    /// What is oldest first.
    Age,
    /// What is stale soonest, or has been for longest, first.
    Ttl,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
    /// Which page it is; the first is 1.
    pub page: u64,
    /// How many pages there are, one at least.
    pub pages: u64,
    /// Entries on a page.
    pub per_page: u32,
}

/// What an entry is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) bytes: u64,
    pub(super) hits: u64,
    /// Of the newest variant, in seconds.
    pub(super) age: u64,
    /// Of the newest variant, in seconds.
    pub(super) ttl: i64,
}

impl Facts {
    pub(super) fn of(variants: &[Arc<Prepared>], now: SystemTime) -> Facts {
        let newest = variants.first();
        Facts {
            bytes: variants.iter().map(|one| one.response.body.len() as u64).sum(),
            hits: variants.iter().map(|one| one.hits()).sum(),
            age: newest.map_or(0, |newest| newest.current_age(now).as_secs()),
            ttl: newest.map_or(0, |newest| newest.ttl(now)),
        }
    }
}

/// An entry and its place in the order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: CacheKey,
    pub(super) rank: Rank,
}

/// Smaller comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    None,
    Least(i64),
    Most(Reverse<u64>),
}

impl Ord for Row {
    fn cmp(&self, other: &Row) -> Ordering {
        let by_uri = || self.key.as_str().cmp(other.key.as_str());
        self.rank.cmp(&other.rank).then_with(by_uri)
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Row) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Sort {
    pub(super) fn rank(self, facts: &Facts) -> Rank {
        match self {
            Sort::Uri => Rank::None,
            Sort::Hits => Rank::Most(Reverse(facts.hits)),
            Sort::Size => Rank::Most(Reverse(facts.bytes)),
            Sort::Age => Rank::Most(Reverse(facts.age)),
            Sort::Ttl => Rank::Least(facts.ttl),
        }
    }
}

impl Query {
    /// Whether an entry is asked for.
    pub(super) fn matches<'a>(&self, uri: &str, mut tags: impl Iterator<Item = &'a Tags>) -> bool {
        contains(uri, &self.text) && (self.tag.is_empty() || tags.any(|tags| tags.has(&self.tag)))
    }

    /// Which of so many entries are on the page.
    pub(super) fn range(&self, total: usize) -> Range<usize> {
        let size = self.size() as usize;
        let before = usize::try_from(self.page.saturating_sub(1)).unwrap_or(usize::MAX);
        let first = before.saturating_mul(size).min(total);
        first..first.saturating_add(size).min(total)
    }

    pub(super) fn page<T>(&self, items: Vec<T>, total: usize) -> Page<T> {
        let (total, size) = (total as u64, self.size());
        let pages = total.div_ceil(u64::from(size)).max(1);
        Page { items, total, page: self.page.max(1), pages, per_page: size }
    }

    fn size(&self) -> u32 {
        self.per_page.clamp(1, MOST_PER_PAGE)
    }
}

/// Whether a text has a part, the case of ASCII letters ignored.
fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn query(page: u64, per_page: u32) -> Query {
        Query { page, per_page, ..Query::default() }
    }

    #[test]
    fn pages() {
        // page, per page, total => entries, pages
        let check = |page, per_page, total, range: Range<usize>, pages| {
            let query = query(page, per_page);
            assert_eq!(query.range(total), range, "{page} {per_page} {total}");
            assert_eq!(query.page(Vec::<()>::new(), total).pages, pages);
        };
        check(1, 10, 0, 0..0, 1);
        check(1, 10, 10, 0..10, 1);
        check(1, 10, 11, 0..10, 2);
        check(2, 10, 11, 10..11, 2);
        check(3, 10, 11, 11..11, 2);
        check(0, 10, 11, 0..10, 2);
        check(u64::MAX, u32::MAX, 11, 11..11, 1);
        check(2, 0, 11, 1..2, 11);
        check(1, u32::MAX, 501, 0..500, 2);
    }

    #[test]
    fn what_matches() {
        let check = |text: &str, tag: &str, expected: bool| {
            let line = HeaderValue::from_static("fish soup");
            let headers = HeaderMap::from_iter([(HeaderName::from_static("surrogate-key"), line)]);
            let query = Query { text: text.into(), tag: tag.into(), ..Query::default() };
            let tags = [Tags::of(&headers)];
            assert_eq!(query.matches("/Menu?day=1", tags.iter()), expected, "{text} {tag}");
        };
        check("", "", true);
        check("menu", "", true);
        check("MENU?DAY", "", true);
        check("y=1", "soup", true);
        check("menus", "", false);
        check("/menu?day=10", "", false);
        check("", "Soup", false);
        check("", "sou", false);
    }

    #[test]
    fn orders() {
        let facts = |hits, ttl| Facts { bytes: hits, hits, age: hits, ttl };
        let row = |sort: Sort, path: &'static str, facts| Row {
            key: CacheKey::of_text(path).unwrap(),
            rank: sort.rank(&facts),
        };
        let check = |sort: Sort, expected: [&str; 3]| {
            let mut rows = [
                row(sort, "/b", facts(1, -5)),
                row(sort, "/a", facts(1, 5)),
                row(sort, "/c", facts(2, 0)),
            ];
            rows.sort_unstable();
            assert_eq!(rows.each_ref().map(|row| row.key.as_str()), expected, "{sort:?}");
        };
        check(Sort::Uri, ["/a", "/b", "/c"]);
        check(Sort::Hits, ["/c", "/a", "/b"]);
        check(Sort::Size, ["/c", "/a", "/b"]);
        check(Sort::Age, ["/c", "/a", "/b"]);
        check(Sort::Ttl, ["/b", "/c", "/a"]);
    }
}
