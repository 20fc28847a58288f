//! Requests whose end could be read in two ways: nothing behind them is ever
//! a request of its own.

use std::io::Write;

use super::{check_survived, read_until_closed, relay_before};
use crate::support::{Origin, Relay, Then, connect, read_body};

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";

fn origin() -> Origin {
    Origin::start(|head, stream| {
        read_body(head, stream)?;
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        Ok(Then::KeepOpen)
    })
}

/// The statuses of all that a connection answers before it is closed.
fn statuses(relay: &Relay, request: &str) -> Vec<u16> {
    let mut stream = connect(relay.public);
    let _ = stream.write_all(request.as_bytes());
    let answers = read_until_closed(stream);
    let answers = String::from_utf8_lossy(&answers);
    let after = answers.split("HTTP/1.1 ").skip(1);
    after.filter_map(|line| line.get(..3)?.parse().ok()).collect()
}

/// Sends a request with another one behind it: there is one answer, and the
/// other is not seen by the origin.
#[track_caller]
fn check(fields: &str, body: &str, expected: u16) {
    let origin = origin();
    let relay = relay_before(&origin, &[]);
    let request = format!("POST /x HTTP/1.1\r\nhost: h\r\n{fields}\r\n{body}{SMUGGLED}");
    assert_eq!(statuses(&relay, &request), [expected], "{fields:?}");
    assert!(!origin.heads().concat().contains("smuggled"), "{fields:?}: {:?}", origin.heads());
    check_survived(relay);
}

#[test]
fn chunks_win_over_a_length_and_the_connection_ends() {
    for length in [0, 4, 5, 6, 1000] {
        let length = format!("content-length: {length}\r\n");
        let chunked = "transfer-encoding: chunked\r\n";
        check(&format!("{length}{chunked}"), "0\r\n\r\n", 200);
        check(&format!("{chunked}{length}"), "0\r\n\r\n", 200);
        check(&format!("{chunked}{length}"), "5\r\nhello\r\n0\r\n\r\n", 200);
    }
}

#[test]
fn lengths_that_differ_or_are_none_are_refused() {
    check("content-length: 0\r\ncontent-length: 1\r\n", "", 400);
    check("content-length: 1\r\ncontent-length: 0\r\n", "x", 400);
    check("content-length: 0, 1\r\n", "", 400);
    check("content-length: 0, 0\r\n", "", 400);
    check("content-length: +1\r\n", "x", 400);
    check("content-length: -1\r\n", "x", 400);
    check("content-length: 0x1\r\n", "x", 400);
    check("content-length: 1 1\r\n", "x", 400);
    check("content-length: \r\n", "", 400);
    check("content-length: 1.0\r\n", "x", 400);
    check("content-length: 18446744073709551616\r\n", "x", 400);
    // What hyper keeps for itself of the largest lengths.
    check("content-length: 18446744073709551615\r\n", "x", 431);
}

#[test]
fn transfer_codings_other_than_chunked_are_refused() {
    check("transfer-encoding: gzip\r\n", "", 400);
    check("transfer-encoding: identity\r\n", "", 400);
    check("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding: xchunked\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding: chunked;q=1\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding: \"chunked\"\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding:\r\n", "0\r\n\r\n", 400);
    // hyper knows where these end, but we could not say what they mean.
    check("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n", 501);
    check("transfer-encoding: gzip, chunked, identity\r\n", "0\r\n\r\n", 400);
    check("transfer-encoding: identity, chunked\r\n", "0\r\n\r\n", 501);
    check("transfer-encoding: chunked, chunked\r\n", "0\r\n\r\n", 501);
    check("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n", 501);
    check("transfer-encoding: , chunked\r\n", "0\r\n\r\n", 501);
}

#[test]
fn http_10_has_no_chunks() {
    let origin = origin();
    let relay = relay_before(&origin, &[]);
    let request = format!(
        "POST /x HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n\
         0\r\n\r\n{SMUGGLED}"
    );
    assert_eq!(statuses(&relay, &request), [400]);
    assert_eq!(origin.heads(), Vec::<String>::new());
    check_survived(relay);
}

#[test]
fn chunks_that_are_none_break_the_request_off() {
    for chunks in [
        "zz\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "5 5\r\nhello\r\n",
        "\r\nhello\r\n",
        ";ext\r\nhello\r\n",
        "5\rhello\r\n",
        "fffffffffffffffff\r\nhello\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello0\r\n\r\n",
        "3\r\nhello\r\n",
    ] {
        let chunks = format!("{chunks}0\r\n\r\n");
        check("transfer-encoding: chunked\r\n", &chunks, 400);
    }
}

#[test]
fn an_endless_chunk_extension_breaks_the_request_off() {
    let extension = "x".repeat(1 << 20);
    check("transfer-encoding: chunked\r\n", &format!("5;{extension}\r\nhello\r\n0\r\n\r\n"), 400);
}

#[test]
fn endless_trailers_break_the_request_off() {
    let trailers = "x: y\r\n".repeat(200_000);
    check("transfer-encoding: chunked\r\n", &format!("0\r\n{trailers}\r\n"), 400);
}

#[test]
fn the_body_of_a_refused_request_is_no_request() {
    let origin = origin();
    let relay = relay_before(&origin, &[]);
    for line in ["POST /.. HTTP/1.1", "TRACE /x HTTP/1.1", "POST /docs HTTP/1.1"] {
        let length = SMUGGLED.len();
        let request = format!(
            "{line}\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
        );
        assert_eq!(statuses(&relay, &request).len(), 1, "{line}");
    }
    // Where the request itself is refused, so is the connection.
    let request = format!("POST /x HTTP/1.1\r\ncontent-length: 0\r\n\r\n{SMUGGLED}");
    assert_eq!(statuses(&relay, &request), [400]);
    assert_eq!(origin.heads(), Vec::<String>::new());
    check_survived(relay);
}
