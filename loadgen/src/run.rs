//! A run: connections, and requests when they are due.
//!
//! Every connection has a task. A task that is free takes the next number of
//! the schedule, waits until it is due and sends; if all are busy the number
//! waits for one of them, and so nothing is queued in memory. That wait is part
//! of the response time.

use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    client::conn::http1::{SendRequest, handshake},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{
    net::{TcpStream, lookup_host},
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use crate::{
    schedule::{MAX_LENGTH, Profile},
    summary::{Miscounted, Outcome, Record, Run, Summary, Times},
    target::{Permission, Refused, Target},
};

/// How long a connection may take to be opened.
const CONNECT: Duration = Duration::from_secs(10);

/// Pause after a connection that could not be opened again.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What a run does.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is requested.
    pub target: Target,
    /// Whether it may be on another machine.
    pub permission: Permission,
    /// When requests are due.
    pub profile: Profile,
    /// How many connections carry them.
    pub connections: NonZeroUsize,
    /// How long after the schedule's end requests may still be under way; a year at most.
    pub drain: Duration,
}

/// Why there is nothing to report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The target may not be loaded.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The target's name has no answer, or it takes no connection.
    #[error("cannot reach the target")]
    Unreachable(#[source] io::Error),
    /// The generator contradicts itself.
    #[error(transparent)]
    Miscounted(#[from] Miscounted),
    /// A task of the generator failed.
    #[error("a task of the generator failed")]
    Task(#[from] JoinError),
    /// The histograms cannot be made.
    #[error("no histogram")]
    Histogram(#[from] hdrhistogram::CreationError),
}

type Connection = SendRequest<Empty<Bytes>>;

/// What the tasks share.
struct Shared {
    target: Target,
    address: SocketAddr,
    profile: Profile,
    planned: u64,
    start: Instant,
    /// When what is not done is given up.
    stop: Instant,
    next: AtomicU64,
    reopened: AtomicU64,
    record: Mutex<Record>,
}

/// Opens the connections, then sends what `options` say.
pub async fn run(options: Options) -> Result<Summary, RunError> {
    let Options { target, permission, profile, connections, drain } = options;
    let addresses: Vec<_> = lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(RunError::Unreachable)?
        .collect();
    let address = permission.choose(&addresses)?;
    let mut open = Vec::new();
    for _ in 0..connections.get() {
        open.push(connect(address).await.map_err(RunError::Unreachable)?);
    }

    let record = Mutex::new(Record::new()?);
    let start = Instant::now();
    let shared = Arc::new(Shared {
        target,
        address,
        planned: profile.count(),
        start,
        stop: start + profile.length() + drain.min(MAX_LENGTH),
        profile,
        next: AtomicU64::new(0),
        reopened: AtomicU64::new(0),
        record,
    });
    let mut tasks: JoinSet<()> =
        open.into_iter().map(|connection| carry(Arc::clone(&shared), connection)).collect();
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }

    let record = shared.record.lock();
    let unsent = shared.planned.saturating_sub(shared.next.load(Ordering::Relaxed));
    let totals = record.totals(shared.planned, unsent)?;
    let run = Run {
        url: format!("http://{}{}", shared.target.authority, shared.target.path),
        planned_rate: mean_rate(&shared.profile),
        duration_seconds: shared.profile.length().as_secs_f64(),
        connections: connections.get(),
        reopened: shared.reopened.load(Ordering::Relaxed),
    };
    Ok(record.summary(run, totals))
}

fn mean_rate(profile: &Profile) -> f64 {
    profile.expected(profile.length()) / profile.length().as_secs_f64()
}

async fn connect(address: SocketAddr) -> io::Result<Connection> {
    timeout(CONNECT, async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // It ends with its sender; what breaks it, the sender is told.
        tokio::spawn(connection);
        Ok(sender)
    })
    .await?
}

/// Sends one request after another over `connection`, until none is left or
/// the run ends.
async fn carry(shared: Arc<Shared>, mut connection: Connection) {
    while Instant::now() < shared.stop {
        // A number is taken only by a connection that can carry it.
        match timeout_at(shared.stop, connection.ready()).await {
            Err(_) => return,
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                // The last request may have gone meanwhile.
                if shared.next.load(Ordering::Relaxed) >= shared.planned {
                    return;
                }
                match timeout_at(shared.stop, connect(shared.address)).await {
                    Err(_) => return,
                    Ok(Ok(new)) => {
                        shared.reopened.fetch_add(1, Ordering::Relaxed);
                        connection = new;
                    }
                    Ok(Err(_)) => tokio::time::sleep(BACK_OFF).await,
                }
                continue;
            }
        }
        let Some(due) = shared.take() else { return };
        // All are due before the run ends, so what is taken is sent.
        sleep_until(shared.start + due).await;
        let sent = shared.start.elapsed();
        shared.record.lock().sent();
        let asked = exchange(&mut connection, &shared.target);
        let outcome = match timeout_at(shared.stop, asked).await {
            Ok(Ok(status)) => Outcome::Completed(status),
            Ok(Err(_)) => Outcome::Failed,
            Err(_) => Outcome::Unfinished,
        };
        let times = Times { due, sent, done: shared.start.elapsed() };
        shared.record.lock().ended(outcome, times);
    }
}

impl Shared {
    /// The next request's due time.
    fn take(&self) -> Option<Duration> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.planned {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay below 2⁵³")]
        let due = self.profile.due(number as f64);
        // Rounding may see the last of all at the end.
        Some(due.unwrap_or_else(|| self.profile.length()))
    }
}

/// One request and the whole answer to it; its status code.
async fn exchange(connection: &mut Connection, target: &Target) -> Result<u16, hyper::Error> {
    let mut request = Request::new(Empty::new());
    // Both were read from a URI, so they are fit for a request.
    if let (Ok(path), Ok(host)) = (target.path.parse(), target.authority.parse()) {
        *request.uri_mut() = path;
        request.headers_mut().insert(HOST, host);
    }
    let answer = connection.send_request(request).await?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(status)
}
