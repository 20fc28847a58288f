//! The way of a request that goes forward: one flight for all who ask for the
//! same, or on its own.
//!
//! A flight asks the upstream once. What it brings is new, and then its body is
//! a fill that everyone reads as it arrives; or it is what is stored: found to
//! be still good, completed, or standing in for an answer that failed.

mod alone;
mod fetch;
mod guarded;
mod head;
mod pour;
mod task;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Method, StatusCode, header};
use poem::{Body, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

pub(super) use self::fetch::content_length;
use self::{
    fetch::{Told, stand_in},
    head::SharedHead,
};
use super::{
    Cache,
    clause::Clause,
    collapse::{Fit, Joined},
    directives::RequestDirectives,
    fill::{Fill, Landing, Reader, Unreadable},
    freshness::Lifetime,
    key::CacheKey,
    mishaps::{Answered, Did},
    policy::{Asks, Forward},
    status::{CACHE_STATUS, CacheStatus, Fwd, Outcome},
    store::Lookup,
    stored::{Prepared, not_modified},
    validation::is_error,
};
use crate::exchange::{Arrival, Bound, Errand, Failure, Purpose, RequestHead, Since};

/// A fill that brings an answer to all who wait.
pub(super) type Flight = Fill<Brought, Failure>;

/// What there is one flight for at a time: a key, or one range under it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    pub(super) key: CacheKey,
    range: Option<HeaderValue>,
}

/// What a flight brings.
#[derive(Clone, Debug)]
pub(super) enum Brought {
    /// A new response; its body follows.
    New(Arc<SharedHead>),
    /// What is stored, and what was told of it.
    Stored(Arc<Prepared>, Told),
    /// What another instance has stored: nobody was asked.
    Taken(Arc<Prepared>),
}

/// An answer for one client, and why it is not stored.
type Private = (Response, Clause);

/// Who asks for what a flight brings.
#[derive(Debug)]
enum Role {
    /// The one whose request went to the upstream; it gets what is not for others.
    Leader(oneshot::Receiver<Private>),
    Follower,
}

/// A client's request, and why it goes forward.
#[derive(Debug)]
struct Asked {
    key: CacheKey,
    head: RequestHead,
    asks: Asks,
    fwd: Fwd,
    /// What is stored for it, but may not be reused as it is.
    stored: Option<Arc<Prepared>>,
    since: Since,
}

impl Asked {
    /// What there is one flight for at a time: a range is fetched by itself
    /// only where nothing is stored that would be validated.
    fn flight_key(&self) -> FlightKey {
        let is_range = self.asks.has(Asks::RANGE)
            && matches!(self.fwd, Fwd::UriMiss | Fwd::VaryMiss | Fwd::Partial);
        let range = self.head.headers.get(header::RANGE).filter(|_| is_range).cloned();
        FlightKey { key: self.key.clone(), range }
    }
}

impl Cache {
    /// Answers from a flight: one that is under way, or a new one.
    pub(super) async fn share(
        self: &Arc<Self>,
        key: CacheKey,
        head: RequestHead,
        asks: Asks,
        forward: Forward,
    ) -> Response {
        let asked = Asked {
            key,
            head,
            asks,
            fwd: forward.fwd,
            stored: forward.stored,
            since: Since::now(),
        };
        let Ok(seat) = Arc::clone(&self.waiters).try_acquire_owned() else {
            return self.crowded(&asked, Bound::Waiters);
        };
        // Since the lookup another flight may have ended. It has stored its answer before it
        // freed the key, so whoever finds nothing new begins the only flight.
        let begin = || {
            let now = self.clock.now();
            match self.store.lookup(&asked.key, &asked.head.headers) {
                Lookup::Found(stored) if is_news(&stored, asked.stored.as_ref(), now) => {
                    Err((stored, now))
                }
                _ => Ok(self.new_fill()),
            }
        };
        let fit = |flight: &Flight| self.fit(flight, &asked);
        let joined = self.flights.join(&asked.flight_key(), fit, begin);
        let (reader, role) = match joined {
            Err((stored, now)) => {
                return self.hit(&asked.key, &stored, &asked.head, asked.asks, now);
            }
            Ok(Joined::Following(flight)) => (flight.read(), Role::Follower),
            Ok(Joined::Leading(flight, leave)) => {
                let errand = Errand::of(&asked.head, Purpose::Client, asked.fwd, asked.since);
                self.take_off(&flight, leave, &asked.head, asked.stored.clone(), errand)
            }
        };
        match reader {
            Ok(reader) => self.follow(reader, role, asked, seat).await,
            Err(Unreadable::Crowded) => self.crowded(&asked, Bound::WaitersOfKey),
            Err(Unreadable::Passing) => {
                drop(seat);
                self.go_alone(asked).await
            }
        }
    }

