//! The cache: look up, decide, reuse or fill.
//!
//! Deciding is pure ([`policy`]); what is stored is plain data ([`stored`]);
//! the only shared state is the store and the fills under way. The upstream is
//! any poem [`Endpoint`](poem::Endpoint): the real one, or a closure in a test.

pub mod collapse;
pub mod conditions;
pub mod directives;
pub mod etag;
pub mod fill;
pub mod freshness;
pub mod key;
pub mod policy;
pub mod range;
pub mod rules;
pub mod status;
pub mod store;
pub mod stored;
pub mod uncacheable;
pub mod vary;

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, Entry},
};
use http_body_util::{BodyExt, combinators::BoxBody};
use poem::{Body, Response, endpoint::BoxEndpoint, web::RemoteAddr};
use tokio::sync::oneshot;

use self::{
    collapse::{Flights, Joined, Leave},
    fill::{Fill, Landing, Pool, Reader, Writer, Written},
    freshness::Defaults,
    key::CacheKey,
    policy::{Decision, NotStored, Sharing, Storable, decide, invalidates, storable},
    rules::{ClientDirectives, NegativeTtl, Pattern, Rule, RuleName},
    status::{CACHE_STATUS, Fwd, Outcome, Storing},
    store::{Insertion, Lookup, Store},
    stored::{Prepared, StoredResponse},
    uncacheable::Uncacheable,
    vary::Selecting,
};
use crate::{
    clock::Clock,
    config::Span,
    exchange::{Failure, RequestHead},
    problem::Problem,
    telemetry::metrics::{Metrics, StoreFigures},
};

/// The settings of the cache.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CacheConfig {
    /// Freshness of a 200, 203, 300, 301 or 308 that says nothing of its own; `0s` = strictly RFC 9111
    #[arg(long, env = "RELAY_DEFAULT_TTL", value_name = "DURATION", default_value = "10m")]
    pub default_ttl: crate::config::Span,

    /// Freshness of a 404, 405 or 410 that says nothing of its own
    #[arg(long, env = "RELAY_NEGATIVE_TTL", value_name = "DURATION", default_value = "10s")]
    pub negative_ttl: crate::config::Span,

    /// How long a stale answer may serve while it is fetched anew, where it does not say [default: 1h; 0s with a default TTL of 0s]
    #[arg(long, env = "RELAY_STALE_WHILE_REVALIDATE", value_name = "DURATION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_while_revalidate: Option<crate::config::Span>,

    /// How long a stale answer may stand in for an error, where it does not say
    #[arg(long, env = "RELAY_STALE_IF_ERROR", value_name = "DURATION", default_value = "24h")]
    pub stale_if_error: crate::config::Span,

    /// Whether a client's `no-cache`, `max-age` and `min-fresh` may force a request upstream
    #[arg(
        long,
        env = "RELAY_CLIENT_DIRECTIVES",
        value_name = "WHETHER",
        value_enum,
        default_value = "ignore"
    )]
    pub client_directives: ClientDirectives,

    /// Whether a hit whose response has no validator gets an `ETag` over its body
    #[arg(long, env = "RELAY_ADD_ETAG", value_name = "WHEN", value_enum, default_value = "hits")]
    pub add_etag: AddEtag,

    /// Say the cache key in `Cache-Status`
    #[arg(long, env = "RELAY_CACHE_STATUS_KEY")]
    pub cache_status_key: bool,

    /// Memory for responses, metadata included: 7/8 for stored ones, 1/8 for those on their way
    #[arg(long, env = "RELAY_CACHE_SIZE", value_name = "SIZE", default_value = "256MiB")]
    pub cache_size: crate::config::Size,

    /// Larger responses are streamed, never stored; at most an eighth of the cache size counts
    #[arg(long, env = "RELAY_MAX_OBJECT_SIZE", value_name = "SIZE", default_value = "8MiB")]
    pub max_object_size: crate::config::Size,
}

/// Which answers get an entity tag of the relay's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddEtag {
    /// On hits whose response has no validator
    Hits,
    /// On no answer
    Never,
}

impl CacheConfig {
    /// What counts where no rule says anything.
    pub fn fallback_rule(&self) -> Rule {
        Rule {
            name: RuleName::Flags,
            path: Pattern::any(),
            ttl: self.default_ttl.into(),
            negative_ttl: NegativeTtl::new(self.negative_ttl.into()),
            stale_while_revalidate: self.stale_while_revalidate().into(),
            stale_if_error: self.stale_if_error.into(),
            client_directives: self.client_directives,
            ..Rule::default()
        }
    }

