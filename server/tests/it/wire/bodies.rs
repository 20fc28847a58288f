//! Whole bodies, in both directions and both framings.

use std::{
    io::{BufReader, Write},
    sync::mpsc::{self, Receiver},
};

use super::relayed;
use crate::support::{Answer, Origin, Relay, Then, connect, exchange, read_answer, read_body};

/// Every byte there is, many times over.
fn binary(size: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(size).collect()
}

/// `body` in chunks of this size.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut framed = Vec::new();
    for chunk in body.chunks(size) {
        write!(framed, "{:x}\r\n", chunk.len()).unwrap();
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    framed
}

/// An origin that hands over the body of each request.
fn taking_bodies() -> (Origin, Receiver<(Answer, Vec<u8>)>) {
    let (send, seen) = mpsc::channel();
    let origin = Origin::start(move |head, stream| {
        let body = read_body(head, stream)?;
        send.send((Answer::parse(head.as_bytes()), body)).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        Ok(Then::KeepOpen)
    });
    (origin, seen)
}

#[test]
fn request_bodies_reach_the_origin_whole() {
    let (origin, seen) = taking_bodies();
    let relay = Relay::before(&origin.url());
    let mut stream = BufReader::new(connect(relay.public));
    let mut check = |method: &str, framing: &str, framed: &[u8], body: &[u8]| {
        let head = format!("{method} /x HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n");
        stream.get_mut().write_all(&[head.as_bytes(), framed].concat()).unwrap();
        assert_eq!(read_answer(&mut stream).text(), "ok", "{method} {framing}");
        let (head, arrived) = seen.recv().unwrap();
        assert!(arrived == body, "{method} {framing}: {} bytes of {}", arrived.len(), body.len());
        head
    };
    for size in [0, 1, 255, 70_000, 3_000_000] {
        let body = binary(size);
        let sized = format!("content-length: {size}");
        let head = check("POST", &sized, &body, &body);
        assert_eq!(head.field("content-length"), Some(size.to_string().as_str()));
        assert_eq!(head.field("transfer-encoding"), None);
        for chunk in [7_000, 1 << 20] {
            let framed = chunked(&body, chunk);
            check("PUT", "transfer-encoding: chunked", &framed, &body);
        }
    }
    let extended = b"5;ext=\"a;b\"\r\nhello\r\n00000\r\nx-trailer: 1\r\n\r\n";
    check("POST", "transfer-encoding: chunked", extended, b"hello");
    check("POST", "transfer-encoding: Chunked", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789");
    // A body that looks like a request is a body.
    let request = b"GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    check("POST", &format!("content-length: {}", request.len()), request, request);
    assert_eq!(
        check("GET", "content-length: 5", b"hello", b"hello").field("content-length"),
        Some("5")
    );
    check("GET", "transfer-encoding: chunked", &chunked(b"hello", 2), b"hello");
    check("DELETE", "content-length: 5", b"hello", b"hello");
    check("GET", "x: y", b"", b"");
}

#[test]
fn a_get_with_a_body_goes_past_the_cache() {
    let (origin, _seen) = taking_bodies();
    let relay = Relay::before(&origin.url());
    for _ in 0..2 {
        let request =
            "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx";
        let answer = Answer::parse(&exchange(relay.public, request));
        let status = "lunch-relay; fwd=bypass; detail=\"content, RFC 9110 9.3.1\"";
        assert_eq!(answer.field("cache-status"), Some(status));
    }
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn a_request_body_goes_up_while_it_arrives() {
    let (send, pieces) = mpsc::channel();
    let origin = Origin::start(move |_, stream| {
        let mut piece = [0; 5];
        for _ in 0..2 {
            std::io::Read::read_exact(stream, &mut piece)?;
            send.send(piece).unwrap();
        }
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        Ok(Then::Close)
    });
    let relay = Relay::before(&origin.url());
    let mut stream = BufReader::new(connect(relay.public));
    stream
        .get_mut()
        .write_all(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nfirst")
        .unwrap();
    assert_eq!(&pieces.recv().unwrap(), b"first");
    stream.get_mut().write_all(b"again").unwrap();
    assert_eq!(&pieces.recv().unwrap(), b"again");
    assert_eq!(read_answer(&mut stream).status(), 200);
}

/// The answer to a GET on a connection that is not asked to close.
fn kept_open(relay: &Relay, path: &str) -> Answer {
    let mut stream = BufReader::new(connect(relay.public));
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    read_answer(&mut stream)
}

#[test]
fn answers_bodies_come_whole() {
    for size in [0, 1, 255, 70_000, 3_000_000] {
        let body = binary(size);
        for control in ["no-store", "max-age=60"] {
            let head = format!("HTTP/1.1 200 OK\r\ncache-control: {control}\r\n");
            let sized = format!("{head}content-length: {size}\r\n\r\n");
            let framed = format!("{head}transfer-encoding: chunked\r\n\r\n");
            for (name, answer) in [
                ("sized", [sized.as_bytes(), &body].concat()),
                ("chunked", [framed.as_bytes(), &chunked(&body, 7_000)].concat()),
                ("until close", [head.as_bytes(), b"\r\n", &body].concat()),
            ] {
                let relay = Relay::before(&Origin::answering(answer).url());
                for _ in 0..2 {
                    let answer = kept_open(&relay, "/x");
                    assert!(answer.body == body, "{name}, {size} bytes, {control}");
                }
            }
        }
    }
}

#[test]
fn an_answers_length_is_kept_where_the_origin_gives_it() {
    let relay = Relay::before(
        &Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").url(),
    );
    for _ in 0..2 {
        let answer = kept_open(&relay, "/x");
        assert_eq!(answer.field("content-length"), Some("5"));
        assert_eq!(answer.field("transfer-encoding"), None);
    }
}

#[test]
fn an_answer_comes_down_while_it_arrives() {
    let (go_on, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::start(move |_, stream| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst")?;
        wait.lock().unwrap().recv().map_err(std::io::Error::other)?;
        stream.get_mut().write_all(b"again")?;
        Ok(Then::Close)
    });
    let relay = Relay::before(&origin.url());
    let mut stream = BufReader::new(connect(relay.public));
    stream.get_mut().write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    crate::support::read_head(&mut stream).unwrap().unwrap();
    let mut piece = [0; 5];
    for expected in [b"first", b"again"] {
        std::io::Read::read_exact(&mut stream, &mut piece).unwrap();
        assert_eq!(&piece, expected);
        let _ = go_on.send(());
    }
}

#[test]
fn an_empty_chunked_answer_is_empty() {
    let answer = relayed("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(answer.status(), 200);
    assert!(matches!(answer.text().as_str(), "" | "0\r\n\r\n"), "{answer:?}");
}
