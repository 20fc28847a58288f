//! Methods: relayed, or answered here.

use crate::support::{Answer, Origin, Relay, exchange};

const ALLOW: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// The answer to a request without a body, on a connection of its own.
fn ask(relay: &Relay, method: &str, target: &str) -> Answer {
    let request = format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    Answer::parse(&exchange(relay.public, request))
}

#[test]
fn any_method_is_relayed_as_it_is() {
    let origin = Origin::echoing();
    let relay = Relay::before(&format!("{}api/", origin.url()));
    for method in [
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PURGE",
        "M-SEARCH",
        "PROPFIND",
        "QUERY",
        "get",
        "Get",
        "X",
        "!#$%&'*+-.^_`|~",
    ] {
        let answer = ask(&relay, method, "/x?y");
        assert_eq!(answer.status(), 200, "{method}: {}", answer.head);
        let status = "lunch-relay; fwd=method; detail=\"method, RFC 9111 3\"";
        assert_eq!(answer.field("cache-status"), Some(status), "{method}");
        let line = format!("{method} /api/x?y HTTP/1.1\r\n");
        assert!(answer.text().starts_with(&line), "{method}: {}", answer.text());
    }
}

#[test]
fn an_empty_post_keeps_its_length() {
    let relay = Relay::before(&Origin::echoing().url());
    let request = "POST /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let seen = Answer::parse(&Answer::parse(&exchange(relay.public, request)).body);
    assert_eq!(seen.field("content-length"), Some("0"));
}

#[test]
fn methods_meant_for_the_hops_are_405() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    for (method, target) in [
        ("TRACE", "/x"),
        ("TRACE", "/relay_anything/x"),
        ("CONNECT", "other.example:443"),
        ("CONNECT", "/x"),
    ] {
        let answer = ask(&relay, method, target);
        assert_eq!(answer.status(), 405, "{method} {target}: {}", answer.head);
        assert_eq!(answer.field("allow"), Some(ALLOW));
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
        assert_eq!(answer.field("proxy-status"), Some("lunch-relay; error=http_request_denied"));
    }
    assert_eq!(origin.heads(), Vec::<String>::new());
}

#[test]
fn options_of_the_server_are_answered_here() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let answer = ask(&relay, "OPTIONS", "*");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.field("allow"), Some(ALLOW));
    assert_eq!(answer.field("cache-status"), Some("lunch-relay; detail=options"));
    assert_eq!(ask(&relay, "GET", "*").status(), 400);
    assert_eq!(origin.heads(), Vec::<String>::new());
}

#[test]
fn our_own_names_are_only_read() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    for (method, path) in [("POST", "/docs"), ("PUT", "/healthz"), ("DELETE", "/openapi.json")] {
        let answer = ask(&relay, method, path);
        assert_eq!(answer.status(), 405, "{method} {path}: {}", answer.head);
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    }
    assert_eq!(origin.heads(), Vec::<String>::new());
}
