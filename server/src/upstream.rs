//! The way out: one [`Endpoint`] that puts a request to the upstream, and one
//! before it that keeps to the upstream's limits ([`Governed`]).
//!
//! Fields are made fit for the next hop, the answer's for the client, and a
//! failure is one of [`Failure`]'s kinds. Nothing here knows of the cache.

mod admission;
mod base;
mod client;
mod deadline;
mod governed;
pub mod governor;
pub mod held;
mod retried;
mod retry;
mod sharing;

use std::{error::Error, num::NonZeroU32, sync::Arc, time::Duration};

use http::{HeaderValue, Method, StatusCode, Version, header};
use http_body::Body as _;
use poem::{Endpoint, Request, Response, Result, web::RemoteAddr};
use tokio::time::Instant;

pub use self::{
    base::{Base, Upstream as Address},
    governed::{Bounds, Governed, Watch},
    retried::Retried,
};
use self::{
    client::{BoxBody, Client, Download, Progress, Used},
    deadline::Deadline,
};
use crate::{
    config::{AtMost, Fraction, Rate},
    exchange::{Failure, Fwd, trace::Trace},
    hop::{self, Forwarding},
    names::Names,
    telemetry::metrics::{Metrics, UpstreamOutcome},
};

/// Where the lunch API is.
const LUNCH_API: &str = "https://menu.dckube.scilifelab.se/api/";

/// The settings of the way to the upstream.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UpstreamConfig {
    /// Base URL of the upstream; `demo` for the built-in stand-in of the lunch API
    #[arg(
        long,
        env = "RELAY_UPSTREAM",
        value_name = "URL",
        default_value = LUNCH_API
    )]
    pub upstream: Address,

    /// How long it may take until an answer begins (its turn, the connection, the upstream, retries), and how long it may pause
    #[arg(long, env = "RELAY_UPSTREAM_TIMEOUT", value_name = "DURATION", default_value = "30s")]
    pub upstream_timeout: crate::config::Span,

    /// How long a connection to the upstream may take, TLS included
    #[arg(long, env = "RELAY_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "5s")]
    pub connect_timeout: crate::config::Span,

    /// Requests to the upstream in so much time, as 10/s, 60/m or `unlimited`; where it says less, that counts
    #[arg(long, env = "RELAY_UPSTREAM_RATE", value_name = "RATE", default_value = "10/s")]
    pub upstream_rate: AtMost<Rate>,

    /// Requests to the upstream at once, where there were few before
    #[arg(long, env = "RELAY_UPSTREAM_BURST", value_name = "REQUESTS", default_value = "20")]
    pub upstream_burst: AtMost<NonZeroU32>,

    /// Requests to the upstream under way at a time, until their answers have ended; half for what goes at its client's pace
    #[arg(long, env = "RELAY_UPSTREAM_CONCURRENCY", value_name = "REQUESTS", default_value = "8")]
    pub upstream_concurrency: AtMost<NonZeroU32>,

    /// How much of --upstream-rate, --upstream-burst and --upstream-concurrency is this relay's own, as 1/3 or 0.25, while it does not share them through --shared
    #[arg(long, env = "RELAY_UPSTREAM_SHARE", value_name = "FRACTION", default_value = "1")]
    pub upstream_share: Fraction,

    /// How often a request is put to the upstream anew that found no connection or lost it; only what may be repeated, in all a tenth more requests; 0 = never
    #[arg(
        long,
        env = "RELAY_UPSTREAM_RETRIES",
        value_name = "N",
        default_value = "2",
        value_parser = clap::value_parser!(u32).range(..=10)
    )]
    pub upstream_retries: u32,

    /// Tell the upstream who asks (`Forwarded`, `X-Forwarded-*`), but for what is fetched for everyone; what a client claims is never passed on
    #[arg(long, env = "RELAY_FORWARDED")]
    pub forwarded: bool,
}

impl UpstreamConfig {
    /// Whether the upstream is the lunch API or its stand-in.
    pub fn is_lunch_api(&self) -> bool {
        match &self.upstream {
            Address::Demo => true,
            Address::At(base) => base.to_string() == LUNCH_API,
        }
    }
}

/// The upstream.
#[derive(Debug)]
pub struct Upstream {
    base: Base,
    client: Client,
    timeout: Duration,
    /// What of its paths cannot be asked for by their own names.
    names: Names,
    announce: Announce,
    metrics: Arc<Metrics>,
}

