//! The cache key (RFC 9111 §2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::uri::PathAndQuery;

use crate::target::Target;

/// What a stored response is found by: the canonical target.
///
/// The method is GET and the upstream is one, so neither is part of it; what
/// `Vary` names selects among the variants under one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(PathAndQuery);

impl CacheKey {
    /// The key of a target. No bytes are copied.
    pub fn of(target: &Target) -> CacheKey {
        CacheKey(target.path_and_query().clone())
    }

    /// The same key in memory of its own, to be kept: as part of a request it
    /// would keep the whole buffer that the request was read into.
    #[must_use]
    pub fn detached(self) -> CacheKey {
        let copy = Bytes::copy_from_slice(self.as_str().as_bytes());
        // What was a path and a query is one still.
        PathAndQuery::from_maybe_shared(copy).map_or(self, CacheKey)
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// A name for it that fits into a path.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.as_str())
    }

    /// The key that has this id, `None` where no key has.
    pub fn of_id(id: &str) -> Option<CacheKey> {
        let text = URL_SAFE_NO_PAD.decode(id).ok()?;
        CacheKey::of_text(str::from_utf8(&text).ok()?)
    }

    /// The key that is written so, `None` where none is.
    pub fn of_text(text: &str) -> Option<CacheKey> {
        let target = Target::new(text.parse().ok()?).ok()?;
        (target.as_str() == text).then(|| CacheKey::of(&target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_keys_and_nothing_else_does() {
        for text in ["/", "/menu?day=1", "/å/%2F", "/a?"] {
            let key = CacheKey::of_text(text).unwrap();
            assert_eq!(CacheKey::of_id(&key.id()), Some(key), "{text}");
        }
        let of = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for id in
            ["", "=", "L w", "../x", "é", &of("menu"), &of("/a b"), &of("/a/../b"), &of("/a#b")]
        {
            assert_eq!(CacheKey::of_id(id), None, "{id}");
        }
        // Bytes that are no text.
        assert_eq!(CacheKey::of_id("__8"), None);
    }
}
