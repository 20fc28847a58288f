//! A Valkey that is slow, full, locked, gone, or has something else in it.

use super::{
    counting, status,
    valkey::{Valkey, count, counts, is_up},
};
use crate::support::{Relay, exchange, get, nowhere};

const FRESH: &str = "cache-control: max-age=600\r\n";

/// A relay is ready, and answers each path from the upstream.
#[track_caller]
fn goes_on(relay: &Relay, paths: &[&str]) {
    assert_eq!(relay.get("/readyz").status(), 200);
    for path in paths {
        let answer = relay.get(path);
        assert_eq!(answer.status(), 200);
        assert!(status(&answer).contains("fwd=uri-miss; stored"), "{}", status(&answer));
    }
}

#[test]
fn one_that_stalls_costs_one_time_out_and_comes_back() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let url = valkey.url();
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=100ms"];
    let relay = Relay::start(&flags);
    is_up(&relay, 1);
    let before = count(&relay, "failed");
    valkey.signal("STOP");
    goes_on(&relay, &["/1", "/2", "/3", "/4"]);
    is_up(&relay, 0);
    // The one that was first asked, or none where the relay itself asked before.
    assert!(count(&relay, "failed") <= before + 1);
    goes_on(&relay, &["/5", "/6", "/7", "/8"]);
    assert!(count(&relay, "failed") <= before + 1);
    valkey.signal("CONT");
    is_up(&relay, 1);
    let log = relay.end();
    assert!(
        log.contains("the shared tier is away, going on alone: no answer within 100ms"),
        "{log}"
    );
    assert!(log.contains("the shared tier is back after"), "{log}");
}

#[test]
fn one_that_is_not_there_yet_is_used_when_it_is() {
    let (mut valkey, origin) = (Valkey::absent(&[]), counting(FRESH));
    let url = valkey.url();
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=100ms"];
    let relay = Relay::start(&flags);
    goes_on(&relay, &["/1", "/2"]);
    is_up(&relay, 0);
    valkey.begin();
    is_up(&relay, 1);
    assert!(relay.end().contains("the shared tier is away"));
}

#[test]
fn sentinels_that_are_not_there_are_told_of_by_the_relay_alone() {
    let origin = counting(FRESH);
    let url = format!("redis-sentinel://{}?sentinelServiceName=menus", nowhere());
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=1s"];
    let relay = Relay::start(&flags);
    goes_on(&relay, &["/1"]);
    let log = relay.end();
    assert_eq!(log.matches("the shared tier is away").count(), 1, "{log}");
    assert!(!log.contains("fred"), "{log}");
}

#[test]
fn one_that_is_killed_and_comes_back_empty_is_filled_again() {
    let (mut valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &[]);
    goes_on(&relay, &["/1"]);
    counts(&relay, "kept", 1);
    valkey.kill();
    goes_on(&relay, &["/2", "/3"]);
    is_up(&relay, 0);
    // What is stored here does not depend on it.
    assert!(status(&relay.get("/1")).starts_with("lunch-relay; hit"));
    valkey.begin();
    is_up(&relay, 1);
    goes_on(&relay, &["/4"]);
    counts(&relay, "kept", 2);
    assert!(valkey.key(":/4").starts_with("lunch-relay:"));
    assert_eq!(valkey.say(&["KEYS", "*:/*"]).lines().count(), 1);
}

#[test]
fn one_that_is_full_refuses_and_is_told_of() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &[]);
    goes_on(&relay, &["/1"]);
    counts(&relay, "kept", 1);
    valkey.say(&["CONFIG", "SET", "maxmemory", "1"]);
    goes_on(&relay, &["/2"]);
    counts(&relay, "refused", 1);
    // It is read all the same, and a purge needs no memory.
    let other = valkey.relay(&origin.url(), &[]);
    assert!(status(&other.get("/1")).ends_with("detail=shared"));
    let post = "POST /1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    exchange(other.public, post);
    counts(&other, "purged", 1);
    assert_eq!(valkey.say(&["KEYS", "*:/*"]), "");
    valkey.say(&["CONFIG", "SET", "maxmemory", "0"]);
    goes_on(&relay, &["/3"]);
    counts(&relay, "kept", 2);
    let log = relay.end();
    assert!(log.contains("the shared tier does not keep what it is given"), "{log}");
}

#[test]
fn one_that_lets_nobody_in_is_told_of_without_the_password() {
    let (valkey, origin) = (Valkey::start(&["--requirepass", "right"]), counting(FRESH));
    let url = valkey.url().replace("://", "://:wrong@socket");
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=1s"];
    let relay = Relay::start(&flags);
    goes_on(&relay, &["/1"]);
    is_up(&relay, 0);
    let log = relay.end();
    assert!(log.contains("the shared tier is away, going on alone: "), "{log}");
    assert!(log.contains("WRONGPASS") && !log.contains("wrong@"), "{log}");

    let url = valkey.url().replace("://", "://:right@socket");
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=20s"];
    let relay = Relay::start(&flags);
    goes_on(&relay, &["/2"]);
    counts(&relay, "kept", 1);
}

#[test]
fn what_is_none_of_ours_is_not_used() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &[]);
    goes_on(&relay, &["/1"]);
    counts(&relay, "kept", 1);
    let key = |path: &str| valkey.key(":/1").replace(":/1", path);
    valkey.say(&["LPUSH", &key(":/list"), "mine"]);
    valkey.say(&["SET", &key(":/garbage"), "mine"]);
    valkey.say(&["COPY", &key(":/1"), &key(":/damaged")]);
    valkey.say(&["SETRANGE", &key(":/damaged"), "60", "#"]);
    valkey.say(&["COPY", &key(":/1"), &key(":/old")]);
    // The byte behind the magic is the version.
    valkey.say(&["SETRANGE", &key(":/old"), "21", "0"]);
    // Of another key, though all is well with it.
    valkey.say(&["COPY", &key(":/1"), &key(":/other")]);

    goes_on(&relay, &["/list", "/garbage", "/damaged", "/old", "/other"]);
    // Each was looked at once more when it was our turn to ask the upstream.
    assert_eq!(count(&relay, "unusable"), 10);
    // What has another type stays; strings under our keys are taken for old ones of ours.
    counts(&relay, "refused", 1);
    assert_eq!(valkey.say(&["LRANGE", &key(":/list"), "0", "-1"]), "mine");
    counts(&relay, "kept", 5);
    let other = valkey.relay(&origin.url(), &[]);
    for path in ["/garbage", "/damaged", "/old", "/other"] {
        assert!(status(&other.get(path)).ends_with("detail=shared"), "{path}");
    }
}

#[test]
fn a_write_while_it_is_away_reaches_it_when_it_is_back() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let url = valkey.url();
    let flags = ["--upstream", &origin.url(), "--shared", &url, "--shared-timeout=1s"];
    let one = Relay::start(&flags);
    is_up(&one, 1);
    goes_on(&one, &["/menu"]);
    counts(&one, "kept", 1);
    valkey.signal("STOP");
    is_up(&one, 0);
    let post = "POST /menu HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    exchange(one.public, post);
    valkey.signal("CONT");
    is_up(&one, 1);
    assert_eq!(count(&one, "purged"), 1);
    let answer = get(valkey.relay(&origin.url(), &[]).public, "/menu", "");
    assert!(status(&answer).contains("fwd=uri-miss"), "{}", status(&answer));
}
