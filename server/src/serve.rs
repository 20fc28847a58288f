//! The accept loop: connections in, one poem [`Endpoint`] behind them.
//!
//! hyper speaks HTTP; this module adds what it leaves open. Each connection
//! has separate deadlines for its first byte, its header and its idle time
//! (`connection`), their number is capped, and a full process backs off from
//! accepting instead of spinning. A drain loses nobody: what is in the backlog
//! is accepted, what is in flight is finished, and who holds an idle
//! connection is told with its next answer.

mod answer;
mod connection;
mod door;
mod observed;
mod phase;
pub mod tls;

use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use poem::{Endpoint, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::Instant,
};

pub use self::phase::Deadlines;
use self::{connection::Server, tls::Tls};
use crate::{config::Span, telemetry::metrics::Metrics};

/// Pauses between attempts to accept while the process is out of descriptors.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
];
/// How many refused connections are told so at once; more are just closed.
const REFUSALS: usize = 64;
/// How long a refused client may take to read the refusal.
const REFUSAL_LINGER: Duration = Duration::from_secs(1);
/// Bytes of a request's line and header section.
const HEADER_BYTES: usize = 64 * 1024;
/// Streams at a time on one HTTP/2 connection.
const HTTP2_STREAMS: u32 = 128;
/// How long an idle connection is kept for a last request once the drain has begun.
const LINGER: Duration = Duration::from_secs(1);
/// Connections that the kernel queues while the loop is busy.
const BACKLOG: i32 = 8192;

/// The settings of client connections.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServeConfig {
    /// Client connections at a time; more are answered 503 [default: what the limit on open files leaves]
    #[arg(long, env = "RELAY_MAX_CONNECTIONS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<NonZeroUsize>,

    /// How long a new connection may stay silent
    #[arg(long, env = "RELAY_FIRST_BYTE_TIMEOUT", value_name = "DURATION", default_value = "10s")]
    pub first_byte_timeout: Span,

    /// How long a request's header section may take, from its first byte
    #[arg(long, env = "RELAY_HEADER_TIMEOUT", value_name = "DURATION", default_value = "10s")]
    pub header_timeout: Span,

    /// How long a connection may stay idle between requests, or refuse to take its answer
    #[arg(long, env = "RELAY_IDLE_TIMEOUT", value_name = "DURATION", default_value = "1m")]
    pub idle_timeout: Span,
}

impl ServeConfig {
    /// The bounds of the public listener.
    pub fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections.map_or_else(max_connections, usize::from),
            header_bytes: HEADER_BYTES,
            http2_streams: HTTP2_STREAMS,
            deadlines: Deadlines {
                first_byte: self.first_byte_timeout.into(),
                header: self.header_timeout.into(),
                idle: self.idle_timeout.into(),
                linger: LINGER,
            },
        }
    }
}

/// As many client connections as the limit on open files leaves, which is
/// raised as far as it may be: the upstream's connections, the listeners and
/// the log need some.
fn max_connections() -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    usize::min(limit - usize::min(limit / 2, 256), 1 << 20)
}

/// The bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; past it, each is answered 503 and closed.
    pub max_connections: usize,
    /// Bytes of a request's line and header section; past it, 431.
    pub header_bytes: usize,
    /// Streams at a time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How long a connection may keep us waiting.
    pub deadlines: Deadlines,
}

/// Tells every connection of a listener to come to its end.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<DrainState>);

#[derive(Debug, Default)]
struct DrainState {
    begun: AtomicBool,
    wake: Notify,
}

impl Drain {
    /// Begins the drain; it cannot be taken back.
    pub fn begin(&self) {
        self.0.begun.store(true, Ordering::Release);
        self.0.wake.notify_waiters();
    }

    /// Whether the drain has begun.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::Acquire)
    }

    /// Resolves when the drain begins.
    pub async fn begun(&self) {
        let wake = self.0.wake.notified();
        tokio::pin!(wake);
        // Registered before the look at the flag, so that no wake-up is missed.
        wake.as_mut().enable();
        if !self.has_begun() {
            wake.await;
        }
    }
}

/// Binds a listener with a deep backlog.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG.unsigned_abs())
}

/// Serves `endpoint` on `listener` until `drain` begins, then finishes what is
/// there and returns.
///
/// The endpoint is there for ever: the futures of its answers borrow it, and
/// nothing has to count them. The caller bounds the wait for the last
/// connections by dropping the future, which ends them.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: &'static E,
    limits: Limits,
    drain: Drain,
    metrics: Arc<Metrics>,
) where
    E: Endpoint<Output = Response> + 'static,
{
    accept(listener, Server::new(endpoint, limits, drain, metrics)).await;
}

/// The same over TLS.
pub async fn serve_secured<E>(
    listener: TcpListener,
    tls: Arc<Tls>,
    endpoint: &'static E,
    limits: Limits,
    drain: Drain,
    metrics: Arc<Metrics>,
) where
    E: Endpoint<Output = Response> + 'static,
{
    accept(listener, Server::new(endpoint, limits, drain, metrics).secured(tls)).await;
}

