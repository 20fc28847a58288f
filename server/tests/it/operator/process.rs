//! The log, the configuration, and what went wrong.

use serde_json::json;

use super::{FORM, JSON, fresh, json, refused, said, told};
use crate::support::{Origin, Relay, get, nowhere, send, until};

#[test]
fn what_is_logged_changes_while_the_relay_runs() {
    let relay = Relay::start(&["--upstream", &fresh("").url(), "--log=error"]);
    assert_eq!(said(&relay, "/v1/log"), json!({ "filter": "error" }));
    relay.get("/before");
    let info = json!({ "filter": "info,access=info" });
    assert_eq!(told(&relay, "PUT", "/v1/log", &info.to_string()), info);
    assert_eq!(said(&relay, "/v1/log"), info);
    relay.get("/between");
    json(&send(relay.admin, "PUT", "/v1/log", FORM, "filter=error"));
    relay.get("/after");
    for body in ["", "{}", "{\"filter\":\"=,=\"}", "{\"filter\":\"access=loud\"}"] {
        refused(&send(relay.admin, "PUT", "/v1/log", JSON, body), 400);
    }
    refused(
        &send(relay.admin, "PUT", "/v1/log", FORM, &format!("filter={}", "x".repeat(5000))),
        400,
    );
    assert_eq!(said(&relay, "/v1/log"), json!({ "filter": "error" }));
    let log = relay.end();
    assert!(log.contains("/between"), "{log}");
    assert!(!log.contains("/before") && !log.contains("/after"), "{log}");
}

#[test]
fn the_configuration_in_force_shows_no_secret() {
    let flags = [
        "--upstream=http://h/api",
        "--default-ttl=90s",
        "--admin-token=the-secret-token-of-it",
        "--shared=redis://me:secret@127.0.0.1:1",
        "--shared-timeout=1ms",
    ];
    let relay = Relay::start(&flags);
    let bearer = "authorization: Bearer the-secret-token-of-it\r\n";
    let answer = get(relay.admin, "/v1/config", bearer);
    let config = json(&answer);
    assert_eq!(
        (&config["upstream"], &config["default-ttl"]),
        (&json!("http://h/api/"), &json!("1m 30s"))
    );
    assert_eq!(config["admin-token"], "(masked)");
    assert_eq!(config["shared"], "redis://me:(masked)@127.0.0.1:1");
    assert!(!answer.text().contains("secret"));
}

#[test]
fn what_went_wrong_is_remembered_with_what_was_answered() {
    let relay =
        Relay::start(&["--upstream", &format!("http://{}/", nowhere()), "--upstream-retries=0"]);
    assert_eq!(said(&relay, "/v1/errors"), json!({ "items": [] }));
    let long = format!("/{}", "x".repeat(1000));
    assert_eq!(relay.get(&long).status(), 502);
    until(|| !said(&relay, "/v1/errors")["items"].as_array().unwrap().is_empty());
    let error = &said(&relay, "/v1/errors")["items"][0];
    assert_eq!(error["uri"].as_str().unwrap().len(), 512);
    assert_eq!(
        (&error["kind"], &error["answered"]),
        (&json!("destination_unavailable"), &json!("error"))
    );
    assert!(error["detail"].as_str().unwrap().contains("no connection"));
    assert_eq!(error["at"].as_str().unwrap().len(), "2000-01-01T00:00:00Z".len());
}

#[test]
fn an_error_of_the_upstreams_is_told_from_one_that_what_is_stored_stood_in_for() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let origin = Origin::start(move |head, stream| {
        use std::{io::Write, sync::atomic::Ordering};
        let is_first = head.starts_with("GET /menu") && first.swap(false, Ordering::SeqCst);
        let answer = if is_first {
            "HTTP/1.1 200 OK\r\ncache-control: max-age=0, stale-if-error=600\r\netag: \"a\"\r\ncontent-length: 4\r\n\r\nmenu"
        } else {
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ndown"
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        Ok(crate::support::Then::Close)
    });
    let relay = Relay::start(&["--upstream", &origin.url(), "--error-ttl=0s"]);
    assert_eq!(relay.get("/menu").text(), "menu");
    assert_eq!(relay.get("/menu").text(), "menu");
    assert_eq!(relay.get("/other").text(), "down");
    let errors = said(&relay, "/v1/errors");
    let seen: Vec<_> = errors["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (&error["uri"], &error["status"], &error["answered"]))
        .collect();
    let status = json!(503);
    let expected = [(json!("/other"), json!("passed-on")), (json!("/menu"), json!("stored"))];
    let expected: Vec<_> = expected.iter().map(|(uri, how)| (uri, &status, how)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn the_description_has_all_of_it() {
    let relay = Relay::start(&["--upstream", &fresh("").url()]);
    let answer = get(relay.admin, "/openapi.json", "");
    let description: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    for (path, method) in [
        ("/v1/cache", "get"),
        ("/v1/cache/entries/{id}", "get"),
        ("/v1/cache/purge", "post"),
        ("/v1/explain", "get"),
        ("/v1/upstream", "get"),
        ("/v1/upstream/hold", "post"),
        ("/v1/upstream/release", "post"),
        ("/v1/log", "get"),
        ("/v1/log", "put"),
        ("/v1/config", "get"),
        ("/v1/errors", "get"),
        ("/healthz", "get"),
    ] {
        assert!(description["paths"][path][method]["summary"].is_string(), "{method} {path}");
    }
    // What is relayed is the public listener's.
    assert!(description["paths"]["/{path}"].is_null());
    assert!(description["info"]["description"].as_str().unwrap().starts_with("The operator's"));
    assert_eq!(get(relay.admin, "/docs", "").status(), 200);
}
