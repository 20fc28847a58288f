//! A request that goes to the upstream for its client alone, and what its
//! answer means for what is stored.

use std::sync::Arc;

use http::{HeaderMap, Method, header};
use poem::{Body, Response};

use super::{
    Asked, Flight, Role,
    fetch::{Fetched, Wanted},
    head::{Fate, SharedHead},
    pour::Pour,
};
use crate::{
    cache::{
        Cache,
        clause::Clause,
        freshness::Lifetime,
        key::CacheKey,
        policy::{Asks, Forward, invalidates, storing::Times},
        status::{CacheStatus, Outcome},
        tags::Tags,
        validation::{Asking, HeadEffect, effect_of_head},
    },
    exchange::{Errand, Failure, Purpose, RequestHead, Since},
    hop,
};

impl Cache {
    /// Puts a request to the upstream for its client alone.
    pub(in crate::cache) async fn alone(
        self: &Arc<Self>,
        key: CacheKey,
        head: RequestHead,
        body: Body,
        asks: Asks,
        forward: Forward,
        since: Since,
    ) -> Response {
        let asked = Asked { key, head, asks, fwd: forward.fwd, stored: forward.stored, since };
        let before = self.before(&asked.key);
        let selected = asked.stored.as_ref();
        let errand = Errand::of(&asked.head, Purpose::PassThrough, asked.fwd, since);
        let wanted =
            Wanted { key: &asked.key, before, request: &asked.head, selected, errand: &errand };
        let (answer, times) = match self.fetch(wanted, body, Asking::Anew).await {
            Fetched::Failed(failure) => return self.failed(&failure, &asked.head, asked.fwd),
            Fetched::Stored(stored, told) => {
                return self.stored_answer(&asked, &stored, told, &Role::Follower);
            }
            Fetched::New(answer, times) => (answer, times),
        };

        let before = if invalidates(&asked.head.method, answer.status()) {
            self.invalidate(&asked, answer.headers());
            // What this answer itself brings comes after what it ends.
            self.before(&asked.key)
        } else {
            before
        };
        if asked.head.method == Method::HEAD {
            self.compare(wanted, &answer, times);
        }
        let storable = match self.storable(&asked.head, &answer, times) {
            // It was asked for in one client's name: the upstream has to say itself that it
            // is for all.
            Ok(storable)
                if matches!(storable.terms.lifetime, Lifetime::Explicit(_))
                    && self.is_as_for_everyone(&asked.head)
                    && !storable.selecting.names().any(hop::tells_of_client) =>
            {
                storable
            }
            Ok(_) => return self.private(answer, &asked, Clause::ForOne),
            Err(clause) => return self.private(answer, &asked, clause),
        };
        let (head, body) = SharedHead::split(answer, Fate::Stored(storable), times);
        let head = Arc::new(head);
        let fill: Arc<Flight> = Arc::new(self.new_fill());
        let writer = Arc::clone(&fill).write();
        let Ok(reader) = fill.read() else {
            return self.failed(&Failure::Abandoned, &asked.head, asked.fwd);
        };
        tokio::spawn({
            let (cache, key, head) = (Arc::clone(self), asked.key.clone(), Arc::clone(&head));
            async move {
                let pour = Pour { cache: &cache, key, before, head, lease: None };
                pour.run(body, &writer, None).await;
            }
        });
        let status = head.tell_fate(CacheStatus::fwd(asked.fwd));
        // Its conditions went upstream with it, and were evaluated there.
        let asked = Asked { asks: Asks::default(), ..asked };
        self.new_answer(&asked, &head, reader, status, Outcome::Forwarded(asked.fwd))
    }

    /// Ends what a request has made invalid (RFC 9111 §4.4): what is stored
    /// under its target, and under the URIs that its answer names where they
    /// are of the same origin; and the groups that it names (RFC 9875 §3).
    fn invalidate(self: &Arc<Self>, asked: &Asked, answer: &HeaderMap) {
        self.outdate(&asked.key);
        for name in [header::LOCATION, header::CONTENT_LOCATION] {
            let named = answer
                .get(name)
                .and_then(|reference| reference.to_str().ok())
                .and_then(|reference| asked.head.target.resolve(reference, asked.head.authority()));
            if let Some(named) = named {
                self.purge_target(&named);
            }
        }
        for group in Tags::invalidated_by(answer).iter() {
            self.purge_tag(group);
        }
    }

    /// Freshens or ends the response stored for GET by the answer to a HEAD
    /// request (RFC 9111 §4.3.5).
    fn compare(&self, wanted: Wanted<'_>, answer: &Response, times: Times) {
        let Some(stored) = wanted.selected else { return };
        match effect_of_head(&stored.response, answer.status(), answer.headers()) {
            HeadEffect::Freshens if !self.is_as_for_everyone(wanted.request) => {}
            HeadEffect::None => {}
            HeadEffect::Outdates => {
                self.outdate(wanted.key);
            }
            HeadEffect::Freshens => {
                let request = self.for_everyone(wanted.request, None);
                let get = RequestHead { method: Method::GET, ..request };
                let wanted = Wanted { request: &get, ..wanted };
                if self.freshen(wanted, stored, answer.headers(), times).is_none() {
                    self.store.remove(wanted.key, stored);
                }
            }
        }
    }

    /// Whether a request went upstream with nothing that the key does not tell
    /// and its rule keeps from the requests of flights: fields, or members of
    /// the query. They would have a say in what others get.
    fn is_as_for_everyone(&self, request: &RequestHead) -> bool {
        let in_force = self.in_force();
        let rule = in_force.rules.of(request.target.path());
        // The upstream gets a host of our own (RFC 9112 §3.2).
        request.headers.keys().all(|name| *name == header::HOST || rule.sends(name))
            && in_force.rules.canonical(request.target.clone()) == request.target
    }
}
