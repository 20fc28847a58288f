//! What a cache on the way says of an answer.

use std::cell::RefCell;

use hyper::header::{AGE, HeaderMap, HeaderValue};
use sfv::{BareItem, ListEntry};

use crate::record::CacheClass;

/// Reads answers' fields, and remembers the last one that it has read: under
/// load most answers say the same.
#[derive(Debug, Default)]
pub struct Classifier {
    last: RefCell<Option<(HeaderValue, Option<CacheClass>)>>,
}

impl Classifier {
    /// What the cache nearest to the client did, as far as `headers` say:
    /// `Cache-Status` (RFC 9211), else `X-Cache` or `X-Cache-Status`, else
    /// `Age`, which only stored responses have (RFC 9111, section 5.1).
    pub fn class(&self, headers: &HeaderMap) -> Option<CacheClass> {
        // Caches add their member at the end (RFC 9211, section 2), be it on a
        // line of its own.
        if let Some(value) = headers.get_all("cache-status").iter().next_back() {
            return self.remembered(value, of_cache_status);
        }
        let named = ["x-cache", "x-cache-status"].iter().find_map(|name| headers.get(*name));
        if let Some(value) = named {
            return self.remembered(value, of_x_cache);
        }
        headers.contains_key(AGE).then_some(CacheClass::Hit)
    }

    fn remembered(
        &self,
        value: &HeaderValue,
        read: fn(&[u8]) -> Option<CacheClass>,
    ) -> Option<CacheClass> {
        let mut last = self.last.borrow_mut();
        if let Some((_, class)) = last.as_ref().filter(|(known, _)| known == value) {
            return *class;
        }
        let class = read(value.as_bytes());
        *last = Some((value.clone(), class));
        class
    }
}

/// The last member of a `Cache-Status` list. `hit` with a `ttl` below 0 is a
/// stale answer, `fwd` with `fwd-status=304` one that was validated.
fn of_cache_status(value: &[u8]) -> Option<CacheClass> {
    let list = sfv::Parser::new(value).parse::<sfv::List>().ok()?;
    let Some(ListEntry::Item(cache)) = list.last() else { return None };
    let integer = |name| match cache.params.get(name) {
        Some(BareItem::Integer(integer)) => Some(i64::from(*integer)),
        _ => None,
    };
    if cache.params.get("hit") == Some(&BareItem::Boolean(true)) {
        let stale = integer("ttl").is_some_and(|ttl| ttl < 0);
        Some(if stale { CacheClass::Stale } else { CacheClass::Hit })
    } else if cache.params.contains_key("fwd") {
        let validated = integer("fwd-status") == Some(304);
        Some(if validated { CacheClass::Revalidated } else { CacheClass::Miss })
    } else {
        None
    }
}

/// The word that nginx, Varnish, Squid and content delivery networks put
/// there, as `HIT`, `TCP_MISS from cache` or `Hit from cloud`: nothing defines it.
fn of_x_cache(value: &[u8]) -> Option<CacheClass> {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    let words = [
        ("revalidated", CacheClass::Revalidated),
        ("stale", CacheClass::Stale),
        ("updating", CacheClass::Stale),
        ("hit", CacheClass::Hit),
        ("miss", CacheClass::Miss),
        ("expired", CacheClass::Miss),
        ("bypass", CacheClass::Miss),
        ("pass", CacheClass::Miss),
    ];
    words.iter().find(|(word, _)| value.contains(word)).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], class: Option<CacheClass>) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let classifier = Classifier::default();
        // The second time it is remembered.
        assert_eq!([(); 2].map(|()| classifier.class(&headers)), [class; 2], "{fields:?}");
    }

    #[test]
    fn classes() {
        use CacheClass::{Hit, Miss, Revalidated, Stale};
        check(&[], None);
        check(&[("age", "3")], Some(Hit));
        check(&[("cache-status", "lunch-relay; hit; ttl=598")], Some(Hit));
        check(&[("cache-status", "lunch-relay; hit; ttl=-3; detail=\"a, b\"")], Some(Stale));
        check(&[("cache-status", "lunch-relay; fwd=uri-miss; stored; ttl=60")], Some(Miss));
        check(&[("cache-status", "lunch-relay; fwd=stale; fwd-status=304")], Some(Revalidated));
        check(&[("cache-status", "lunch-relay; detail=x")], None);
        check(&[("cache-status", "?, not a list")], None);
        // The member at the end is the nearest cache's.
        check(&[("cache-status", "far; hit, near; fwd=miss")], Some(Miss));
        check(&[("cache-status", "far; fwd=miss"), ("cache-status", "near; hit")], Some(Hit));
        check(&[("cache-status", "near; fwd=miss"), ("age", "3")], Some(Miss));
        check(&[("x-cache", "HIT")], Some(Hit));
        check(&[("x-cache", "TCP_MISS from cache")], Some(Miss));
        check(&[("x-cache-status", "REVALIDATED")], Some(Revalidated));
        check(&[("x-cache-status", "UPDATING")], Some(Stale));
        check(&[("x-cache", "perhaps"), ("age", "3")], None);
    }
}
