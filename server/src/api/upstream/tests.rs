use std::time::UNIX_EPOCH;

use poem_openapi::types::ToJSON;
use serde_json::{Value, json};

use super::*;
use crate::{
    telemetry::ledger::account::tests::account,
    upstream::governor::{Refusal, advice},
};

fn said(account: &Account) -> Value {
    Standing::of("http://h/api/", UNIX_EPOCH, account).to_json().unwrap()
}

#[test]
fn an_account_is_said_in_full() {
    let at = UNIX_EPOCH + Duration::from_mins(2);
    let expected = json!({
        "upstream": "http://h/api/",
        "since": "1970-01-01T00:00:00Z",
        "uptime_seconds": 120,
        "configured": {"requests_per_second": 1.0, "burst": 20, "concurrency": null},
        "budget": {"source": "own", "share": "1"},
        "in_force": {"requests_per_second": 1.0, "burst": 20, "concurrency": null},
        "tokens": 17,
        "quota": null,
        "hold": null,
        "breaker": "closed",
        "queue": {"waiting": 0, "places": 1024},
        "under_way": {"client": 0, "pass_through": 0, "refresh": 0},
        "typical_exchange_seconds": 0.0,
        "spent": {
            "requests": 3,
            "body_bytes": 300,
            "client": {"answered": 3, "limited": 0, "failed": 0, "abandoned": 0},
            "pass_through": {"answered": 0, "limited": 0, "failed": 0, "abandoned": 0},
            "refresh": {"answered": 0, "limited": 0, "failed": 0, "abandoned": 0},
        },
        "refused": {
            "requests": 0, "rate": 0, "concurrency": 0, "pass_through": 0,
            "queue": 0, "quota": 0, "hold": 0, "breaker": 0, "by_hand": 0,
        },
        "held_by_hand": null,
        "holds": 0,
        "waited": 0,
        "saved": {
            "requests": 5, "hits": 5, "stale": 0, "collapsed": 0, "validated": 0,
            "body_bytes": 50,
        },
        "rules": [
            {
                "rule": "flags", "requests": 2, "hits": 2, "stale": 0, "collapsed": 0,
                "validated": 0, "body_bytes": 20,
            },
            {
                "rule": "flags", "requests": 3, "hits": 3, "stale": 0, "collapsed": 0,
                "validated": 0, "body_bytes": 30,
            },
        ],
    });
    assert_eq!(said(&account(at, 3, 5)), expected);
}

#[test]
fn what_the_upstream_says_and_what_stands_in_the_way_is_said() {
    let mut account = account(UNIX_EPOCH, 0, 0);
    let wait = Duration::from_micros(12_345_678);
    account.governor.quota = Some(advice::Quota { remaining: 4, reset: wait });
    account.governor.hold = Some(Refusal { bound: Bound::Breaker, retry_after: wait });
    account.governor.circuit = Circuit::HalfOpen;
    let said = said(&account);
    assert_eq!(said["quota"], json!({"remaining": 4, "resets_in_seconds": 12.345}));
    assert_eq!(said["hold"], json!({"seconds": 12.345, "bound": "breaker"}));
    assert_eq!(said["breaker"], "half-open");
    assert_eq!(said["typical_exchange_seconds"], Value::Null);
}

#[test]
fn unlimited_is_null() {
    let free =
        Limits { rate: None, burst: 20, concurrency: None, share: crate::config::Fraction::WHOLE };
    let none = Bounds { requests_per_second: None, burst: None, concurrency: None };
    assert_eq!(Bounds::configured(free), none);
    let at_once = Limits { rate: Some(1.0), burst: u32::MAX, ..free };
    assert_eq!(Bounds::configured(at_once).burst, None);
}
