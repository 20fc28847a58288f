//! Clients that mean no good, or know no better: the relay outlives them.

mod capacity;
mod frames;
mod heads;
mod http2;
mod slow;
mod smuggling;
mod unread;

use std::{
    io::{self, Read},
    net::TcpStream,
};

use crate::support::{Origin, Relay};

/// A relay with these flags that logs only what is wrong.
fn relay_before(origin: &Origin, flags: &[&str]) -> Relay {
    let url = origin.url();
    Relay::start(&[&["--upstream", &url, "--log", "warn"], flags].concat())
}

/// The relay answers the next good request, ends as it should, and has not
/// panicked.
#[track_caller]
fn check_survived(relay: Relay) {
    assert_eq!(relay.get("/good").status(), 200);
    let log = relay.end();
    assert!(!log.contains("panicked"), "{log}");
}

/// All that comes until the relay closes the connection.
fn read_until_closed(mut stream: impl Read) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => answer,
        // Closed on bytes that it had not read.
        Err(error) if is_closed(&error) => answer,
        Err(error) => panic!("not closed: {error}"),
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// Whether the connection stays open and silent for a second.
fn is_open_and_silent(stream: &mut TcpStream) -> bool {
    let patience = stream.read_timeout().unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_read_timeout(patience).unwrap();
    read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
