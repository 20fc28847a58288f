//! What carries the requests: how often it is opened, and from where to where.

use loadgen::{
    fault::Fault,
    run::{Options, RunError},
    summary::Summary,
    transport::{Protocol, Reuse},
};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::UnixListener, task::JoinSet};

use super::null;
use crate::{
    fault_server::{Act, FaultServer, OK, answer, cut},
    support::{check_totals, closed, constant, load, ms, options},
};

fn ten(url: &str) -> Options {
    let mut options = options(url, constant(50.0, ms(200)));
    options.connections = 1;
    options
}

/// Ten requests over one connection: how many there were in all.
async fn check(acts: Vec<Act>, reuse: Reuse, connections: u64) -> Summary {
    let server = FaultServer::always(acts).await;
    let mut options = ten(&server.url());
    options.reuse = reuse;
    let summary = load(options).await.unwrap();
    check_totals(&summary, [10, 10, 10, 0, 0, 0, 0]);
    assert_eq!(server.connections(), connections);
    let before = u64::from(reuse == Reuse::KeepAlive);
    assert_eq!(
        (summary.run.connections, summary.measures.reopened),
        (before, connections - before)
    );
    let close = server.heads().iter().filter(|head| head.contains("connection: close")).count();
    assert_eq!(close, if reuse == Reuse::PerRequest { 10 } else { 0 });
    summary
}

#[tokio::test]
async fn they_are_kept_or_opened_for_each_request() {
    check(answer(OK), Reuse::KeepAlive, 1).await;
    check(answer(OK), Reuse::PerRequest, 10).await;
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    check(cut(last, Act::Close), Reuse::KeepAlive, 10).await;
    check(cut(last, Act::Close), Reuse::PerRequest, 10).await;
}

/// A server may close what is idle at any time; no request is lost to it.
#[tokio::test]
async fn what_was_closed_while_idle_is_opened_again() {
    check(cut(OK, Act::Close), Reuse::KeepAlive, 10).await;
    check(cut(OK, Act::Reset), Reuse::KeepAlive, 10).await;
}

#[tokio::test]
async fn a_unix_socket_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| 0 < read) {
            assert!(buffer.starts_with(b"GET /menu HTTP/1.1\r\nhost: nobody.invalid\r\n"));
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    });
    // Nobody looks up a name that nobody connects to.
    let mut options = ten("http://nobody.invalid/menu");
    options.unix_socket = Some(path.clone());
    check_totals(&load(options).await.unwrap(), [10, 10, 10, 0, 0, 0, 0]);

    let mut options = ten("http://nobody.invalid/menu");
    options.unix_socket = Some(folder.path().join("none"));
    let failure = load(options).await.unwrap_err();
    assert!(
        matches!(failure, RunError::Unreachable(failure) if failure.fault == Fault::ConnectRefused)
    );
}

#[tokio::test]
async fn names_can_be_looked_up_by_hand() {
    let server = FaultServer::always(answer(OK)).await;
    let port = server.address.port();
    let mut options = ten(&format!("http://menu.invalid:{port}/"));
    options.resolve = vec![format!("menu.invalid:{port}:127.0.0.1").parse().unwrap()];
    check_totals(&load(options).await.unwrap(), [10, 10, 10, 0, 0, 0, 0]);
    assert!(server.heads().iter().all(|head| head.contains(&format!("host: menu.invalid:{port}"))));
}

