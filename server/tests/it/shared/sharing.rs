//! What one relay has stored, another has.

use std::{io::Write, thread};

use super::{
    counting, holding, post, status,
    valkey::{Valkey, count, counts, eventually},
};
use crate::support::{Origin, Then, get};

const FRESH: &str = "cache-control: max-age=600\r\n";
/// A fresh answer.
const OLD: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 3\r\n\r\nold";

#[test]
fn what_one_has_fetched_another_has() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    let answer = one.get("/menu");
    assert!(status(&answer).contains("fwd=uri-miss; stored"), "{}", status(&answer));
    counts(&one, "kept", 1);

    let answer = other.get("/menu");
    let said = status(&answer);
    assert!(
        said.starts_with("lunch-relay; hit; ttl=") && said.ends_with("; detail=shared"),
        "{said}"
    );
    assert_eq!((answer.status(), answer.text()), (200, "menu 1".to_owned()));
    assert_eq!(
        other.metric("lunch_relay_requests_total{outcome=\"shared-hit\",status=\"2xx\"}"),
        1
    );
    // From now on it is its own.
    assert!(!status(&other.get("/menu")).contains("shared"));
    assert_eq!(count(&other, "found"), 1);
    assert_eq!(origin.heads().len(), 1);
    // It is no use to anybody for longer than a day beside its ten minutes.
    let ttl: u64 = valkey.say(&["PTTL", &valkey.key(":/menu")]).parse().unwrap();
    assert!((86_000_000..=87_000_000).contains(&ttl), "{ttl}");
}

#[test]
fn stale_answers_outlive_their_relay() {
    let valkey = Valkey::start(&[]);
    let fields = "cache-control: max-age=50, stale-while-revalidate=600\r\nage: 100\r\n";
    let origin = counting(fields);
    let relay = valkey.relay(&origin.url(), &[]);
    assert_eq!(relay.get("/menu").text(), "menu 1");
    counts(&relay, "kept", 1);
    relay.end();

    let relay = valkey.relay(&origin.url(), &[]);
    let answer = relay.get("/menu");
    let said = status(&answer);
    assert!(
        said.starts_with("lunch-relay; hit; ttl=-") && said.ends_with("detail=shared"),
        "{said}"
    );
    assert_eq!(answer.text(), "menu 1");
    // It is fetched anew behind the answer.
    eventually("the refresh", || origin.heads().len() == 2);
}

#[test]
fn what_is_stale_is_validated_by_another() {
    let valkey = Valkey::start(&[]);
    let origin = Origin::start(|head, stream| {
        let is_known = head.to_lowercase().contains("if-none-match: \"a\"");
        let (line, length) =
            if is_known { ("304 Not Modified", "") } else { ("200 OK", "content-length: 4\r\n") };
        let body = if is_known { "" } else { "menu" };
        write!(
            stream.get_mut(),
            "HTTP/1.1 {line}\r\netag: \"a\"\r\ncache-control: no-cache\r\n{length}\r\n{body}"
        )?;
        Ok(Then::KeepOpen)
    });
    let one = valkey.relay(&origin.url(), &[]);
    one.get("/menu");
    counts(&one, "kept", 1);
    let answer = valkey.relay(&origin.url(), &[]).get("/menu");
    assert!(status(&answer).contains("fwd-status=304"), "{}", status(&answer));
    assert_eq!(answer.text(), "menu");
}

