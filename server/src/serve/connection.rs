//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, StatusCode, Version, header, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use poem::{
    Endpoint, Response,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::{Drain, Limits, phase::Activity};
use crate::{problem::Problem, telemetry::metrics::Metrics};

/// Response streams that a client may reset before we have answered them
/// (CVE-2023-44487); past it the connection ends.
const PENDING_RESETS: usize = 20;

/// What all connections of a listener share.
pub(super) struct Server<E> {
    endpoint: Arc<E>,
    limits: Limits,
    drain: Drain,
    http: auto::Builder<TokioExecutor>,
    pub(super) metrics: Arc<Metrics>,
}

impl<E> Server<E>
where
    E: Endpoint<Output = Response> + 'static,
{
    pub(super) fn new(
        endpoint: Arc<E>,
        limits: Limits,
        drain: Drain,
        metrics: Arc<Metrics>,
    ) -> Server<E> {
        let mut http = auto::Builder::new(TokioExecutor::new());
        // Without a timer hyper keeps no deadline of its own: a connection has ours.
        http.http1().max_buf_size(limits.header_bytes).writev(true);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.http2_streams)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_send_buf_size(256 * 1024);
        Server { endpoint, limits, drain, http, metrics }
    }

    /// Drives a connection until it ends, is too slow, or has been drained.
    pub(super) async fn connection(self: Arc<Self>, stream: TcpStream, remote: SocketAddr) {
        // Answers go out as soon as they are whole.
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { return };
        let _counted = self.metrics.connection_opened();

        let shared =
            Arc::new(Shared { server: self, activity: Activity::default(), local, remote });
        let Shared { server, activity, .. } = &*shared;
        let io = TokioIo::new(Observed { stream, shared: Arc::clone(&shared) });
        let service = service_fn(|request| answer(OpenRequest::begin(&shared, &request), request));
        let mut connection = pin!(server.http.serve_connection(io, service));
        let mut begun = pin!(server.drain.begun());
        let mut deadline = pin!(sleep_until(Instant::now() + server.limits.deadlines.first_byte));
        let mut since = Instant::now();
        let mut moment = activity.moment();
        let mut watching_drain = false;
        let mut told_to_end = false;

        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // Registered once: the waker of a task does not change.
            if !watching_drain {
                watching_drain = begun.as_mut().poll(cx).is_pending();
            }
            let draining = server.drain.has_begun();
            let now = activity.moment();
            if now != moment {
                moment = now;
                since = Instant::now();
            }
            // HTTP/1 learns of the drain from its next answer (`Connection: close`), so
            // that a request on its way to an idle connection is not lost.
            if draining && !told_to_end && activity.is_multiplexed() {
                told_to_end = true;
                connection.as_mut().graceful_shutdown();
                cx.waker().wake_by_ref();
            }
            let Some(limit) = server.limits.deadlines.of(moment.phase, draining) else {
                return Poll::Pending;
            };
            let end = since + limit;
            // The timer is moved only when it would ring too late, or has rung too
            // early: a busy connection would otherwise move it with each request.
            if end < deadline.deadline() {
                deadline.as_mut().reset(end);
            }
            while deadline.as_mut().poll(cx).is_ready() {
                if end <= deadline.deadline() {
                    tracing::debug!(%remote, phase = ?moment.phase, "connection closed: too slow");
                    return Poll::Ready(());
                }
                deadline.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await;
    }
}

/// What the parts of one connection share.
struct Shared<E> {
    server: Arc<Server<E>>,
    activity: Activity,
    local: SocketAddr,
    remote: SocketAddr,
}

/// The answer to a request, as hyper sends it.
///
/// All that can be done at once is done before the future is made: hyper moves
/// that about.
fn answer<E>(
    mut open: OpenRequest<E>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Answered<E>>, Infallible>> + use<E>
where
    E: Endpoint<Output = Response> + 'static,
{
    let version = request.version();
    let Shared { local, remote, .. } = *open.shared;
    let request = check_host(&request).and_then(|()| check_codings(&request)).map(|()| {
        let mut request = request;
        host_of_target(&mut request);
        poem::Request::from((
            request,
            LocalAddr(local.into()),
            RemoteAddr(remote.into()),
            Scheme::HTTP,
        ))
    });
    async move {
        let server = &open.shared.server;
        let mut response = match request {
            Ok(request) => answered(async { server.endpoint.call(request).await }).await,
            Err(problem) => closing(problem.response()),
        };
        if version != Version::HTTP_2 && server.drain.has_begun() {
            response = closing(response);
        }
        let response: http::Response<_> = response.into();
        // hyper leaves out the length of an empty 304 unless its body's length is unknown.
        let keeps_length = response.status() == StatusCode::NOT_MODIFIED
            && response.headers().contains_key(header::CONTENT_LENGTH);
        let length = if keeps_length { Length::FromField } else { Length::OfBody };
        open.offer();
        Ok(response.map(|body| Answered { body, length, open }))
    }
}

/// An endpoint's answer, whatever becomes of the endpoint.
async fn answered(answer: impl Future<Output = poem::Result<Response>>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(),
        // The hook has logged the panic itself.
        Err(_) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "proxy_internal_error",
            "the relay failed on this request; its log says where",
        )
        .response(),
    }
}

