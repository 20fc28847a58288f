//! Holding the upstream by hand.

use serde_json::{Value, json};

use super::{FORM, JSON, fresh, json, refused, said, told};
use crate::support::{Relay, send};

#[test]
fn nothing_is_put_to_the_upstream_until_it_is_released() {
    let origin = fresh("");
    let relay = Relay::before(&origin.url());
    relay.get("/stored");
    assert_eq!(said(&relay, "/v1/upstream")["held_by_hand"], Value::Null);
    let asked = json!({ "for": "10m", "reason": "the kitchen burns" }).to_string();
    let held = &told(&relay, "POST", "/v1/upstream/hold", &asked)["held_by_hand"];
    assert_eq!(held["reason"], "the kitchen burns");
    assert!((300.0..=600.0).contains(&held["seconds"].as_f64().unwrap()), "{held}");

    let answer = relay.get("/other");
    assert_eq!(answer.status(), 503);
    assert!(
        answer.text().contains("the operator has the upstream left alone"),
        "{}",
        answer.text()
    );
    assert!(300 < answer.field("retry-after").unwrap().parse::<u64>().unwrap());
    assert_eq!(relay.get("/stored").text(), "menu");
    assert_eq!(origin.heads().len(), 1);
    let standing = said(&relay, "/v1/upstream");
    assert_eq!((&standing["refused"]["by_hand"], &standing["hold"]), (&json!(1), &Value::Null));
    assert_eq!(relay.metric("lunch_relay_upstream_shed_total{bound=\"by-hand\"}"), 1);

    let released = json(&send(relay.admin, "POST", "/v1/upstream/release", "", ""));
    assert_eq!(released["held_by_hand"], Value::Null);
    assert_eq!(relay.get("/other").text(), "menu");
}

#[test]
fn it_stands_beside_what_the_upstream_says() {
    let origin = crate::support::Origin::answering(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1000\r\ncontent-length: 0\r\n\r\n",
    );
    let relay = Relay::before(&origin.url());
    assert_eq!(relay.get("/a").status(), 429);
    json(&send(relay.admin, "POST", "/v1/upstream/hold", FORM, "for=1h"));
    let both = said(&relay, "/v1/upstream");
    assert_eq!(both["hold"]["bound"], "hold");
    assert!(both["held_by_hand"].is_object());
    // Released by hand, what the upstream has asked for goes on.
    let released = json(&send(relay.admin, "POST", "/v1/upstream/release", "", ""));
    assert_eq!(
        (&released["hold"]["bound"], &released["held_by_hand"]),
        (&json!("hold"), &Value::Null)
    );
}

#[test]
fn what_is_no_hold_is_refused() {
    let relay = Relay::before(&fresh("").url());
    let long = json!({ "for": "1m", "reason": "x".repeat(1001) }).to_string();
    for body in [
        "{}",
        "{\"for\":\"\"}",
        "{\"for\":\"0s\"}",
        "{\"for\":\"25h\"}",
        "{\"for\":\"-1s\"}",
        &long,
    ] {
        refused(&send(relay.admin, "POST", "/v1/upstream/hold", JSON, body), 400);
    }
    assert_eq!(said(&relay, "/v1/upstream")["held_by_hand"], Value::Null);
}
