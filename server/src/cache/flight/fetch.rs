//! Asking the upstream, and what its answer means for what is stored.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, header::Entry};
use http_body_util::{BodyExt, Limited, combinators::BoxBody};
use poem::{Body, Response};

use crate::{
    cache::{
        Cache,
        clause::Clause,
        directives::{RequestDirectives, ResponseDirectives},
        etag,
        key::CacheKey,
        policy::storing::{Storable, Times, storable},
        range::{ContentRange, Part, combine},
        store::{Epoch, Insertion},
        stored::{Prepared, StoredResponse},
        validation::{Asking, Meaning, is_error, updated},
        vary::Selecting,
    },
    exchange::{Errand, Failure, RequestHead},
};

/// What is asked for, and what is stored of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a CacheKey,
    /// The state of the key when the request was made.
    pub(super) epoch: Epoch,
    /// The request, without what is added to validate.
    pub(super) request: &'a RequestHead,
    /// The stored response that was selected.
    pub(super) selected: Option<&'a Arc<Prepared>>,
    /// On whose behalf, and what for.
    pub(super) errand: Errand,
}

/// What comes of asking.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A response by itself.
    New(Response, Times),
    /// What is stored, and what was told of it.
    Stored(Arc<Prepared>, Told),
    /// No answer, and nothing that could stand in for it.
    Failed(Failure),
}

/// Why what is stored answers a request that went forward.
#[derive(Clone, Copy, Debug)]
pub(in crate::cache) struct Told {
    /// What the upstream answered, if anything.
    pub(super) status: Option<StatusCode>,
    /// The clause that allows it where the upstream failed; `None` where it
    /// was validated or completed.
    pub(super) clause: Option<Clause>,
}

impl Cache {
    /// Asks the upstream; where its answer is of no use, once more without
    /// conditions.
    pub(super) async fn fetch(&self, wanted: Wanted<'_>, body: Body, asking: Asking) -> Fetched {
        let (answer, times) = match self.exchange(wanted, body, &asking).await {
            Ok(answered) => answered,
            Err(fetched) => return fetched,
        };
        let stored = match asking.meaning(answer.status(), answer.headers()) {
            Meaning::Answer => return Fetched::New(answer, times),
            Meaning::Freshens(stored) => {
                let fresh = self.freshen(wanted, &stored, answer.headers(), times);
                if fresh.is_none() {
                    // With its new fields it may not be stored, so it is not kept with the old.
                    self.store.remove(wanted.key, &stored);
                }
                fresh.map(|stored| {
                    Fetched::Stored(stored, Told { status: Some(answer.status()), clause: None })
                })
            }
            Meaning::Completes(part) => self.complete(wanted, &part, answer, times).await,
            Meaning::Nothing => None,
        };
        if let Some(stored) = stored {
            return stored;
        }
        match self.exchange(wanted, Body::empty(), &Asking::Anew).await {
            Ok((answer, times)) => Fetched::New(answer, times),
            Err(fetched) => fetched,
        }
    }

    /// One exchange with the upstream; where it fails, what is stored stands in
    /// if it may.
    async fn exchange(
        &self,
        wanted: Wanted<'_>,
        body: Body,
        asking: &Asking,
    ) -> Result<(Response, Times), Fetched> {
        let mut request = wanted.request.clone();
        asking.add_to(&mut request.headers);
        etag::strip_own(&mut request.headers);

        let mut request = request.into_request(body);
        wanted.errand.note(&mut request);
        let request_time = self.clock.now();
        let answer = self.upstream.call(request).await;
        let times = Times { request_time, response_time: self.clock.now() };
        let window = RequestDirectives::of(&wanted.request.headers).stale_if_error;
        let stand_in = |told| {
            let stored = wanted.selected.filter(|stored| stored.response.part.is_none())?;
            stored
                .may_stand_in(window, times.response_time)
                .then(|| Fetched::Stored(Arc::clone(stored), told))
        };
        match answer {
            Ok(mut answer) => {
                let told =
                    Told { status: Some(answer.status()), clause: Some(Clause::StaleIfError) };
                if is_error(answer.status())
                    && let Some(stored) = stand_in(told)
                {
                    return Err(stored);
                }
                date(answer.headers_mut(), times);
                Ok((answer, times))
            }
            Err(error) => {
                let told = Told { status: None, clause: Some(Clause::StaleIfError) };
                Err(stand_in(told).unwrap_or_else(|| Fetched::Failed(Failure::of(error))))
            }
        }
    }

