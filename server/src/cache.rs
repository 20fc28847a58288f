//! The cache: look up, decide, reuse or forward.
//!
//! Deciding is pure ([`policy`]), and so is what a validation means
//! ([`validation`]); what is stored is plain data ([`stored`]); the only shared
//! state is the store and the fills under way. The upstream is any poem
//! [`Endpoint`](poem::Endpoint): the real one, or a closure in a test.
//!
//! In the order of reading: [`key`], [`directives`], [`freshness`], [`vary`],
//! [`policy`], [`conditions`], [`range`], [`validation`], [`guard`], [`stored`],
//! [`store`], [`collapse`], [`fill`], and `flight`, where they meet. What is
//! stored survives a restart by [`record`] and [`snapshot`], and is shared with
//! other instances by [`tier`].

pub mod browse;
pub mod clause;
pub mod collapse;
pub mod conditions;
mod config;
pub mod directives;
pub mod etag;
pub mod explain;
pub mod fill;
mod flight;
pub mod freshness;
pub mod guard;
pub mod key;
pub mod mishaps;
pub mod policy;
pub mod purge;
pub mod range;
pub mod record;
mod reload;
pub mod rules;
pub mod saved;
pub mod snapshot;
pub mod status;
pub mod store;
pub mod stored;
pub mod tags;
pub mod tier;
pub mod uncacheable;
pub mod validation;
pub mod vary;

use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use arc_swap::{ArcSwap, Guard};
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::{Method, StatusCode, header};
use poem::{Body, Response, endpoint::BoxEndpoint};
use tokio::sync::Semaphore;

pub use self::config::{AddEtag, CacheConfig};
use self::{
    clause::Clause,
    collapse::Flights,
    fill::Pool,
    flight::{Flight, FlightKey},
    key::CacheKey,
    mishaps::{Mishap, Mishaps},
    policy::{Asks, Decision, Refresh, Sharing, decide},
    purge::Refreshing,
    rules::Rules,
    saved::Saved,
    status::{CACHE_STATUS, CacheStatus, Fwd, Outcome},
    store::Store,
    stored::Prepared,
    tier::Behind,
    uncacheable::Uncacheable,
};
use crate::{
    clock::Clock,
    date,
    exchange::{
        Failure, RequestHead, Since,
        ending::{Ending, How},
    },
    problem::Problem,
    telemetry::metrics::{Metrics, StoreFigures},
};

/// Errors that are shared at a time; more are told to those who wait, and forgotten.
const MAX_LINGERING: usize = 1024;

/// A shared HTTP cache (RFC 9111) in front of one upstream.
pub struct Cache {
    clock: Clock,
    upstream: BoxEndpoint<'static, Response>,
    in_force: ArcSwap<InForce>,
    store: Arc<Store>,
    behind: OnceLock<Behind>,
    flights: Flights<FlightKey, Flight>,
    /// Places for those who wait for a flight.
    waiters: Arc<Semaphore>,
    most_waiters: usize,
    /// Places for flights that have ended, but can be joined.
    lingering: Arc<Semaphore>,
    uncacheable: Uncacheable,
    refreshing: Refreshing,
    mishaps: Mishaps,
    fills: Arc<Pool>,
    fill_limits: fill::Limits,
    max_object_size: usize,
    add_etag: AddEtag,
    shown_key: ShownKey,
    saved: Arc<Saved>,
    metrics: Arc<Metrics>,
}

/// What a reload replaces, as a whole.
struct InForce {
    rules: Rules,
    /// For how long a flight that brought an error can be joined.
    error_ttl: Duration,
}

/// Whether `Cache-Status` says the cache key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShownKey {
    Shown,
    Hidden,
}

