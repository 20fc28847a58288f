//! What the operator is told of requests: metrics, the access log, traces; and
//! what becomes of a panic.

mod access_log;
mod metrics;
mod panics;
mod traces;

use crate::support::{Answer, Origin, Relay, Then, get};

/// An origin whose answers may be stored, each with its target as the body.
fn storable() -> Origin {
    Origin::start(|head, stream| {
        let target = head.split(' ').nth(1).unwrap_or_default();
        let length = target.len();
        let fields = "cache-control: max-age=600\r\n";
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{target}");
        std::io::Write::write_all(stream.get_mut(), answer.as_bytes())?;
        Ok(Then::KeepOpen)
    })
}

/// What a scraper gets that says this of what it accepts.
fn scrape(relay: &Relay, accept: &str) -> Answer {
    get(relay.admin, "/metrics", &format!("accept: {accept}\r\n"))
}
