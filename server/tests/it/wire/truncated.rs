//! Answers that break off: the client sees that they did.

use std::io::Write;

use super::relayed;
use crate::support::{Answer, Origin, Relay, Then, exchange};

/// Whether an answer, read until the connection closed, is all there.
fn is_complete(answer: &Answer) -> bool {
    match answer.field("content-length") {
        Some(length) => length.parse() == Ok(answer.body.len()),
        None => answer.field("transfer-encoding").is_some() && answer.body.ends_with(b"0\r\n\r\n"),
    }
}

#[track_caller]
fn check_aborted(answer: &str) {
    for control in ["", "cache-control: max-age=60\r\n", "cache-control: no-store\r\n"] {
        let answer = answer.replacen("\r\n", &format!("\r\n{control}"), 1);
        let origin = Origin::answering(answer.clone());
        let relay = Relay::before(&origin.url());
        for asked in 1..=2 {
            let request = "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
            let seen = exchange(relay.public, request);
            // Where the body breaks off at once, not even the head is sent.
            if !seen.is_empty() {
                let seen = Answer::parse(&seen);
                assert_eq!(seen.status(), 200, "{answer:?}");
                assert!(!is_complete(&seen), "{answer:?}: {seen:?}");
            }
            // What is not whole is not kept.
            assert_eq!(origin.heads().len(), asked, "{answer:?}");
        }
    }
}

#[test]
fn a_truncated_answer_is_aborted_and_not_stored() {
    let check = check_aborted;
    check("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
    check("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    check(&format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{}", "x".repeat(900_000)));
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n");
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello");
}

#[test]
fn a_truncated_head_is_502() {
    for head in ["", "H", "HTTP/1.1", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\ncontent-len"] {
        assert_eq!(relayed(head).status(), 502, "{head:?}");
    }
}

#[test]
fn what_comes_with_an_answer_is_not_the_next_one() {
    // Both in one piece: what comes later cannot be told from an answer.
    let answers = "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 2\r\n\r\nok\
                   HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let origin = Origin::start(move |_, stream| {
        stream.get_mut().write_all(answers.as_bytes())?;
        Ok(Then::KeepOpen)
    });
    let relay = Relay::before(&origin.url());
    for _ in 0..200 {
        let answer = relay.get("/x");
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    }
}

#[test]
fn an_answer_that_contradicts_itself_is_not_relayed_as_whole() {
    for fields in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: -5\r\n",
        "content-length: five\r\n",
        "content-length: 99999999999999999999999\r\n",
    ] {
        let answer = relayed(format!("HTTP/1.1 200 OK\r\n{fields}\r\nhello"));
        assert_eq!(answer.status(), 502, "{fields:?}: {answer:?}");
        assert!(answer.field("proxy-status").is_some(), "{fields:?}");
    }
    // RFC 9112 §6.3: chunked overrides the length, which does not go on.
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
                5\r\nhello\r\n0\r\n\r\n";
    let answer = relayed(both);
    assert_eq!(answer.field("content-length"), None, "{answer:?}");
    assert_eq!(answer.text(), "5\r\nhello\r\n0\r\n\r\n");
}
