//! A stored response, and the answers that are made from it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
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
/// the block that was sent.
const LINE_OVERHEAD: usize = 200;

impl StoredResponse {
    /// The fields as a map, with room for more.
    fn headers(&self, more: usize) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.fields.len() + more);
        for (name, value) in &self.fields {
            headers.append(name.clone(), value.clone());
        }
        headers
    }

    /// The memory it takes once prepared, about.
    pub fn weight(&self) -> usize {
        let lines = self
            .fields
            .iter()
            .map(|(name, value)| 2 * (name.as_str().len() + value.len()) + LINE_OVERHEAD);
        OVERHEAD + self.body.len() + self.selecting.weight() + lines.sum::<usize>()
    }
}

/// A stored response made ready to answer with.
#[derive(Debug)]
pub struct Prepared {
    /// What it was made from.
    pub response: StoredResponse,
    corrected_initial_age: Duration,
    freshness_lifetime: Duration,
    /// The header block as it was last sent.
    sent: ArcSwapOption<Dated>,
}

/// A header block with its age: the same for all answers of one second.
#[derive(Debug)]
struct Dated {
    age: Duration,
    headers: HeaderMap,
}

impl Prepared {
    /// Prepares a response that is fresh for so long.
    pub fn new(response: StoredResponse, freshness_lifetime: Duration) -> Prepared {
        let headers = response.headers(0);
        let corrected_initial_age =
            corrected_initial_age(&headers, response.request_time, response.response_time);
        Prepared {
            response,
            corrected_initial_age,
            freshness_lifetime,
            sent: ArcSwapOption::empty(),
        }
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
        let body = if method == Method::HEAD {
            Body::empty()
        } else {
            Body::from_bytes(self.response.body.clone())
        };
        let mut response = Response::from(body);
        response.set_status(self.response.status);
        *response.headers_mut() = self.headers(now);
        response
    }

    fn headers(&self, now: SystemTime) -> HeaderMap {
        let age = Duration::from_secs(self.current_age(now).as_secs());
        let sent = self.sent.load();
        match &*sent {
            Some(sent) if sent.age == age => sent.headers.clone(),
            _ => {
                let headers = self.headers_of_age(age);
                self.sent.store(Some(Arc::new(Dated { age, headers: headers.clone() })));
                headers
            }
        }
    }

    fn headers_of_age(&self, age: Duration) -> HeaderMap {
        let mut headers = self.response.headers(3);
        headers.insert(header::AGE, age.as_secs().into());
        // Behind what an upstream's own cache says (RFC 9211 §2).
        headers.append(CACHE_STATUS, status::hit(self.freshness_lifetime.saturating_sub(age)));
        if self.response.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, self.response.body.len().into());
        }
        headers
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
