//! Every way to fail occurs, and under its own name.

use std::{net::SocketAddr, process::Stdio};

use futures_util::future::join_all;
use loadgen::{
    fault::Fault,
    program::Program,
    run::{Options, RunError},
    summary::Summary,
    transport::{Expected, Print, Protocol, Reuse, Trust},
};
use tokio::{net::TcpSocket, process::Command};

use crate::{
    fault_server::{Act, FaultServer, OK, answer, cut},
    http2,
    support::{constant, load, ms, options},
};

/// Each on its own server, all at once.
#[tokio::test]
async fn each_occurs_under_its_own_name() {
    let words = [
        "dns",
        "connect_refused",
        "connect_timeout",
        "connect_reset",
        "connect_failed",
        "addr_not_available",
        "too_many_files",
        "tls",
        "write_reset",
        "read_reset",
        "eof_before_headers",
        "eof_in_body",
        "parse",
        "stream_reset",
        "header_timeout",
        "body_timeout",
        "body_mismatch",
    ];
    let provoked = join_all(Fault::ALL.map(|fault| Box::pin(provoke(fault)))).await;
    for ((fault, word), (seen, says)) in Fault::ALL.into_iter().zip(words).zip(provoked) {
        check(fault, word, &seen, says);
    }
}

/// What came of a run.
enum Seen {
    /// It did not begin, for this reason.
    Refused(RunError),
    Ran(Box<Summary>),
}

#[track_caller]
fn check(fault: Fault, word: &str, seen: &Seen, says: &str) {
    assert_eq!(fault.as_str(), word);
    let summary = match seen {
        Seen::Refused(RunError::Unreachable(failure)) => {
            assert_eq!(failure.fault, fault);
            assert!(failure.to_string().contains(says), "{fault}: {failure}");
            return;
        }
        Seen::Refused(error) => panic!("{fault}: {error}"),
        Seen::Ran(summary) => summary,
    };
    let faults = &summary.measures.faults;
    assert_eq!(faults.keys().collect::<Vec<_>>(), [&fault], "{faults:?}");
    let found = &faults[&fault];
    assert!(0 < found.count, "{fault}");
    assert_eq!(found.count, summary.totals.failed, "{fault}");
    let own = matches!(fault, Fault::AddrNotAvailable | Fault::TooManyFiles);
    assert_eq!(found.generators_own, own, "{fault}");
    let first = found.first.as_deref().unwrap();
    assert!(first.starts_with(word) && first.contains(says), "{fault}: {first}");
    // Of a time-out only the least is known that an answer would have taken.
    let service = &summary.measures.times["service"];
    let given_up = if word.ends_with("timeout") { found.count } else { 0 };
    assert_eq!(service.censored, given_up + summary.totals.unfinished, "{fault}");
    if 0 < given_up {
        let least = service.censored_from_us.unwrap();
        assert!(PATIENCE_US <= least * 1.001, "{fault}: {least}");
        assert!(service.is_censored(service.p50_us.unwrap()), "{fault}: {service:?}");
    }
}

/// How long those wait that are to give up.
const PATIENCE_US: f64 = 100_000.0;

/// Ten requests, a connection for each.
fn ten(url: &str) -> Options {
    let mut options = options(url, constant(50.0, ms(200)));
    options.connections = 10;
    options
}

/// Makes `fault` happen. What came of it, and what the first failure says.
async fn provoke(fault: Fault) -> (Seen, &'static str) {
    match fault {
        Fault::Dns => (ran(ten("http://nobody.invalid/")).await, "lookup"),
        Fault::ConnectRefused => {
            let nobody = TcpSocket::new_v4().unwrap();
            nobody.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
            let mut options = ten(&format!("http://{}/", nobody.local_addr().unwrap()));
            options.reuse = Reuse::PerRequest;
            (ran(options).await, "refused")
        }
        Fault::ConnectTimeout => {
            let silent = FaultServer::always(vec![Act::Hang]).await;
            let mut options = tls(&silent);
            options.timeouts.connect = ms(100);
            (ran(options).await, "")
        }
        Fault::ConnectReset => {
            let server = FaultServer::always(vec![Act::Wait(ms(5)), Act::Reset]).await;
            (ran(tls(&server)).await, "reset")
        }
        Fault::ConnectFailed => {
            let server = FaultServer::always(answer(OK)).await;
            (ran(from(&server, "::1")).await, "os error")
        }
        Fault::AddrNotAvailable => {
            let server = FaultServer::always(answer(OK)).await;
            // An address for examples (RFC 5737), so none of this machine.
            (ran(from(&server, "192.0.2.1")).await, "os error 99")
        }
        Fault::TooManyFiles => (without_descriptors().await, "os error 24"),
        Fault::Tls => {
            let garbage = vec![Act::Say(b"this is no TLS, and never will be\r\n"), Act::Hang];
            (ran(tls(&FaultServer::always(garbage).await)).await, "corrupt")
        }
        Fault::WriteReset => {
            let server = FaultServer::always(vec![Act::ReadHead, Act::Reset]).await;
            let mut options = ten(&server.url());
            // More than the kernel takes of what nobody reads.
            options.body = vec![0; 8 << 20].into();
            (ran(options).await, "")
        }
        Fault::ReadReset => (served(vec![Act::Read, Act::Reset]).await, "reset"),
        Fault::EofBeforeHeaders => (served(cut("HTTP/1.1 20", Act::Close)).await, "closed"),
        Fault::EofInBody => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nthe menu";
            (served(cut(head, Act::Close)).await, "body")
        }
        Fault::Parse => (served(cut("220 smtp.example ESMTP\r\n\r\n", Act::Hang)).await, "HTTP"),
        Fault::StreamReset => {
            let server = http2::Rude::start(http2::Manner::ResetsStreams, 1).await;
            let mut options = ten(&server.url());
            options.protocol = Protocol::Http2 { streams: 5 };
            options.connections = 2;
            (ran(options).await, "stream")
        }
        Fault::HeaderTimeout => {
            let server = FaultServer::always(vec![Act::Read, Act::Hang]).await;
            let mut options = ten(&server.url());
            options.timeouts.header = ms(100);
            (ran(options).await, "")
        }
        Fault::BodyTimeout => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n";
            let server = FaultServer::always(cut(head, Act::Hang)).await;
            let mut options = ten(&server.url());
            options.timeouts.body = ms(100);
            (ran(options).await, "")
        }
        Fault::BodyMismatch => {
            let server = FaultServer::always(answer(OK)).await;
            let mut options = ten(&server.url());
            options.expected = Expected::Exactly(Print::of(b"the other menu"));
            (ran(options).await, "8 bytes, CRC-32")
        }
    }
}

