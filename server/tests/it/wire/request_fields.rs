//! Request fields: what passes, what ends at the relay, what it adds.

use std::{
    io::{BufReader, Write},
    sync::mpsc,
};

use super::{field_lines, seen_with};
use crate::support::{
    Answer, Origin, Relay, Then, connect, exchange, get, read_answer, read_body, read_head,
    read_head_bytes,
};

#[test]
fn the_origin_sees_what_was_sent_and_nothing_invented() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let answer = relay.get("/x");
    let mut lines = field_lines(&answer.text()).into_iter().map(str::to_owned).collect::<Vec<_>>();
    lines.sort();
    let host = format!("host: {}", origin.address());
    assert_eq!(lines, ["cdn-loop: lunch-relay", host.as_str(), "via: 1.1 lunch-relay"]);
}

#[track_caller]
fn check_passes(fields: &str, name: &str, expected: &[&str]) {
    assert_eq!(seen_with(&[], fields).lines(name), expected, "{fields:?}");
}

#[test]
fn fields_pass_whole_and_repeated_lines_in_order() {
    let check = check_passes;
    check("X-Unknown: 1\r\n", "x-unknown", &["1"]);
    check("x-a: 1\r\nx-b: 2\r\nX-A: 3\r\nx-a: 2\r\n", "x-a", &["1", "3", "2"]);
    check("x-empty:\r\n", "x-empty", &[""]);
    check("x-spaces:  a  b\t c \t\r\n", "x-spaces", &["a  b\t c"]);
    check("x-comma: a, b\r\nx-comma: c\r\n", "x-comma", &["a, b", "c"]);
    check("cookie: a=1; b=2\r\n", "cookie", &["a=1; b=2"]);
    check("authorization: Bearer t\r\n", "authorization", &["Bearer t"]);
    check("accept-encoding: gzip, br\r\n", "accept-encoding", &["gzip, br"]);
    check("user-agent: it/1 (x)\r\n", "user-agent", &["it/1 (x)"]);
    check("range: bytes=0-1\r\n", "range", &["bytes=0-1"]);
    let condition = "if-none-match: \"a\", W/\"b\"\r\n";
    // What is fetched for everyone has no conditions of one client's.
    check(condition, "if-none-match", &[]);
    let alone = format!("cache-control: no-store\r\n{condition}");
    check(&alone, "if-none-match", &["\"a\", W/\"b\""]);
    check("cache-control: no-cache\r\n", "cache-control", &["no-cache"]);
    check("!#$%&'*+-.^_`|~0: tchars\r\n", "!#$%&'*+-.^_`|~0", &["tchars"]);
    let long = "x".repeat(16_000);
    check(&format!("x-long: {long}\r\n"), "x-long", &[&long]);
}