    /// Validates what is stored behind a stale answer (RFC 5861 §3), unless
    /// that is under way: what comes of it, which nobody has to wait for.
    pub(super) fn refresh(
        self: &Arc<Self>,
        key: CacheKey,
        request: &RequestHead,
        stored: Arc<Prepared>,
    ) -> Option<Reader<Brought, Failure>> {
        let key = FlightKey { key, range: None };
        // Since the lookup another flight may have ended.
        let begin = || match self.store.lookup(&key.key, &request.headers) {
            Lookup::Found(new) if is_news(&new, Some(&stored), self.clock.now()) => Err(()),
            _ => Ok(self.new_fill()),
        };
        // One that brought what is not to be kept is only over for those who wait.
        let fit = |flight: &Flight| match flight.landed() {
            Some(Landing::Private) => Fit::Serves,
            _ if self.is_over(flight, request) => Fit::Over,
            _ => Fit::Serves,
        };
        let Ok(Joined::Leading(flight, leave)) = self.flights.join(&key, fit, begin) else {
            return None;
        };
        // The client has its answer: this is our own request, under no directives of its.
        let mut request = RequestHead { method: Method::GET, ..request.clone() };
        request.headers.remove(header::CACHE_CONTROL);
        request.headers.remove(header::PRAGMA);
        // What says nothing of its freshness was stored as nobody's cookie had brought it,
        // and what a cookie brings cannot take its place.
        if !matches!(stored.terms.lifetime, Lifetime::Explicit(_)) {
            request.headers.remove(header::COOKIE);
        }
        // Its trace ends with its answer.
        request.arrival = Arrival::now();
        // Whoever asks meanwhile is answered by what is stored, or joins this flight.
        let errand = Errand::of(&request, Purpose::Refresh, Fwd::Stale, Since::now());
        self.take_off(&flight, leave, &request, Some(stored), errand).0.ok()
    }

    /// Answers with what a flight brings, or alone where that is not for this
    /// request.
    async fn follow(
        self: &Arc<Self>,
        reader: Reader<Brought, Failure>,
        role: Role,
        asked: Asked,
        seat: OwnedSemaphorePermit,
    ) -> Response {
        let landing = reader.landing().await;
        drop(seat);
        match (landing, role) {
            (Some(Landing::Shared(Brought::New(head))), Role::Leader(_)) => {
                let status = head.tell_fate(CacheStatus::fwd(asked.fwd));
                self.new_answer(&asked, &head, reader, status, Outcome::Forwarded(asked.fwd))
            }
            (Some(Landing::Shared(Brought::New(head))), Role::Follower)
                if head.fate.selecting().selects(&asked.head.headers) =>
            {
                if is_error(head.status)
                    && let Some(answer) = self.stand_in(&asked, Some(head.status))
                {
                    return answer;
                }
                let status = head.tell_error(CacheStatus::fwd(asked.fwd).collapsed());
                self.new_answer(&asked, &head, reader, status, Outcome::Collapsed)
            }
            (Some(Landing::Shared(Brought::Stored(stored, told))), role)
                if matches!(role, Role::Leader(_))
                    || (stored.response.selecting.selects(&asked.head.headers)
                        && self.may_be_told(&asked, &stored, told)) =>
            {
                self.stored_answer(&asked, &stored, told, &role)
            }
            (Some(Landing::Shared(Brought::Taken(stored))), role)
                if matches!(role, Role::Leader(_)) || is_for(&stored, &asked) =>
            {
                self.taken_answer(&asked.key, &asked.head, asked.asks, &stored)
            }
            (Some(Landing::Private), Role::Leader(mut answer)) => match answer.try_recv() {
                Ok((answer, clause)) => self.private(answer, &asked, clause),
                Err(_) => self.unanswered(&asked, &Failure::Abandoned),
            },
            // Only the leader's own fields can say that it has been here before.
            (Some(Landing::Shared(_) | Landing::Private), _)
            | (Some(Landing::Failed(Failure::Loop)), Role::Follower) => {
                drop(reader);
                self.go_alone(asked).await
            }
            (Some(Landing::Failed(failure)), _) => self.unanswered(&asked, &failure),
            (None, _) => self.unanswered(&asked, &Failure::Abandoned),
        }
    }