async fn accept<E>(listener: TcpListener, server: Server<E>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let server = Arc::new(server);
    let places = Arc::new(Semaphore::new(server.limits.max_connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut connections = JoinSet::new();
    let mut failures = 0;

    let admit = |stream: TcpStream, remote: SocketAddr, connections: &mut JoinSet<()>| {
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let server = Arc::clone(&server);
            connections.spawn(async move {
                server.connection(stream, remote).await;
                drop(place);
            });
        } else {
            server.metrics.connection_refused();
            // Who has not agreed on a key cannot read why.
            if server.tls.is_none()
                && let Ok(turn) = Arc::clone(&refusals).try_acquire_owned()
            {
                connections.spawn(async move {
                    refuse(stream).await;
                    drop(turn);
                });
            }
        }
    };

    let begun = server.drain.begun();
    tokio::pin!(begun);
    loop {
        tokio::select! {
            biased;
            () = &mut begun => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    failures = 0;
                    admit(stream, remote, &mut connections);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    let pause = BACK_OFF[usize::min(failures, BACK_OFF.len() - 1)];
                    if failures == 0 {
                        tracing::warn!(%error, "cannot accept connections: trying again");
                    }
                    failures += 1;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    // Who is in the backlog has been promised an answer; nobody joins it any more.
    stop_queueing(&listener);
    for (stream, remote) in backlog(listener) {
        admit(stream, remote, &mut connections);
    }
    while connections.join_next().await.is_some() {}
}

/// Makes the kernel ignore who wants to connect from now on.
///
/// A connection made between the last look at the backlog and the listener's
/// end would be reset, and its request lost. An ignored client tries again
/// within a second or so, and is refused then.
#[cfg(target_os = "linux")]
fn stop_queueing(listener: &TcpListener) {
    // A packet filter of one instruction: keep nothing of any packet.
    let keep_nothing = socket2::SockFilter::new(0x06, 0, 0, 0);
    if let Err(error) = socket2::SockRef::from(listener).attach_filter(&[keep_nothing]) {
        tracing::debug!(%error, "cannot close the backlog before it is emptied");
    }
}

#[cfg(not(target_os = "linux"))]
fn stop_queueing(_: &TcpListener) {}

/// What is left in the backlog of a listener that ends with it.
///
/// The kernel is asked: the runtime knows only what its last look has brought.
fn backlog(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std();
    std::iter::from_fn(move || {
        let listener = listener.as_ref().ok()?;
        loop {
            match listener.accept() {
                Ok((stream, remote)) => {
                    stream.set_nonblocking(true).ok()?;
                    return Some((TcpStream::from_std(stream).ok()?, remote));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => return None,
            }
        }
    })
}

/// Whether an error of `accept` concerns the connection that it would have
/// brought, not the listener (accept(2)).
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Tells a client that there is no place for it.
///
/// What it may have sent is read before the connection is closed: closing with
/// unread bytes would reset it, and the answer could be lost.
async fn refuse(mut stream: TcpStream) {
    let body = concat!(
        r#"{"type":"about:blank","title":"Service Unavailable","status":503,"#,
        r#""detail":"the relay has all the connections it may have: see --max-connections"}"#
    );
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\n\
         content-type: application/problem+json\r\n\
         proxy-status: lunch-relay; error=connection_limit_reached\r\n\
         retry-after: 1\r\n\
         connection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while 0 < stream.read(&mut rest).await? {}
        io::Result::Ok(())
    };
    let until = Instant::now() + REFUSAL_LINGER;
    // A client that does not read its refusal is simply closed.
    let _ = tokio::time::timeout_at(until, told).await;
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make;

    use super::*;

    fn limits() -> Limits {
        let minute = Duration::from_mins(1);
        Limits {
            max_connections: 10,
            header_bytes: HEADER_BYTES,
            http2_streams: HTTP2_STREAMS,
            deadlines: Deadlines {
                first_byte: minute,
                header: minute,
                idle: minute,
                linger: minute,
            },
        }
    }

    #[tokio::test]
    async fn who_is_in_the_backlog_when_the_drain_begins_is_answered() {
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let drain = Drain::default();
        drain.begin();
        let endpoint = Box::leak(Box::new(make(|_| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, poem::Error>(Response::builder().body("menu"))
        })));
        let serving = serve(listener, &*endpoint, limits(), drain, Arc::new(Metrics::new()));
        let asking = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let ((), answer) = tokio::join!(serving, asking);
        assert!(answer.contains("connection: close") && answer.ends_with("menu"), "{answer:?}");
    }

    #[tokio::test]
    async fn the_backlog_is_emptied_of_those_that_the_runtime_has_not_seen_yet() {
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        // Blocking, so that the runtime does not look at its sockets meanwhile.
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        io::Write::write_all(&mut client, b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        let drain = Drain::default();
        drain.begin();
        let endpoint = Box::leak(Box::new(make(|_| async {
            Ok::<_, poem::Error>(Response::builder().body("menu"))
        })));
        serve(listener, &*endpoint, limits(), drain, Arc::new(Metrics::new())).await;
        let answer = io::read_to_string(client).unwrap();
        assert!(answer.ends_with("menu"), "{answer:?}");
    }
}