#[test]
fn bytes_beyond_ascii_pass_in_a_field() {
    let origin = Origin::accepting(|_, stream| {
        let head = read_head_bytes(stream)?.unwrap_or_default();
        let length = head.len();
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")?;
        stream.get_mut().write_all(&head)
    });
    let relay = Relay::before(&origin.url());
    let value = b"x-bytes: \xe5\xe4\xf6 \xff \xc3\xa5\r\n";
    let request =
        [b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n", value.as_slice(), b"\r\n"].concat();
    let answer = exchange(relay.public, request);
    assert!(answer.windows(value.len()).any(|window| window == value));
}

#[track_caller]
fn check_ends(fields: &str, names: &[&str]) {
    let seen = seen_with(&[], fields);
    for name in names {
        assert_eq!(seen.lines(name), [""; 0], "{fields:?}: {}", seen.head);
    }
    assert_eq!(seen.field("x-end"), Some("to end"), "{fields:?}");
}

#[test]
fn fields_of_one_connection_end_here() {
    let check = |fields: &str, names: &[&str]| {
        check_ends(&format!("{fields}x-end: to end\r\n"), names);
    };
    check("keep-alive: timeout=5\r\n", &["keep-alive", "connection"]);
    check("proxy-connection: keep-alive\r\n", &["proxy-connection"]);
    check("proxy-authorization: Basic eA==\r\n", &["proxy-authorization"]);
    check("te: trailers\r\n", &["te"]);
    check("connection: te\r\nte: trailers, deflate\r\n", &["te", "connection"]);
    check("trailer: x-checksum\r\n", &["trailer"]);
    check("connection: upgrade\r\nupgrade: websocket\r\n", &["upgrade", "connection"]);
    check(
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        &["upgrade", "http2-settings"],
    );
    check("connection: x-one\r\nx-one: 1\r\n", &["x-one"]);
    check("Connection: X-One , x-two,,\r\nx-ONE: 1\r\nx-two: 2\r\n", &["x-one", "x-two"]);
    check(
        "connection: x-one\r\nconnection: x-two\r\nx-one: 1\r\nx-two: 2\r\n",
        &["x-one", "x-two"],
    );
    check("expect: something-else\r\n", &["expect"]);
}

#[test]
fn connection_cannot_take_away_what_the_relay_adds() {
    let seen = seen_with(&[], "connection: via, host, cdn-loop\r\n");
    assert_eq!(seen.lines("via"), ["1.1 lunch-relay"]);
    assert_eq!(seen.lines("cdn-loop"), ["lunch-relay"]);
    assert_eq!(seen.lines("host").len(), 1);
}

#[test]
fn the_host_is_the_upstreams() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let seen = Answer::parse(&relay.get("/x").body);
    assert_eq!(seen.field("host"), Some(origin.address().to_string().as_str()));
}

#[test]
fn via_and_cdn_loop_are_added_behind_those_that_are_there() {
    let seen = seen_with(&[], "via: 1.0 a, 1.1 b\r\nvia: 2 c\r\ncdn-loop: other; id=1\r\n");
    assert_eq!(seen.lines("via"), ["1.0 a, 1.1 b", "2 c", "1.1 lunch-relay"]);
    assert_eq!(seen.lines("cdn-loop"), ["other; id=1", "lunch-relay"]);
}

const CLAIMS: &str = "forwarded: for=192.0.2.1\r\nx-forwarded-for: 192.0.2.1\r\n\
                      x-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\n\
                      x-forwarded-port: 443\r\nx-forwarded-user: admin\r\n";
const CLAIMED: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-user",
];

#[test]
fn what_a_client_claims_about_itself_is_dropped() {
    let seen = seen_with(&[], CLAIMS);
    for name in CLAIMED {
        assert_eq!(seen.lines(name), [""; 0], "{}", seen.head);
    }
}

