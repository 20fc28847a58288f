//! The way of a request that goes forward: one flight for all who ask for the
//! same, or on its own.
//!
//! A flight asks the upstream once. What it brings is new, and then its body is
//! a fill that everyone reads as it arrives; or it is what is stored: found to
//! be still good, completed, or standing in for an answer that failed.

mod alone;
mod fetch;
mod head;
mod pour;

use std::{sync::Arc, time::SystemTime};

use http::{HeaderValue, StatusCode, header};
use http_body_util::combinators::BoxBody;
use poem::{Body, Response, web::RemoteAddr};
use tokio::sync::oneshot;

use self::{
    fetch::{Fetched, Told, Wanted},
    head::SharedHead,
    pour::Pour,
};
use super::{
    Cache,
    clause::Clause,
    collapse::{Joined, Leave},
    directives::RequestDirectives,
    fill::{Fill, Landing, Reader, Writer},
    key::CacheKey,
    policy::{Asks, Forward},
    status::{CACHE_STATUS, CacheStatus, Fwd, Outcome},
    store::Lookup,
    stored::{Prepared, not_modified},
    validation::{Asking, remove_conditions},
};
use crate::exchange::{Errand, Failure, Purpose, RequestHead, Since};

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
    since: Since,
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
        let asked = Asked { key, head, asks, fwd: forward.fwd, since: Since::now() };
        // Since the lookup another flight may have ended. It has stored its answer before it
        // freed the key, so whoever finds nothing new begins the only flight.
        let begin = || {
            let now = self.clock.now();
            match self.store.lookup(&asked.key, &asked.head.headers) {
                Lookup::Found(stored) if is_news(&stored, forward.stored.as_ref(), now) => {
                    Err((stored, now))
                }
                _ => Ok(Fill::new(&self.fills, self.max_object_size)),
            }
        };
        match self.flights.join(&flight_key(&asked), begin) {
            Err((stored, now)) => self.hit(&asked.key, &stored, &asked.head, asked.asks, now),
            Ok(Joined::Following(flight)) => {
                self.follow(flight.read(), Role::Follower, asked).await
            }
            Ok(Joined::Leading(flight, leave)) => {
                let errand = Errand::of(&asked.head, Purpose::Client, asked.since);
                let (reader, role) =
                    self.take_off(&flight, leave, &asked.head, forward.stored, errand);
                self.follow(reader, role, asked).await
            }
        }
    }

    /// Validates what is stored behind a stale answer (RFC 5861 §3), unless
    /// that is under way.
    pub(super) fn refresh(
        self: &Arc<Self>,
        key: CacheKey,
        request: &RequestHead,
        stored: Arc<Prepared>,
    ) {
        let key = FlightKey { key, range: None };
        // Since the lookup another flight may have ended.
        let begin = || match self.store.lookup(&key.key, &request.headers) {
            Lookup::Found(new) if is_news(&new, Some(&stored), self.clock.now()) => Err(()),
            _ => Ok(Fill::new(&self.fills, self.max_object_size)),
        };
        if let Ok(Joined::Leading(flight, leave)) = self.flights.join(&key, begin) {
            // The client has its answer: this is our own request, under no directives of its.
            let mut request = request.clone();
            request.headers.remove(header::CACHE_CONTROL);
            request.headers.remove(header::PRAGMA);
            // Whoever asks meanwhile is answered by what is stored, or joins this flight.
            let errand = Errand::of(&request, Purpose::Refresh, Since::now());
            let _nobody = self.take_off(&flight, leave, &request, Some(stored), errand);
        }
    }

    /// Begins a flight: a task of its own, so that no client's leaving ends it.
    fn take_off(
        self: &Arc<Self>,
        flight: &Arc<Flight>,
        leave: Leave<FlightKey, Flight>,
        request: &RequestHead,
        stored: Option<Arc<Prepared>>,
        errand: Errand,
    ) -> (Option<Reader<Brought, Failure>>, Role) {
        let (private, role) = oneshot::channel();
        let writer = Arc::clone(flight).write();
        // The reader is there before the writer begins.
        let reader = flight.read();
        let request = self.for_everyone(request, leave.key().range.as_ref());
        tokio::spawn(Arc::clone(self).fly(request, errand, stored, writer, private, leave));
        (reader, Role::Leader(role))
    }

    /// Answers with what a flight brings, or alone where that is not for this
    /// request.
    async fn follow(
        self: &Arc<Self>,
        reader: Option<Reader<Brought, Failure>>,
        role: Role,
        asked: Asked,
    ) -> Response {
        let Some(reader) = reader else { return self.go_alone(asked).await };
        match (reader.landing().await, role) {
            (Some(Landing::Shared(Brought::New(head))), Role::Leader(_)) => {
                let status = CacheStatus::fwd(asked.fwd).stored().ttl(head.ttl());
                self.new_answer(&asked, &head, reader, status, Outcome::Forwarded(asked.fwd))
            }
            (Some(Landing::Shared(Brought::New(head))), Role::Follower)
                if head.storable.selecting.selects(&asked.head.headers) =>
            {
                let status = CacheStatus::fwd(asked.fwd).collapsed();
                self.new_answer(&asked, &head, reader, status, Outcome::Collapsed)
            }
            (Some(Landing::Shared(Brought::Stored(stored, told))), role)
                if matches!(role, Role::Leader(_))
                    || (stored.response.selecting.selects(&asked.head.headers)
                        && self.may_be_told(&asked, &stored, told)) =>
            {
                self.stored_answer(&asked, &stored, told, &role)
            }
            (Some(Landing::Private), Role::Leader(mut answer)) => match answer.try_recv() {
                Ok((answer, clause)) => self.private(answer, &asked, clause),
                Err(_) => self.failed(&Failure::Abandoned, asked.fwd),
            },
            // Only the leader's own fields can say that it has been here before.
            (Some(Landing::Shared(_) | Landing::Private), _)
            | (Some(Landing::Failed(Failure::Loop)), Role::Follower) => {
                drop(reader);
                self.go_alone(asked).await
            }
            (Some(Landing::Failed(failure)), _) => self.failed(&failure, asked.fwd),
            (None, _) => self.failed(&Failure::Abandoned, asked.fwd),
        }
    }

    /// Whether what stands in for an error may do so for this request too: the
    /// leader may have allowed it to be more stale (RFC 5861 §4).
    fn may_be_told(&self, asked: &Asked, stored: &Prepared, told: Told) -> bool {
        let window = RequestDirectives::of(&asked.head.headers).stale_if_error;
        told.clause.is_none() || stored.may_stand_in(window, self.clock.now())
    }

    async fn go_alone(self: &Arc<Self>, asked: Asked) -> Response {
        let forward = Forward::alone(asked.fwd);
        self.alone(asked.key, asked.head, Body::empty(), asked.asks, forward, asked.since).await
    }

    /// A flight, from its request to its place in the store.
    async fn fly(
        self: Arc<Self>,
        request: RequestHead,
        errand: Errand,
        selected: Option<Arc<Prepared>>,
        writer: Writer<Brought, Failure>,
        private: oneshot::Sender<Private>,
        leave: Leave<FlightKey, Flight>,
    ) {
        let _counted = self.metrics.flight_begun();
        let key = leave.key().key.clone();
        let asking = if leave.key().range.is_some() {
            Asking::Anew
        } else {
            Asking::about(selected.as_ref(), &self.store.variants(&key))
        };
        let epoch = self.store.epoch(&key);
        let selected = selected.as_ref();
        let wanted = Wanted { key: &key, epoch, request: &request, selected, errand };
        match self.fetch(wanted, Body::empty(), asking).await {
            Fetched::Failed(failure) => writer.land(Landing::Failed(failure)),
            Fetched::Stored(stored, told) => {
                writer.land(Landing::Shared(Brought::Stored(stored, told)));
                writer.finish(None);
            }
            Fetched::New(answer, times) => match self.storable(&request, &answer, times) {
                Ok(storable) => {
                    let (head, body) = SharedHead::split(answer, storable, times);
                    let head = Arc::new(head);
                    writer.land(Landing::Shared(Brought::New(Arc::clone(&head))));
                    let pour = Pour { cache: &self, key, epoch, head };
                    pour.run(body, &writer, Some(leave)).await;
                }
                Err(clause) => {
                    if is_of_the_key(clause, answer.status()) {
                        self.uncacheable.note(&key, times.response_time);
                        // A full answer takes the place of what was asked about (§4.3.3): that
                        // must not go on answering, stale, though this one is not kept.
                        let is_stale =
                            |stored: &&Arc<Prepared>| !stored.is_fresh(times.response_time);
                        if let Some(stored) = selected.filter(is_stale) {
                            self.store.remove(&key, stored);
                        }
                    }
                    // A leader that has left does not need it any more.
                    let _ = private.send((answer, clause));
                    writer.land(Landing::Private);
                }
            },
        }
    }

    /// The request of a flight: what is fetched for everyone names nobody, and
    /// has no conditions of one client's.
    fn for_everyone(&self, request: &RequestHead, range: Option<&HeaderValue>) -> RequestHead {
        let mut request = request.clone();
        request.remote = RemoteAddr::default();
        remove_conditions(&mut request.headers);
        if let Some(range) = range {
            request.headers.insert(header::RANGE, range.clone());
        }
        let rule = self.rules.of(request.target.path());
        let goes = |name: &http::HeaderName| rule.sends(name) || *name == header::RANGE;
        let dropped: Vec<_> = request.headers.keys().filter(|name| !goes(name)).cloned().collect();
        for name in dropped {
            request.headers.remove(name);
        }
        request.headers.remove(header::HOST);
        request
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
            let body: Body = BoxBody::new(body).into();
            let mut answer = Response::from(body);
            answer.set_status(head.status);
            *answer.headers_mut() = headers;
            answer
        };
        self.metrics.request(outcome, answer.status());
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
        self.metrics.request(outcome, answer.status());
        answer
    }

    /// The upstream's answer for one client.
    fn private(&self, mut answer: Response, asked: &Asked, clause: Clause) -> Response {
        let status =
            CacheStatus::fwd(asked.fwd).key(self.shown(&asked.key)).detail(clause.as_str()).value();
        answer.headers_mut().append(CACHE_STATUS, status);
        self.metrics.request(Outcome::Forwarded(asked.fwd), answer.status());
        answer
    }
}

