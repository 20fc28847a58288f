//! One request to the upstream for all who ask any of several relays.

use std::{
    io::Write,
    sync::mpsc,
    thread::{self, Scope, ScopedJoinHandle},
};

use super::{
    counting, holding, status,
    valkey::{Valkey, count, counts, is_up},
};
use crate::support::{Answer, Origin, Relay};

const FRESH: &str = "cache-control: max-age=600\r\n";

/// One that is held, with these fields.
fn held(fields: &'static str) -> (Origin, mpsc::Receiver<()>, mpsc::Sender<()>) {
    holding(move |_| format!("HTTP/1.1 200 OK\r\n{fields}content-length: 4\r\n\r\nmenu"))
}

#[test]
fn a_thousand_cold_clients_of_two_relays_are_one_request_for_each_uri() {
    const URIS: usize = 10;
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = [valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[])];
    thread::scope(|scope| {
        // Fifty threads of a client that asks twenty times.
        for client in 0..50 {
            let relays = &relays;
            scope.spawn(move || {
                for number in 0..20 {
                    let relay: &Relay = &relays[(client + number) % 2];
                    let answer = relay.get(&format!("/{}", (client + number / 2) % URIS));
                    assert_eq!(answer.status(), 200);
                }
            });
        }
    });
    let mut asked: Vec<String> =
        origin.heads().iter().map(|head| head.lines().next().unwrap().to_owned()).collect();
    asked.sort_unstable();
    let expected: Vec<String> = (0..URIS).map(|number| format!("GET /{number} HTTP/1.1")).collect();
    assert_eq!(asked, expected);
}

/// `one` asks the upstream, and `other` waits for what that brings.
fn second_waits<'scope>(
    scope: &'scope Scope<'scope, '_>,
    one: &'scope Relay,
    other: &'scope Relay,
    is_asked: &mpsc::Receiver<()>,
) -> [ScopedJoinHandle<'scope, Answer>; 2] {
    let first = scope.spawn(|| one.get("/menu"));
    is_asked.recv().unwrap();
    let second = scope.spawn(|| other.get("/menu"));
    counts(other, "waited", 1);
    [first, second]
}

#[test]
fn who_waits_for_another_gets_what_it_brings() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = held(FRESH);
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    thread::scope(|scope| {
        let [first, second] = second_waits(scope, &one, &other, &is_asked);
        go.send(()).unwrap();
        assert!(status(&first.join().unwrap()).contains("fwd=uri-miss; stored"));
        let answer = second.join().unwrap();
        assert!(status(&answer).ends_with("detail=shared"), "{}", status(&answer));
        assert_eq!(answer.text(), "menu");
    });
    assert_eq!(origin.heads().len(), 1);
    // What was held is given back.
    assert_eq!(valkey.say(&["KEYS", "*lease*"]), "");
}

#[test]
fn who_waits_for_what_is_not_for_others_asks_itself() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = held("cache-control: private\r\n");
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    thread::scope(|scope| {
        let [first, second] = second_waits(scope, &one, &other, &is_asked);
        drop(go);
        for answer in [first.join().unwrap(), second.join().unwrap()] {
            assert!(status(&answer).contains("detail=\"private, "), "{}", status(&answer));
        }
    });
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn who_waits_for_one_that_dies_takes_its_turn() {
    let valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = held(FRESH);
    let url = valkey.url();
    // With a short time-out a lease is short too.
    let upstream = origin.url();
    let flags = ["--upstream", &upstream, "--shared", &url, "--shared-timeout=1s"];
    let (mut one, other) = (Relay::start(&flags), Relay::start(&flags));
    is_up(&one, 1);
    thread::scope(|scope| {
        let first = crate::support::connect(one.public);
        (&first).write_all(b"GET /menu HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        is_asked.recv().unwrap();
        let second = scope.spawn(|| other.get("/menu"));
        counts(&other, "waited", 1);
        one.signal("KILL");
        one.wait();
        // Its turn has come.
        is_asked.recv().unwrap();
        drop(go);
        assert_eq!(second.join().unwrap().text(), "menu");
    });
    assert_eq!(origin.heads().len(), 2);
}

#[test]
fn who_waits_when_the_server_dies_goes_on_alone() {
    let mut valkey = Valkey::start(&[]);
    let (origin, is_asked, go) = held(FRESH);
    let (one, other) = (valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[]));
    thread::scope(|scope| {
        let [first, second] = second_waits(scope, &one, &other, &is_asked);
        valkey.kill();
        is_asked.recv().unwrap();
        drop(go);
        for answer in [first.join().unwrap(), second.join().unwrap()] {
            assert_eq!((answer.status(), answer.text()), (200, "menu".to_owned()));
        }
    });
}

#[test]
fn what_is_none_of_our_leases_is_not_waited_for() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relay = valkey.relay(&origin.url(), &[]);
    relay.get("/1");
    counts(&relay, "kept", 1);
    let lease = |path: &str| valkey.key(":/1").replace(":/1", &format!(":lease:{path}"));
    valkey.say(&["SET", &lease("/2"), "mine"]);
    valkey.say(&["LPUSH", &lease("/3"), "mine"]);
    for path in ["/2", "/3"] {
        assert!(status(&relay.get(path)).contains("fwd=uri-miss; stored"));
    }
    assert_eq!(count(&relay, "waited"), 0);
    assert_eq!(valkey.say(&["GET", &lease("/2")]), "mine");
}

#[test]
fn stored_objects_are_served_while_the_server_is_killed_under_load() {
    let (mut valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = [valkey.relay(&origin.url(), &[]), valkey.relay(&origin.url(), &[])];
    for relay in &relays {
        for number in 0..10 {
            assert_eq!(relay.get(&format!("/{number}")).status(), 200);
        }
    }
    let (over, is_over) =
        (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::Ordering::SeqCst);
    thread::scope(|scope| {
        for client in 0..8 {
            let (relays, over) = (&relays, &over);
            scope.spawn(move || {
                let mut number = 0;
                while !over.load(is_over) {
                    number += 1;
                    let answer = relays[client % 2].get(&format!("/{}", number % 10));
                    assert_eq!(answer.status(), 200);
                    // And what is not stored is fetched.
                    let new = relays[client % 2].get(&format!("/new/{client}/{number}"));
                    assert_eq!(new.status(), 200);
                }
            });
        }
        valkey.kill();
        for relay in &relays {
            is_up(relay, 0);
        }
        valkey.begin();
        for relay in &relays {
            is_up(relay, 1);
            let kept = count(relay, "kept");
            counts(relay, "kept", kept + 1);
        }
        over.store(true, is_over);
    });
}
