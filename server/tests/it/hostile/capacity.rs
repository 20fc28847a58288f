//! More connections than there is use for, or room.

use std::{
    io::{BufReader, Write},
    net::TcpStream,
};

use tokio::time::Instant;

use super::{check_survived, is_open_and_silent, read_until_closed, relay_before};
use crate::support::{Answer, Origin, PATIENCE, Relay, connect, exchange, get, read_answer};

const REQUEST: &str = "GET /x HTTP/1.1\r\nhost: h\r\n\r\n";

/// A connection that has been answered once and is kept.
fn kept(relay: &Relay) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(REQUEST.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).status(), 200);
    stream
}

fn cacheable() -> Origin {
    Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
}

#[test]
fn ten_thousand_idle_connections_leave_room_for_others() {
    // As many as the limit on open files lets this process have.
    let limit = rlimit::increase_nofile_limit(12_000).unwrap();
    let count = u32::try_from(limit.saturating_sub(2_000).clamp(100, 10_000)).unwrap();
    let relay = relay_before(&cacheable(), &["--idle-timeout", "1h"]);
    let mut idle: Vec<_> = (0..count).map(|_| kept(&relay)).collect();

    assert!(relay.metric("lunch_relay_connections_open") >= u64::from(count));
    for _ in 0..100 {
        assert_eq!(relay.get("/x").text(), "ok");
    }
    for stream in idle.iter_mut().step_by(100) {
        stream.get_mut().write_all(REQUEST.as_bytes()).unwrap();
        assert_eq!(read_answer(stream).text(), "ok");
    }
    // 40 KiB for each at most.
    let memory = relay.memory_kib("VmRSS");
    assert!(memory < 100_000 + 40 * u64::from(count), "{memory} KiB");
    drop(idle);
    check_survived(relay);
}

/// Asks until there is a place again.
fn served_again(relay: &Relay) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let request = "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let answer = exchange(relay.public, request);
        if !answer.is_empty() && Answer::parse(&answer).status() == 200 {
            return true;
        }
    }
    false
}

#[test]
fn one_connection_too_many_is_told_so() {
    let relay = relay_before(&cacheable(), &["--max-connections", "10"]);
    let mut kept: Vec<_> = (0..10).map(|_| kept(&relay)).collect();
    for _ in 0..3 {
        let answer = get(relay.public, "/x", "");
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
        assert_eq!(answer.field("connection"), Some("close"));
        assert_eq!(answer.field("retry-after"), Some("1"));
        let status = answer.field("proxy-status");
        assert_eq!(status, Some("lunch-relay; error=connection_limit_reached"));
        assert!(answer.text().contains(r#""status":503"#), "{}", answer.text());
        let length = answer.field("content-length").unwrap();
        assert_eq!(length, answer.body.len().to_string());
    }
    // One that says nothing is told too, and does not keep its place.
    assert!(read_until_closed(connect(relay.public)).starts_with(b"HTTP/1.1 503 "));
    assert!(relay.metric("lunch_relay_connections_refused_total") >= 4);

    for stream in &mut kept {
        stream.get_mut().write_all(REQUEST.as_bytes()).unwrap();
        assert_eq!(read_answer(stream).text(), "ok");
    }
    kept.pop();
    assert!(served_again(&relay));
    drop(kept);
    assert!(served_again(&relay));
    check_survived(relay);
}

#[test]
fn a_crowd_that_is_refused_does_not_keep_its_places() {
    let relay = relay_before(&cacheable(), &["--max-connections", "2"]);
    let kept = [kept(&relay), kept(&relay)];
    // More than are told at a time; none of them reads or leaves.
    let crowd: Vec<_> = (0..300).map(|_| connect(relay.public)).collect();
    for stream in crowd {
        let answer = read_until_closed(stream);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 "));
    }
    drop(kept);
    assert!(served_again(&relay));
    check_survived(relay);
}

#[test]
fn a_relay_out_of_descriptors_waits_and_recovers() {
    let url = cacheable().url();
    let flags =
        ["--upstream", &url, "--max-connections", "1000", "--log", "warn", "--idle-timeout", "1h"];
    let relay = Relay::start_with_open_files(64, &flags);
    assert_eq!(relay.get("/x").status(), 200);
    // The kernel takes them all; the relay can have only some.
    let mut crowd: Vec<_> = (0..200).map(|_| connect(relay.public)).collect();
    for stream in &mut crowd {
        stream.write_all(REQUEST.as_bytes()).unwrap();
    }
    let before = relay.processor_ticks();
    for _ in 0..2 {
        // Those at the end of the queue wait for as long as the others stay.
        assert!(is_open_and_silent(crowd.last_mut().unwrap()));
    }
    let spent = relay.processor_ticks() - before;
    assert!(spent < 50, "{spent} ticks in two seconds");
    drop(crowd);
    assert!(served_again(&relay));
    check_survived(relay);
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let relay = relay_before(&cacheable(), &["--max-connections", "100"]);
    for _ in 0..2_000 {
        drop(connect(relay.public));
    }
    // Those that still wait to be accepted may be too many.
    assert!(served_again(&relay), "there is no place");
    let until = Instant::now() + PATIENCE;
    // A place is free a little after its connection is gone.
    while relay.metric("lunch_relay_connections_open") > 0 {
        assert!(Instant::now() < until, "connections are left");
    }
    check_survived(relay);
}
