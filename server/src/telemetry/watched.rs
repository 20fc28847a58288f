//! An endpoint whose requests are logged and traced.
//!
//! Where nobody wants to know, a request passes untouched.

use std::{
    future::Future,
    io,
    panic::{AssertUnwindSafe, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::Either};
use http::{StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::{Endpoint, Request, Response, Result, web::RemoteAddr};
use tokio::time::Instant;
use tracing::Level;

use super::{
    access_log::{AccessLog, Ending, Line, Pace, TARGET},
    spans::{Span, Spans},
    tracer::Tracer,
};
use crate::{
    cache::status::CACHE_STATUS,
    clock::Clock,
    exchange::trace::{Sampling, Trace},
};

/// The target of the warnings of slow requests, as `--log` names it.
pub const SLOW: &str = "slow";

/// Who wants to know of requests.
#[derive(Debug)]
pub struct Watch {
    /// The access log.
    pub access_log: Option<AccessLog>,
    /// Answers that take as long as this to begin are warned of.
    pub slow: Option<Duration>,
    /// Makes the relay take part in traces.
    pub tracer: Option<Tracer>,
    /// Takes the spans of what is recorded.
    pub spans: Option<Spans>,
    /// Says when a request came.
    pub clock: Clock,
}

impl Watch {
    fn is_idle(&self) -> bool {
        !self.logs() && self.slow.is_none() && self.tracer.is_none()
    }

    /// Whether there is a log, and its target is listened to just now.
    fn logs(&self) -> bool {
        self.access_log.is_some() && tracing::enabled!(target: TARGET, Level::INFO)
    }

    /// Whether anybody is told of a request once its answer has been sent.
    fn follows(&self, trace: Option<&Trace>) -> bool {
        let is_recorded = |trace: &Trace| trace.sampling == Sampling::Sampled;
        self.logs() || (self.spans.is_some() && trace.is_some_and(is_recorded))
    }

    fn ended(&self, line: &Line, trace: Option<&Arc<Trace>>) {
        if let Some(log) = self.access_log.as_ref().filter(|_| self.logs()) {
            log.note(line);
        }
        if let Some(trace) = trace.filter(|trace| trace.sampling == Sampling::Sampled)
            && let Some(spans) = &self.spans
        {
            spans.tell(Span { trace: Arc::clone(trace), line: line.clone() });
        }
    }
}

/// An endpoint, watched.
#[derive(Debug)]
pub struct Watched<E> {
    endpoint: E,
    watch: Arc<Watch>,
}

impl<E> Watched<E> {
    /// Has an endpoint watched.
    pub fn new(endpoint: E, watch: Watch) -> Watched<E> {
        Watched { endpoint, watch: Arc::new(watch) }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Watched<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        if self.watch.is_idle() {
            Either::Left(self.endpoint.call(request))
        } else {
            Either::Right(Box::pin(self.watched(request)))
        }
    }
}

impl<E: Endpoint<Output = Response>> Watched<E> {
    async fn watched(&self, mut request: Request) -> Result<Response> {
        let begun = Instant::now();
        let trace = self.watch.tracer.as_ref().map(|tracer| tracer.begin(request.headers()));
        let mut line = self.line(&request, trace.as_deref());
        if let Some(trace) = &trace {
            request.extensions_mut().insert(Arc::clone(trace));
        }

        let answering = async { self.endpoint.call(request).await };
        let mut response = match AssertUnwindSafe(answering).catch_unwind().await {
            Ok(answered) => answered?,
            Err(panicked) => {
                // As the client will be told.
                line.status = StatusCode::INTERNAL_SERVER_ERROR;
                drop(Said { line, trace, begun, watch: Arc::clone(&self.watch) });
                resume_unwind(panicked)
            }
        };
        line.status = response.status();
        // The last is the relay's own: each cache on the way adds to the end.
        line.cache = response.headers().get_all(CACHE_STATUS).iter().next_back().cloned();
        line.first_byte = begun.elapsed();
        if self.watch.slow.is_some_and(|most| most <= line.first_byte) {
            line.pace = Pace::Slow;
            warn_of(&line);
        }
        if self.watch.follows(trace.as_deref()) {
            let body: BoxBody<Bytes, io::Error> = response.take_body().into();
            if body.is_end_stream() {
                line.ending = Ending::Complete;
            }
            let expected =
                response.header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
            let said = Said { line, trace, begun, watch: Arc::clone(&self.watch) };
            let body: poem::Body = BoxBody::new(Followed { body, expected, said }).into();
            response.set_body(body);
        }
        Ok(response)
    }

    /// What can be said of a request before it is answered.
    fn line(&self, request: &Request, trace: Option<&Trace>) -> Line {
        Line {
            at: self.watch.clock.now(),
            method: request.method().clone(),
            uri: request.uri().to_string(),
            version: request.version(),
            remote: canonical(request.remote_addr()),
            referer: request.headers().get(header::REFERER).cloned(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            trace: trace.map(|trace| trace.id),
            status: StatusCode::OK,
            cache: None,
            bytes: 0,
            first_byte: Duration::ZERO,
            duration: Duration::ZERO,
            ending: Ending::Aborted,
            pace: Pace::Normal,
        }
    }
}

/// A client's address, IPv4 as itself though the listener is IPv6.
fn canonical(remote: &RemoteAddr) -> Option<std::net::SocketAddr> {
    let address = remote.as_socket_addr()?;
    Some(std::net::SocketAddr::new(address.ip().to_canonical(), address.port()))
}

fn warn_of(line: &Line) {
    tracing::warn!(
        target: SLOW,
        method = %line.method,
        uri = %line.uri,
        status = line.status.as_u16(),
        first_byte_ms = u64::try_from(line.first_byte.as_millis()).unwrap_or(u64::MAX),
        cache = line.cache.as_ref().and_then(|cache| cache.to_str().ok()),
        trace_id = line.trace.map(tracing::field::display),
        "an answer took long to begin: see --slow-request"
    );
}

/// What is said of a request when its answer is gone.
struct Said {
    line: Line,
    trace: Option<Arc<Trace>>,
    begun: Instant,
    watch: Arc<Watch>,
}

impl Drop for Said {
    fn drop(&mut self) {
        self.line.duration = self.begun.elapsed();
        self.watch.ended(&self.line, self.trace.as_ref());
    }
}

/// A body that is followed to its end.
struct Followed {
    body: BoxBody<Bytes, io::Error>,
    /// Sent as far as this, an answer is not asked for its end any more.
    expected: Option<u64>,
    said: Said,
}

impl Body for Followed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let this = &mut *self;
        let line = &mut this.said.line;
        match &frame {
            Some(Ok(frame)) => {
                line.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                if this.body.is_end_stream() || this.expected == Some(line.bytes) {
                    line.ending = Ending::Complete;
                }
            }
            Some(Err(_)) => {}
            None => line.ending = Ending::Complete,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use poem::endpoint::make;

    use super::*;
    use crate::telemetry::{Share, metrics::Metrics};

    /// What is said of a request for this path once a function is done with its
    /// answer.
    async fn said_of<F: Future<Output = ()>>(
        path: &str,
        take: impl FnOnce(Result<Response>) -> F,
    ) -> Line {
        let (spans, mut queue) = Spans::new(Arc::new(Metrics::new()));
        let watch = Watch {
            access_log: None,
            slow: None,
            tracer: Some(Tracer::new(Share::ALL)),
            spans: Some(spans),
            clock: Clock::start(),
        };
        let endpoint = make(|request: Request| async move {
            if request.uri().path() == "/panics" {
                resume_unwind(Box::new("on purpose"));
            }
            Ok::<_, poem::Error>(Response::builder().body("menu"))
        });
        let watched = Watched::new(endpoint, watch);
        let request = Request::builder().uri(path.parse().unwrap()).finish();
        if let Ok(answer) = AssertUnwindSafe(watched.call(request)).catch_unwind().await {
            take(answer).await;
        }
        queue.try_recv().unwrap().line
    }

    #[tokio::test]
    async fn an_answer_is_whole_or_broken_off_or_a_panic() {
        let whole = said_of("/menu", |answer| async {
            let body: BoxBody<Bytes, io::Error> = answer.unwrap().into_body().into();
            body.collect().await.unwrap();
        });
        let whole = whole.await;
        assert_eq!((whole.status.as_u16(), whole.bytes), (200, 4));
        assert_eq!(whole.ending, Ending::Complete);

        let broken = said_of("/menu", |answer| async { drop(answer) }).await;
        assert_eq!((broken.bytes, broken.ending), (0, Ending::Aborted));

        let panicked = said_of("/panics", |_| async {}).await;
        assert_eq!(panicked.status, 500);
    }
}
