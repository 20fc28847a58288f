//! What one relay has purged, none has.

use super::{
    counting, post, status,
    valkey::{Valkey, counts, eventually, is_up},
};
use crate::support::{Relay, send};

const FRESH: &str = "cache-control: max-age=600\r\n";

/// Both have the same in memory.
fn both_have(relays: [&Relay; 2], path: &str) {
    relays[0].get(path);
    eventually("the shared answer", || {
        relays[1].get(path).text() == relays[0].get(path).text()
            && status(&relays[1].get(path)).starts_with("lunch-relay; hit; ttl=")
    });
}

const TAGGED: &str = "cache-control: max-age=600\r\ncache-tag: menus\r\n";

/// Purges through the operator's listener: how many responses that were.
#[track_caller]
fn purge(relay: &Relay, body: &str) -> u64 {
    let json = "content-type: application/json\r\n";
    let answer = send(relay.admin, "POST", "/v1/cache/purge", json, body);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    said["count"].as_u64().unwrap()
}

/// Waits until a relay has not what it had.
#[track_caller]
fn loses(relay: &Relay, path: &str, had: &str) {
    eventually("the purge", || relay.get(path).text() != had);
}

#[test]
fn a_write_through_one_ends_what_the_other_has() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    both_have([&one, &other], "/menu");
    both_have([&one, &other], "/other");
    let (had, kept) = (other.get("/menu").text(), other.get("/other").text());
    post(&one, "/menu");
    loses(&other, "/menu", &had);
    assert_eq!(other.get("/other").text(), kept);
    // What is newer than the purge stays, with the one that purged too.
    let new = one.get("/menu").text();
    for _ in 0..3 {
        assert_eq!(one.get("/menu").text(), new);
    }
}

#[test]
fn a_write_whose_message_was_missed_is_found_in_the_log() {
    let (mut valkey, origin) = (Valkey::start(&["--appendonly", "yes"]), counting(FRESH));
    let url = valkey.url();
    let upstream = origin.url();
    let flags = ["--upstream", &upstream, "--shared", &url, "--shared-timeout=1s"];
    let (one, other) = (Relay::start(&flags), Relay::start(&flags));
    is_up(&one, 1);
    is_up(&other, 1);
    both_have([&one, &other], "/menu");
    let had = other.get("/menu").text();
    // It hears nothing while it is stopped, and its connection is closed.
    other.signal("STOP");
    post(&one, "/menu");
    counts(&one, "purged", 1);
    valkey.kill();
    other.signal("CONT");
    is_up(&other, 0);
    assert_eq!(other.get("/menu").text(), had);
    valkey.begin();
    loses(&other, "/menu", &had);
}

#[test]
fn a_write_while_a_relay_is_down_ends_what_its_snapshot_has() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    let snapshot = ["--snapshot", file.to_str().unwrap()];
    let one = valkey.relay(&origin.url(), &[]);
    let other = valkey.relay(&origin.url(), &snapshot);
    both_have([&one, &other], "/menu");
    let had = other.get("/menu").text();
    other.end();
    post(&one, "/menu");
    counts(&one, "purged", 1);
    loses(&valkey.relay(&origin.url(), &snapshot), "/menu", &had);
}

#[test]
fn who_has_missed_more_than_the_log_has_ends_all() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &[]);
    let had = relay.get("/menu").text();
    counts(&relay, "kept", 1);
    let log = valkey.key(":/menu").replace(":/menu", ":purges");
    // At once, so that it is not read in between.
    let fill = "for n = 1, 1024 do \
                redis.call('XADD', KEYS[1], '*', 'by', 'x', 'key', '/' .. n) end \
                redis.call('DEL', KEYS[2])";
    valkey.say(&["EVAL", fill, "2", &log, &valkey.key(":/menu")]);
    loses(&relay, "/menu", &had);
    assert!(relay.end().contains("purges of other relays were missed"));
}

/// A purge through one ends what the other has, and what both would find.
fn reaches_the_other(body: &str) {
    let (valkey, origin) = (Valkey::start(&[]), counting(TAGGED));
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    both_have([&one, &other], "/menu");
    let had = other.get("/menu").text();
    assert_eq!(purge(&one, body), 1, "{body}");
    loses(&other, "/menu", &had);
    loses(&one, "/menu", &had);
}

#[test]
fn a_purge_by_the_operator_of_one_reaches_the_other() {
    for what in ["\"url\":\"/menu\"", "\"prefix\":\"/men\"", "\"tag\":\"menus\""] {
        reaches_the_other(&format!("{{{what}}}"));
        reaches_the_other(&format!("{{{what},\"soft\":true}}"));
    }
}

#[test]
fn what_a_purge_does_not_mean_stays_with_both() {
    let (valkey, origin) = (Valkey::start(&[]), counting(TAGGED));
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    both_have([&one, &other], "/other");
    both_have([&one, &other], "/menu");
    let kept = other.get("/other").text();
    let had = other.get("/menu").text();
    assert_eq!(purge(&one, "{\"tag\":\"none\"}"), 0);
    assert_eq!(purge(&one, "{\"prefix\":\"/men\"}"), 1);
    loses(&other, "/menu", &had);
    assert_eq!(other.get("/other").text(), kept);
    assert_eq!(one.get("/other").text(), kept);
}

#[test]
fn a_purge_is_heard_of_by_who_was_down_and_who_is_new() {
    for body in ["{\"prefix\":\"/\"}", "{\"tag\":\"menus\"}"] {
        let (valkey, origin) = (Valkey::start(&[]), counting(TAGGED));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("snapshot");
        let snapshot = ["--snapshot", file.to_str().unwrap()];
        let one = valkey.relay(&origin.url(), &[]);
        let other = valkey.relay(&origin.url(), &snapshot);
        both_have([&one, &other], "/menu");
        let had = other.get("/menu").text();
        other.end();
        purge(&one, body);
        counts(&one, "purged", 1);
        // What was in its file has ended, and what is in the tier is as old.
        assert_ne!(valkey.relay(&origin.url(), &snapshot).get("/menu").text(), had);
        assert_ne!(valkey.relay(&origin.url(), &[]).get("/menu").text(), had);
    }
}
