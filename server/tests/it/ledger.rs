//! What the operator is told of the upstream: `/v1/upstream`, `/metrics` and the
//! line at the end.

use std::io::Write;

use serde_json::{Value, json};

use crate::support::{Origin, Relay, get};

fn standing(relay: &Relay) -> Value {
    let answer = get(relay.admin, "/v1/upstream", "");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert!(answer.field("content-type").unwrap().starts_with("application/json"));
    serde_json::from_slice(&answer.body).unwrap()
}

fn rules() -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(b"[[rule]]\nname = 'the \"menus\"'\npath = '/menu/**'\n").unwrap();
    file
}

#[test]
fn the_figures_move_and_all_that_show_them_agree() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nratelimit-policy: \"a\";q=100;w=3600\r\nratelimit: \"a\";r=50;t=900\r\ncontent-length: 4\r\n\r\nmenu",
    );
    let file = rules();
    let flags = ["--config", file.path().to_str().unwrap(), "--upstream-rate=6/m"];
    let relay = Relay::start(&[&["--upstream", &origin.url()][..], &flags].concat());
    let before = standing(&relay);
    assert_eq!(before["upstream"], format!("{}/", origin.url().trim_end_matches('/')));
    assert_eq!(before["since"].as_str().map(str::len), Some("2000-01-01T00:00:00Z".len()));
    assert_eq!(
        before["configured"],
        json!({"requests_per_second": 0.1, "burst": 20, "concurrency": null}),
    );
    assert_eq!((&before["tokens"], &before["quota"]), (&json!(20), &Value::Null));
    assert_eq!(
        (&before["saved"]["requests"], &before["spent"]["requests"]),
        (&json!(0), &json!(0))
    );

    for path in ["/menu/1", "/menu/1", "/menu/1", "/other", "/other"] {
        assert_eq!(relay.get(path).status(), 200);
    }
    let after = standing(&relay);
    assert_eq!(after["spent"]["client"]["answered"], 2);
    assert_eq!(after["spent"]["body_bytes"], 8);
    // What has been spent since the upstream said so may be taken off.
    let remaining = after["quota"]["remaining"].as_u64().unwrap();
    assert!((49..=50).contains(&remaining), "{after}");
    assert!((890.0..=900.0).contains(&after["quota"]["resets_in_seconds"].as_f64().unwrap()));
    assert!(after["tokens"].as_u64().unwrap() < 20, "{after}");
    assert!(after["typical_exchange_seconds"].is_number());
    assert_eq!((&after["saved"]["hits"], &after["saved"]["body_bytes"]), (&json!(3), &json!(12)));
    let rules = after["rules"].as_array().unwrap();
    let by_rule: Vec<_> = rules
        .iter()
        .map(|of| (of["rule"].as_str().unwrap(), of["hits"].as_u64(), of["body_bytes"].as_u64()))
        .collect();
    let menus = ("rule 1 (the \"menus\")", Some(2), Some(8));
    assert_eq!(by_rule, [("flags", Some(1), Some(4)), menus]);

    let metric = |name: &str, rule: &str| {
        relay.metric(&format!("lunch_relay_saved_{name}_total{{by=\"hit\",rule=\"{rule}\"}}"))
    };
    assert_eq!((metric("requests", "flags"), metric("bytes", "flags")), (1, 4));
    let escaped = r#"rule 1 (the \"menus\")"#;
    assert_eq!((metric("requests", escaped), metric("bytes", escaped)), (2, 8));
    assert_eq!(relay.metric("lunch_relay_upstream_received_bytes_total"), 8);

    // The last line has what the whole run came to.
    let log = relay.end();
    let line = log.lines().find(|line| line.contains("\"target\":\"ledger\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    for (field, value) in [
        ("spent", json!(2)),
        ("answered", json!(2)),
        ("refreshes", json!(0)),
        ("received_bytes", json!(8)),
        ("saved", json!(3)),
        ("saved_percent", json!(60.0)),
        ("hits", json!(3)),
        ("saved_bytes", json!(12)),
        ("refused", json!(0)),
        ("quota_remaining", json!(remaining)),
    ] {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert!(line["message"].as_str().unwrap().starts_with("the whole run"), "{line}");
}

#[test]
fn it_is_the_operators_alone_and_only_read() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmenu");
    let relay = Relay::before(&origin.url());
    // On the public listener the path is the upstream's.
    assert_eq!(relay.get("/v1/upstream").text(), "menu");
    let unlimited = json!({"requests_per_second": null, "burst": null, "concurrency": null});
    let standing = standing(&relay);
    assert_eq!((&standing["configured"], &standing["in_force"]), (&unlimited, &unlimited));
    assert_eq!(standing["tokens"], Value::Null);
}