    /// Writes down what is in force where a default depends on something else.
    pub(crate) fn settle(&mut self) {
        self.stale_while_revalidate = Some(self.stale_while_revalidate());
    }

    /// Who asks for RFC 9111 to the letter gets no stale answer unasked.
    fn stale_while_revalidate(&self) -> Span {
        let is_strict = Duration::from(self.default_ttl).is_zero();
        let default = if is_strict { Span::ZERO } else { Span::HOUR };
        self.stale_while_revalidate.unwrap_or(default)
    }
}

/// A shared HTTP cache (RFC 9111) in front of one upstream.
pub struct Cache {
    clock: Clock,
    upstream: BoxEndpoint<'static, Response>,
    store: Arc<Store>,
    flights: Flights<CacheKey, Flight>,
    uncacheable: Uncacheable,
    fills: Arc<Pool>,
    max_object_size: usize,
    defaults: Defaults,
    metrics: Arc<Metrics>,
}

/// An answer that is there, or on its way.
pub type Answer<'a> = Either<Ready<Response>, BoxFuture<'a, Response>>;

type Flight = Fill<Arc<SharedHead>, Failure>;

/// The head of an answer that a fill shares.
#[derive(Debug)]
struct SharedHead {
    status: StatusCode,
    headers: HeaderMap,
    selecting: Selecting,
}

/// Who asks for an answer that is being fetched.
#[derive(Debug)]
enum Role {
    /// The one whose request went to the upstream; it gets what is not for others.
    Leader(oneshot::Receiver<Response>),
    Follower,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Cache {
    /// An empty cache in front of `upstream`.
    pub fn new(
        config: &CacheConfig,
        clock: Clock,
        upstream: BoxEndpoint<'static, Response>,
        metrics: Arc<Metrics>,
    ) -> Arc<Cache> {
        let size = config.cache_size.bytes();
        let in_flight = size / 8;
        let max_object_size = config.max_object_size.bytes().min(in_flight);
        Arc::new(Cache {
            clock,
            upstream,
            store: Arc::new(Store::new(size - in_flight, max_object_size)),
            flights: Flights::default(),
            uncacheable: Uncacheable::default(),
            fills: Pool::new(in_flight),
            max_object_size,
            defaults: Defaults {
                ttl: config.default_ttl.into(),
                negative_ttl: config.negative_ttl.into(),
            },
            metrics,
        })
    }

    /// Answers a request: from the store, or through the upstream.
    ///
    /// What is stored is answered at once; only the way to the upstream is a
    /// future with a state to keep.
    pub fn answer(self: &Arc<Self>, request: RequestHead, body: Body) -> Answer<'_> {
        let now = self.clock.now();
        let key = CacheKey::of(&request.target);
        let lookup = self.store.lookup(&key, &request.headers);
        match decide(&request, lookup, now) {
            Decision::Reuse(stored) => Either::Left(ready(self.hit(&stored, &request, now))),
            Decision::Unsatisfiable => Either::Left(ready(self.unsatisfiable())),
            Decision::Forward(fwd, Sharing::Fill) if !self.uncacheable.contains(&key, now) => {
                Either::Right(Box::pin(self.share(key, request, fwd)))
            }
            Decision::Forward(fwd, _) => Either::Right(Box::pin(self.pass(request, body, fwd))),
        }
    }

    /// What the cache holds.
    pub fn figures(&self) -> StoreFigures {
        StoreFigures {
            in_flight: self.fills.used() as u64,
            cut_off: self.fills.cut_off(),
            ..self.store.figures()
        }
    }

    /// Keeps the store in order, for ever.
    pub async fn maintain(self: Arc<Self>) {
        Arc::clone(&self.store).maintain(self.clock.clone()).await;
    }

    /// Puts a request to the upstream for its client alone.
    async fn pass(&self, request: RequestHead, body: Body, fwd: Fwd) -> Response {
        let (method, key) = (request.method.clone(), CacheKey::of(&request.target));
        match self.upstream.call(request.into_request(body)).await {
            Ok(answer) => {
                if invalidates(&method, answer.status()) {
                    self.store.purge(&key);
                }
                self.private(answer, fwd)
            }
            Err(error) => self.failed(&Failure::of(error), fwd),
        }
    }