/// Of several addresses the first that answers has all connections, and one
/// more that found it.
#[tokio::test]
async fn an_address_that_does_not_answer_is_passed_over() {
    let server = FaultServer::always(answer(OK)).await;
    let port = server.address.port();
    let resolved = |addresses: &[&str]| {
        let mut options = ten(&format!("http://menu.invalid:{port}/"));
        let resolve = addresses.iter().map(|address| format!("menu.invalid:{port}:{address}"));
        options.resolve = resolve.map(|resolve| resolve.parse().unwrap()).collect();
        options
    };
    let summary = load(resolved(&["127.0.0.2", "127.0.0.1", "127.0.0.3"])).await.unwrap();
    check_totals(&summary, [10, 10, 10, 0, 0, 0, 0]);
    assert_eq!((summary.run.connections, server.connections()), (1, 2));

    let RunError::Unreachable(failure) =
        load(resolved(&["127.0.0.2", "127.0.0.3"])).await.unwrap_err()
    else {
        panic!("it is reachable")
    };
    assert_eq!(failure.fault, Fault::ConnectRefused);
    let says = failure.to_string();
    for address in ["127.0.0.2", "127.0.0.3"] {
        assert!(says.contains(&format!("{address}:{port} connect_refused")), "{says}");
    }
    // One of another machine's addresses (RFC 5737) makes it another machine.
    let refused = load(resolved(&["127.0.0.1", "192.0.2.1"])).await.unwrap_err();
    assert!(matches!(refused, RunError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn sources_are_this_machines_own() {
    let (url, _null) = null().await;
    let mut options = ten(&url);
    options.connections = 4;
    options.sources = ["127.0.0.2", "127.0.0.3"].map(|source| source.parse().unwrap()).into();
    check_totals(&load(options).await.unwrap(), [10, 10, 10, 0, 0, 0, 0]);
}

/// Users who find nobody do not ask again at once.
#[tokio::test]
async fn a_closed_model_does_not_spin_where_nobody_listens() {
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut options = options(&super::url(nobody.local_addr().unwrap()), closed(4, ms(300)));
    options.reuse = Reuse::PerRequest;
    let summary = load(options).await.unwrap();
    // Each at 0, 100, 200 and perhaps 300 ms.
    assert!((4..=16).contains(&summary.totals.sent), "{:?}", summary.totals);
    assert_eq!(summary.totals.failed, summary.totals.sent);
    assert_eq!(summary.exit_code(), 4);
}

#[tokio::test]
async fn there_may_be_many() {
    let server = FaultServer::always(answer(OK)).await;
    let mut options = options(&server.url(), constant(2000.0, ms(500)));
    options.connections = 1000;
    options.threads = 5;
    let summary = load(options).await.unwrap();
    check_totals(&summary, [1000, 1000, 1000, 0, 0, 0, 0]);
    assert_eq!((summary.run.connections, summary.measures.reopened), (1000, 0));
}

#[tokio::test]
async fn http2_carries_several_requests_at_once() {
    let server = crate::http2::Polite::start().await;
    let mut options = options(&server.url(), constant(200.0, ms(500)));
    options.protocol = Protocol::Http2 { streams: 8 };
    options.connections = 2;
    let summary = load(options).await.unwrap();
    check_totals(&summary, [100, 100, 100, 0, 0, 0, 0]);
    assert_eq!(summary.measures.body_bytes, 800);
    assert_eq!((summary.run.connections, summary.measures.reopened), (2, 0));
    // Answers take longer than the time between two requests.
    assert!(1 < server.most_at_once(), "{}", server.most_at_once());
}

/// The kernel keeps a few connections that nobody accepts, and lets the others
/// wait.
#[tokio::test]
async fn a_server_that_does_not_accept_is_given_up() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut options = ten(&super::url(listener.local_addr().unwrap()));
    options.connections = 10;
    options.reuse = Reuse::PerRequest;
    options.timeouts.connect = ms(100);
    options.timeouts.header = ms(100);
    let summary = load(options).await.unwrap();
    check_totals(&summary, [10, 10, 0, 10, 0, 0, 0]);
    let count = |fault| summary.measures.faults.get(&fault).map_or(0, |fault| fault.count);
    let (unopened, unanswered) = (count(Fault::ConnectTimeout), count(Fault::HeaderTimeout));
    assert!(0 < unopened && 0 < unanswered, "{unopened}, {unanswered}");
    assert_eq!(unopened + unanswered, 10);
    assert_eq!(summary.measures.times["response"].censored, 10);
}