    /// What a flight is to a client that asks now.
    fn fit(&self, flight: &Flight, asked: &Asked) -> Fit {
        if self.is_over(flight, &asked.head) {
            Fit::Over
        } else if self.serves(flight, asked) {
            Fit::Serves
        } else {
            Fit::ForOthers
        }
    }

    /// Whether a flight has brought what is not for anybody who asks only now.
    fn is_over(&self, flight: &Flight, request: &RequestHead) -> bool {
        let now = self.clock.now();
        match flight.landed() {
            Some(Landing::Shared(Brought::New(head))) => {
                !head.may_be_joined(self.in_force().error_ttl, now)
            }
            Some(Landing::Shared(Brought::Stored(stored, told))) => match told.clause {
                Some(Clause::Guard) => {
                    let in_force = self.in_force();
                    let guard = in_force.rules.of(request.target.path()).guard.as_ref();
                    !guard.is_some_and(|guard| stored.is_kept(guard.keep_better_for, now))
                }
                Some(_) => !stored.may_stand_in(None, now),
                None => false,
            },
            Some(Landing::Private) => true,
            Some(Landing::Shared(Brought::Taken(_)) | Landing::Failed(_)) | None => false,
        }
    }

    /// Whether a flight that has ended brought something for this request too;
    /// of one that has not, it is not known.
    fn serves(&self, flight: &Flight, asked: &Asked) -> bool {
        match flight.landed() {
            Some(Landing::Shared(Brought::New(head))) => {
                !head.is_error() || head.fate.selecting().selects(&asked.head.headers)
            }
            Some(Landing::Shared(Brought::Stored(stored, told))) => {
                stored.response.selecting.selects(&asked.head.headers)
                    && self.may_be_told(asked, &stored, told)
            }
            Some(Landing::Shared(Brought::Taken(stored))) => is_for(&stored, asked),
            Some(Landing::Private | Landing::Failed(_)) | None => true,
        }
    }

    /// Whether what stands in for an error may do so for this request too: the
    /// leader may have allowed it to be more stale (RFC 5861 §4).
    fn may_be_told(&self, asked: &Asked, stored: &Prepared, told: Told) -> bool {
        let window = RequestDirectives::of(&asked.head.headers).stale_if_error;
        told.clause != Some(Clause::StaleIfError) || stored.may_stand_in(window, self.clock.now())
    }

    /// As many wait as may.
    fn crowded(&self, asked: &Asked, bound: Bound) -> Response {
        let failure = Failure::Shed { bound, retry_after: Duration::from_secs(1) };
        self.mishaps.note(&asked.key, Did::Fail(&failure), Answered::Error, self.clock.now());
        self.unanswered(asked, &failure)
    }

    /// There is no answer: what is stored stands in if it may.
    fn unanswered(&self, asked: &Asked, failure: &Failure) -> Response {
        self.stand_in(asked, None).unwrap_or_else(|| self.failed(failure, &asked.head, asked.fwd))
    }

    /// What is stored, in the place of an error with this status, if any.
    fn stand_in(&self, asked: &Asked, status: Option<StatusCode>) -> Option<Response> {
        let stored = stand_in(asked.stored.as_ref(), &asked.head, self.clock.now())?;
        let told = Told { status, clause: Some(Clause::StaleIfError) };
        Some(self.stored_answer(asked, stored, told, &Role::Follower))
    }