async fn ran(options: Options) -> Seen {
    match load(options).await {
        Ok(summary) => Seen::Ran(Box::new(summary)),
        Err(error) => Seen::Refused(error),
    }
}

async fn served(acts: Vec<Act>) -> Seen {
    ran(ten(&FaultServer::always(acts).await.url())).await
}

/// Over TLS, a connection for each request: none is opened before the start.
fn tls(server: &FaultServer) -> Options {
    let mut options = ten(&format!("https://{}/", server.address));
    options.trust = Trust::Anyone;
    options.reuse = Reuse::PerRequest;
    options
}

/// From an address that connections cannot come from.
fn from(server: &FaultServer, source: &str) -> Options {
    let mut options = ten(&server.url());
    options.sources = vec![source.parse().unwrap()];
    options.reuse = Reuse::PerRequest;
    options
}

/// A process that may open so few files that there are not enough for its
/// connections, as it was born with most of them open: of 200 it has 47 at
/// most for 100 connections, however few it needs for itself.
async fn without_descriptors() -> Seen {
    let server = FaultServer::always(vec![Act::Read, Act::Hang]).await;
    let script = "ulimit -n 200; for fd in {20..169}; do eval \"exec $fd< /dev/null\"; done; \
                  exec \"$0\" run \"$1\" --rate 1000 --duration 200ms --connections 100 \
                  --new-connections --drain 100ms --print json";
    let mut child = Command::new("bash");
    child.args(["-c", script, env!("CARGO_BIN_EXE_loadgen"), &server.url()]);
    let output = child.stderr(Stdio::inherit()).output().await.unwrap();
    // What it could not open it is to blame for.
    assert_eq!(output.status.code(), Some(3));
    Seen::Ran(serde_json::from_slice(&output.stdout).unwrap())
}

/// What the time-outs of a run have in common with each other: they bound it.
#[tokio::test]
async fn what_has_no_end_is_given_up() {
    let ones = "HTTP/1.1 102 Processing\r\n\r\n".as_bytes();
    let head = "HTTP/1.1 200 OK\r\n\r\n".as_bytes();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_bytes();
    check_endless(vec![Act::Read, Act::Babble(ones)], Fault::HeaderTimeout).await;
    check_endless(
        vec![Act::Read, Act::Say(head), Act::Babble(&[b'x'; 65_536])],
        Fault::BodyTimeout,
    )
    .await;
    let chunks = |chunk| vec![Act::Read, Act::Say(chunked), Act::Babble(chunk)];
    check_endless(chunks(b"1\r\nx\r\n"), Fault::BodyTimeout).await;
    // Extensions are limited, however short each of them is.
    let extended: &[u8] = "1;a=b\r\nx\r\n".repeat(10_000).into_bytes().leak();
    check_endless(chunks(extended), Fault::Parse).await;
}

async fn check_endless(acts: Vec<Act>, fault: Fault) {
    let server = FaultServer::always(acts).await;
    let mut options = options(&server.url(), two());
    options.timeouts.header = ms(100);
    options.timeouts.body = ms(100);
    let summary = load(options).await.unwrap();
    assert_eq!(summary.measures.faults.keys().collect::<Vec<_>>(), [&fault]);
    assert_eq!(summary.totals.failed, 2);
}

fn two() -> Program {
    constant(20.0, ms(100))
}
