//! The cache key (RFC 9111 §2).

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
}
