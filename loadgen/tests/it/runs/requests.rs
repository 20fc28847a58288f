//! What is asked arrives as it was given, and answers are compared.

use std::sync::Arc;

use hyper::{
    HeaderMap, Method,
    header::{HOST, HeaderName, HeaderValue},
};
use loadgen::{
    fault::Fault,
    run::Options,
    transport::{Expected, Print},
};
use parking_lot::Mutex;

use crate::{
    fault_server::{Act, FaultServer, OK, answer},
    support::{check_totals, constant, load, ms, options},
};

fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    lines.iter().map(field).collect()
}

fn five(url: &str) -> Options {
    options(url, constant(50.0, ms(100)))
}

/// The head of a request that `change` was made to.
async fn head(change: impl FnOnce(&mut Options)) -> (String, String) {
    let server = FaultServer::always(answer(OK)).await;
    let mut options = five(&server.url());
    change(&mut options);
    check_totals(&load(options).await.unwrap(), [5, 5, 5, 0, 0, 0, 0]);
    let heads = server.heads();
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
    (heads[0].clone(), server.address.to_string())
}

#[tokio::test]
async fn requests_arrive_as_they_were_given() {
    let (plain, address) = head(|_| ()).await;
    assert_eq!(plain, format!("GET /path?query HTTP/1.1\r\nhost: {address}\r\n\r\n"));

    let (post, _) = head(|options| {
        options.method = Method::POST;
        options.body = "an order".into();
        options.headers = fields(&[
            ("host", "menu.example"),
            ("x-line", "1"),
            ("accept", "*/*"),
            ("x-line", "2"),
        ]);
    })
    .await;
    assert!(post.starts_with("POST /path?query HTTP/1.1\r\n"), "{post}");
    let lines: Vec<_> = post.lines().filter(|line| line.contains(": ")).collect();
    assert!(lines.contains(&"content-length: 8"), "{post}");
    let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    assert_eq!(of("host"), [&"host: menu.example"]);
    assert_eq!(of("x-line"), [&"x-line: 1", &"x-line: 2"]);
    assert_eq!(of(HOST.as_str()).len(), 1);
}

/// Bodies come behind their heads: the server counts none of their bytes as the
/// beginning of another request.
#[tokio::test]
async fn bodies_arrive_whole() {
    let server = FaultServer::always(answer(OK)).await;
    let mut options = five(&server.url());
    options.method = Method::PUT;
    options.body = vec![b'x'; 300_000].into();
    check_totals(&load(options).await.unwrap(), [5, 5, 5, 0, 0, 0, 0]);
    assert_eq!(server.requests(), 5);
}

/// Answers to `HEAD` have a length and no body.
#[tokio::test]
async fn heads_have_no_body() {
    let server = FaultServer::always(answer("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")).await;
    let mut options = five(&server.url());
    options.method = Method::HEAD;
    check_totals(&load(options).await.unwrap(), [5, 5, 5, 0, 0, 0, 0]);
}

#[tokio::test]
async fn bodies_are_compared() {
    let turns = Arc::new(Mutex::new(0));
    let server = FaultServer::start(move |_| {
        let mut turn = turns.lock();
        *turn += 1;
        let other = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nTHE MENU";
        vec![Act::Read, Act::Say(if *turn == 4 { other } else { OK }.as_bytes())]
    });
    let server = server.await;
    let mut options = five(&server.url());
    options.connections = 1;
    let summary = load(options).await.unwrap();
    // What is served may change; it is said, and no failure.
    assert_eq!((summary.totals.completed, summary.measures.differing_bodies), (5, 1));

    let server = FaultServer::always(answer(OK)).await;
    let mut options = five(&server.url());
    options.expected = Expected::Exactly(Print::of(b"the menu"));
    assert_eq!(load(options).await.unwrap().totals.completed, 5);
    let mut options = five(&server.url());
    options.expected = Expected::Exactly(Print::of(b"THE MENU"));
    options.connections = 1;
    let summary = load(options).await.unwrap();
    assert_eq!(summary.measures.faults[&Fault::BodyMismatch].count, 5);
    // The answer was whole, so the connection carries the next one.
    assert_eq!(summary.measures.reopened, 0);
}

/// What a cache says of its answers has times of its own.
#[tokio::test]
async fn answers_of_caches_are_told_apart() {
    let server = FaultServer::start(|turn| {
        answer(match turn.request % 5 {
            0 => {
                "HTTP/1.1 200 OK\r\ncache-status: relay; fwd=uri-miss\r\ncontent-length: 0\r\n\r\n"
            }
            1 | 2 => "HTTP/1.1 200 OK\r\ncache-status: relay; hit\r\ncontent-length: 0\r\n\r\n",
            3 => "HTTP/1.1 200 OK\r\nx-cache: STALE\r\ncontent-length: 0\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        })
    });
    let server = server.await;
    let mut options = options(&server.url(), constant(100.0, ms(200)));
    options.connections = 1;
    let summary = load(options).await.unwrap();
    let times = &summary.measures.times;
    for clock in ["response", "service"] {
        let of = |class| times[&format!("{clock}-{class}")].count;
        assert_eq!([of("miss"), of("hit"), of("stale"), of("2xx")], [4, 8, 4, 20]);
        assert!(!times.contains_key(&format!("{clock}-revalidated")));
    }
}