    /// Answers from a fill: one that is under way, or a new one.
    async fn share(self: &Arc<Self>, key: CacheKey, request: RequestHead, fwd: Fwd) -> Response {
        // Since the lookup another fill may have ended. It has stored its answer before it
        // freed the key, so whoever finds neither begins the only fill.
        let begin = || {
            let now = self.clock.now();
            match self.store.lookup(&key, &request.headers) {
                Lookup::Found(stored) if stored.is_fresh(now) => Err((stored, now)),
                _ => Ok(Fill::new(&self.fills, self.max_object_size)),
            }
        };
        let (flight, role) = match self.flights.join(&key, begin) {
            Err((stored, now)) => return self.hit(&stored, &request, now),
            Ok(Joined::Following(flight)) => (flight, Role::Follower),
            Ok(Joined::Leading(flight, leave)) => {
                let (private, role) = oneshot::channel();
                let writer = Arc::clone(&flight).write();
                // The reader is there before the writer begins.
                let reader = flight.read();
                let asked = for_everyone(request.clone());
                let fill = Arc::clone(self).fill(key, asked, writer, private, leave);
                tokio::spawn(fill);
                return self.follow(reader, Role::Leader(role), request, fwd).await;
            }
        };
        self.follow(flight.read(), role, request, fwd).await
    }

    /// Answers with what a fill brings, or alone where that is not for this request.
    async fn follow(
        &self,
        reader: Option<Reader<Arc<SharedHead>, Failure>>,
        role: Role,
        request: RequestHead,
        fwd: Fwd,
    ) -> Response {
        let Some(reader) = reader else { return self.pass(request, Body::empty(), fwd).await };
        match (reader.landing().await, role) {
            (Some(Landing::Shared(head)), Role::Leader(_)) => {
                let status = status::forwarded(fwd, Storing::Stored);
                self.shared(&head, reader, status, Outcome::Forwarded(fwd))
            }
            (Some(Landing::Shared(head)), Role::Follower)
                if head.selecting.selects(&request.headers) =>
            {
                self.shared(&head, reader, status::collapsed(fwd), Outcome::Collapsed)
            }
            (Some(Landing::Private), Role::Leader(mut answer)) => match answer.try_recv() {
                Ok(answer) => self.private(answer, fwd),
                Err(_) => self.failed(&Failure::Abandoned, fwd),
            },
            (Some(Landing::Shared(_) | Landing::Private), Role::Follower) => {
                drop(reader);
                self.pass(request, Body::empty(), fwd).await
            }
            (Some(Landing::Failed(failure)), _) => self.failed(&failure, fwd),
            (None, _) => self.failed(&Failure::Abandoned, fwd),
        }
    }

    /// A fill, from its request to its place in the store: a task of its own,
    /// so that no client's leaving ends it.
    async fn fill(
        self: Arc<Self>,
        key: CacheKey,
        request: RequestHead,
        writer: Writer<Arc<SharedHead>, Failure>,
        private: oneshot::Sender<Response>,
        leave: Leave<CacheKey, Flight>,
    ) {
        let _counted = self.metrics.flight_begun();
        let request_time = self.clock.now();
        let answer = self.upstream.call(request.clone().into_request(Body::empty())).await;
        let response_time = self.clock.now();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return writer.land(Landing::Failed(Failure::of(error))),
        };

        let verdict =
            storable(&request, answer.status(), answer.headers(), &self.defaults, response_time);
        let Storable { lifetime, selecting } = match verdict {
            Ok(storable) => storable,
            Err(reason) => {
                // What is for this client, or of this moment, says nothing of the key.
                if reason != NotStored::Cookie && !is_of_the_moment(answer.status()) {
                    self.uncacheable.note(&key, response_time);
                }
                return hand_over(answer, private, &writer);
            }
        };
        if self.max_object_size < content_length(answer.headers()).unwrap_or_default() {
            self.uncacheable.note(&key, response_time);
            return hand_over(answer, private, &writer);
        }