/// Whether the upstream is told who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announce {
    Client,
    Nobody,
}

impl Upstream {
    /// The upstream at `base`.
    ///
    /// Fails where the system's certificates are needed and cannot be read.
    pub fn new(
        base: Base,
        names: Names,
        config: &UpstreamConfig,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Upstream> {
        Ok(Upstream {
            client: client::client(&base, config.connect_timeout.into())?,
            base,
            timeout: config.upstream_timeout.into(),
            names,
            announce: if config.forwarded { Announce::Client } else { Announce::Nobody },
            metrics,
        })
    }

    async fn exchange(&self, mut request: Request) -> Result<Response, Failure> {
        let deadline = Deadline::of(&mut request, self.timeout);
        let fwd = reason(&request);
        let trace = request.extensions().get::<Arc<Trace>>().cloned();
        let request = self.outgoing(request, trace.as_deref())?;
        let is_head = request.method() == Method::HEAD;

        let sent_at = Instant::now();
        let answer = match Self::spare_copy(&request) {
            None => self.send_watched(request, deadline).await?,
            Some(again) => match self.send(request, deadline).await {
                Ok(answer) => answer,
                Err(error) if was_closed_while_idle(&error) => {
                    self.metrics.upstream(UpstreamOutcome::Retried, fwd);
                    self.send(again, deadline).await.map_err(|error| failure(&error, deadline))?
                }
                Err(error) => return Err(failure(&error, deadline)),
            },
        };
        let took = sent_at.elapsed();
        self.metrics.upstream_took(took);
        if let Some(trace) = &trace {
            trace.upstream_took(took);
        }
        // No request of ours asks for another protocol (RFC 9110 §7.8).
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Broken("it switched protocols unasked".to_owned()));
        }
        self.metrics.upstream(UpstreamOutcome::of(answer.status()), fwd);
        Ok(self.incoming(answer, is_head))
    }

    /// The request as it goes over the wire.
    fn outgoing(
        &self,
        request: Request,
        trace: Option<&Trace>,
    ) -> Result<http::Request<BoxBody>, Failure> {
        let client = client_ip(request.remote_addr());
        let forwarding = client
            .filter(|_| self.announce == Announce::Client)
            .map(|client| Forwarding { client, scheme: request.scheme().clone() });
        let mut request: http::Request<BoxBody> = request.into();
        let version = std::mem::replace(request.version_mut(), Version::HTTP_11);
        hop::to_upstream(request.headers_mut(), version, forwarding.as_ref());
        if let Some(trace) = trace {
            trace.write(request.headers_mut());
        }
        // hyper leaves a body of unknown length out of a GET that does not announce it.
        if !request.body().is_end_stream() && request.body().size_hint().exact().is_none() {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
        }
        *request.uri_mut() = self
            .base
            .join(request.uri())
            .map_err(|error| Failure::Broken(format!("the target cannot be sent: {error}")))?;
        Ok(request)
    }

    /// A copy to send again, of a request that may be repeated without harm
    /// (RFC 9110 §9.2.2) and has no body that would be gone.
    fn spare_copy(request: &http::Request<BoxBody>) -> Option<http::Request<BoxBody>> {
        if !request.method().is_idempotent() || !request.body().is_end_stream() {
            return None;
        }
        let mut copy = http::Request::new(poem::Body::empty().into());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        Some(copy)
    }

    async fn send(
        &self,
        request: http::Request<BoxBody>,
        deadline: Deadline,
    ) -> Result<http::Response<hyper::body::Incoming>, SendError> {
        match tokio::time::timeout_at(deadline.at(), self.client.request(request)).await {
            Ok(answer) => answer.map_err(SendError::Client),
            Err(_) => Err(SendError::TimedOut),
        }
    }

    /// Sends a request with a body: while the body moves, the deadline moves
    /// with it.
    async fn send_watched(
        &self,
        request: http::Request<BoxBody>,
        deadline: Deadline,
    ) -> Result<http::Response<hyper::body::Incoming>, Failure> {
        let mut until = deadline.at();
        let progress = Progress::default();
        let request = request.map(|body| progress.watch(body));
        let answer = self.client.request(request);
        tokio::pin!(answer);
        loop {
            match tokio::time::timeout_at(until, &mut answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(_)) if progress.is_broken() => {
                    return Err(Failure::RequestBroken(
                        "the client did not send what it announced".to_owned(),
                    ));
                }
                Ok(Err(error)) => return Err(failure(&SendError::Client(error), deadline)),
                Err(_) => {
                    let later = progress.moved_at().map(|moved_at| moved_at + self.timeout);
                    until = later.filter(|later| until < *later).ok_or(deadline.failure())?;
                }
            }
        }
    }

    /// The answer as it goes to the client.
    fn incoming(&self, answer: http::Response<hyper::body::Incoming>, is_head: bool) -> Response {
        let (mut parts, body) = answer.into_parts();
        if let Some(used) = parts.extensions.get::<Used>() {
            used.note();
        }
        hop::from_upstream(&mut parts.headers, parts.version);
        self.localize(&mut parts.headers, header::LOCATION);
        self.localize(&mut parts.headers, header::CONTENT_LOCATION);
        let body: BoxBody = if is_head || body.is_end_stream() {
            poem::Body::empty().into()
        } else {
            BoxBody::new(Download::new(body, self.timeout, self.metrics.received().clone()))
        };
        let mut response = Response::builder().status(parts.status).body(body);
        if let Some(phrase) = parts.extensions.remove::<hyper::ext::ReasonPhrase>() {
            response.extensions_mut().insert(phrase);
        }
        *response.headers_mut() = parts.headers;
        response
    }

    /// Makes a URI that points into the upstream's base one of the relay's own.
    fn localize(&self, headers: &mut http::HeaderMap, name: header::HeaderName) {
        let location = headers.get(&name).map(HeaderValue::as_bytes).map(str::from_utf8);
        let Some(Ok(location)) = location else { return };
        if let Some(own) = hop::own_location(location, self.base.authority(), self.base.path()) {
            let own = if self.names.hide(&own) || names_a_host(&own) {
                format!("/relay_anything{own}")
            } else {
                own
            };
            if let Ok(value) = HeaderValue::from_bytes(own.as_bytes()) {
                headers.insert(name, value);
            }
        }
    }
}

