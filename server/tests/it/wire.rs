//! Requests and answers as bytes, compared at both ends of the relay.

mod answers;
mod bodies;
mod failures;
mod methods;
mod polite;
mod protocols;
mod redirects;
mod request_fields;
mod targets;
mod truncated;

use crate::support::{Answer, Origin, Relay, exchange};

/// The lines of a head, its first one left out.
fn field_lines(head: &str) -> Vec<&str> {
    head.lines().skip(1).take_while(|line| !line.is_empty()).collect()
}

/// What becomes of an answer of the origin's, asked for with GET.
fn relayed(answer: impl Into<Vec<u8>>) -> Answer {
    let origin = Origin::answering(answer);
    Relay::before(&origin.url()).get("/x")
}

/// What the origin sees of a request with these field lines, which is
/// answered on a connection of its own.
fn seen_with(flags: &[&str], fields: &str) -> Answer {
    let origin = Origin::echoing();
    let url = origin.url();
    let relay = Relay::start(&[&["--upstream", &url], flags].concat());
    let request =
        format!("GET /x HTTP/1.1\r\nhost: relay.example\r\n{fields}connection: close\r\n\r\n");
    let answer = Answer::parse(&exchange(relay.public, request));
    assert_eq!(answer.status(), 200, "{fields:?}: {}", answer.head);
    Answer::parse(&answer.body)
}
