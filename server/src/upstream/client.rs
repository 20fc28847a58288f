//! hyper-util's pooled client, and the bodies that pass through it.
//!
//! The client follows no redirects, reads no proxy from the environment and
//! decodes nothing: what the upstream says is what the relay copies.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep},
};
use tower_service::Service;

use super::Base;

/// Idle connections kept for the upstream.
const POOL_MAX_IDLE: usize = 64;
/// How long an idle connection is kept; most servers end it sooner.
const POOL_IDLE: Duration = Duration::from_secs(30);

pub(super) type BoxBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;
pub(super) type Client = hyper_util::client::legacy::Client<Connector, BoxBody>;

/// The client for the upstream at `base`.
///
/// The system's certificates are read only where the way there is TLS.
pub(super) fn client(base: &Base, connect_timeout: Duration) -> io::Result<Client> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_keepalive(Some(Duration::from_mins(1)));

    let tls = hyper_rustls::HttpsConnectorBuilder::new();
    let https = if base.is_https() {
        tls.with_native_roots()?.https_or_http().enable_http1().wrap_connector(tcp)
    } else {
        let none = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        tls.with_tls_config(none).https_or_http().enable_http1().wrap_connector(tcp)
    };

    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_MAX_IDLE)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .build(Connector { https, timeout: connect_timeout }))
}

/// Connects within a time limit that covers name, TCP and TLS together.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

/// The limit that was passed.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimedOut(pub(super) Duration);

impl Service<Uri> for Connector {
    type Response = Conn;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Conn, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        let timeout = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(io) => Ok(Conn { io: io?, used: Used::default() }),
                Err(_) => Err(ConnectTimedOut(timeout).into()),
            }
        })
    }
}

/// Whether a connection has brought an answer before.
#[derive(Clone, Debug, Default)]
pub(super) struct Used(Arc<AtomicBool>);

impl Used {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection that carries its [`Used`] mark to answers and errors.
#[derive(Debug)]
pub(super) struct Conn {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    used: Used,
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.used.clone())
    }
}

impl Read for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

/// An answer's body, which may not pause for longer than the limit.
pub(super) struct Download {
    incoming: Incoming,
    idle: Duration,
    /// Counts the bytes.
    received: Counter,
    /// Armed only while the upstream keeps us waiting.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Download {
    pub(super) fn new(incoming: Incoming, idle: Duration, received: Counter) -> Download {
        Download { incoming, idle, received, deadline: None }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            self.deadline = None;
            if let Some(Ok(frame)) = &frame {
                self.received.inc_by(frame.data_ref().map_or(0, Bytes::len) as u64);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        let until = Instant::now() + self.idle;
        let deadline =
            self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Some(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the upstream paused within its answer for too long",
        ))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// How far a request's body has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<ProgressState>);

#[derive(Debug, Default)]
struct ProgressState {
    moved_at: Mutex<Option<Instant>>,
    broken: AtomicBool,
}

impl Progress {
    /// The body, watched.
    pub(super) fn watch(&self, body: BoxBody) -> BoxBody {
        BoxBody::new(Upload { body, progress: self.clone() })
    }

    /// When the last piece went out.
    pub(super) fn moved_at(&self) -> Option<Instant> {
        *self.0.moved_at.lock()
    }

    /// Whether the client broke its own body off.
    pub(super) fn is_broken(&self) -> bool {
        self.0.broken.load(Ordering::Relaxed)
    }
}

struct Upload {
    body: BoxBody,
    progress: Progress,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        *self.progress.0.moved_at.lock() = Some(Instant::now());
        if let Some(Err(_)) = frame {
            self.progress.0.broken.store(true, Ordering::Relaxed);
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
