//! A stored response, and the answers that are made from it.

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, Response};

use super::{
    AddEtag,
    clause::Clause,
    conditions::{self, Evaluated, Validators},
    date, etag,
    freshness::{corrected_initial_age, since},
    policy::{
        Asks,
        storing::Times,
        terms::{Terms, Validation},
    },
    range::{self, ContentRange, Part, Requested},
    status::{CACHE_STATUS, CacheStatus},
    vary::Selecting,
};
use crate::exchange::RequestHead;

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
    /// Which part of the whole the body is, `None` for the whole (RFC 9111 §3.3).
    pub part: Option<ContentRange>,
    /// When it was asked for and received, or last validated.
    pub times: Times,
    /// The body.
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

    /// The first line of a field.
    pub fn field(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The part that it is, where it is not the whole (RFC 9111 §3.3).
    pub fn part_itself(&self) -> Option<Part> {
        Some(Part { range: self.part?, body: self.body.clone() })
    }

    /// The one range that a request asks for, where it lies within the part
    /// that is stored.
    pub fn requested_part(&self, request: &HeaderMap) -> Option<RangeInclusive<u64>> {
        let requested = self.part_itself()?.requested(request)?;
        match &requested[..] {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Puts the values of its fields, and of those it was selected by, in
    /// memory of their own: each is a piece of the buffer that its message was
    /// read into, and would keep all of that.
    fn detach(&mut self) {
        let own = self.fields.iter_mut().map(|(_, value)| value);
        let values: Vec<&mut HeaderValue> = own.chain(self.selecting.values_mut()).collect();
        let mut block = BytesMut::with_capacity(values.iter().map(|value| value.len()).sum());
        for value in values {
            block.extend_from_slice(value.as_bytes());
            // What was a value is one still.
            if let Ok(copy) = HeaderValue::from_maybe_shared(block.split().freeze()) {
                *value = copy;
            }
        }
    }

    /// The memory it takes once prepared, about, besides its body.
    pub fn weight_of_head(&self) -> usize {
        let lines = self
            .fields
            .iter()
            .map(|(name, value)| 2 * (name.as_str().len() + value.len()) + LINE_OVERHEAD);
        OVERHEAD + self.selecting.weight() + lines.sum::<usize>()
    }
}

/// A stored response made ready to answer with.
#[derive(Debug)]
pub struct Prepared {
    /// What it was made from.
    pub response: StoredResponse,
    /// On what terms it may be reused.
    pub terms: Terms,
    /// The upstream's entity tag.
    pub etag: Option<HeaderValue>,
    /// A tag of our own, where the upstream gives no validator.
    own_etag: Option<HeaderValue>,
    /// When it was last modified, as the upstream says.
    pub last_modified: Option<SystemTime>,
    /// When it was made (RFC 9110 §6.6.1).
    pub date: SystemTime,
    corrected_initial_age: Duration,
    /// The header block as it was last sent on a hit.
    sent: ArcSwapOption<Dated>,
}

/// A header block with its age: the same for all answers of one second.
#[derive(Debug)]
struct Dated {
    age: Duration,
    headers: HeaderMap,
}

impl Prepared {
    /// Prepares a response that may be reused on these terms.
    pub fn new(mut response: StoredResponse, terms: Terms, add_etag: AddEtag) -> Prepared {
        response.detach();
        let headers = response.headers(0);
        let Times { request_time, response_time } = response.times;
        let etag = headers.get(header::ETAG).cloned();
        let last_modified = date::field(&headers, &header::LAST_MODIFIED, response_time);
        let has_validator = etag.is_some() || headers.contains_key(header::LAST_MODIFIED);
        let is_tagged = add_etag == AddEtag::Hits
            && !has_validator
            && response.status == StatusCode::OK
            && response.part.is_none();
        Prepared {
            own_etag: is_tagged.then(|| etag::own(&response.body)),
            last_modified,
            date: date::field(&headers, &header::DATE, response_time).unwrap_or(response_time),
            corrected_initial_age: corrected_initial_age(&headers, request_time, response_time),
            etag,
            response,
            terms,
            sent: ArcSwapOption::empty(),
        }
    }

    /// The current age (RFC 9111 §4.2.3).
    pub fn current_age(&self, now: SystemTime) -> Duration {
        let resident_time = since(now, self.response.times.response_time);
        self.corrected_initial_age.saturating_add(resident_time)
    }

    /// The current age as `Age` says it: what a client asks for is compared with
    /// what it is told.
    pub fn age_in_seconds(&self, now: SystemTime) -> Duration {
        Duration::from_secs(self.current_age(now).as_secs())
    }

    /// Whether it may be reused without asking (RFC 9111 §4.2).
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        self.terms.validation == Validation::WhenStale
            && self.current_age(now) < self.terms.lifetime.duration()
            && !self.has_ended(now)
    }

    /// How long it has been stale (RFC 9111 §4.2), zero where it is not.
    pub fn staleness(&self, now: SystemTime) -> Duration {
        self.age_in_seconds(now).saturating_sub(self.terms.lifetime.duration())
    }

    /// Whether anything forbids its use while it is stale (RFC 9111 §4.2.4).
    pub fn may_be_stale(&self, now: SystemTime) -> Result<(), Clause> {
        match self.terms.never_stale {
            Some(clause) => Err(clause),
            None if self.has_ended(now) => Err(Clause::ExpiresAt),
            None => Ok(()),
        }
    }

    /// Whether it may answer where the upstream fails (RFC 5861 §4), the
    /// request itself allowing it to be stale for so long.
    pub fn may_stand_in(&self, window: Option<Duration>, now: SystemTime) -> bool {
        let window = self.terms.stale_if_error.max(window.unwrap_or_default());
        self.is_fresh(now) || (self.may_be_stale(now).is_ok() && self.staleness(now) < window)
    }

    /// Whether it can be of use to any request to come.
    pub fn is_useful(&self, now: SystemTime) -> bool {
        let age = self.current_age(now);
        self.is_fresh(now)
            || (self.may_be_stale(now).is_ok() && self.terms.is_usable_stale(age))
            || (self.has_validator() && self.staleness(now) < KEPT_FOR_VALIDATION)
    }

    /// Whether the upstream can be asked whether it is still good.
    pub fn has_validator(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// The freshness that is left in seconds, negative where it is stale.
    pub fn ttl(&self, now: SystemTime) -> i64 {
        // Whole seconds both, so that this and `Age` add up.
        let left = seconds(self.terms.lifetime.duration()) - seconds(self.current_age(now));
        let until_end = self.terms.ends.map(|ends| match ends.duration_since(now) {
            Ok(left) => seconds(left),
            Err(error) => -seconds(error.duration()),
        });
        until_end.map_or(left, |until_end| until_end.min(left))
    }

    fn has_ended(&self, now: SystemTime) -> bool {
        self.terms.ends.is_some_and(|ends| ends <= now)
    }

    /// What it is compared by with what a client has.
    fn validators(&self) -> Validators<'_> {
        Validators {
            etag: self.etag.as_ref().or(self.own_etag.as_ref()),
            last_modified: self.last_modified,
            date: self.date,
        }
    }

    /// The answer to a GET or HEAD request that it is reused for while it is
    /// fresh; the header block is that of the last answer in the same second.
    pub fn hit(
        &self,
        request: &RequestHead,
        asks: Asks,
        key: Option<&str>,
        now: SystemTime,
    ) -> Response {
        let age = Duration::from_secs(self.current_age(now).as_secs());
        let sent = self.sent.load();
        let headers = match &*sent {
            Some(sent) if sent.age == age => sent.headers.clone(),
            _ => {
                let headers = self
                    .headers_of_age(age, CacheStatus::hit().ttl(self.ttl(now)).key(key).value());
                self.sent.store(Some(Arc::new(Dated { age, headers: headers.clone() })));
                headers
            }
        };
        self.answer_with(headers, request, asks)
    }

    /// The answer to a GET or HEAD request, with what there is to say of it.
    pub fn answer(
        &self,
        request: &RequestHead,
        asks: Asks,
        status: &CacheStatus<'_>,
        now: SystemTime,
    ) -> Response {
        let age = Duration::from_secs(self.current_age(now).as_secs());
        self.answer_with(self.headers_of_age(age, status.value()), request, asks)
    }

    /// The answer, in the order of RFC 9110 §13.2.2: preconditions before ranges.
    fn answer_with(&self, headers: HeaderMap, request: &RequestHead, asks: Asks) -> Response {
        let is_partial = self.response.part.is_some();
        if asks.has(Asks::CONDITION)
            && !is_partial
            && conditions::evaluate(&request.headers, self.response.status, &self.validators())
                == Evaluated::NotModified
        {
            return not_modified(headers);
        }
        if request.method == Method::HEAD {
            return assemble(self.response.status, headers, Body::empty());
        }
        if asks.has(Asks::RANGE)
            && (is_partial || self.response.status == StatusCode::OK)
            && let Some(answer) = self.ranges(&headers, request)
        {
            return answer;
        }
        assemble(self.response.status, headers, Body::from_bytes(self.response.body.clone()))
    }

    /// The parts that are asked for (RFC 9110 §14), `None` where the whole of
    /// what is stored is to be sent.
    fn ranges(&self, headers: &HeaderMap, request: &RequestHead) -> Option<Response> {
        if !conditions::range_applies(&request.headers, &self.validators()) {
            return None;
        }
        let body = &self.response.body;
        if let Some(part) = self.response.part_itself() {
            let only = self.response.requested_part(&request.headers)?;
            return single(headers, &part, &only);
        }
        let complete = body.len() as u64;
        let parts = match range::requested(&request.headers, complete) {
            Requested::Whole => return None,
            Requested::Unsatisfiable => {
                let mut headers = headers.clone();
                headers.insert(header::CONTENT_RANGE, range::unsatisfied(complete));
                headers.insert(header::CONTENT_LENGTH, 0.into());
                headers.remove(header::CONTENT_TYPE);
                return Some(assemble(StatusCode::RANGE_NOT_SATISFIABLE, headers, Body::empty()));
            }
            Requested::Parts(parts) => parts,
        };
        if let [only] = &parts[..] {
            let range = ContentRange { first: 0, last: complete - 1, complete: Some(complete) };
            return single(headers, &Part { range, body: body.clone() }, only);
        }
        let boundary = range::boundary(body, &parts);
        let content_type = headers.get(header::CONTENT_TYPE);
        let body = range::multipart(body, &parts, complete, content_type, &boundary);
        let mut headers = headers.clone();
        headers.insert(header::CONTENT_TYPE, range::multipart_type(&boundary));
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        Some(assemble(StatusCode::PARTIAL_CONTENT, headers, Body::from_bytes(body)))
    }

    fn headers_of_age(&self, age: Duration, status: HeaderValue) -> HeaderMap {
        let mut headers = self.response.headers(4);
        headers.insert(header::AGE, age.as_secs().into());
        // Behind what an upstream's own cache says (RFC 9211 §2).
        headers.append(CACHE_STATUS, status);
        if self.response.status != StatusCode::NO_CONTENT {
            headers.insert(header::CONTENT_LENGTH, self.response.body.len().into());
        }
        if let Some(etag) = &self.own_etag {
            headers.insert(header::ETAG, etag.clone());
        }
        headers
    }
}

/// A 206 with one range of a part (RFC 9110 §15.3.7.1).
fn single(headers: &HeaderMap, part: &Part, range: &RangeInclusive<u64>) -> Option<Response> {
    let body = part.slice(range)?;
    let range =
        ContentRange { first: *range.start(), last: *range.end(), complete: part.range.complete };
    let mut headers = headers.clone();
    headers.insert(header::CONTENT_RANGE, range.to_value());
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    Some(assemble(StatusCode::PARTIAL_CONTENT, headers, Body::from_bytes(body)))
}

/// How long a stale response is kept for the sake of its validator.
const KEPT_FOR_VALIDATION: Duration = Duration::from_hours(24);

/// A 304 (RFC 9110 §15.4.5) with these fields of the response it is in the
/// place of, less those that describe the content that is not sent.
pub fn not_modified(mut headers: HeaderMap) -> Response {
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_RANGE,
    ] {
        headers.remove(name);
    }
    assemble(StatusCode::NOT_MODIFIED, headers, Body::empty())
}

