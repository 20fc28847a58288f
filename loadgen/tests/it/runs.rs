//! Runs against servers that do as they should, or nearly.

mod connections;
mod demands;
mod models;
mod requests;
mod secure;

use std::{future::pending, net::SocketAddr};

use bytes::Bytes;
use loadgen::{fault::Fault, null};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    fault_server::{Act, FaultServer, answer, cut},
    support::{check_totals, constant, load, ms, options, statuses},
};

/// A null responder, and where it is. It ends with its owner.
async fn null() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(null::serve(listener, Bytes::from_static(b"the menu"), pending()));
    (url, serving)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/path?query")
}

#[tokio::test]
async fn all_are_answered() {
    let (url, _null) = null().await;
    let summary = load(options(&url, constant(400.0, ms(500)))).await.unwrap();
    check_totals(&summary, [200, 200, 200, 0, 0, 0, 0]);
    assert_eq!(statuses(&summary), [(200, 200)]);
    for clock in ["response", "service", "lag", "ttfb", "lateness", "response-2xx"] {
        assert_eq!(summary.measures.times[clock].count, 200, "{clock}");
    }
    assert_eq!((summary.measures.body_bytes, summary.measures.differing_bodies), (1600, 0));
    assert_eq!((summary.run.connections, summary.measures.reopened), (4, 0));
}

/// A server that never answers: what it was asked is unfinished, and what had
/// no connection was never sent. Neither is left out.
#[tokio::test]
async fn silence_leaves_requests_unfinished_and_unsent() {
    let server = FaultServer::always(vec![Act::Read, Act::Hang]).await;
    let mut options = options(&server.url(), constant(50.0, ms(200)));
    options.connections = 3;
    options.drain = ms(300);
    let summary = load(options).await.unwrap();
    check_totals(&summary, [10, 3, 0, 0, 0, 7, 3]);
    // Those that were never sent waited as those that were: the last was due at
    // 180 ms, and all were given up at 500.
    for clock in ["response", "lag"] {
        let times = &summary.measures.times[clock];
        assert_eq!(times.count, 10, "{clock}: {times:?}");
        assert!(320_000.0 <= times.censored_from_us.unwrap() * 1.001, "{clock}: {times:?}");
    }
    assert_eq!(summary.measures.times["response"].censored, 10);
    assert_eq!(summary.measures.times["service"].count, 3);
    assert_eq!(summary.steps[0].errors, 10);
}

/// One slow answer on one connection: those behind it waited since they were
/// due, though the server took long for one alone.
#[tokio::test]
async fn a_stall_is_in_the_response_times_of_those_behind_it() {
    let busy = "HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno";
    let server = FaultServer::start(move |turn| match turn.request {
        0 => vec![Act::Read, Act::Wait(ms(400)), Act::Say(busy.as_bytes())],
        _ => answer(busy),
    });
    let server = server.await;
    let mut options = options(&server.url(), constant(100.0, ms(200)));
    options.connections = 1;
    let summary = load(options).await.unwrap();
    check_totals(&summary, [20, 20, 20, 0, 0, 0, 0]);
    assert_eq!(statuses(&summary), [(503, 20)]);
    let times = &summary.measures.times;
    // Due at 0, 10, … 190 ms and answered after 400: the median is 305 or more.
    assert!(300_000.0 <= times["response"].p50_us.unwrap());
    assert!(times["service"].p50_us.unwrap() <= 150_000.0);
    // It was the server that they waited for.
    assert!(times["lateness"].p50_us.unwrap() < times["lag"].p50_us.unwrap());
    assert_eq!(times["response-other"].count, 20);
}

/// A server that hangs up on every request: each is a failure, and the
/// connection is opened anew for the next.
#[tokio::test]
async fn broken_connections_are_opened_again() {
    let server = FaultServer::always(cut("", Act::Close)).await;
    let mut options = options(&server.url(), constant(50.0, ms(200)));
    options.connections = 2;
    let summary = load(options).await.unwrap();
    check_totals(&summary, [10, 10, 0, 10, 0, 0, 0]);
    // The two that are there at the start carry one request each.
    assert_eq!(summary.measures.reopened, server.connections() - 2);
    assert!(8 <= summary.measures.reopened, "{}", summary.measures.reopened);
}

/// What is no error in HTTP is none here, however odd it looks.
#[tokio::test]
async fn odd_answers_are_answers() {
    let close = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    check_odd(cut(close, Act::Close), 200, 13).await;
    check_odd(cut("HTTP/1.0 200 OK\r\n\r\nold", Act::Close), 200, 3).await;
    let old = "HTTP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nold";
    check_odd(answer(old), 200, 3).await;
    check_odd(answer("HTTP/1.1 204 No Content\r\n\r\n"), 204, 0).await;
    check_odd(answer("HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n"), 304, 0).await;
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
                 HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx";
    check_odd(answer(hints), 200, 1).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                   3;a=\"b\"\r\nabc\r\n1\r\nd\r\n0\r\nx-trailer: 1\r\n\r\n";
    check_odd(answer(chunked), 200, 4).await;
    check_odd(answer("HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n"), 999, 0).await;
    check_odd(answer("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n"), 200, 0).await;
}

async fn check_odd(acts: Vec<Act>, status: u16, bytes: u64) {
    let says = format!("{acts:?}");
    let server = FaultServer::always(acts).await;
    let summary = load(options(&server.url(), constant(50.0, ms(100)))).await.unwrap();
    assert_eq!(statuses(&summary), [(status, 5)], "{says}: {:?}", summary.measures.faults);
    assert_eq!(summary.measures.body_bytes, 5 * bytes, "{says}");
}

/// What comes after an answer belongs to no request: the connection is given
/// up, and no request fails for it.
#[tokio::test]
async fn more_than_an_answer_ends_the_connection() {
    let more = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nthe menu, and more";
    let body = "HTTP/1.1 204 No Content\r\n\r\na body that must not be";
    for text in [more, body] {
        let server = FaultServer::always(answer(text)).await;
        let mut options = options(&server.url(), constant(50.0, ms(200)));
        options.connections = 1;
        let summary = load(options).await.unwrap();
        check_totals(&summary, [10, 10, 10, 0, 0, 0, 0]);
        assert_eq!(summary.measures.reopened, 9, "{text}");
    }
}

/// Answers that have no end in them, or that would take any memory.
#[tokio::test]
async fn heads_are_bounded() {
    let line = "x-field: and so on\r\n";
    let heads = [
        format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(100_000)),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2 << 20)),
    ];
    for head in heads {
        let head: &'static [u8] = head.into_bytes().leak();
        let server = FaultServer::always(vec![Act::Read, Act::Say(head), Act::Hang]).await;
        let summary = load(options(&server.url(), constant(50.0, ms(100)))).await.unwrap();
        check_totals(&summary, [5, 5, 0, 5, 0, 0, 0]);
        assert_eq!(summary.measures.faults[&Fault::Parse].count, 5);
    }
}