    /// Whether a response may be stored, and with what.
    pub(in crate::cache) fn storable(
        &self,
        request: &RequestHead,
        answer: &Response,
        times: Times,
    ) -> Result<Storable, Clause> {
        let rule = self.rules.of(request.target.path());
        let (status, headers) = (answer.status(), answer.headers());
        let mut storable = storable(request, status, headers, rule, times)?;
        if self.max_object_size < content_length(headers).unwrap_or_default() {
            return Err(Clause::TooLarge);
        }
        // What did not go upstream cannot have selected it: no request differs by it.
        storable.selecting.retain(|name| *name != header::HOST && rule.sends(name));
        Ok(storable)
    }

    /// Stores what the upstream has said is still good, with the fields that it
    /// said so with (RFC 9111 §4.3.4); `None` where it may not be stored any
    /// more.
    pub(super) fn freshen(
        &self,
        wanted: Wanted<'_>,
        stored: &Prepared,
        new: &HeaderMap,
        times: Times,
    ) -> Option<Arc<Prepared>> {
        let old = &stored.response;
        let mut fields = updated(&old.fields, new);
        if MOST_LINES < fields.len() {
            return None;
        }
        // A cookie that comes with no word of its own on freshness is for the one who asked.
        let said = ResponseDirectives::of(new);
        let is_for_one = said.max_age.is_none() && said.s_maxage.is_none();
        if is_for_one && new.contains_key(header::SET_COOKIE) {
            fields.retain(|(name, _)| *name != header::SET_COOKIE);
        }
        let response = StoredResponse { fields, times, body: old.body.clone(), ..old.clone() };
        self.restore(wanted, response)
    }

    /// Puts a part and what was missing of it together (RFC 9111 §3.4).
    async fn complete(
        &self,
        wanted: Wanted<'_>,
        part: &Prepared,
        answer: Response,
        times: Times,
    ) -> Option<Fetched> {
        let told = Told { status: Some(answer.status()), clause: None };
        let (head, body) = answer.into_parts();
        let range = ContentRange::parse(&head.headers)?;
        let missing = usize::try_from(range.last.checked_sub(range.first)?).ok()?.checked_add(1)?;
        let _charge = self.fills.charge(missing)?;
        let body: BoxBody<Bytes, io::Error> = body.into();
        let body = Limited::new(body, missing).collect().await.ok()?.to_bytes();
        let whole = combine(&part.response.part_itself()?, &Part::new(range, body)?)?;
        if !whole.is_complete() {
            return None;
        }
        let mut fields = updated(&part.response.fields, &head.headers);
        fields.retain(|(name, _)| *name != header::CONTENT_RANGE);
        let response = StoredResponse {
            status: StatusCode::OK,
            fields,
            part: None,
            times,
            body: self.store.hold(whole.body)?,
            ..part.response.clone()
        };
        Some(Fetched::Stored(self.restore(wanted, response)?, told))
    }

    /// Stores what was stored already, changed.
    fn restore(&self, wanted: Wanted<'_>, mut response: StoredResponse) -> Option<Arc<Prepared>> {
        let mut answer = Response::builder().status(response.status).finish();
        answer.headers_mut().extend(response.fields.iter().cloned());
        let mut request = RequestHead { method: Method::GET, ..wanted.request.clone() };
        // It was stored for all before; who asks now does not change that.
        request.headers.remove(header::COOKIE);
        let storable = self.storable(&request, &answer, response.times).ok()?;
        response.fields.retain(|(name, _)| !storable.withheld.contains(name));
        // What selected it, the cookie did too.
        let mut selecting = Selecting::of(answer.headers(), &wanted.request.headers)?;
        selecting.retain(|name| storable.selecting.names().any(|kept| kept == name));
        response.selecting = selecting;
        let prepared = Arc::new(Prepared::new(response, storable.terms, self.add_etag));
        self.put(wanted.key.clone(), wanted.epoch, Arc::clone(&prepared));
        Some(prepared)
    }

    pub(super) fn put(&self, key: CacheKey, epoch: Epoch, prepared: Arc<Prepared>) {
        if self.store.put(key, epoch, prepared) == Insertion::Refused {
            self.metrics.not_admitted();
        }
    }
}

/// More lines are not kept: each validation may bring new ones.
const MOST_LINES: usize = 512;

/// A response is passed on with the date of its arrival where it has none
/// (RFC 9110 §6.6.1): without, each answer from the store would seem to be made
/// anew.
fn date(headers: &mut HeaderMap, times: Times) {
    if let Entry::Vacant(date) = headers.entry(header::DATE)
        && let Ok(now) = HeaderValue::try_from(httpdate::fmt_http_date(times.response_time))
    {
        date.insert(now);
    }
}

/// The length that a response says it has.
pub(super) fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
