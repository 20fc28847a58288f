//! Header sections that are malformed, too large, or no HTTP at all.

use std::io::{BufReader, Write};

use super::{check_survived, read_until_closed, relay_before};
use crate::support::{Answer, Origin, Relay, connect, exchange, read_answer};

#[track_caller]
fn check_host(relay: &Relay, fields: &str, status: u16) {
    let request = format!("GET /x HTTP/1.1\r\n{fields}connection: close\r\n\r\n");
    let answer = Answer::parse(&exchange(relay.public, request));
    assert_eq!(answer.status(), status, "{fields:?}: {}", answer.head);
    if status == 400 {
        assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{fields:?}");
        assert_eq!(answer.field("connection"), Some("close"), "{fields:?}");
    }
}

#[test]
fn a_request_has_one_valid_host() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let check = |fields: &str, status| check_host(&relay, fields, status);
    check("", 400);
    check("host: a\r\nhost: b\r\n", 400);
    check("host: a\r\nhost: a\r\n", 400);
    check("host: a b\r\n", 400);
    check("host: a/b\r\n", 400);
    check("host: a?b\r\n", 400);
    check("host: a#b\r\n", 400);
    check("host: user@a\r\n", 400);
    check("host: a, b\r\n", 400);
    check("host: [::1\r\n", 400);
    check("host: <script>\r\n", 400);
    check("host: a\\b\r\n", 400);
    check("host: å\r\n", 400);
    check("host: http://a\r\n", 400);
    assert_eq!(origin.heads(), Vec::<String>::new());
    check("host:\r\n", 200);
    check("host: a.example:8080\r\n", 200);
    check("host: [::1]:80\r\n", 200);
    check("host: 127.0.0.1\r\n", 200);
    check_survived(relay);
}

#[track_caller]
fn check_refused(relay: &Relay, request: &[u8], statuses: &[u16]) {
    let mut stream = connect(relay.public);
    // It may answer and close before it has read all of it.
    let _ = stream.write_all(request);
    let answer = read_until_closed(stream);
    let request = String::from_utf8_lossy(&request[..request.len().min(200)]);
    // What it has not read may take the answer with it.
    if !answer.is_empty() {
        let answer = Answer::parse(&answer);
        assert!(statuses.contains(&answer.status()), "{request:?}: {}", answer.head);
        assert_eq!(answer.field("connection"), Some("close"), "{request:?}");
    }
}

#[test]
fn a_malformed_head_is_refused() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let check = |head: &[u8]| check_refused(&relay, head, &[400]);
    let field = |line: &[u8]| {
        check(&[b"GET /x HTTP/1.1\r\nhost: h\r\n", line, b"\r\n\r\n"].concat());
    };
    field(b"x: a\r\n folded");
    field(b"x: a\r\n\tfolded");
    field(b"x: a\rb");
    field(b"x: a\r");
    field(b"x: a\0b");
    field(b"x: a\x7fb");
    field(b"x: a\x01b");
    field(b"x : a");
    field(b"x\t: a");
    field(b" x: a");
    field(b": a");
    field(b"no colon");
    field(b"x y: a");
    field(b"x\0: a");
    field(b"x\xe5: a");
    field(b"x(y): a");
    check(b"GET /x HTTP/1.1\r\n host: h\r\n\r\n");
    check(b"GET /x HTTP/1.2\r\nhost: h\r\n\r\n");
    check(b"GET /x HTTP/2.0\r\nhost: h\r\n\r\n");
    check(b"GET /x http/1.1\r\nhost: h\r\n\r\n");
    check(b"GET /x\r\n\r\n");
    check(b"GET\r\n\r\n");
    check(b"G(T /x HTTP/1.1\r\nhost: h\r\n\r\n");
    check(b"GET  /x HTTP/1.1\r\nhost: h\r\n\r\n");
    check(b"\0\0\0\0\r\n\r\n");
    check(b"\xff\xfe\xfd\r\n\r\n");
    // The beginning of a TLS handshake.
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    check(b"PRI * HTTP/1.1\r\n\r\n");
    assert_eq!(origin.heads(), Vec::<String>::new());
    check_survived(relay);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let check = |head: String, statuses| check_refused(&relay, head.as_bytes(), statuses);
    let get = "GET /x HTTP/1.1\r\nhost: h\r\n";
    check(format!("{get}x: {}\r\n\r\n", "y".repeat(1 << 20)), &[431]);
    check(format!("{get}x: {}\r\n\r\n", "y".repeat(70_000)), &[431]);
    check(format!("{get}{}\r\n", "x: y\r\n".repeat(101)), &[431]);
    check(format!("{get}{}\r\n", "x: y\r\n".repeat(200_000)), &[431]);
    // hyper says 414 only where the whole head came in one piece.
    let long = "x".repeat(70_000);
    check(format!("GET /{long} HTTP/1.1\r\nhost: h\r\n\r\n"), &[414, 431]);
    check(format!("GET /?{} HTTP/1.1\r\nhost: h\r\n\r\n", "x".repeat(1 << 20)), &[414, 431]);
    check(format!("{} /x HTTP/1.1\r\nhost: h\r\n\r\n", "X".repeat(1 << 20)), &[400, 431]);
    assert_eq!(origin.heads(), Vec::<String>::new());
    check_survived(relay);
}

#[test]
fn a_head_just_below_the_limits_is_relayed() {
    let relay = relay_before(&Origin::echoing(), &[]);
    assert_eq!(relay.get(&format!("/{}", "x".repeat(60_000))).status(), 200);
    let long = format!("x: {}\r\n", "y".repeat(60_000));
    assert_eq!(crate::support::get(relay.public, "/x", &long).status(), 200);
    // The request has two more.
    assert_eq!(crate::support::get(relay.public, "/x", &"x: y\r\n".repeat(90)).status(), 200);
    check_survived(relay);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let origin = Origin::echoing();
    let relay = relay_before(&origin, &[]);
    let requests: Vec<String> =
        (0..200).map(|number| format!("GET /{number} HTTP/1.1\r\nhost: h\r\n\r\n")).collect();
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(requests.concat().as_bytes()).unwrap();
    for number in 0..200 {
        let answer = read_answer(&mut stream);
        let line = format!("GET /{number} HTTP/1.1\r\n");
        assert!(answer.text().starts_with(&line), "{number}: {}", answer.text());
    }
    check_survived(relay);
}