/// What there is one flight for: a range is fetched by itself only where
/// nothing is stored that would be validated.
fn flight_key(asked: &Asked) -> FlightKey {
    let is_range = asked.asks.has(Asks::RANGE)
        && matches!(asked.fwd, Fwd::UriMiss | Fwd::VaryMiss | Fwd::Partial);
    let range = asked.head.headers.get(header::RANGE).filter(|_| is_range).cloned();
    FlightKey { key: asked.key.clone(), range }
}

/// Whether what is stored now answers a request that was to go forward because
/// of what was stored before.
fn is_news(stored: &Arc<Prepared>, before: Option<&Arc<Prepared>>, now: SystemTime) -> bool {
    stored.response.part.is_none()
        && stored.is_fresh(now)
        && !before.is_some_and(|before| Arc::ptr_eq(before, stored))
}

/// Whether a reason not to store will hold for the next answer too, so that
/// nobody needs to wait for it. What is for one client, or of one moment, says
/// nothing of the key.
fn is_of_the_key(clause: Clause, status: StatusCode) -> bool {
    let is_of_the_moment = status.is_server_error();
    let is_of_the_request = status.is_client_error()
        || matches!(
            clause,
            Clause::Authorization
                | Clause::Cookie
                | Clause::Part
                | Clause::RequestNoStore
                | Clause::Status
        );
    !is_of_the_moment && !is_of_the_request
}