/// A request without `Host`, or with several, is refused (RFC 9112 §3.2):
/// hyper lets both pass.
fn check_host(request: &Request<Incoming>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => {
            Err(Problem::bad_request("the request has several Host fields: send one"))
        }
        (Some(host), None) if !is_host(host) => {
            Err(Problem::bad_request("the Host field is not a host: send HOST or HOST:PORT"))
        }
        (None, _) if request.version() == Version::HTTP_11 => {
            Err(Problem::bad_request("the request has no Host field: HTTP/1.1 asks for one"))
        }
        _ => Ok(()),
    }
}

/// The authority of a target is what `Host` says, or should say (RFC 9112
/// §3.2.2, RFC 9113 §8.3.1).
fn host_of_target(request: &mut Request<Incoming>) {
    let Some(authority) = request.uri().authority() else { return };
    let host = authority.as_str().rsplit('@').next().map(HeaderValue::from_str);
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// A transfer coding besides `chunked` is refused (RFC 9112 §6.1): hyper finds
/// where such a body ends, but what it means would be lost with the field.
fn check_codings(request: &Request<Incoming>) -> Result<(), Problem> {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "http_request_error",
            "the request has a transfer coding besides chunked: send the body without it",
        )),
    }
}

fn is_host(host: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    // An empty Host is what a client sends that knows no authority (RFC 9110 §7.2).
    host.as_bytes().iter().all(plain)
        || host
            .to_str()
            .is_ok_and(|host| !host.contains('@') && host.parse::<http::uri::Authority>().is_ok())
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that has begun and is not yet answered.
struct OpenRequest<E> {
    shared: Arc<Shared<E>>,
    is_multiplexed: bool,
    is_offered: bool,
}

impl<E> OpenRequest<E> {
    fn begin(shared: &Arc<Shared<E>>, request: &Request<Incoming>) -> OpenRequest<E> {
        shared.activity.begin_request(request.version());
        OpenRequest {
            shared: Arc::clone(shared),
            is_multiplexed: request.version() == Version::HTTP_2,
            is_offered: false,
        }
    }

    /// It is the client's turn to take what there is of the answer.
    fn offer(&mut self) {
        // Without streams, a client that takes nothing blocks a write.
        if self.is_multiplexed && !self.is_offered {
            self.is_offered = true;
            self.shared.activity.begin_offer();
        }
    }

    /// It is our turn.
    fn withdraw(&mut self) {
        if self.is_offered {
            self.is_offered = false;
            self.shared.activity.end_offer();
        }
    }
}

impl<E> Drop for OpenRequest<E> {
    fn drop(&mut self) {
        self.withdraw();
        self.shared.activity.end_request();
    }
}

/// Where the length of an answer is known from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    OfBody,
    FromField,
}

/// An answer's body; the request is open until it has been sent.
struct Answered<E> {
    body: http_body_util::combinators::BoxBody<Bytes, io::Error>,
    length: Length,
    open: OpenRequest<E>,
}

impl<E> Body for Answered<E> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Asked for more: what there was has been taken.
        self.open.withdraw();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.open.offer();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.length == Length::OfBody && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::OfBody => self.body.size_hint(),
            Length::FromField => SizeHint::default(),
        }
    }
}

/// A stream that notes what passes.
struct Observed<E> {
    stream: TcpStream,
    shared: Arc<Shared<E>>,
}

impl<E> Observed<E> {
    fn note(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.shared.activity.note_write_blocked(),
            Poll::Ready(_) => self.shared.activity.note_written(),
        }
    }
}

impl<E> AsyncRead for Observed<E> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if before < buf.filled().len() {
            self.shared.activity.note_read();
        }
        read
    }
}

impl<E> AsyncWrite for Observed<E> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(&written);
        written
    }
}
