//! HTTP/2, and a server that is rude in it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use loadgen::{fault::Fault, summary::Summary, transport::Protocol};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::support::{check_totals, constant, load, ms, options};

/// A server that speaks HTTP/2 as a library does.
pub(crate) struct Polite {
    address: SocketAddr,
    at_once: Arc<AtOnce>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct AtOnce {
    now: AtomicU64,
    most: AtomicU64,
}

impl Polite {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let at_once = Arc::<AtOnce>::default();
        let mut accepting = JoinSet::new();
        let counted = Arc::clone(&at_once);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve_menu(stream, Http::Two, Arc::clone(&counted)));
            }
        });
        Self { address, at_once, _accepting: accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The most requests that were under way.
    pub(crate) fn most_at_once(&self) -> u64 {
        self.at_once.most.load(Ordering::SeqCst)
    }
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

/// Answers what comes over `stream` with the menu.
pub(crate) async fn menu(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    version: Http,
) {
    serve_menu(stream, version, Arc::default()).await;
}

async fn serve_menu(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    version: Http,
    at_once: Arc<AtOnce>,
) {
    let service = service_fn(move |_: Request<Incoming>| {
        let at_once = Arc::clone(&at_once);
        async move {
            let now = at_once.now.fetch_add(1, Ordering::SeqCst) + 1;
            at_once.most.fetch_max(now, Ordering::SeqCst);
            sleep(ms(20)).await;
            at_once.now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"the menu"))))
        }
    });
    let io = TokioIo::new(stream);
    // A client that goes away is not our concern.
    let _ = match version {
        Http::One => http1::Builder::new().serve_connection(io, service).await,
        Http::Two => http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await,
    };
}

/// What is done to requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Their streams are reset.
    ResetsStreams,
    /// They are refused, and the connection is closed.
    GoesAway,
    /// The connection is closed.
    HangsUp,
    /// The connection is reset.
    Resets,
    /// They are answered with what is no frame.
    Babbles,
    /// Nothing.
    KeepsSilent,
}

/// A server that speaks just enough HTTP/2 (RFC 9113) to be rude in it, and is
/// so from some request of each connection on.
pub(crate) struct Rude {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

// Types of frames, a flag, and what is in some of them.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
const NO_STREAM: [u8; 4] = [0; 4];

impl Rude {
    pub(crate) async fn start(manner: Manner, from: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    // A client that goes away ends it.
                    let _ = serve(stream, manner, from).await;
                });
            }
        });
        Self { address, _accepting: accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, from: u32) -> std::io::Result<()> {
    stream.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut requests = 0;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream_id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]).try_into().unwrap()];
        stream.read_exact(&mut payload).await?;
        if kind == SETTINGS && flags & ACK == 0 {
            stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?;
        }
        requests += u32::from(kind == HEADERS);
        if kind != HEADERS || requests < from {
            continue;
        }
        match manner {
            Manner::ResetsStreams => {
                let id = u32::from_be_bytes(stream_id);
                stream.write_all(&frame(RST_STREAM, 0, id, &INTERNAL_ERROR)).await?;
            }
            Manner::GoesAway => {
                let why = [NO_STREAM, INTERNAL_ERROR].concat();
                stream.write_all(&frame(GOAWAY, 0, 0, &why)).await?;
                return stream.shutdown().await;
            }
            Manner::HangsUp => return stream.shutdown().await,
            Manner::Resets => return stream.set_zero_linger(),
            Manner::Babbles => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?,
            Manner::KeepsSilent => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Sixteen requests at once on one connection.
async fn sixteen(url: &str) -> Summary {
    let mut options = options(url, constant(16_000.0, ms(1)));
    options.protocol = Protocol::Http2 { streams: 16 };
    options.connections = 1;
    options.timeouts.header = ms(2_000);
    load(options).await.unwrap()
}

/// All of the requests that were under way fail, each once.
#[tokio::test]
async fn a_connection_that_is_lost_takes_its_streams_with_it() {
    check(Manner::HangsUp, Fault::EofBeforeHeaders, "broken pipe").await;
    check(Manner::Resets, Fault::ReadReset, "connection reset").await;
    check(Manner::GoesAway, Fault::StreamReset, "internal error").await;
    check(Manner::Babbles, Fault::Parse, "frame with invalid size").await;
    check(Manner::KeepsSilent, Fault::HeaderTimeout, "").await;
}

async fn check(manner: Manner, fault: Fault, says: &str) {
    let server = Rude::start(manner, 16).await;
    let summary = sixteen(&server.url()).await;
    check_totals(&summary, [16, 16, 0, 16, 0, 0, 0]);
    assert_eq!(summary.measures.reopened, 0, "{manner:?}");
    let faults = &summary.measures.faults;
    assert_eq!(faults.keys().collect::<Vec<_>>(), [&fault], "{manner:?}: {faults:?}");
    let first = faults[&fault].first.as_deref().unwrap();
    assert!(first.contains(says), "{manner:?}: {first}");
}
