//! The task of a flight: asking the upstream once, for all who ask for the same.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use poem::{Body, Response, web::RemoteAddr};
use tokio::sync::oneshot;

use super::{
    Brought, Flight, FlightKey, Private, Role,
    fetch::{Fetched, Wanted, content_length},
    head::{Fate, SharedHead},
    pour::Pour,
};
use crate::{
    cache::{
        Cache,
        clause::Clause,
        collapse::Leave,
        fill::{Fill, Landing, Reader, Unreadable, Writer},
        policy::{Refresh, storing::Times},
        rules::Rule,
        stored::Prepared,
        tier::step::{Standing, Step},
        validation::{Asking, remove_conditions},
        vary::Selecting,
    },
    exchange::{Errand, Failure, Purpose, RequestHead},
};

/// Larger errors are not kept for those who come within a short time: their
/// memory is that of all fills.
const LARGEST_LINGERING: usize = 16 << 10;

impl Cache {
    /// Begins a flight: a task of its own, so that no client's leaving ends it.
    pub(super) fn take_off(
        self: &Arc<Self>,
        flight: &Arc<Flight>,
        leave: Leave<FlightKey, Flight>,
        request: &RequestHead,
        stored: Option<Arc<Prepared>>,
        errand: Errand,
    ) -> (Result<Reader<Brought, Failure>, Unreadable>, Role) {
        let (private, role) = oneshot::channel();
        let writer = Arc::clone(flight).write();
        // The reader is there before the writer begins.
        let reader = flight.read();
        let request = self.for_everyone(request, leave.key().range.as_ref());
        tokio::spawn(Arc::clone(self).fly(request, errand, stored, writer, private, leave));
        (reader, Role::Leader(role))
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
        let is_part = leave.key().range.is_some();
        let standing = if is_part { Standing::Apart } else { Standing::Waiting };
        let (before, step, mut lent) =
            self.ask_tier(&key, &request, selected, errand.purpose, standing).await;
        let selected = match step {
            Step::Bring(stored, refresh) => {
                writer.land(Landing::Shared(Brought::Taken(Arc::clone(&stored))));
                writer.finish(None);
                drop(leave);
                if refresh == Refresh::Behind {
                    let _nobody = self.refresh(key, &request, stored);
                }
                return;
            }
            Step::Ask(selected) => selected,
        };
        let asking = if leave.key().range.is_some() {
            Asking::Anew
        } else {
            Asking::about(selected.as_ref(), &self.store.variants(&key))
        };
        let selected = selected.as_ref();
        let wanted = Wanted { key: &key, before, request: &request, selected, errand: &errand };
        match self.fetch(wanted, Body::empty(), asking).await {
            Fetched::Failed(failure) => {
                // What the relay itself refuses, it refuses each for itself.
                let is_shared = failure.is_upstreams();
                writer.land(Landing::Failed(failure));
                if is_shared {
                    self.linger(leave, self.in_force().error_ttl);
                }
            }
            Fetched::Stored(stored, told) => {
                writer.land(Landing::Shared(Brought::Stored(stored, told)));
                writer.finish(None);
                match told.clause {
                    Some(Clause::Guard) => self.linger(leave, self.worse_ttl(&request)),
                    Some(_) => self.linger(leave, self.in_force().error_ttl),
                    None => {}
                }
            }
            Fetched::New(answer, times) => match self.fate(&request, &answer, times) {
                Ok(fate) => {
                    let (head, body) = SharedHead::split(answer, fate, times);
                    let leave = head
                        .may_be_joined(self.in_force().error_ttl, times.response_time)
                        .then_some(leave);
                    let head = Arc::new(head);
                    writer.land(Landing::Shared(Brought::New(Arc::clone(&head))));
                    let is_error = head.is_error();
                    // Who waits for what will not be shared waits in vain.
                    lent = lent.filter(|_| self.is_shareable(content_length(&head.headers)));
                    let pour = Pour { cache: &self, key, before, head, lease: lent };
                    let leave = pour.run(body, &writer, leave).await;
                    let is_small = || {
                        let pieces = writer.whole().unwrap_or_default();
                        pieces.iter().map(Bytes::len).sum::<usize>() <= LARGEST_LINGERING
                    };
                    if let Some(leave) = leave.filter(|_| is_error && is_small()) {
                        self.linger(leave, self.in_force().error_ttl);
                    }
                }
                Err(clause) => {
                    // What one client's cookie has brought says nothing of those without.
                    let has_cookie = request.headers.contains_key(header::COOKIE);
                    let is_of_the_key = is_of_the_key(clause, answer.status());
                    if is_of_the_key && has_cookie {
                        self.uncacheable.note(&(&key, header::COOKIE), times.response_time);
                    } else if is_of_the_key {
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
                    // Those who get what is stale do not each have it fetched anew in vain.
                    if errand.purpose == Purpose::Refresh {
                        self.linger(leave, self.in_force().error_ttl);
                    }
                }
            },
        }
    }

    /// What becomes of a flight's new answer, or why it is for its leader alone.
    fn fate(&self, request: &RequestHead, answer: &Response, times: Times) -> Result<Fate, Clause> {
        self.storable(request, answer, times).map(Fate::Stored).or_else(|clause| {
            let in_force = self.in_force();
            let rule = in_force.rules.of(request.target.path());
            shared(request, answer, clause, rule)
                .map(|selecting| Fate::Shared(selecting, clause))
                .ok_or(clause)
        })
    }

    /// Keeps a flight that brought an error for those who ask for the same
    /// within a short time.
    fn linger(&self, leave: Leave<FlightKey, Flight>, ttl: Duration) {
        if !ttl.is_zero()
            && let Ok(place) = Arc::clone(&self.lingering).try_acquire_owned()
        {
            tokio::spawn(async move {
                tokio::time::sleep(ttl).await;
                drop((leave, place));
            });
        }
    }

    /// For how long a worse answer than what is stored is not asked for again:
    /// it is no more to be had than what is not found.
    fn worse_ttl(&self, request: &RequestHead) -> Duration {
        let in_force = self.in_force();
        let rule = in_force.rules.of(request.target.path());
        rule.negative_ttl.of(StatusCode::NOT_FOUND).unwrap_or_default().max(in_force.error_ttl)
    }

    pub(super) fn new_fill(&self) -> Flight {
        Fill::new(&self.fills, self.fill_limits)
    }

    /// The request of a flight: what is fetched for everyone names nobody, and
    /// has no conditions of one client's.
    pub(super) fn for_everyone(
        &self,
        request: &RequestHead,
        range: Option<&HeaderValue>,
    ) -> RequestHead {
        let mut request = request.clone();
        request.remote = RemoteAddr::default();
        remove_conditions(&mut request.headers);
        if let Some(range) = range {
            request.headers.insert(header::RANGE, range.clone());
        }
        let in_force = self.in_force();
        let rule = in_force.rules.of(request.target.path());
        let goes = |name: &http::HeaderName| rule.sends(name) || *name == header::RANGE;
        let dropped: Vec<_> = request.headers.keys().filter(|name| !goes(name)).cloned().collect();
        for name in dropped {
            request.headers.remove(name);
        }
        request.headers.remove(header::HOST);
        request
    }
}

/// What selects an answer that is not stored, where it is for all who wait: it
/// is an error, or fresh for no time, and nothing says that it is for one.
///
/// Most errors of the 4xx kind are about the one request, whose fields may have
/// been meant to bring them.
fn shared(
    request: &RequestHead,
    answer: &Response,
    clause: Clause,
    rule: &Rule,
) -> Option<Selecting> {
    let status = answer.status();
    let is_error = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let is_for_one = request.headers.contains_key(header::COOKIE)
        || answer.headers().contains_key(header::SET_COOKIE);
    let is_shared = match clause {
        Clause::NotAllowed => is_error,
        Clause::OfNoUse => true,
        _ => false,
    };
    if !is_shared || is_for_one {
        return None;
    }
    let mut selecting = Selecting::of(answer.headers(), &request.headers)?;
    selecting.retain(|name| rule.selects(name));
    Some(selecting)
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
