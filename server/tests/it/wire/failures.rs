//! Failures of the upstream: one marked answer each, and retries where they
//! do no harm.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use tokio::time::Instant;

use crate::support::{Answer, Origin, Relay, Then, exchange, nowhere, read_body, read_head};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 2\r\n\r\nok";

/// The answer to a request without a body, on a connection of its own.
fn ask(relay: &Relay, method: &str) -> Answer {
    let request = format!(
        "{method} /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    Answer::parse(&exchange(relay.public, request))
}

#[track_caller]
fn check_failure(upstream: &str, flags: &[&str], status: u16, error: &str) {
    let relay = Relay::start(&[&["--upstream", upstream], flags].concat());
    for (method, fwd) in [("GET", "uri-miss"), ("HEAD", "uri-miss"), ("POST", "method")] {
        let answer = ask(&relay, method);
        assert_eq!(answer.status(), status, "{method}: {answer:?}");
        let marked = format!("lunch-relay; error={error}");
        assert_eq!(answer.field("proxy-status"), Some(marked.as_str()), "{method}");
        let cache = format!("lunch-relay; fwd={fwd}; detail={error}");
        assert_eq!(answer.field("cache-status"), Some(cache.as_str()), "{method}");
        assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{method}");
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{method}");
        if method != "HEAD" {
            assert!(answer.text().contains(&format!(r#""status":{status}"#)), "{answer:?}");
        }
    }
}

/// Waits for a request and closes on it unread, which resets the connection.
fn reset(stream: &mut TcpStream) -> io::Result<()> {
    stream.peek(&mut [0])?;
    Ok(())
}

#[test]
fn an_upstream_that_does_not_listen_is_unavailable() {
    let upstream = format!("http://{}/", nowhere());
    check_failure(&upstream, &[], 502, "destination_unavailable");
}

#[test]
fn a_name_that_does_not_resolve_is_unavailable() {
    check_failure("http://no-such-host.invalid/", &[], 502, "destination_unavailable");
}

#[test]
fn an_upstream_that_resets_breaks_the_exchange_off() {
    let origin = Origin::accepting(|_, stream| reset(stream.get_mut()));
    check_failure(&origin.url(), &[], 502, "http_response_incomplete");
}

#[test]
fn an_upstream_that_closes_breaks_the_exchange_off() {
    let origin = Origin::accepting(|_, stream| read_head(stream).map(drop));
    check_failure(&origin.url(), &[], 502, "http_response_incomplete");
}

#[track_caller]
fn check_garbage(bytes: &'static [u8]) {
    let origin = Origin::answering(bytes);
    check_failure(&origin.url(), &[], 502, "http_response_incomplete");
}

#[test]
fn what_is_not_http_is_not_relayed() {
    check_garbage(b"SSH-2.0-OpenSSH_9.9\r\n");
    check_garbage(b"\0\x01\x02\x03\xff\xfe\r\n\r\n");
    check_garbage(b"HTTP/9.9 200 OK\r\n\r\n");
    check_garbage(b"HTTP/1.1 abc OK\r\n\r\n");
    check_garbage(b"HTTP/1.1 20 OK\r\n\r\n");
    check_garbage(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    check_garbage(b"HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n");
    check_garbage(b"<html>HTTP/0.9</html>");
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_not_relayed() {
    check_garbage(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
}

#[test]
fn a_head_without_end_is_not_waited_for() {
    let origin = Origin::accepting(|_, stream| {
        read_head(stream)?;
        let line = format!("x: {}\r\n", "y".repeat(10_000));
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\n")?;
        while stream.get_mut().write_all(line.as_bytes()).is_ok() {}
        Ok(())
    });
    check_failure(&origin.url(), &[], 502, "http_response_incomplete");
}

/// Reads until the relay closes the connection.
fn stall(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

#[test]
fn an_upstream_that_stalls_times_out() {
    let origin = Origin::accepting(|_, stream| stall(stream));
    let flags = ["--upstream-timeout", "300ms"];
    check_failure(&origin.url(), &flags, 504, "http_response_timeout");
}

#[test]
fn a_request_with_a_small_body_waits_no_longer_than_one_without() {
    let origin = Origin::accepting(|_, stream| stall(stream));
    let relay = Relay::start(&["--upstream", &origin.url(), "--upstream-timeout", "1s"]);
    let began = Instant::now();
    let request = "POST /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let answer = Answer::parse(&exchange(relay.public, request));
    assert_eq!(answer.status(), 504);
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
}

#[test]
fn an_upstream_that_stalls_within_its_head_times_out() {
    let origin = Origin::accepting(|_, stream| {
        read_head(stream)?;
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-")?;
        stall(stream)
    });
    let flags = ["--upstream-timeout", "300ms"];
    check_failure(&origin.url(), &flags, 504, "http_response_timeout");
}

#[test]
fn a_body_that_stalls_is_aborted() {
    for framing in ["content-length: 10\r\n\r\n", "transfer-encoding: chunked\r\n\r\n5\r\n"] {
        for control in ["max-age=60", "no-store"] {
            let head = format!("HTTP/1.1 200 OK\r\ncache-control: {control}\r\n{framing}hello");
            let origin = Origin::accepting(move |_, stream| {
                read_head(stream)?;
                stream.get_mut().write_all(head.as_bytes())?;
                stall(stream)
            });
            let url = origin.url();
            let relay = Relay::start(&["--upstream", &url, "--upstream-timeout", "300ms"]);
            let answer = ask(&relay, "GET");
            assert_eq!(answer.status(), 200, "{framing:?}");
            assert!(answer.text().contains("hello"), "{framing:?}: {answer:?}");
            assert!(!answer.body.ends_with(b"0\r\n\r\n"), "{framing:?}: {answer:?}");
            assert!(answer.body.len() < 10 + 5, "{framing:?}: {answer:?}");
        }
    }
}

/// An origin whose first connection serves one request and closes on the next.
fn closing_on_the_second() -> Origin {
    Origin::accepting(|before, stream| {
        while let Some(head) = read_head(stream)? {
            read_body(&head, stream)?;
            stream.get_mut().write_all(OK)?;
            if before == 0 {
                // The next request has come: it is closed on, not only a connection.
                stream.fill_buf()?;
                return Ok(());
            }
        }
        Ok(())
    })
}

#[test]
fn a_get_is_sent_again_where_an_idle_connection_was_closed_under_it() {
    let origin = closing_on_the_second();
    let relay = Relay::before(&origin.url());
    for method in ["GET", "GET"] {
        let answer = ask(&relay, method);
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_post_is_not_sent_again() {
    let origin = closing_on_the_second();
    let relay = Relay::before(&origin.url());
    assert_eq!(ask(&relay, "GET").status(), 200);
    assert_eq!(ask(&relay, "POST").status(), 502);
    assert_eq!(origin.connections(), 1);
    assert_eq!(ask(&relay, "POST").status(), 200);
}

#[test]
fn a_put_whose_body_is_gone_is_not_sent_again() {
    let origin = closing_on_the_second();
    let relay = Relay::before(&origin.url());
    assert_eq!(ask(&relay, "GET").status(), 200);
    let put = "PUT /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
    assert_eq!(Answer::parse(&exchange(relay.public, put)).status(), 502);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_request_is_sent_again_once_only() {
    // The first connection serves one request; all others close on theirs.
    let origin = Origin::accepting(|before, stream| {
        read_head(stream)?;
        if before == 0 {
            stream.get_mut().write_all(OK)?;
            stream.fill_buf()?;
        }
        Ok(())
    });
    let relay = Relay::start(&["--upstream", &origin.url(), "--upstream-retries=0"]);
    assert_eq!(ask(&relay, "GET").status(), 200);
    assert_eq!(ask(&relay, "GET").status(), 502);
    assert_eq!(origin.connections(), 2);
}

#[test]
fn what_fails_on_a_fresh_connection_is_tried_twice_more_after_a_pause() {
    // Each way that a connection ends without an answer.
    let end = |at: usize, stream: &mut BufReader<TcpStream>| match at % 3 {
        0 => reset(stream.get_mut()),
        1 => read_head(stream).map(drop),
        _ => {
            read_head(stream)?;
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-")
        }
    };
    for first in 0..3 {
        let origin = Origin::accepting(move |before, stream| match before {
            0 => end(first, stream),
            _ => read_head(stream).and_then(|_| stream.get_mut().write_all(OK)),
        });
        let relay = Relay::before(&origin.url());
        assert_eq!(ask(&relay, "GET").status(), 200, "{first}");
        assert_eq!(origin.connections(), 2);
        assert_eq!(relay.metric(r#"lunch_relay_upstream_retries_total{outcome="answered"}"#), 1);
    }
    let origin = Origin::accepting(move |before, stream| end(before, stream));
    let relay = Relay::before(&origin.url());
    assert_eq!(ask(&relay, "GET").status(), 502);
    assert_eq!(origin.connections(), 3);
    assert_eq!(relay.metric(r#"lunch_relay_upstream_retries_total{outcome="failed"}"#), 2);
}

#[test]
fn what_is_not_repeatable_or_not_passing_is_sent_once() {
    let origin = Origin::accepting(|_, stream| reset(stream.get_mut()));
    let relay = Relay::before(&origin.url());
    for (method, content) in [("POST", ""), ("PUT", "x")] {
        let length = content.len();
        let asked = origin.connections();
        let request = format!(
            "{method} /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{content}"
        );
        assert_eq!(Answer::parse(&exchange(relay.public, request)).status(), 502);
        assert_eq!(origin.connections(), asked + 1, "{method}");
    }
    let origin = Origin::answering("SSH-2.0-OpenSSH_9.9\r\n");
    let relay = Relay::before(&origin.url());
    assert_eq!(ask(&relay, "GET").status(), 502);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn the_time_in_the_queue_is_part_of_the_deadline() {
    // The first answer takes half of the time, the second would take more than all of it.
    let asked = AtomicU64::new(0);
    let origin = Origin::start(move |_, stream| {
        let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        thread::sleep(Duration::from_millis(if is_first { 1500 } else { 10_000 }));
        stream.get_mut().write_all(OK)?;
        Ok(Then::KeepOpen)
    });
    let flags = ["--upstream-timeout=3s", "--upstream-concurrency=1", "--upstream", &origin.url()];
    let relay = Relay::start(&flags);
    let started = Instant::now();
    let mut statuses = thread::scope(|scope| {
        let asks = [(); 2].map(|()| scope.spawn(|| ask(&relay, "DELETE").status()));
        asks.map(|ask| ask.join().unwrap())
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 504]);
    assert!(started.elapsed() < Duration::from_millis(4250), "{:?}", started.elapsed());
}

#[test]
fn an_origin_that_closes_after_each_answer_without_saying_so_loses_no_get() {
    let origin = Origin::answering(OK);
    let relay = Relay::before(&origin.url());
    for _ in 0..100 {
        assert_eq!(ask(&relay, "GET").status(), 200);
    }
}
