//! The words that the cache and the upstream share: a request's head, what a
//! request is for, and how an exchange with the upstream can fail; [`tier`] and
//! [`budget`] have those that they share with the shared tier, [`ending`] those
//! of purges.

mod arrival;
pub mod budget;
pub mod ending;
mod fwd;
pub mod tier;
pub mod trace;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, uri::Scheme};
use poem::{
    Body, Request, RequestParts, Response,
    error::ResponseError,
    web::{LocalAddr, RemoteAddr},
};
use tokio::time::Instant;

use self::trace::Trace;
pub use self::{arrival::Arrival, fwd::Fwd};
use crate::{
    problem::Problem,
    target::{Refused, Target},
};

/// A request without its body.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The canonical target: what is asked of the upstream, and the cache key.
    pub target: Target,
    /// The version that the client speaks.
    pub version: Version,
    /// The fields, as the client sent them.
    pub headers: HeaderMap,
    /// Who asks.
    pub remote: RemoteAddr,
    /// When it came.
    pub arrival: Arrival,
}

impl RequestHead {
    /// The head of a request whose target has been made canonical.
    pub fn new(
        parts: RequestParts,
        (remote, scheme): (RemoteAddr, Scheme),
        target: Target,
    ) -> RequestHead {
        let RequestParts { method, version, headers, extensions, .. } = parts;
        let arrival = Arrival::of(&extensions, scheme);
        RequestHead { method, target, version, headers, remote, arrival }
    }

    /// The authority that the client asked, as it sent it.
    pub fn authority(&self) -> Option<&str> {
        self.headers.get(header::HOST)?.to_str().ok()
    }

    /// Splits a request that comes from inside, its target not yet checked.
    pub fn split(request: Request) -> Result<(RequestHead, Body), Refused> {
        let target = Target::of(request.uri())?;
        let from = (request.remote_addr().clone(), request.scheme().clone());
        let (parts, body) = request.into_parts();
        Ok((RequestHead::new(parts, from, target), body))
    }

    /// The request for the upstream's endpoint.
    pub fn into_request(self, body: Body) -> Request {
        let mut request = http::Request::new(());
        *request.uri_mut() = self.target.path_and_query().clone().into();
        let (mut parts, ()) = request.into_parts();
        parts.method = self.method;
        parts.version = self.version;
        parts.headers = self.headers;
        let scheme = self.arrival.scheme;
        Request::from_parts((parts, LocalAddr::default(), self.remote, scheme).into(), body)
    }
}

/// What a request to the upstream is for; an extension of the request.
///
/// The governor lets clients go before refreshes, and gives what passes through
/// a cap of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A client waits for an answer that may be stored.
    #[default]
    Client,
    /// A client waits for an answer that is its own, and takes it at its own
    /// pace.
    PassThrough,
    /// Nobody waits: what is stored is fetched anew.
    Refresh,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 3] = [Purpose::Client, Purpose::PassThrough, Purpose::Refresh];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Client => "client",
            Purpose::PassThrough => "pass-through",
            Purpose::Refresh => "refresh",
        }
    }
}

/// The client that had a request made which names nobody; an extension of the
/// request.
///
/// The governor is fair over clients. It does not go upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker(pub IpAddr);

/// When the wait for an answer began that a request is to bring; an extension
/// of the request.
///
/// `--upstream-timeout` counts from then, whatever the way to the answer is. A
/// request without one begins where the upstream's endpoint gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(pub Instant);

impl Since {
    /// From now on.
    pub fn now() -> Since {
        Since(Instant::now())
    }
}

/// When the request was sent that brought an answer; an extension of the answer.
///
/// The wait for its turn makes no answer older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentAt(pub SystemTime);

/// A bound of the way to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The rate.
    Rate,
    /// Requests under way.
    Concurrency,
    /// Requests under way that go at their client's pace.
    PassThrough,
    /// Requests that wait.
    Queue,
    /// What the upstream says is left.
    Quota,
    /// The time until which the upstream asked to be left alone.
    Hold,
    /// The circuit breaker.
    Breaker,
    /// The operator's hold.
    ByHand,
    /// Clients that wait for answers that are being fetched.
    Waiters,
    /// Clients that wait for one answer.
    WaitersOfKey,
}

