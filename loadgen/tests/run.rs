//! Runs against servers in this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{future::pending, num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use loadgen::{
    null,
    run::{Options, RunError, run},
    schedule::{Profile, Rate},
    summary::{Summary, Totals},
    target::Permission,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/path?query", listener.local_addr().unwrap());
    (listener, url)
}

fn options(url: &str, rate: f64, ms: u64, connections: usize) -> Options {
    Options {
        target: url.parse().unwrap(),
        permission: Permission::LoopbackOnly,
        profile: Profile::constant(Rate::new(rate).unwrap(), Duration::from_millis(ms)).unwrap(),
        connections: NonZeroUsize::new(connections).unwrap(),
        drain: Duration::from_millis(300),
    }
}

fn check(summary: &Summary, expected: [u64; 6]) {
    let Totals { planned, sent, completed, failed, dropped, unsent, unfinished } = summary.totals;
    assert_eq!(dropped, 0);
    assert_eq!([planned, sent, completed, failed, unsent, unfinished], expected);
}

#[tokio::test]
async fn all_are_answered() {
    let (listener, url) = listener().await;
    tokio::spawn(null::serve(listener, Bytes::from_static(b"body"), pending()));
    let summary = run(options(&url, 400.0, 500, 4)).await.unwrap();
    check(&summary, [200, 200, 200, 0, 0, 0]);
    assert_eq!(summary.statuses.into_iter().collect::<Vec<_>>(), [(200, 200)]);
    assert_eq!([summary.response.count, summary.service.count, summary.lag.count], [200; 3]);
    assert_eq!(summary.run.reopened, 0);
}

/// A server that never answers: what it was asked is unfinished, and what had
/// no connection was never sent. Neither is left out.
#[tokio::test]
async fn silence() {
    let (listener, url) = listener().await;
    let kept = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    let summary = run(options(&url, 50.0, 200, 3)).await.unwrap();
    check(&summary, [10, 3, 0, 0, 7, 3]);
    assert!(summary.service.max_us.unwrap() >= 400_000.0);
    kept.abort();
}

/// One slow answer on one connection: those behind it waited since they were
/// due, though the server took long for one alone.
#[tokio::test]
async fn a_stall_is_in_the_response_times_of_those_behind_it() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let mut first = true;
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
            assert!(buffer.starts_with(b"GET /path?query HTTP/1.1\r\nhost: 127.0.0.1:"));
            if std::mem::replace(&mut first, false) {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        }
    });
    let summary = run(options(&url, 100.0, 200, 1)).await.unwrap();
    check(&summary, [20, 20, 20, 0, 0, 0]);
    assert_eq!(summary.statuses.into_iter().collect::<Vec<_>>(), [(503, 20)]);
    // Due at 0, 10, … 190 ms and answered after 250: the median is about 155.
    assert!(summary.response.p50_us.unwrap() >= 140_000.0);
    assert!(summary.service.p50_us.unwrap() <= 100_000.0);
}

/// A server that hangs up on every request: each is a failure, and the
/// connection is opened anew for the next.
#[tokio::test]
async fn broken_connections() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { stream.read(&mut [0; 4096]).await });
        }
    });
    let summary = run(options(&url, 50.0, 200, 2)).await.unwrap();
    check(&summary, [10, 10, 0, 10, 0, 0]);
    assert!(summary.run.reopened >= 7, "{}", summary.run.reopened);
    assert_eq!(summary.response.count, 10);
}

#[tokio::test]
async fn what_is_not_loaded() {
    let elsewhere = run(options("http://192.0.2.1/", 1.0, 10, 1)).await;
    assert!(matches!(elsewhere, Err(RunError::Refused(_))));
    let (listener, url) = listener().await;
    drop(listener);
    let nobody = run(options(&url, 1.0, 10, 1)).await;
    assert!(matches!(nobody, Err(RunError::Unreachable(_))));
}