    async fn go_alone(self: &Arc<Self>, asked: Asked) -> Response {
        let forward = Forward { stored: asked.stored, ..Forward::alone(asked.fwd) };
        self.alone(asked.key, asked.head, Body::empty(), asked.asks, forward, asked.since).await
    }

    /// The upstream's new answer, as it arrives.
    fn new_answer(
        &self,
        asked: &Asked,
        head: &SharedHead,
        body: Reader<Brought, Failure>,
        status: CacheStatus<'_>,
        outcome: Outcome,
    ) -> Response {
        let rule = self.in_force().rules.of(asked.head.target.path()).place;
        let mut headers = head.headers.clone();
        if outcome == Outcome::Collapsed {
            head.tell_age(&mut headers, self.clock.now());
        } else {
            headers.extend(head.withheld.clone());
        }
        headers.append(CACHE_STATUS, status.key(self.shown(&asked.key)).value());
        let is_condition_met =
            asked.asks.has(Asks::CONDITION) && head.satisfies_condition(&asked.head.headers);
        let answer = if is_condition_met {
            not_modified(headers)
        } else {
            let body: Body = self.pass_on(outcome, rule, body).into();
            let mut answer = Response::from(body);
            answer.set_status(head.status);
            *answer.headers_mut() = headers;
            answer.extensions_mut().extend(head.reason());
            answer
        };
        self.count_new(outcome, rule, &asked.head, answer.status());
        answer
    }

    /// What is stored, after the upstream was asked.
    fn stored_answer(&self, asked: &Asked, stored: &Prepared, told: Told, role: &Role) -> Response {
        let now = self.clock.now();
        let status = CacheStatus::fwd(asked.fwd)
            .fwd_status(told.status)
            .ttl(stored.ttl(now))
            .key(self.shown(&asked.key));
        let status = match told.clause {
            Some(clause) => status.detail(clause.as_str()),
            None => status.stored(),
        };
        let (status, outcome) = match (role, told.clause) {
            (_, Some(_)) => (status, Outcome::Stale),
            (Role::Leader(_), None) => (status, Outcome::Forwarded(asked.fwd)),
            (Role::Follower, None) => (status.collapsed(), Outcome::Collapsed),
        };
        let answer = stored.answer(&asked.head, asked.asks, &status, now);
        self.count_stored(outcome, stored, &asked.head, &answer);
        answer
    }

    /// What another instance has stored.
    pub(super) fn taken_answer(
        &self,
        key: &CacheKey,
        head: &RequestHead,
        asks: Asks,
        stored: &Prepared,
    ) -> Response {
        let now = self.clock.now();
        let outcome = if stored.is_fresh(now) { Outcome::Shared } else { Outcome::Stale };
        let status = CacheStatus::hit().ttl(stored.ttl(now)).key(self.shown(key));
        let answer = stored.answer(head, asks, &status.detail("shared"), now);
        self.count_stored(outcome, stored, head, &answer);
        answer
    }

    /// The upstream's answer for one client.
    fn private(&self, mut answer: Response, asked: &Asked, clause: Clause) -> Response {
        let status =
            CacheStatus::fwd(asked.fwd).key(self.shown(&asked.key)).detail(clause.as_str()).value();
        answer.headers_mut().append(CACHE_STATUS, status);
        self.metrics.request(Outcome::Forwarded(asked.fwd), answer.status(), &asked.head.arrival);
        answer
    }
}

/// Whether what another instance has stored answers a request too: who wants the
/// upstream to be asked does not get it.
fn is_for(stored: &Prepared, asked: &Asked) -> bool {
    asked.fwd != Fwd::Request && stored.response.selecting.selects(&asked.head.headers)
}

/// Whether what is stored now answers a request that was to go forward because
/// of what was stored before.
fn is_news(stored: &Arc<Prepared>, before: Option<&Arc<Prepared>>, now: SystemTime) -> bool {
    stored.response.part.is_none()
        && stored.is_fresh(now)
        && !before.is_some_and(|before| Arc::ptr_eq(before, stored))
}