impl Bound {
    /// All of them.
    pub const ALL: [Bound; 10] = [
        Bound::Rate,
        Bound::Concurrency,
        Bound::PassThrough,
        Bound::Queue,
        Bound::Quota,
        Bound::Hold,
        Bound::Breaker,
        Bound::ByHand,
        Bound::Waiters,
        Bound::WaitersOfKey,
    ];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Bound::Rate => "rate",
            Bound::Concurrency => "concurrency",
            Bound::PassThrough => "pass-through",
            Bound::Queue => "queue",
            Bound::Quota => "quota",
            Bound::Hold => "hold",
            Bound::Breaker => "breaker",
            Bound::ByHand => "by-hand",
            Bound::Waiters => "waiters",
            Bound::WaitersOfKey => "waiters-per-key",
        }
    }

    /// What was reached, and what sets it.
    fn detail(self) -> &'static str {
        match self {
            Bound::Rate => {
                "its turn would not come within --upstream-timeout at the rate at which the upstream is asked: see --upstream-rate and --upstream-burst"
            }
            Bound::Concurrency => {
                "as many requests are under way as the upstream is given at a time: see --upstream-concurrency"
            }
            Bound::PassThrough => {
                "half of --upstream-concurrency is taken by requests that go at their clients' pace"
            }
            Bound::Queue => {
                "as many requests are waiting for the upstream as may: see --upstream-rate and --upstream-concurrency"
            }
            Bound::Quota => {
                "the upstream says that no requests are left until then (RateLimit); no flag changes that"
            }
            Bound::Hold => {
                "the upstream asked not to be called until then (429 or Retry-After); no flag changes that, a lower --upstream-rate avoids it"
            }
            Bound::Breaker => {
                "the upstream keeps failing and is probed every few seconds; no flag changes that, see --upstream for its address"
            }
            Bound::ByHand => {
                "the operator has the upstream left alone until then; /v1/upstream on the operator's listener (--admin-listen) says why"
            }
            Bound::Waiters => {
                "as many clients wait for answers of the upstream as may: see --max-waiters"
            }
            Bound::WaitersOfKey => {
                "as many clients wait for this answer of the upstream as may: see --max-waiters-per-key"
            }
        }
    }

    /// The proxy error type (RFC 9209 §2.3).
    fn error(self) -> &'static str {
        match self {
            Bound::Concurrency | Bound::PassThrough => "connection_limit_reached",
            Bound::Rate | Bound::Queue | Bound::Waiters | Bound::WaitersOfKey => {
                "http_request_denied"
            }
            Bound::Quota | Bound::Hold | Bound::Breaker | Bound::ByHand => {
                "destination_unavailable"
            }
        }
    }
}

/// On whose behalf the upstream is asked, and what for.
#[derive(Clone, Debug)]
pub struct Errand {
    /// What the request is for.
    pub purpose: Purpose,
    /// Why it goes forward.
    pub fwd: Fwd,
    /// Who asks, where the request itself names nobody.
    pub asker: Option<Asker>,
    /// When the wait for its answer began.
    pub since: Since,
    /// The span of the client's request, where there is one.
    pub trace: Option<Arc<Trace>>,
}

impl Errand {
    /// The errand of a client's own request.
    pub fn of(request: &RequestHead, purpose: Purpose, fwd: Fwd, since: Since) -> Errand {
        let address = request.remote.as_socket_addr();
        let asker = address.map(|address| Asker(address.ip().to_canonical()));
        Errand { purpose, fwd, asker, since, trace: request.arrival.trace.clone() }
    }

    /// Makes the request say it.
    pub fn note(&self, request: &mut Request) {
        request.extensions_mut().insert(self.purpose);
        request.extensions_mut().insert(self.fwd);
        request.extensions_mut().insert(self.since);
        if let Some(asker) = self.asker {
            request.extensions_mut().insert(asker);
        }
        if let Some(trace) = &self.trace {
            request.extensions_mut().insert(Arc::clone(trace));
        }
    }
}