fn assemble(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::from(body);
    response.set_status(status);
    *response.headers_mut() = headers;
    response
}

/// Whole seconds; more than a clock ever counts is cut.
fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::cache::{
        directives::ResponseDirectives,
        policy::tests::{plain, request},
        rules::Rule,
    };

    /// A response with these fields, received at the epoch.
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
            part: None,
            times: Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH },
            body: Bytes::from_static(body.as_bytes()),
        };
        let headers = response.headers(0);
        let rule = Rule { ttl: Duration::from_mins(1), ..plain() };
        let directives = ResponseDirectives::of(&headers);
        let terms = Terms::of(response.status, &headers, &directives, &rule, UNIX_EPOCH);
        Prepared::new(response, terms, AddEtag::Hits)
    }

    #[test]
    fn keeps_nothing_of_the_buffers_that_its_messages_were_read_into() {
        let read = Bytes::copy_from_slice(b"yes, and much more behind it");
        let value = || HeaderValue::from_maybe_shared(read.slice(..3)).unwrap();
        let x = HeaderName::from_static("x");
        let vary = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("x"))]);
        let asks = HeaderMap::from_iter([(x.clone(), value())]);
        let plain = prepared(&[], "menu");
        let response = StoredResponse {
            fields: vec![(x.clone(), value())],
            selecting: Selecting::of(&vary, &asks).unwrap(),
            ..plain.response
        };
        drop(asks);
        let stored = Prepared::new(response, plain.terms, AddEtag::Hits);
        assert!(read.is_unique());
        assert_eq!(stored.response.field(&x).unwrap(), "yes");
        let selects = |value| {
            let asks = HeaderMap::from_iter([(x.clone(), HeaderValue::from_static(value))]);
            stored.response.selecting.selects(&asks)
        };
        assert!(selects("yes") && !selects("no"));
    }

    fn after(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn hit(stored: &Prepared, method: &str, asks: &str, seconds: u64) -> Response {
        let request = request(method, asks);
        stored.hit(&request, Asks::of(&request.headers), None, after(seconds))
    }

    #[test]
    fn is_fresh_until_its_age_reaches_its_lifetime() {
        let stored = prepared(&[("age", "20")], "");
        assert!(stored.is_fresh(after(39)));
        assert!(!stored.is_fresh(after(40)));
        assert_eq!(stored.current_age(after(40)), Duration::from_mins(1));
        assert_eq!((stored.ttl(after(30)), stored.ttl(after(50))), (10, -10));
        assert_eq!(stored.staleness(after(50)), Duration::from_secs(10));
    }

    #[test]
    fn is_useful_as_long_as_any_request_may_be_answered_with_it() {
        let plain = prepared(&[("cache-control", "max-age=60")], "");
        assert!(plain.is_useful(after(59)) && !plain.is_useful(after(60)));
        let windows = "max-age=60, stale-while-revalidate=10, stale-if-error=20";
        let stale = prepared(&[("cache-control", windows)], "");
        assert!(stale.is_useful(after(79)) && !stale.is_useful(after(80)));
        let tagged = prepared(&[("cache-control", "max-age=60"), ("etag", "\"a\"")], "");
        assert!(tagged.is_useful(after(3600)) && !tagged.is_useful(after(90_000)));
    }

    #[tokio::test]
    async fn an_answer_has_every_line_and_an_age() {
        let stored = prepared(&[("set-cookie", "a"), ("age", "7"), ("set-cookie", "b")], "menu");
        let answer = hit(&stored, "GET", "", 3);
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a", "b"]);
        assert_eq!(answer.header("age"), Some("10"));
        assert_eq!(answer.header("cache-status"), Some("lunch-relay; hit; ttl=50"));
        assert_eq!(answer.header("content-length"), Some("4"));
        assert_eq!(answer.into_body().into_string().await.unwrap(), "menu");
    }

    #[tokio::test]
    async fn head_has_the_length_and_no_body() {
        let answer = hit(&prepared(&[], "menu"), "HEAD", "range: bytes=0-1", 0);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("content-length"), Some("4"));
        assert_eq!(answer.into_body().into_string().await.unwrap(), "");
    }

    #[test]
    fn the_upstreams_own_cache_stays_visible() {
        let answer = hit(&prepared(&[("cache-status", "near; hit")], ""), "GET", "", 0);
        let lines: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
        assert_eq!(lines, ["near; hit", "lunch-relay; hit; ttl=60"]);
    }

    #[test]
    fn what_has_no_validator_gets_a_tag_over_its_body() {
        let tag = |lines: &[(&'static str, &'static str)], body| {
            hit(&prepared(lines, body), "GET", "", 0).header("etag").map(str::to_owned)
        };
        let own = tag(&[], "menu").unwrap();
        assert!(own.starts_with("\"lr-"), "{own}");
        assert_eq!(tag(&[], "menu"), Some(own.clone()));
        assert_ne!(tag(&[], "other"), Some(own));
        assert_eq!(tag(&[("etag", "W/\"a\"")], "menu").as_deref(), Some("W/\"a\""));
        assert_eq!(tag(&[("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")], "menu"), None);
    }

    #[tokio::test]
    async fn a_condition_that_holds_is_answered_with_304() {
        let stored = prepared(
            &[("etag", "\"a\""), ("content-type", "text/plain"), ("vary", "x"), ("x", "y")],
            "menu",
        );
        let answer = hit(&stored, "GET", "if-none-match: W/\"a\"", 1);
        assert_eq!(answer.status(), 304);
        for (name, value) in [("etag", "\"a\""), ("vary", "x"), ("x", "y"), ("age", "1")] {
            assert_eq!(answer.header(name), Some(value));
        }
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.header("content-length"), None);
        assert_eq!(answer.into_body().into_string().await.unwrap(), "");
        assert_eq!(hit(&stored, "GET", "if-none-match: \"b\"", 1).status(), 200);
    }

    #[track_caller]
    fn check_range(asks: &str, status: u16, range: Option<&str>, body: &str) {
        let stored = prepared(&[("etag", "\"a\"")], "0123456789");
        let answer = hit(&stored, "GET", asks, 0);
        assert_eq!(answer.status().as_u16(), status, "{asks}");
        assert_eq!(answer.header("content-range"), range, "{asks}");
        assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()), "{asks}");
        let text = futures_util::FutureExt::now_or_never(answer.into_body().into_string());
        assert_eq!(text.unwrap().unwrap(), body, "{asks}");
    }

    #[test]
    fn ranges() {
        check_range("range: bytes=2-4", 206, Some("bytes 2-4/10"), "234");
        check_range("range: bytes=7-", 206, Some("bytes 7-9/10"), "789");
        check_range("range: bytes=-2", 206, Some("bytes 8-9/10"), "89");
        check_range("range: bytes=10-", 416, Some("bytes */10"), "");
        check_range("range: lines=1-2", 200, None, "0123456789");
        check_range("range: bytes=2-4\nif-range: \"a\"", 206, Some("bytes 2-4/10"), "234");
        check_range("range: bytes=2-4\nif-range: \"b\"", 200, None, "0123456789");
        let asks = "range: bytes=2-4\nif-none-match: \"a\"";
        assert_eq!(
            hit(&prepared(&[("etag", "\"a\"")], "0123456789"), "GET", asks, 0).status(),
            304
        );
    }

    #[tokio::test]
    async fn several_ranges_are_several_parts() {
        let stored = prepared(&[("content-type", "text/plain")], "0123456789");
        let answer = hit(&stored, "GET", "range: bytes=0-1, 8-9", 0);
        assert_eq!(answer.status(), 206);
        let content_type = answer.header("content-type").unwrap().to_owned();
        assert!(content_type.starts_with("multipart/byteranges; boundary="), "{content_type}");
        let body = answer.into_body().into_string().await.unwrap();
        for part in [
            "Content-Range: bytes 0-1/10\r\n\r\n01\r\n",
            "Content-Range: bytes 8-9/10\r\n\r\n89\r\n",
        ] {
            assert!(body.contains(part), "{body}");
        }
    }
}
