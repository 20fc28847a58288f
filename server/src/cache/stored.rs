//! A stored response, and the answers that are made from it.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use poem::{Body, Response, web::RemoteAddr};

use super::{
    AddEtag,
    clause::Clause,
    conditions::{self, Evaluated, Validators},
    date, etag,
    freshness::{Lifetime, corrected_initial_age, since},
    policy::{
        Asks,
        storing::Times,
        terms::{Terms, Validation},
    },
    range::{self, ContentRange, Part, Requested},
    status::{CACHE_STATUS, CacheStatus},
    tags::Tags,
    vary::Selecting,
};
use crate::{
    exchange::{Arrival, RequestHead},
    target::Target,
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
    pub(super) fn headers(&self, more: usize) -> HeaderMap {
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

    /// A request for this target that selects it.
    pub fn request(&self, target: Target) -> RequestHead {
        let mut headers = HeaderMap::new();
        for (name, lines) in self.selecting.lines() {
            for line in lines {
                headers.append(name.clone(), line.clone());
            }
        }
        let (method, version) = (Method::GET, Version::HTTP_11);
        let (remote, arrival) = (RemoteAddr::default(), Arrival::now());
        RequestHead { method, target, version, headers, remote, arrival }
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
    /// The age from which it is fetched anew ahead of its end, if many ask for it.
    due: Duration,
    /// How many have asked since.
    asked_when_due: AtomicU32,
    /// What it can be purged by besides its key.
    pub tags: Tags,
    /// The requests that it has answered; what takes its place goes on counting.
    hits: AtomicU64,
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
            due: due(terms.lifetime.duration(), response_time),
            asked_when_due: AtomicU32::new(0),
            tags: Tags::of(&headers),
            hits: AtomicU64::new(0),
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

    /// Whether, being fresh, it is about to be stale.
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.due <= self.current_age(now)
    }

    /// Counts one who asked while it was due: whether that is the one by whom
    /// it shows that many ask.
    pub fn shows_to_be_hot(&self) -> bool {
        self.asked_when_due.fetch_add(1, Ordering::Relaxed) + 1 == HOT
    }

    /// The requests that it has answered.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Counts a request that it answers.
    pub fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Goes on counting where `old`, in whose place it comes, has ended.
    pub fn count_on(&self, old: &Prepared) {
        self.hits.fetch_add(old.hits(), Ordering::Relaxed);
    }

    /// The same response, fresh no longer than until now: what is left to it are
    /// the stale uses that its terms allow.
    #[must_use]
    pub fn aged(&self, now: SystemTime) -> Prepared {
        let lifetime = self.terms.lifetime.duration().min(self.current_age(now));
        let terms = Terms { lifetime: Lifetime::Purged(lifetime), ..self.terms.clone() };
        Prepared {
            response: self.response.clone(),
            terms,
            etag: self.etag.clone(),
            own_etag: self.own_etag.clone(),
            last_modified: self.last_modified,
            date: self.date,
            corrected_initial_age: self.corrected_initial_age,
            due: Duration::MAX,
            asked_when_due: AtomicU32::new(0),
            tags: self.tags.clone(),
            hits: AtomicU64::new(self.hits()),
            sent: ArcSwapOption::empty(),
        }
    }

    /// Whether a soft purge has made it stale.
    pub fn is_purged(&self) -> bool {
        matches!(self.terms.lifetime, Lifetime::Purged(_))
    }

    /// The age with which it came (RFC 9111 §4.2.3).
    pub fn corrected_initial_age(&self) -> Duration {
        self.corrected_initial_age
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

    /// Whether it may answer in the place of a worse answer, which a rule allows
    /// for so long after it was received or last validated.
    pub fn is_kept(&self, keep_for: Duration, now: SystemTime) -> bool {
        let is_usable = self.is_fresh(now) || self.may_be_stale(now).is_ok();
        is_usable && since(now, self.response.times.response_time) < keep_for
    }

    /// Whether it can be of use to any request to come.
    pub fn is_useful(&self, now: SystemTime) -> bool {
        let age = self.current_age(now);
        self.is_fresh(now)
            || (self.may_be_stale(now).is_ok() && self.terms.is_usable_stale(age))
            || (self.has_validator() && self.staleness(now) < KEPT_FOR_VALIDATION)
    }

    /// For how long it can be of use to requests to come.
    pub fn useful_for(&self, now: SystemTime) -> Duration {
        let age = self.current_age(now);
        let window = match self.terms.never_stale {
            Some(_) => Duration::ZERO,
            None => self.terms.stale_while_revalidate.max(self.terms.stale_if_error),
        };
        let lifetime = self.terms.lifetime.duration();
        let useful = lifetime.saturating_add(window).saturating_sub(age);
        // What has ended can be validated, but answers nobody.
        let until_end = self.terms.ends.and_then(|ends| ends.duration_since(now).ok());
        let useful = until_end.map_or(useful, |left| useful.min(left));
        if self.has_validator() {
            useful.max(lifetime.saturating_add(KEPT_FOR_VALIDATION).saturating_sub(age))
        } else {
            useful
        }
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
        let asked: u64 = parts.iter().map(|part| part.end() - part.start() + 1).sum();
        if MULTIPART_LIMIT < asked {
            return None;
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

/// Requests in the last part of a freshness by which a response is hot.
const HOT: u32 = 10;
/// A freshness too short to be prolonged.
const SHORT: Duration = Duration::from_secs(10);

/// The age from which a response is due: nine tenths of its freshness, a
/// twentieth more or less.
///
/// What came together is not to be fetched together again; the fraction of the
/// second in which it came is as good as a die.
fn due(lifetime: Duration, response_time: SystemTime) -> Duration {
    if lifetime < SHORT {
        return Duration::MAX;
    }
    let since = response_time.duration_since(UNIX_EPOCH).unwrap_or_default();
    lifetime / 20 * 17 + lifetime / 10 * (since.subsec_micros() % 1000) / 1000
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

/// Several ranges are copied and searched for a boundary: where that would be
/// much, the whole is sent, as a server may (RFC 9110 §14.2).
const MULTIPART_LIMIT: u64 = 1 << 20;

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
mod tests;