/// How an exchange with the upstream fails before it has an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection could be made.
    #[error("no connection to the upstream: {0}")]
    Unreachable(String),
    /// The connection was not made in time.
    #[error("no connection to the upstream within {0}: see --connect-timeout")]
    ConnectTimedOut(String),
    /// The answer did not begin in time.
    #[error(
        "the upstream's answer did not begin within {0} of the request: see --upstream-timeout"
    )]
    TimedOut(String),
    /// The connection ended before an answer's head had come.
    #[error("the upstream closed the connection before it answered: {0}")]
    Closed(String),
    /// What came is not HTTP, or nothing could be sent.
    #[error("the upstream broke the exchange off: {0}")]
    Broken(String),
    /// The client's own request body broke off.
    #[error("the request's body broke off: {0}")]
    RequestBroken(String),
    /// The request has been here before (RFC 8586).
    #[error(
        "the request has already passed this relay: the upstream's address leads back here, see --upstream"
    )]
    Loop,
    /// The upstream was not asked: a bound was reached.
    #[error("the upstream was not asked: {}", bound.detail())]
    Shed {
        /// Which.
        bound: Bound,
        /// How long until a request like this one may go.
        retry_after: Duration,
    },
    /// The relay's own work on the exchange ended without a result.
    #[error("the relay dropped the exchange; the log says why")]
    Abandoned,
}

impl Failure {
    /// What the client is told.
    pub fn problem(&self) -> Problem {
        let (status, error) = match self {
            Failure::Unreachable(_) => (StatusCode::BAD_GATEWAY, "destination_unavailable"),
            Failure::ConnectTimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "connection_timeout"),
            Failure::TimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "http_response_timeout"),
            Failure::Closed(_) | Failure::Broken(_) => {
                (StatusCode::BAD_GATEWAY, "http_response_incomplete")
            }
            Failure::RequestBroken(_) => (StatusCode::BAD_REQUEST, "http_request_error"),
            Failure::Loop => (StatusCode::LOOP_DETECTED, "proxy_loop_detected"),
            Failure::Shed { bound, .. } => (StatusCode::SERVICE_UNAVAILABLE, bound.error()),
            Failure::Abandoned => (StatusCode::INTERNAL_SERVER_ERROR, "proxy_internal_error"),
        };
        let mut problem = Problem::new(status, error, self.to_string());
        if let Failure::Shed { retry_after, .. } = self {
            // Whole seconds, rounded up: who comes back then is not too early.
            let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() != 0);
            problem.field = Some((header::RETRY_AFTER, HeaderValue::from(seconds.max(1))));
        }
        problem
    }

    /// Whether it tells of the upstream, and not of a request or of the relay.
    pub fn is_upstreams(&self) -> bool {
        match self {
            Failure::Unreachable(_)
            | Failure::ConnectTimedOut(_)
            | Failure::TimedOut(_)
            | Failure::Closed(_)
            | Failure::Broken(_) => true,
            Failure::RequestBroken(_)
            | Failure::Loop
            | Failure::Shed { .. }
            | Failure::Abandoned => false,
        }
    }

    /// The failure that an upstream endpoint's error stands for.
    pub fn of(error: poem::Error) -> Failure {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(other) => Failure::Broken(other.to_string()),
        }
    }
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        self.problem().status
    }

    fn as_response(&self) -> Response {
        self.problem().response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_shed_is_told_when_to_come_back_and_what_was_reached() {
        let check = |millis, seconds: &str| {
            let retry_after = Duration::from_millis(millis);
            let answer = Failure::Shed { bound: Bound::Rate, retry_after }.as_response();
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.header("retry-after"), Some(seconds));
        };
        check(0, "1");
        check(1000, "1");
        check(1001, "2");
        check(59_999, "60");

        for bound in Bound::ALL {
            let shed = Failure::Shed { bound, retry_after: Duration::ZERO };
            let answer = shed.as_response();
            let status = format!("lunch-relay; error={}", bound.error());
            assert_eq!(answer.header("proxy-status"), Some(&*status));
            let body = answer.into_body().into_string().await.unwrap();
            assert!(body.contains(bound.detail()), "{body}");
            // What no flag sets says so.
            assert!(body.contains("--") || body.contains("no flag"), "{body}");
        }
    }
}
