//! Clients that keep the relay waiting: each deadline is for its own phase.

use std::{
    io::{BufReader, Read, Write},
    time::Duration,
};

use super::{check_survived, is_closed, is_open_and_silent, read_until_closed, relay_before};
use crate::support::{Origin, Relay, Then, connect, read_answer, read_body};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A relay with one short deadline; the others are not reached.
fn relay_with_short(deadline: &str) -> Relay {
    let mut flags = vec![];
    for name in ["--first-byte-timeout", "--header-timeout", "--idle-timeout"] {
        flags.extend([name, if name == deadline { "300ms" } else { "1h" }]);
    }
    relay_before(&Origin::echoing(), &flags)
}

#[test]
fn a_silent_connection_is_closed() {
    let relay = relay_with_short("--first-byte-timeout");
    assert_eq!(read_until_closed(connect(relay.public)), b"");
    check_survived(relay);
}

#[track_caller]
fn check_header_deadline(relay: &Relay, begun: &[u8]) {
    let mut stream = connect(relay.public);
    stream.write_all(begun).unwrap();
    let answer = read_until_closed(stream);
    let begun = String::from_utf8_lossy(begun);
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{begun:?}: {}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_header_that_is_not_finished_is_closed() {
    let relay = relay_with_short("--header-timeout");
    let check = |begun: &[u8]| check_header_deadline(&relay, begun);
    check(b"P");
    check(b"G");
    check(b"\r\n");
    check(b"GET /x");
    check(b"GET /x HTTP/1.1\r\n");
    check(b"GET /x HTTP/1.1\r\nhost: h\r\nx: y");
    check(b"GET /x HTTP/1.1\r\nhost: h\r\n");
    check(&PREFACE[..12]);
    check(&PREFACE[..23]);
    check(PREFACE);
    check(&[PREFACE, EMPTY_SETTINGS].concat());
    // A header frame of HTTP/2 without its end.
    check(&[PREFACE, EMPTY_SETTINGS, &[0, 0, 9, 1, 4, 0, 0, 0, 1, 0x82]].concat());
    check_survived(relay);
}

#[test]
fn a_second_header_that_is_not_finished_is_closed() {
    let relay = relay_with_short("--header-timeout");
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream).status(), 200);
    stream.get_mut().write_all(b"GET /x HT").unwrap();
    assert_eq!(read_until_closed(stream), b"");
    check_survived(relay);
}

#[test]
fn bytes_that_drip_in_do_not_move_the_deadline_of_a_header() {
    let relay = relay_with_short("--header-timeout");
    let mut stream = connect(relay.public);
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nhost: h\r\n").unwrap();
    // A minute of drips at most.
    let closed = (0..1200).any(|_| {
        let written = stream.write_all(b"a: b\r\n");
        let read = stream.read(&mut [0; 1024]);
        written.is_err() || read.map_or_else(|error| is_closed(&error), |length| length == 0)
    });
    assert!(closed);
    check_survived(relay);
}

#[test]
fn an_idle_connection_is_closed() {
    let relay = relay_with_short("--idle-timeout");
    let mut stream = BufReader::new(connect(relay.public));
    for _ in 0..2 {
        stream.get_mut().write_all(b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        assert_eq!(read_answer(&mut stream).status(), 200);
    }
    assert_eq!(read_until_closed(stream), b"");
    check_survived(relay);
}

/// A relay whose deadlines are all short.
fn impatient_relay(origin: &Origin) -> Relay {
    let flags =
        ["--first-byte-timeout", "300ms", "--header-timeout", "300ms", "--idle-timeout", "300ms"];
    relay_before(origin, &flags)
}

#[test]
fn a_body_in_progress_is_not_closed() {
    let origin = Origin::start(|head, stream| {
        let body = read_body(head, stream)?;
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len())?;
        stream.get_mut().write_all(&body)?;
        Ok(Then::KeepOpen)
    });
    let relay = impatient_relay(&origin);
    let mut stream = connect(relay.public);
    stream.write_all(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhello").unwrap();
    assert!(is_open_and_silent(&mut stream));
    stream.write_all(b"again").unwrap();
    assert_eq!(read_answer(&mut BufReader::new(stream)).text(), "helloagain");
    check_survived(relay);
}

#[test]
fn a_connection_that_waits_for_its_answer_is_not_closed() {
    let origin = Origin::start(|_, stream| {
        // The relay sends nothing more: this is a pause.
        super::is_open_and_silent(stream.get_mut());
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")?;
        super::is_open_and_silent(stream.get_mut());
        stream.get_mut().write_all(b"ok")?;
        Ok(Then::KeepOpen)
    });
    let relay = impatient_relay(&origin);
    assert_eq!(relay.get("/x").text(), "ok");
    check_survived(relay);
}
