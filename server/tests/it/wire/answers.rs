//! Answers: status lines and fields as the origin sent them.

use std::io::{BufReader, Write};

use super::{field_lines, relayed};
use crate::support::{Origin, Relay, Then, connect, exchange, read_answer, read_head};

/// The fields that the relay adds to an answer that it relays.
const ADDED: [&str; 2] = ["via", "cache-status"];

/// The lines of an answer that came from the origin.
fn lines_of_origin(head: &str) -> Vec<&str> {
    let added = |line: &&str| ADDED.iter().any(|name| line.starts_with(&format!("{name}:")));
    field_lines(head).into_iter().filter(|line| !added(line)).collect()
}

#[track_caller]
fn check_same(answer: &str) {
    let seen = relayed(answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(seen.head.lines().next(), head.lines().next());
    let mut expected = field_lines(head);
    let mut lines = lines_of_origin(&seen.head);
    // Ours says the date and that it closes, as the client asked.
    lines.retain(|line| !line.starts_with("date:") && *line != "connection: close");
    expected.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, expected, "{answer:?}");
    assert_eq!(seen.text(), body, "{answer:?}");
    assert_eq!(seen.lines("via"), ["1.1 lunch-relay"], "{answer:?}");
    assert_eq!(seen.lines("cache-status").len(), 1, "{answer:?}");
}

#[test]
fn status_line_fields_and_body_come_as_they_were_sent() {
    let check = |head: &str, body: &str| {
        check_same(&format!("HTTP/1.1 {head}content-length: {}\r\n\r\n{body}", body.len()));
    };
    check("200 OK\r\n", "hello");
    check("200 OK\r\ncontent-type: application/json\r\netag: W/\"1\"\r\n", "{}");
    check("200 OK\r\nserver: other/1\r\nx-a: 1\r\nx-b: 2\r\nx-a: 3\r\n", "");
    check("201 Created\r\nx-empty: \r\n", "made");
    check("203 Non-Authoritative Information\r\ncache-control: no-store\r\n", "x");
    check("206 Partial Content\r\ncontent-range: bytes 0-1/9\r\n", "ab");
    check("226 IM Used\r\n", "x");
    check("299 Quite Alright\r\n", "x");
    check("300 Multiple Choices\r\n", "x");
    check("400 Bad Request\r\n", "theirs");
    check("401 Unauthorized\r\nwww-authenticate: Basic realm=\"x\"\r\n", "");
    check("404 Not Found\r\ncontent-type: text/html\r\n", "<h1>not here</h1>");
    check("418 I'm a teapot\r\n", "short and stout");
    check("429 Too Many Requests\r\nretry-after: 7\r\n", "slow down");
    check("451 Unavailable For Legal Reasons\r\n", "");
    check("500 Internal Server Error\r\n", "oops");
    check("502 Bad Gateway\r\n", "theirs");
    check("503 Service Unavailable\r\nretry-after: 1\r\n", "");
    check("599 Something Else Entirely\r\n", "x");
    check("600 Beyond\r\n", "x");
    check("999 LinkedIn\r\n", "x");
    check("200 OK\r\ncontent-encoding: gzip\r\nvary: accept-encoding\r\n", "not gzip at all");
    check("200 OK\r\ncache-control: private\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n", "x");
}