impl Endpoint for Upstream {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let fwd = reason(&request);
        self.exchange(request).await.map_err(|failure| {
            self.metrics.upstream(UpstreamOutcome::failed(&failure), fwd);
            tracing::debug!(%failure, "upstream exchange failed");
            failure.into()
        })
    }
}

/// Why a request goes forward; what no cache has looked at has bypassed it.
fn reason(request: &Request) -> Fwd {
    request.extensions().get().copied().unwrap_or(Fwd::Bypass)
}

/// How sending fails.
enum SendError {
    TimedOut,
    Client(hyper_util::client::legacy::Error),
}

/// The kind of failure that an error is.
fn failure(error: &SendError, deadline: Deadline) -> Failure {
    let SendError::Client(error) = error else { return deadline.failure() };
    let cause = root_cause(error);
    if let Some(timed_out) = cause.downcast_ref::<client::ConnectTimedOut>() {
        Failure::ConnectTimedOut(humantime::format_duration(timed_out.0).to_string())
    } else if error.is_connect() {
        Failure::Unreachable(cause.to_string())
    } else if is_end_of_connection(cause) {
        Failure::Closed(cause.to_string())
    } else {
        Failure::Broken(cause.to_string())
    }
}

/// Whether an exchange failed because its connection ended.
fn is_end_of_connection(cause: &(dyn Error + 'static)) -> bool {
    let is_end = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled();
    let is_io = |error: &std::io::Error| error.kind() != std::io::ErrorKind::InvalidData;
    cause.downcast_ref().is_some_and(is_end) || cause.downcast_ref().is_some_and(is_io)
}

/// Whether the connection had served before and was closed under this
/// request: servers end idle connections when they like (RFC 9112 §9.3.1).
fn was_closed_while_idle(error: &SendError) -> bool {
    let SendError::Client(error) = error else { return false };
    let mut extensions = http::Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extensions);
    }
    extensions.get::<Used>().is_some_and(Used::is_noted)
}

/// Whether a client would take a path for `//HOST/…` (RFC 3986 §4.2).
fn names_a_host(path: &str) -> bool {
    path.starts_with("//")
}

fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

fn client_ip(remote: &RemoteAddr) -> Option<std::net::IpAddr> {
    remote.as_socket_addr().map(|address| address.ip().to_canonical())
}
