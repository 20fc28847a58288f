//! One connection, from its first byte to its last.

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
};

use http::uri::Scheme;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use poem::{Endpoint, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::{
    Drain, Limits,
    answer::{OpenRequest, answer},
    observed::Observed,
    phase::Activity,
    tls::Tls,
};
use crate::telemetry::metrics::Metrics;

/// Response streams that a client may reset before we have answered them
/// (CVE-2023-44487); past it the connection ends.
const PENDING_RESETS: usize = 20;

/// What all connections of a listener share.
pub(super) struct Server<E: 'static> {
    pub(super) endpoint: &'static E,
    pub(super) limits: Limits,
    /// What its connections begin with, where they are encrypted.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) drain: Drain,
    http: auto::Builder<TokioExecutor>,
    pub(super) metrics: Arc<Metrics>,
}

impl<E: 'static> Server<E>
where
    E: Endpoint<Output = Response> + 'static,
{
    pub(super) fn new(
        endpoint: &'static E,
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
        Server { endpoint, limits, tls: None, drain, http, metrics }
    }

    /// The same, its connections encrypted.
    pub(super) fn secured(self, tls: Arc<Tls>) -> Server<E> {
        Server { tls: Some(tls), ..self }
    }

    /// The scheme of the URIs that are asked for.
    pub(super) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// Drives a connection until it ends, is too slow, or has been drained.
    pub(super) async fn connection(self: Arc<Self>, stream: TcpStream, remote: SocketAddr) {
        // Answers go out as soon as they are whole.
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { return };
        let _counted = self.metrics.connection_opened();
        let Some(tls) = self.tls.clone() else {
            return self.converse(stream, local, remote).await;
        };
        // Apart, so that a connection without TLS takes no memory for it.
        let secured = async move {
            let stream = tls.accept(stream, &self.limits, &self.drain, &self.metrics).await;
            if let Some(stream) = stream {
                self.converse(stream, local, remote).await;
            }
        };
        Box::pin(secured).await;
    }

    /// Speaks HTTP until the connection ends, is too slow, or has been drained.
    async fn converse<S>(self: Arc<Self>, stream: S, local: SocketAddr, remote: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let shared = Arc::new(Shared { server: self, activity: Arc::default(), local, remote });
        let Shared { server, activity, .. } = &*shared;
        let io = TokioIo::new(Observed { stream, activity: Arc::clone(activity) });
        let service = service_fn(|request| answer(OpenRequest::begin(&shared, &request), request));
        let mut connection = pin!(server.http.serve_connection(io, service));
        let mut begun = pin!(server.drain.begun());
        let mut deadline = pin!(sleep_until(Instant::now() + server.limits.deadlines.first_byte));
        let mut since = Instant::now();
        let mut moment = activity.moment();
        let mut watching_drain = false;
        let mut told_to_end = false;
        let mut armed = false;

        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // Polled once: the waker of a task does not change, and a drain that had begun
            // before this connection has nothing more to say.
            if !watching_drain {
                watching_drain = true;
                let _ = begun.as_mut().poll(cx);
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
                armed = false;
            }
            while (!armed || deadline.is_elapsed()) && deadline.as_mut().poll(cx).is_ready() {
                if end <= deadline.deadline() {
                    tracing::debug!(%remote, phase = ?moment.phase, "connection closed: too slow");
                    return Poll::Ready(());
                }
                deadline.as_mut().reset(end);
                armed = false;
            }
            armed = true;
            Poll::Pending
        })
        .await;
    }
}

/// What the parts of one connection share.
pub(super) struct Shared<E: 'static> {
    pub(super) server: Arc<Server<E>>,
    pub(super) activity: Arc<Activity>,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}