/// An answer that is there, or on its way.
pub type Answer<'a> = Either<Ready<Response>, BoxFuture<'a, Response>>;

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Cache {
    /// An empty cache in front of `upstream`.
    pub fn new(
        config: &CacheConfig,
        rules: Rules,
        clock: Clock,
        upstream: BoxEndpoint<'static, Response>,
        metrics: Arc<Metrics>,
    ) -> Arc<Cache> {
        let size = config.cache_size.bytes();
        let in_flight = size / 8;
        let max_object_size = config.max_object_size.bytes().min(in_flight);
        let saved = Saved::new(&rules);
        Arc::new(Cache {
            clock,
            upstream,
            in_force: ArcSwap::from_pointee(InForce::new(config, rules, &saved)),
            saved,
            store: Arc::new(Store::new(size - in_flight, max_object_size)),
            behind: OnceLock::new(),
            flights: Flights::default(),
            waiters: Arc::new(Semaphore::new(count(config.max_waiters))),
            most_waiters: count(config.max_waiters),
            lingering: Arc::new(Semaphore::new(MAX_LINGERING)),
            uncacheable: Uncacheable::default(),
            refreshing: Refreshing::default(),
            mishaps: Mishaps::default(),
            fills: Pool::new(in_flight),
            fill_limits: fill::Limits {
                whole: max_object_size,
                readers: count(config.max_waiters_per_key),
            },
            max_object_size,
            add_etag: config.add_etag,
            shown_key: if config.cache_status_key { ShownKey::Shown } else { ShownKey::Hidden },
            metrics,
        })
    }

    /// Answers a request: from the store, or through the upstream.
    ///
    /// What is stored is answered at once; only the way to the upstream is a
    /// future with a state to keep.
    pub fn answer(self: &Arc<Self>, mut request: RequestHead, body: Body) -> Answer<'_> {
        let now = self.clock.now();
        let in_force = self.in_force();
        let rules = &in_force.rules;
        let key = if matches!(request.method, Method::GET | Method::HEAD) {
            request.target = rules.canonical(request.target);
            CacheKey::of(&request.target)
        } else {
            // What is not looked up goes upstream as it is.
            CacheKey::of(&rules.canonical(request.target.clone()))
        };
        let asks = Asks::of(&request.headers);
        let lookup = self.store.lookup(&key, &request.headers);
        match decide(&request, asks, lookup, rules, now) {
            Decision::Reuse(stored, Clause::Fresh, refresh) => {
                if refresh == Refresh::Ahead && stored.shows_to_be_hot() {
                    let _nobody = self.refresh(key.clone(), &request, Arc::clone(&stored));
                }
                Either::Left(ready(self.hit(&key, &stored, &request, asks, now)))
            }
            Decision::Reuse(stored, clause, refresh) => {
                if refresh == Refresh::Behind {
                    let _nobody = self.refresh(key.clone(), &request, Arc::clone(&stored));
                }
                Either::Left(ready(self.stale(&key, &stored, &request, asks, clause, now)))
            }
            Decision::Unsatisfiable if self.behind.get().is_some() => {
                Either::Right(Box::pin(self.only_if_shared(key, request, asks)))
            }
            Decision::Unsatisfiable => Either::Left(ready(self.unsatisfiable(&request))),
            Decision::Forward(forward)
                if forward.sharing == Sharing::Collapse
                    && !self.is_uncacheable(&key, &request, now) =>
            {
                Either::Right(Box::pin(self.share(key, request, asks, forward)))
            }
            Decision::Forward(forward) => {
                let since = Since::now();
                Either::Right(Box::pin(self.alone(key, request, body, asks, forward, since)))
            }
        }
    }

    /// What is in force now. Not to be kept over an await: it would be what was.
    fn in_force(&self) -> Guard<Arc<InForce>> {
        self.in_force.load()
    }

    /// What the cache holds.
    pub fn figures(&self) -> StoreFigures {
        StoreFigures {
            in_flight: self.fills.used() as u64,
            waiting: (self.most_waiters - self.waiters.available_permits()) as u64,
            cut_off: self.fills.cut_off(),
            ..self.store.figures()
        }
    }

    /// The last times that the upstream did not answer as it should, the last first.
    pub fn mishaps(&self) -> Vec<Mishap> {
        self.mishaps.all()
    }

    /// Keeps the store in order, for ever.
    pub async fn maintain(self: Arc<Self>) {
        Arc::clone(&self.store).maintain(self.clock.clone()).await;
    }

    /// Whether the last answer of the kind that a request is for was of no use
    /// to others.
    fn is_uncacheable(&self, key: &CacheKey, request: &RequestHead, now: SystemTime) -> bool {
        self.uncacheable.contains(key, now)
            || (request.headers.contains_key(header::COOKIE)
                && self.uncacheable.contains(&(key, header::COOKIE), now))
    }

    fn outdate(&self, key: &CacheKey) -> usize {
        self.purge_tier(&Ending::of_key(key.as_str(), How::Hard));
        self.outdate_here(key)
    }

    fn outdate_here(&self, key: &CacheKey) -> usize {
        let removed = self.store.purge(key);
        self.flights.detach(|flight, _| flight.key == *key);
        removed
    }

    fn shown<'a>(&self, key: &'a CacheKey) -> Option<&'a str> {
        (self.shown_key == ShownKey::Shown).then(|| key.as_str())
    }

    fn hit(
        &self,
        key: &CacheKey,
        stored: &Prepared,
        request: &RequestHead,
        asks: Asks,
        now: SystemTime,
    ) -> Response {
        let answer = stored.hit(request, asks, self.shown(key), now);
        self.count_stored(Outcome::Hit, stored, request, &answer);
        answer
    }

    fn stale(
        &self,
        key: &CacheKey,
        stored: &Prepared,
        request: &RequestHead,
        asks: Asks,
        clause: Clause,
        now: SystemTime,
    ) -> Response {
        let status = CacheStatus::hit().ttl(stored.ttl(now)).key(self.shown(key));
        let answer = stored.answer(request, asks, &status.detail(clause.as_str()), now);
        self.count_stored(Outcome::Stale, stored, request, &answer);
        answer
    }

    fn failed(&self, failure: &Failure, request: &RequestHead, fwd: Fwd) -> Response {
        let problem = failure.problem();
        let mut answer = problem.response();
        let status = CacheStatus::fwd(fwd).detail(problem.error);
        answer.headers_mut().insert(CACHE_STATUS, status.value());
        self.metrics.request(Outcome::Forwarded(fwd), problem.status, &request.arrival);
        answer
    }

    fn unsatisfiable(&self, request: &RequestHead) -> Response {
        let mut answer = Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "http_request_denied",
            "nothing is stored that could answer, and the request says only-if-cached",
        )
        .response();
        let status = CacheStatus::own(Clause::OnlyIfCached.as_str());
        answer.headers_mut().insert(CACHE_STATUS, status.value());
        self.metrics.request(Outcome::Unsatisfiable, answer.status(), &request.arrival);
        answer
    }
}

fn count(number: NonZeroU32) -> usize {
    // A count of clients fits.
    usize::try_from(number.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}
