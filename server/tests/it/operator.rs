//! The operator's listener, over the wire.

mod access;
mod cache;
mod process;
mod upstream;

use serde_json::Value;

use crate::support::{Answer, Origin, Relay, get, send};

const JSON: &str = "content-type: application/json\r\n";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// An origin whose answers are fresh, and have these field lines too.
fn fresh(fields: &str) -> Origin {
    Origin::answering(format!(
        "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\n{fields}content-length: 4\r\n\r\nmenu"
    ))
}

/// What an endpoint says.
#[track_caller]
fn said(relay: &Relay, path: &str) -> Value {
    json(&get(relay.admin, path, ""))
}

#[track_caller]
fn json(answer: &Answer) -> Value {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    serde_json::from_slice(&answer.body).unwrap()
}

/// What an endpoint says to a JSON document.
#[track_caller]
fn told(relay: &Relay, method: &str, path: &str, body: &str) -> Value {
    json(&send(relay.admin, method, path, JSON, body))
}

/// Checks that an answer is a problem of the relay's with this status.
#[track_caller]
fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status(), status, "{}{}", answer.head, answer.text());
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
}
