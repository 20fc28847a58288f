//! Clients that ask for much and read nothing of it.

use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
    sync::{Mutex, mpsc},
};

use super::{check_survived, relay_before};
use crate::support::{Origin, PATIENCE, Then, connect, read_head};

const SIZE: usize = 64 << 20;

/// An origin whose `/large…` is 64 MiB, and that tells how much of it went out.
fn large(control: &'static str) -> (Origin, mpsc::Receiver<usize>) {
    let (done, sent) = mpsc::channel();
    let done = Mutex::new(done);
    let origin = Origin::start(move |head, stream| {
        if !head.starts_with("GET /large") {
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
            return Ok(Then::KeepOpen);
        }
        let fields = format!("cache-control: {control}\r\ncontent-length: {SIZE}\r\n");
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\n{fields}\r\n")?;
        let piece = vec![b'x'; 1 << 16];
        let pieces = SIZE / piece.len();
        let written =
            (0..pieces).take_while(|_| stream.get_mut().write_all(&piece).is_ok()).count();
        let _ = done.lock().unwrap().send(written * piece.len());
        Ok(Then::Close)
    });
    (origin, sent)
}

#[track_caller]
fn check_unread(control: &'static str) {
    const CLIENTS: usize = 20;
    let (origin, sent) = large(control);
    let relay = relay_before(&origin, &["--idle-timeout", "300ms"]);
    let clients: Vec<BufReader<TcpStream>> = (0..CLIENTS)
        .map(|number| {
            let mut stream = BufReader::new(connect(relay.public));
            let request = format!("GET /large/{number} HTTP/1.1\r\nhost: h\r\n\r\n");
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            assert!(read_head(&mut stream).unwrap().unwrap().starts_with("HTTP/1.1 200 "));
            stream
        })
        .collect();
    // The relay has let each of them go, and its exchange with the origin.
    for _ in 0..CLIENTS {
        let sent = sent.recv_timeout(PATIENCE).expect("an exchange that ends");
        assert!(sent < SIZE, "{control}: all of it was taken");
    }
    let memory = relay.memory_kib("VmHWM");
    assert!(memory < 400_000, "{control}: {memory} KiB");
    for mut client in clients {
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        assert!(rest.len() < SIZE, "{control}: {} bytes", rest.len());
    }
    check_survived(relay);
}

#[test]
fn an_answer_for_one_client_that_nobody_reads_is_let_go() {
    check_unread("no-store");
}

#[test]
fn an_answer_for_all_that_nobody_reads_is_let_go() {
    check_unread("max-age=60");
}

#[test]
fn a_client_that_reads_gets_all_of_it() {
    for control in ["no-store", "max-age=60"] {
        let (origin, _sent) = large(control);
        let relay = relay_before(&origin, &["--idle-timeout", "1s"]);
        assert_eq!(relay.get("/large").body.len(), SIZE);
        check_survived(relay);
    }
}

#[test]
fn a_client_that_leaves_ends_its_exchange() {
    let (origin, sent) = large("no-store");
    let relay = relay_before(&origin, &[]);
    let mut stream = connect(relay.public);
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    drop(stream);
    assert!(sent.recv_timeout(PATIENCE).unwrap() < SIZE);
    check_survived(relay);
}