#[test]
fn all_variants_are_shared() {
    let valkey = Valkey::start(&[]);
    let origin = Origin::start(|head, stream| {
        let language = if head.contains("accept-language: sv") { "sv" } else { "en" };
        let fields = "vary: accept-language\r\ncache-control: max-age=600\r\n";
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\n{language}")?;
        Ok(Then::KeepOpen)
    });
    let relay = || valkey.relay(&origin.url(), &["--preset=none"]);
    let one = relay();
    for (number, language) in [(1, "sv"), (2, "en")] {
        get(one.public, "/menu", &format!("accept-language: {language}\r\n"));
        counts(&one, "kept", number);
    }
    let other = relay();
    for language in ["sv", "en"] {
        let answer = get(other.public, "/menu", &format!("accept-language: {language}\r\n"));
        assert!(status(&answer).contains("hit"), "{}", status(&answer));
        assert_eq!(answer.text(), language);
    }
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn variants_that_two_store_at_once_are_both_shared() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = holding(|head| {
        let language = if head.contains("accept-language: sv") { "sv" } else { "en" };
        let fields = "vary: accept-language\r\ncache-control: max-age=600\r\n";
        format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\n{language}")
    });
    let relay = || valkey.relay(&origin.url(), &["--preset=none"]);
    let (one, other) = (relay(), relay());
    thread::scope(|scope| {
        let ask =
            |relay, language| get(relay, "/menu", &format!("accept-language: {language}\r\n"));
        let first = scope.spawn(move || ask(one.public, "sv").text());
        is_asked.recv().unwrap();
        // Its lease is lost, so the other takes its turn before it has come to an end.
        valkey.say(&["DEL", &valkey.key(":lease:/menu")]);
        let second = scope.spawn(move || ask(other.public, "en").text());
        is_asked.recv().unwrap();
        drop(go);
        assert_eq!((first.join().unwrap(), second.join().unwrap()), ("sv".into(), "en".into()));
    });
    counts(&one, "kept", 1);
    counts(&other, "kept", 1);
    let third = relay();
    for language in ["sv", "en"] {
        let answer = get(third.public, "/menu", &format!("accept-language: {language}\r\n"));
        assert!(status(&answer).contains("hit"), "{}", status(&answer));
        assert_eq!(answer.text(), language);
    }
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn a_range_is_answered_from_what_another_has() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let one = valkey.relay(&origin.url(), &[]);
    one.get("/menu");
    counts(&one, "kept", 1);
    let other = valkey.relay(&origin.url(), &[]);
    let answer = get(other.public, "/menu", "range: bytes=5-5\r\n");
    assert_eq!((answer.status(), answer.text()), (206, "1".to_owned()));
    assert!(status(&answer).ends_with("detail=shared"));
}

#[test]
fn what_is_too_large_is_not_shared() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &["--shared-max-object-size=64"]);
    assert_eq!(relay.get("/menu").text(), "menu 1");
    counts(&relay, "too-large", 1);
    assert_eq!(valkey.say(&["KEYS", "*:/*"]), "");
}

#[test]
fn upstreams_and_prefixes_are_kept_apart() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let one = valkey.relay(&origin.url(), &[]);
    one.get("/menu");
    counts(&one, "kept", 1);
    let key = valkey.key(":/menu");
    assert!(key.starts_with("lunch-relay:1:"), "{key}");
    for other in [
        valkey.relay(&counting(FRESH).url(), &[]),
        valkey.relay(&origin.url(), &["--shared-prefix=other"]),
    ] {
        assert!(status(&other.get("/menu")).contains("fwd=uri-miss"));
    }
}

#[test]
fn a_write_ends_what_is_shared() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let one = valkey.relay(&origin.url(), &[]);
    one.get("/menu");
    counts(&one, "kept", 1);
    post(&one, "/menu");
    counts(&one, "purged", 1);
    let other = valkey.relay(&origin.url(), &[]);
    assert_eq!(other.get("/menu").text(), "menu 3");
    // What is newer than the purge is shared again.
    counts(&other, "kept", 1);
    assert_eq!(one.get("/menu").text(), "menu 3");
}

#[test]
fn what_was_asked_for_before_a_write_is_not_shared_after_it() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = holding(|_| OLD.to_owned());
    let relay = valkey.relay(&origin.url(), &[]);
    let key = thread::scope(|scope| {
        let answer = scope.spawn(|| relay.get("/menu"));
        is_asked.recv().unwrap();
        // The mark of a purge of which this relay has not heard.
        let key = valkey.key(":lease:/menu").replace(":lease:", ":");
        valkey.say(&["SET", &key, "purged 99"]);
        go.send(()).unwrap();
        assert_eq!(answer.join().unwrap().text(), "old");
        key
    });
    counts(&relay, "outdated", 1);
    assert_eq!(valkey.say(&["GET", &key]), "purged 99");
}

#[test]
fn what_was_asked_for_before_a_write_through_another_is_not_stored() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = holding(|_| OLD.to_owned());
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    thread::scope(|scope| {
        let answer = scope.spawn(|| one.get("/menu"));
        is_asked.recv().unwrap();
        post(&other, "/menu");
        counts(&other, "purged", 1);
        go.send(()).unwrap();
        assert_eq!(answer.join().unwrap().text(), "old");
    });
    // Heard of or not, the older answer does not take the place of the mark.
    assert!(valkey.say(&["GET", &valkey.key(":/menu")]).starts_with("purged "));
}
