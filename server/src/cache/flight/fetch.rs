//! Asking the upstream, and what its answer means for what is stored.

use std::{io, sync::Arc, time::SystemTime};

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
        guard::Verdict,
        key::CacheKey,
        mishaps::{Answered, Did},
        policy::storing::{Storable, Times, storable},
        range::{ContentRange, Part, combine},
        store::Insertion,
        stored::{Prepared, StoredResponse},
        tier::Before,
        validation::{Asking, Meaning, is_error, updated},
        vary::Selecting,
    },
    exchange::{Errand, Failure, RequestHead, SentAt},
};

/// What is asked for, and what is stored of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a CacheKey,
    /// The state of the key when the request was made.
    pub(super) before: Before,
    /// The request, without what is added to validate.
    pub(super) request: &'a RequestHead,
    /// The stored response that was selected.
    pub(super) selected: Option<&'a Arc<Prepared>>,
    /// On whose behalf, and what for.
    pub(super) errand: &'a Errand,
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
    pub(super) async fn fetch(
        &self,
        mut wanted: Wanted<'_>,
        body: Body,
        asking: Asking,
    ) -> Fetched {
        let (answer, times) = match self.exchange(wanted, body, &asking).await {
            Ok(answered) => answered,
            Err(fetched) => return fetched,
        };
        let stored = match asking.meaning(answer.status(), answer.headers()) {
            Meaning::Answer => return Fetched::New(answer, times),
            Meaning::Freshens(stored) => {
                let fresh = self.freshen(wanted, &stored, answer.headers(), times);
                if let Some(fresh) = &fresh {
                    self.count_validated(fresh);
                } else {
                    // With its new fields it may not be stored, so it is not kept with the old,
                    // and stands in for nothing.
                    self.store.remove(wanted.key, &stored);
                    wanted.selected = None;
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
        let asked_at = self.clock.now();
        let answer = self.upstream.call(request).await;
        let sent_at = answer.as_ref().ok().and_then(|answer| answer.extensions().get().copied());
        let SentAt(request_time) = sent_at.unwrap_or(SentAt(asked_at));
        let times = Times { request_time, response_time: self.clock.now() };
        match answer {
            Ok(answer) => self.weigh(wanted, answer, times).await,
            Err(error) => Err(self.unanswered_by(wanted, Failure::of(error), times)),
        }
    }

    /// The upstream's answer, unless what is stored stands in for it.
    async fn weigh(
        &self,
        wanted: Wanted<'_>,
        mut answer: Response,
        times: Times,
    ) -> Result<(Response, Times), Fetched> {
        let (at, status) = (times.response_time, answer.status());
        let note = |did, answered| self.mishaps.note(wanted.key, did, answered, at);
        let instead = |stored: &Arc<Prepared>, clause| {
            let told = Told { status: Some(status), clause: Some(clause) };
            Fetched::Stored(Arc::clone(stored), told)
        };
        if is_error(status)
            && let Some(stored) = stand_in(wanted.selected, wanted.request, at)
        {
            note(Did::Answer(status), Answered::Stored);
            return Err(instead(stored, Clause::StaleIfError));
        }
        if let Some((guard, stored)) = self.kept(wanted, at) {
            let (verdict, judged) = self.judge(&guard, answer).await;
            if verdict == Verdict::Worse {
                note(Did::Worse(status), Answered::Stored);
                return Err(instead(stored, Clause::Guard));
            }
            answer = judged;
        }
        if is_error(status) {
            note(Did::Answer(status), Answered::PassedOn);
        }
        date(answer.headers_mut(), times);
        Ok((answer, times))
    }

    /// There is no answer: what is stored stands in, if it may.
    fn unanswered_by(&self, wanted: Wanted<'_>, failure: Failure, times: Times) -> Fetched {
        let at = times.response_time;
        let instead = |stored: &Arc<Prepared>, clause| {
            Fetched::Stored(Arc::clone(stored), Told { status: None, clause: Some(clause) })
        };
        let stored = stand_in(wanted.selected, wanted.request, at)
            .map(|stored| instead(stored, Clause::StaleIfError))
            .or_else(|| self.kept(wanted, at).map(|(_, stored)| instead(stored, Clause::Guard)));
        let answered = if stored.is_some() { Answered::Stored } else { Answered::Error };
        self.mishaps.note(wanted.key, Did::Fail(&failure), answered, at);
        stored.unwrap_or(Fetched::Failed(failure))
    }

    /// Whether a response may be stored, and with what.
    pub(in crate::cache) fn storable(
        &self,
        request: &RequestHead,
        answer: &Response,
        times: Times,
    ) -> Result<Storable, Clause> {
        let in_force = self.in_force();
        let rule = in_force.rules.of(request.target.path());
        let (status, headers) = (answer.status(), answer.headers());
        let mut storable = storable(request, status, headers, rule, times)?;
        if self.max_object_size < content_length(headers).unwrap_or_default() {
            return Err(Clause::TooLarge);
        }
        storable.selecting.retain(|name| rule.selects(name));
        Ok(storable)
    }

    /// Stores what the upstream has said is still good, with the fields that it
    /// said so with (RFC 9111 §4.3.4); `None` where it may not be stored any
    /// more.
    pub(super) fn freshen(
        &self,
        wanted: Wanted<'_>,
        stored: &Arc<Prepared>,
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
        self.restore(wanted, stored, response)
    }

    /// Puts a part and what was missing of it together (RFC 9111 §3.4).
    async fn complete(
        &self,
        wanted: Wanted<'_>,
        part: &Arc<Prepared>,
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
        Some(Fetched::Stored(self.restore(wanted, part, response)?, told))
    }

    /// Stores what was stored already, changed; what has been purged or replaced
    /// while the upstream was asked stays so.
    fn restore(
        &self,
        wanted: Wanted<'_>,
        old: &Arc<Prepared>,
        mut response: StoredResponse,
    ) -> Option<Arc<Prepared>> {
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
        let (key, before) = (wanted.key.clone(), wanted.before);
        let inserted = self.store.replace(key, before.epoch, old, Arc::clone(&prepared));
        self.note_insertion(inserted);
        if inserted == Insertion::Offered {
            self.tell_tier(wanted.key, before.mark, &prepared);
        }
        Some(prepared)
    }

    pub(super) fn put(&self, key: &CacheKey, before: Before, prepared: &Arc<Prepared>) {
        let inserted = self.store.put(key.clone(), before.epoch, Arc::clone(prepared));
        self.note_insertion(inserted);
        if inserted == Insertion::Offered {
            self.tell_tier(key, before.mark, prepared);
        }
    }

    fn note_insertion(&self, insertion: Insertion) {
        if insertion == Insertion::Refused {
            self.metrics.not_admitted();
        }
    }
}

/// What is stored, where it may answer in the place of an error (RFC 5861 §4).
pub(super) fn stand_in<'a>(
    stored: Option<&'a Arc<Prepared>>,
    request: &RequestHead,
    now: SystemTime,
) -> Option<&'a Arc<Prepared>> {
    let window = RequestDirectives::of(&request.headers).stale_if_error;
    stored.filter(|stored| stored.response.part.is_none() && stored.may_stand_in(window, now))
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
pub(in crate::cache) fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