        let (mut parts, body) = answer.into_parts();
        // A response is passed on with the date of its arrival where it has none (RFC 9110
        // §6.6.1): without, each answer from the store would seem to be made anew.
        if let Entry::Vacant(date) = parts.headers.entry(header::DATE)
            && let Ok(now) = HeaderValue::try_from(httpdate::fmt_http_date(response_time))
        {
            date.insert(now);
        }
        let head = Arc::new(SharedHead {
            status: parts.status,
            headers: parts.headers,
            selecting: selecting.clone(),
        });
        writer.land(Landing::Shared(Arc::clone(&head)));

        let mut body: BoxBody<Bytes, io::Error> = body.into();
        let mut leave = Some(leave);
        let mut trailers = None;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            // Dropped before its end, the writer breaks the fill off.
            let Ok(frame) = frame else { return };
            match frame.into_data() {
                Ok(bytes) => {
                    length += bytes.len();
                    match writer.write(bytes).await {
                        Written::Kept => {}
                        Written::Passing => drop(leave.take()),
                        Written::Deserted => return,
                    }
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        // A lack of memory is of the moment, too great a length is the key's.
        if self.max_object_size < length {
            self.uncacheable.note(&key, self.clock.now());
        }
        // Stored before the fill ends and its key is free: who comes later finds it.
        if let Some(pieces) = writer.whole() {
            let body = joined(pieces);
            let response = StoredResponse {
                status: head.status,
                fields: lines(&head.headers),
                selecting,
                request_time,
                response_time,
                body,
            };
            self.keep(key, response, lifetime.duration());
        }
        writer.finish(trailers);
    }

    fn keep(&self, key: CacheKey, response: StoredResponse, lifetime: Duration) {
        if self.store.insert(key, response, lifetime) == Insertion::Refused {
            self.metrics.not_admitted();
        }
    }

    fn hit(&self, stored: &Prepared, request: &RequestHead, now: SystemTime) -> Response {
        let answer = stored.answer(&request.method, now);
        self.metrics.request(Outcome::Hit, answer.status());
        answer
    }

    /// The upstream's answer for one client.
    fn private(&self, mut answer: Response, fwd: Fwd) -> Response {
        let status = status::forwarded(fwd, Storing::NotStored);
        answer.headers_mut().append(CACHE_STATUS, status);
        self.metrics.request(Outcome::Forwarded(fwd), answer.status());
        answer
    }

    /// The upstream's answer for everyone, as it arrives.
    fn shared(
        &self,
        head: &SharedHead,
        body: Reader<Arc<SharedHead>, Failure>,
        status: HeaderValue,
        outcome: Outcome,
    ) -> Response {
        let body: Body = BoxBody::new(body).into();
        let mut answer = Response::from(body);
        answer.set_status(head.status);
        *answer.headers_mut() = head.headers.clone();
        answer.headers_mut().append(CACHE_STATUS, status);
        self.metrics.request(outcome, head.status);
        answer
    }

    fn failed(&self, failure: &Failure, fwd: Fwd) -> Response {
        let problem = failure.problem();
        let mut answer = problem.response();
        answer.headers_mut().insert(CACHE_STATUS, status::failed(fwd, problem.error));
        self.metrics.request(Outcome::Forwarded(fwd), problem.status);
        answer
    }

    fn unsatisfiable(&self) -> Response {
        let mut answer = Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "http_request_denied",
            "nothing is stored that could answer, and the request says only-if-cached",
        )
        .response();
        answer.headers_mut().insert(CACHE_STATUS, status::own("only-if-cached"));
        self.metrics.request(Outcome::Unsatisfiable, answer.status());
        answer
    }
}

/// The request of a fill: what is fetched for everyone names nobody.
fn for_everyone(mut request: RequestHead) -> RequestHead {
    request.remote = RemoteAddr::default();
    request.headers.remove(header::HOST);
    request
}

/// Gives an answer that is for nobody else to the one whose request brought it.
fn hand_over(
    answer: Response,
    private: oneshot::Sender<Response>,
    writer: &Writer<Arc<SharedHead>, Failure>,
) {
    // A leader that has left does not need it any more.
    let _ = private.send(answer);
    writer.land(Landing::Private);
}

/// Whether a status tells of the upstream's state and not of the resource: the
/// next answer is likely to be another, which others may share.
fn is_of_the_moment(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn lines(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The pieces in one, in memory of their own: pieces of the network's buffers
/// would keep all of those.
fn joined(pieces: Vec<Bytes>) -> Bytes {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    whole.freeze()
}
