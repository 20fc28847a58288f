//! A stored response, and the answers that are made from it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, Response};

use super::{
    freshness::{corrected_initial_age, since},
    status::{self, CACHE_STATUS},
    vary::Selecting,
};

/// A response as it was received: plain data, the same in memory, in a file
/// and on the wire to another cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The status.
    pub status: StatusCode,
    /// The field lines in order, connection fields removed.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// The request fields that it was selected by.
    pub selecting: Selecting,
    /// When the request was sent (RFC 9111 §4.2.3).
    pub request_time: SystemTime,
    /// When the response arrived (RFC 9111 §4.2.3).
    pub response_time: SystemTime,
    /// The whole body.
    pub body: Bytes,
}

/// Memory that an entry takes besides what its response weighs: the map's and
/// the policy's nodes, reference counts, allocator rounding.
const OVERHEAD: usize = 512;
/// Memory that a field line takes besides its bytes, in the plain form and in
/// the prepared one.
const LINE_OVERHEAD: usize = 200;

impl StoredResponse {
    /// The memory it takes once prepared, about.
    pub fn weight(&self) -> usize {
        let lines = self
            .fields
            .iter()
            .map(|(name, value)| 2 * (name.as_str().len() + value.len()) + LINE_OVERHEAD);
        OVERHEAD + self.body.len() + self.selecting.weight() + lines.sum::<usize>()
    }
}

/// A stored response made ready to answer with: each hit copies this header
/// block and sets two fields in it.
#[derive(Debug)]
pub struct Prepared {
    /// What it was made from.
    pub response: StoredResponse,
    headers: HeaderMap,
    corrected_initial_age: Duration,
    freshness_lifetime: Duration,
    upstream_cached: UpstreamCached,
}

/// Whether the upstream has a cache of its own that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UpstreamCached {
    Yes,
    No,
}

impl Prepared {
    /// Derives the header block.
    pub fn new(response: StoredResponse, freshness_lifetime: Duration) -> Prepared {
        let mut headers = HeaderMap::with_capacity(response.fields.len() + 3);
        for (name, value) in &response.fields {
            headers.append(name.clone(), value.clone());
        }
        let corrected_initial_age =
            corrected_initial_age(&headers, response.request_time, response.response_time);
        let upstream_cached = if headers.contains_key(CACHE_STATUS) {
            UpstreamCached::Yes
        } else {
            UpstreamCached::No
        };

        // Room for what each hit sets, so that no copy has to grow.
        headers.insert(header::AGE, HeaderValue::from_static("0"));
        if upstream_cached == UpstreamCached::No {
            headers.insert(CACHE_STATUS, HeaderValue::from_static("lunch-relay"));
        }
        if response.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, response.body.len().into());
        }
        Prepared { response, headers, corrected_initial_age, freshness_lifetime, upstream_cached }
    }

    /// The current age (RFC 9111 §4.2.3).
    pub fn current_age(&self, now: SystemTime) -> Duration {
        let resident_time = since(now, self.response.response_time);
        self.corrected_initial_age.saturating_add(resident_time)
    }

    /// Whether it may be reused without asking (RFC 9111 §4.2).
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        self.current_age(now) < self.freshness_lifetime
    }

    /// The answer to a GET or HEAD request that it is reused for.
    pub fn answer(&self, method: &Method, now: SystemTime) -> Response {
        let age = self.current_age(now);
        let ttl = self.freshness_lifetime.saturating_sub(age);
        let body = if method == Method::HEAD {
            Body::empty()
        } else {
            Body::from_bytes(self.response.body.clone())
        };

        let mut response = Response::from(body);
        response.set_status(self.response.status);
        let mut headers = self.headers.clone();
        headers.insert(header::AGE, age.as_secs().into());
        match self.upstream_cached {
            UpstreamCached::No => headers.insert(CACHE_STATUS, status::hit(ttl)),
            UpstreamCached::Yes => {
                headers.append(CACHE_STATUS, status::hit(ttl));
                None
            }
        };
        *response.headers_mut() = headers;
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn prepared(lines: &[(&'static str, &'static str)], body: &'static str) -> Prepared {
        let response = StoredResponse {
            status: StatusCode::OK,
            fields: lines
                .iter()
                .map(|(name, value)| {
                    (HeaderName::from_static(name), HeaderValue::from_static(value))
                })
                .collect(),
            selecting: Selecting::default(),
            request_time: UNIX_EPOCH,
            response_time: UNIX_EPOCH,
            body: Bytes::from_static(body.as_bytes()),
        };
        Prepared::new(response, Duration::from_mins(1))
    }

    fn after(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn is_fresh_until_its_age_reaches_its_lifetime() {
        let stored = prepared(&[("age", "20")], "");
        assert!(stored.is_fresh(after(39)));
        assert!(!stored.is_fresh(after(40)));
        assert_eq!(stored.current_age(after(40)), Duration::from_mins(1));
    }

    #[tokio::test]
    async fn an_answer_has_every_line_and_an_age() {
        let stored = prepared(&[("set-cookie", "a"), ("age", "7"), ("set-cookie", "b")], "menu");
        let answer = stored.answer(&Method::GET, after(3));
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a", "b"]);
        assert_eq!(answer.header("age"), Some("10"));
        assert_eq!(answer.header("cache-status"), Some("lunch-relay; hit; ttl=50"));
        assert_eq!(answer.header("content-length"), Some("4"));
        assert_eq!(answer.into_body().into_string().await.unwrap(), "menu");
    }

    #[tokio::test]
    async fn head_has_the_length_and_no_body() {
        let answer = prepared(&[], "menu").answer(&Method::HEAD, after(0));
        assert_eq!(answer.header("content-length"), Some("4"));
        assert_eq!(answer.into_body().into_string().await.unwrap(), "");
    }

    #[test]
    fn the_upstreams_own_cache_stays_visible() {
        let answer = prepared(&[("cache-status", "near; hit")], "").answer(&Method::GET, after(0));
        let lines: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
        assert_eq!(lines, ["near; hit", "lunch-relay; hit; ttl=60"]);
    }
}
