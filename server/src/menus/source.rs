//! Where something was read, and how old that is.

use std::{fmt::Display, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use super::Unread;
use crate::{
    cache::status::{CACHE_STATUS, is_stale, ttl_of},
    target::Target,
};

/// Where something was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The relay's URI for it.
    pub target: String,
    /// When the upstream said so (RFC 9110 §6.6.1), as RFC 3339 writes it.
    pub as_of: Option<String>,
    /// Its age (RFC 9111 §5.1).
    pub age: Duration,
    /// The freshness left in seconds, not positive where there is none; `None`
    /// where it is not stored.
    pub ttl: Option<i64>,
    /// How the relay came by it (RFC 9211).
    pub cache_status: Option<HeaderValue>,
}

impl Source {
    pub(super) fn of(target: &Target, headers: &HeaderMap) -> Source {
        let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()?.parse().ok());
        let cache_status = headers.get_all(CACHE_STATUS).iter().next_back().cloned();
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        Source {
            as_of: date.and_then(|date| Some(Timestamp::try_from(date).ok()?.to_string())),
            target: target.as_str().to_owned(),
            age: Duration::from_secs(age.unwrap_or_default()),
            ttl: cache_status.as_ref().and_then(ttl_of),
            cache_status,
        }
    }

    /// Whether it serves although it is not fresh any more.
    pub fn is_stale(&self) -> bool {
        self.cache_status.as_ref().is_some_and(is_stale)
    }

    /// The freshness that is left.
    pub fn lifetime(&self) -> Duration {
        let left = self.ttl.and_then(|ttl| u64::try_from(ttl).ok());
        Duration::from_secs(left.unwrap_or_default())
    }

    pub(super) fn unreadable(&self, why: &impl Display) -> Unread {
        Unread::Unreadable { target: self.target.clone(), why: why.to_string() }
    }
}
