//! What clients are told when a bound of the way to the upstream is reached.

use std::{
    io::{BufReader, Write},
    sync::{Mutex, mpsc},
};

use crate::support::{Origin, Relay, Then, connect, read_answer};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 2\r\n\r\nok";

/// Checks a 503 of the relay's own.
#[track_caller]
fn check_shed(relay: &Relay, error: &str, retry_after: std::ops::RangeInclusive<u64>, word: &str) {
    let answer = relay.get("/shed");
    assert_eq!(answer.status(), 503, "{answer:?}");
    let marked = format!("lunch-relay; error={error}");
    assert_eq!(answer.field("proxy-status"), Some(marked.as_str()));
    let seconds: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!(retry_after.contains(&seconds), "{seconds}");
    assert!(answer.text().contains(word), "{}", answer.text());
}

#[test]
fn a_429_is_copied_and_then_nothing_is_asked() {
    let origin = Origin::start(|head, stream| {
        let answer: &[u8] = if head.starts_with("GET /limited ") {
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 40\r\ncontent-length: 0\r\n\r\n"
        } else {
            OK
        };
        stream.get_mut().write_all(answer)?;
        Ok(Then::KeepOpen)
    });
    let relay = Relay::before(&origin.url());
    assert_eq!(relay.get("/").status(), 200);
    let limited = relay.get("/limited");
    assert_eq!((limited.status(), limited.field("retry-after")), (429, Some("40")));
    check_shed(&relay, "destination_unavailable", 38..=44, "429 or Retry-After");
    assert_eq!(origin.heads().len(), 2);
    assert_eq!(relay.metric("lunch_relay_upstream_shed_total{bound=\"hold\"}"), 1);
    let limited = r#"lunch_relay_upstream_spent_total{purpose="client",outcome="limited"}"#;
    assert_eq!(relay.metric(limited), 1);
}

#[test]
fn a_rate_that_is_used_up_is_said_with_its_flag() {
    let origin = Origin::echoing();
    let flags = ["--upstream-rate=1/h", "--upstream-burst=2", "--upstream", &origin.url()];
    let relay = Relay::start(&flags);
    assert_eq!((relay.get("/1").status(), relay.get("/2").status()), (200, 200));
    check_shed(&relay, "http_request_denied", 3500..=3600, "--upstream-rate");
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn the_next_goes_when_a_place_is_free() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let origin = Origin::start(move |head, stream| {
        if head.starts_with("GET /slow ") {
            let _ = gone.lock().unwrap().recv();
        }
        stream.get_mut().write_all(OK)?;
        Ok(Then::KeepOpen)
    });
    let relay = Relay::start(&["--upstream-concurrency=1", "--upstream", &origin.url()]);
    let ask = |path: &str| {
        let mut stream = connect(relay.public);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        BufReader::new(stream)
    };
    let until = |name: &str| {
        while relay.metric(name) != 1 {
            std::thread::yield_now();
        }
    };
    let mut slow = ask("/slow");
    until("lunch_relay_upstream_under_way ");
    let mut waits = ask("/waits");
    until("lunch_relay_upstream_waiting ");
    assert!(origin.heads().len() <= 1, "{:?}", origin.heads());
    go.send(()).unwrap();
    for stream in [&mut slow, &mut waits] {
        assert_eq!(read_answer(stream).status(), 200);
    }
    assert_eq!(origin.heads().len(), 2);
}