#[test]
fn errors_of_the_upstream_are_not_marked_as_ours() {
    for status in [400, 404, 500, 502, 503, 504] {
        let answer = relayed(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(answer.status(), status);
        assert_eq!(answer.field("proxy-status"), None);
    }
}

#[test]
fn an_answer_without_a_reason_phrase_is_relayed() {
    for line in ["HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 299 "] {
        let answer = relayed(format!("{line}\r\ncontent-length: 2\r\n\r\nok"));
        assert_eq!((answer.status() / 100, answer.text().as_str()), (2, "ok"), "{line:?}");
    }
}

#[test]
fn every_cookie_has_its_line() {
    let cookies = ["a=1; Path=/", "b=2, with comma", "a=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
    let lines = cookies.map(|cookie| format!("set-cookie: {cookie}\r\n")).concat();
    for control in ["", "cache-control: max-age=60\r\n", "cache-control: no-store\r\n"] {
        let answer =
            relayed(format!("HTTP/1.1 200 OK\r\n{control}{lines}content-length: 0\r\n\r\n"));
        assert_eq!(answer.lines("set-cookie"), cookies, "{control:?}");
    }
}

#[test]
fn bytes_beyond_ascii_pass_in_an_answers_field() {
    let line = b"x-bytes: \xe5\xe4\xf6 \xff\r\n";
    let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", line.as_slice(), b"\r\n"].concat();
    let relay = Relay::before(&Origin::answering(answer).url());
    let request = "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    // The second is answered from the cache.
    for _ in 0..2 {
        let answer = exchange(relay.public, request);
        assert!(answer.windows(line.len()).any(|window| window == line));
    }
}

#[test]
fn fields_of_the_upstreams_connection_end_here() {
    let answer = relayed(
        "HTTP/1.1 200 OK\r\nconnection: close, x-one\r\nconnection: X-Two\r\nx-one: 1\r\n\
         x-two: 2\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nproxy-authenticate: Basic\r\n\
         upgrade: h2c\r\ntrailer: x-sum\r\nte: x\r\nx-end: 1\r\ncontent-length: 0\r\n\r\n",
    );
    for name in [
        "x-one",
        "x-two",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "upgrade",
        "trailer",
        "te",
        "transfer-encoding",
    ] {
        assert_eq!(answer.lines(name), [""; 0], "{}", answer.head);
    }
    assert_eq!(answer.field("x-end"), Some("1"));
    assert_eq!(answer.field("connection"), Some("close"));
}

#[test]
fn via_and_cache_status_are_added_behind_those_that_are_there() {
    let answer = relayed(
        "HTTP/1.1 200 OK\r\nvia: 1.1 varnish\r\ncache-status: Other; hit\r\n\
         content-length: 0\r\n\r\n",
    );
    assert_eq!(answer.lines("via"), ["1.1 varnish", "1.1 lunch-relay"]);
    let status = answer.lines("cache-status");
    assert_eq!(status, ["Other; hit", "lunch-relay; fwd=uri-miss; stored; ttl=600"]);
    assert_eq!(
        relayed("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").lines("via"),
        ["1.0 lunch-relay"]
    );
}

#[test]
fn interim_answers_end_here() {
    let interims = [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n",
        "HTTP/1.1 199 Other\r\nx: y\r\n\r\n",
    ];
    let check = |interims: &str| {
        let answer = relayed(format!("{interims}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        assert_eq!(answer.status(), 200, "{interims:?}");
        assert_eq!(answer.text(), "ok", "{interims:?}");
        assert_eq!(answer.lines("link"), [""; 0], "{interims:?}");
    };
    interims.into_iter().for_each(check);
    check(&interims.concat());
}

/// The heads of bodiless answers, one behind the other on one connection.
fn heads_of_answers(relay: &Relay, requests: &[&str]) -> Vec<String> {
    let mut stream = BufReader::new(connect(relay.public));
    requests
        .iter()
        .map(|request| {
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            read_head(&mut stream).unwrap().unwrap()
        })
        .collect()
}

#[track_caller]
fn check_bodiless(method: &str, answer: &'static str, length: Option<&str>) {
    let origin = Origin::start(move |_, stream| {
        stream.get_mut().write_all(answer.as_bytes())?;
        Ok(Then::KeepOpen)
    });
    let relay = Relay::before(&origin.url());
    let request = format!("{method} /x HTTP/1.1\r\nhost: h\r\nif-none-match: \"a\"\r\n\r\n");
    // A body, or a wrong idea of one, would stand before the second answer.
    for head in heads_of_answers(&relay, &[&request, &request]) {
        let expected = answer.lines().next().unwrap();
        assert_eq!(head.lines().next(), Some(expected), "{method} {answer:?}");
        let lengths: Vec<&str> =
            head.lines().filter_map(|line| line.strip_prefix("content-length: ")).collect();
        assert_eq!(lengths, length.into_iter().collect::<Vec<_>>(), "{method} {answer:?}: {head}");
        assert!(!head.contains("transfer-encoding"), "{method} {answer:?}: {head}");
    }
}

#[test]
fn answers_that_have_no_body_end_with_their_head() {
    let check = check_bodiless;
    check("GET", "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", None);
    check("DELETE", "HTTP/1.1 204 No Content\r\n\r\n", None);
    check("GET", "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n", None);
    check(
        "GET",
        "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncontent-length: 77\r\n\r\n",
        Some("77"),
    );
    check("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n", Some("77"));
    check("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Some("0"));
    check("HEAD", "HTTP/1.1 200 OK\r\nx: y\r\n\r\n", None);
    check("HEAD", "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n", Some("9"));
    check("HEAD", "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", Some("9"));
}

#[test]
fn a_head_is_answered_from_the_stored_get_with_its_length() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let relay = Relay::before(&origin.url());
    let requests = ["GET", "HEAD"].map(|method| format!("{method} /x HTTP/1.1\r\nhost: h\r\n\r\n"));
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(requests[0].as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).text(), "hello");
    for head in heads_of_answers(&relay, &[&requests[1], &requests[1]]) {
        assert!(head.contains("content-length: 5\r\n"), "{head}");
    }
    assert_eq!(origin.heads().len(), 1);
}