#[test]
fn forwarded_fields_are_the_relays_own() {
    // A request that is answered alone: what is fetched for everyone names nobody.
    let seen = seen_with(&["--forwarded"], &format!("{CLAIMS}authorization: a\r\n"));
    let lines = CLAIMED.map(|name| seen.lines(name));
    assert_eq!(lines[0], [r#"for=127.0.0.1;proto=http;host="relay.example""#]);
    assert_eq!(lines[1], ["127.0.0.1"]);
    assert_eq!(lines[2], ["relay.example"]);
    assert_eq!(lines[3], ["http"]);
    assert_eq!(lines[4], [""; 0]);
    assert_eq!(lines[5], [""; 0]);
}

#[track_caller]
fn check_loop(fields: &str, status: u16) {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    for request in ["GET", "POST"] {
        let request = format!(
            "{request} /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n{fields}\r\n"
        );
        let answer = Answer::parse(&exchange(relay.public, request));
        assert_eq!(answer.status(), status, "{fields:?}: {}", answer.head);
        if status == 508 {
            let error = answer.field("proxy-status");
            assert_eq!(error, Some("lunch-relay; error=proxy_loop_detected"), "{fields:?}");
            assert_eq!(answer.field("content-type"), Some("application/problem+json"));
        }
    }
    assert_eq!(origin.heads().is_empty(), status == 508, "{fields:?}");
}

#[test]
fn a_request_that_has_been_here_is_not_relayed_again() {
    let check = check_loop;
    check("via: 1.1 lunch-relay\r\n", 508);
    check("via: 1.0 a, 2 lunch-relay (comment)\r\nvia: 1.1 b\r\n", 508);
    check("via: HTTP/1.1 lunch-relay\r\n", 508);
    check("cdn-loop: lunch-relay\r\n", 508);
    check("cdn-loop: a, lunch-relay; x=\"y\"\r\n", 508);
    check("cdn-loop: a\r\ncdn-loop:lunch-relay;a=b\r\n", 508);
    check("via: 1.1 not-lunch-relay\r\ncdn-loop: lunch\r\n", 200);
    check("x-via: 1.1 lunch-relay\r\n", 200);
}

#[test]
fn a_relay_before_itself_answers_508() {
    // Two relays that are each other's upstream: the second is told of the first.
    let origin = Origin::echoing();
    let inner = Relay::before(&origin.url());
    let outer = Relay::before(&format!("http://{}/", inner.public));
    let answer = outer.get("/x");
    assert_eq!(answer.status(), 508, "{}", answer.head);
    assert_eq!(origin.heads(), Vec::<String>::new());
}

#[test]
fn an_expectation_is_met_here_and_not_forwarded() {
    let (send, seen) = mpsc::channel();
    let origin = Origin::start(move |head, stream| {
        let body = read_body(head, stream)?;
        send.send((head.to_owned(), body)).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")?;
        Ok(crate::support::Then::KeepOpen)
    });
    let relay = Relay::before(&origin.url());
    let mut stream = BufReader::new(connect(relay.public));
    for expect in ["100-continue", "100-Continue"] {
        let head =
            format!("POST /x HTTP/1.1\r\nhost: h\r\nexpect: {expect}\r\ncontent-length: 5\r\n\r\n");
        stream.get_mut().write_all(head.as_bytes()).unwrap();
        let interim = read_head(&mut stream).unwrap().unwrap();
        assert!(interim.starts_with("HTTP/1.1 100 "), "{interim}");
        stream.get_mut().write_all(b"hello").unwrap();
        assert_eq!(read_answer(&mut stream).status(), 201);
        let (head, body) = seen.recv().unwrap();
        assert_eq!(body, b"hello");
        assert_eq!(Answer::parse(head.as_bytes()).lines("expect"), [""; 0]);
    }
}

#[test]
fn a_refusal_does_not_ask_for_the_body() {
    let relay = Relay::before(&Origin::echoing().url());
    let head = "POST /.. HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).status(), 400);
}

#[test]
fn an_upgrade_is_ignored_and_the_connection_goes_on() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let mut stream = BufReader::new(connect(relay.public));
    for _ in 0..2 {
        let request = "GET /x HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\n\r\n";
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert_eq!(answer.status(), 200);
        let seen = Answer::parse(&answer.body);
        assert_eq!(seen.lines("upgrade"), [""; 0]);
        assert_eq!(seen.field("sec-websocket-version"), Some("13"));
    }
}

#[test]
fn a_field_that_ends_at_the_relay_selects_no_stored_response() {
    let origin = Origin::start(|head, stream| {
        let language = if head.contains("accept-language: en") { "fish" } else { "fisk" };
        let fields = "vary: accept-language\r\ncontent-length: 4\r\n";
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\n{fields}\r\n{language}")?;
        Ok(Then::KeepOpen)
    });
    let relay = Relay::before(&origin.url());
    let hidden = "accept-language: en\r\nconnection: accept-language\r\n";
    assert_eq!(get(relay.public, "/menu", hidden).text(), "fisk");
    assert_eq!(get(relay.public, "/menu", "accept-language: en\r\n").text(), "fish");
    assert_eq!(origin.heads().len(), 2);
}
