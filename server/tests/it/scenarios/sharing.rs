//! One answer for all who wait, whatever it is (RFC 9111 §4).

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{future::join_all, stream};
use poem::Body;
use tokio::time::advance;

use crate::scenario::Scenario;

/// What is fresh by default, and errors shared for a second.
const USUAL: [&str; 2] = ["--default-ttl=10m", "--error-ttl=1s"];

/// Puts the same request ten times at once.
async fn crowd(relay: &Scenario, request: &str, first: &str, others: &str) {
    let expected = std::iter::once(first).chain(std::iter::repeat_n(others, 9));
    join_all(expected.map(|expected| relay.check(request, expected))).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_serves_all_who_wait_and_for_a_second_who_comes() {
    for status in ["429", "500", "503", "599"] {
        let relay = Scenario::new(&USUAL, [&*format!("{status} | takes: 2").leak(), "200"]);
        let detail = r#"detail="no explicit freshness, RFC 9111 3""#;
        let first = format!("{status} | fwd=uri-miss; {detail}; !stored | body: menu 1");
        let others = format!("{status} | fwd=uri-miss; collapsed; {detail} | body: menu 1");
        crowd(&relay, "GET", &first, &others).await;
        relay.check("GET", &others).await;
        relay.asked(1);
        relay.after(1).await;
        relay.check("GET", "200 | fwd=uri-miss; stored | body: menu 2").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_may_be_about_one_request_is_that_requests_alone() {
    for answer in [
        "400",
        "401",
        "403",
        "406",
        "500 | private",
        "500 | no-store",
        "500 | vary: *",
        "500 | set-cookie: a=b",
    ] {
        let relay = Scenario::new(&USUAL, [&*format!("{answer} | takes: 1").leak()]);
        crowd(&relay, "GET", "fwd=uri-miss; !collapsed", "fwd=uri-miss; !collapsed").await;
        relay.asked(10);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_for_those_who_select_it() {
    let relay = Scenario::new(&USUAL, ["500 | vary: accept | takes: 1"]);
    let ask = |accept, expected| relay.check(accept, expected);
    tokio::join!(
        ask("GET | accept: a", "500 | body: menu 1"),
        ask("GET | accept: b", "500 | body: menu 2 | !collapsed"),
        ask("GET | accept: a", "500 | body: menu 1 | collapsed"),
    );
    relay.asked(2);
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_for_no_time_serves_all_who_wait_and_nobody_after() {
    for answer in [
        "200 | max-age=0 | takes: 1",
        "200 | expires: 0 | takes: 1",
        "200 | no-cache | etag: \"a\" | takes: 1",
    ] {
        let relay = Scenario::new(&USUAL, [answer]);
        crowd(&relay, "GET", "200 | body: menu 1", "200 | collapsed | body: menu 1").await;
        relay.asked(1);
        crowd(&relay, "GET", "200 | body: menu 2", "200 | collapsed | body: menu 2").await;
        relay.asked(2);
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_once_the_head_of_what_is_never_fresh_is_there_asks_anew() {
    let relay = super::Slow::new(&[], &[("cache-control", "no-cache"), ("etag", "\"a\"")]);
    let (first, second) = (relay.body(), relay.body());
    let answer = relay.relay.get("/menu").await;
    // Its body is still on its way.
    let other = relay.relay.get("/menu").await;
    super::send(&first, "first");
    super::send(&second, "second");
    drop((first, second));
    assert_eq!(super::text(answer).await, "first");
    assert_eq!(super::text(other).await, "second");
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_for_an_error_does_so_for_a_second_without_another_request() {
    let stale = "200 | detail=\"stale-if-error, RFC 5861 4\" | body: menu 1";
    let flags = ["--default-ttl=60s", "--error-ttl=1s", "--stale-if-error=1h"];
    for answer in ["503", "refused"] {
        let relay = Scenario::new(&flags, ["200", answer, "200"]);
        relay.check("GET", "200").await;
        relay.after(60).await;
        for _ in 0..10 {
            relay.check("GET", stale).await;
        }
        relay.asked(2);
        relay.after(1).await;
        relay.check("GET", "200 | body: menu 3").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_not_repeated_for_a_second() {
    let flags = ["--default-ttl=60s", "--error-ttl=1s", "--stale-while-revalidate=1h"];
    let relay = Scenario::new(&flags, ["200", "refused"]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    for _ in 0..10 {
        relay.check("GET", "200 | hit").await;
        relay.after(0).await;
    }
    relay.asked(2);
    relay.after(1).await;
    relay.check("GET", "200 | hit").await;
    relay.after(0).await;
    relay.asked(3);
}

#[tokio::test(start_paused = true)]
async fn a_purge_ends_a_shared_error() {
    let relay = Scenario::new(&USUAL, ["503", "204", "200"]);
    relay.check("GET", "503").await;
    relay.check("DELETE", "204").await;
    relay.check("GET", "200 | body: menu 3").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_for_a_follower_stands_in_for_the_leaders_error() {
    let flags = ["--default-ttl=60s", "--stale-if-error=1h"];
    for error in ["503 | vary: accept | takes: 1", "refused | takes: 1"] {
        let relay = Scenario::new(&flags, ["200 | vary: accept", error]);
        relay.check("GET | accept: b", "200 | body: menu 1").await;
        relay.after(60).await;
        let stale = "200 | detail=\"stale-if-error, RFC 5861 4\" | body: menu 1";
        tokio::join!(
            relay.check("GET | accept: a", if error.starts_with('5') { "503" } else { "502" }),
            relay.check("GET | accept: b", stale),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn more_waiters_than_may_are_told_which_flag_says_so() {
    for (flag, path) in [("max-waiters-per-key", "/menu"), ("max-waiters", "/other")] {
        let bound = format!("--{flag}=2");
        let relay = Scenario::new(&["--default-ttl=60s", &bound], ["200 | takes: 1"]);
        let one_too_many = async {
            let answer = relay.answer(&format!("GET {path}")).await;
            assert_eq!((answer.status().as_u16(), answer.header("retry-after")), (503, Some("1")));
            let body = super::text(answer).await;
            assert!(body.contains(&format!("see --{flag}\"")), "{body}");
        };
        tokio::join!(
            relay.check("GET", "200"),
            relay.check("GET", "200 | collapsed"),
            one_too_many
        );
        // Whoever has its answer leaves its place.
        relay.check(&format!("GET {path}?"), "200 | fwd=uri-miss").await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_to_wait_gets_what_is_stored() {
    let flags = ["--max-waiters-per-key=1", "--default-ttl=60s", "--stale-if-error=1h"];
    let relay = Scenario::new(&flags, ["200", "200 | takes: 1"]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    tokio::join!(
        relay.check("GET", "200 | body: menu 2"),
        relay.check("GET", "200 | detail=\"stale-if-error, RFC 5861 4\" | body: menu 1"),
    );
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_no_field_that_is_for_the_one_who_asked() {
    for answer in [
        "200 | max-age=0, private=\"x-user\" | x-user: a | takes: 1",
        "503 | private=\"x-user\" | x-user: a | takes: 1",
        "200 | max-age=0, no-cache=\"x-user\" | x-user: a | takes: 1",
    ] {
        let relay = Scenario::new(&USUAL, [answer]);
        tokio::join!(
            relay.check("GET", "x-user: a | !collapsed"),
            relay.check("GET", "-x-user | collapsed"),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_clients_cookie_brings_sends_only_those_with_one_on_their_own() {
    let private = "200 | private | takes: 1";
    let relay = Scenario::new(&USUAL, [private, private, private, "200 | takes: 1"]);
    relay.check("GET | cookie: a=b", "200").await;
    let began = tokio::time::Instant::now();
    join_all((0..2).map(|_| relay.check("GET | cookie: a=b", "200"))).await;
    assert_eq!(began.elapsed().as_secs(), 1, "they do not wait for each other");
    join_all((0..10).map(|_| relay.check("GET", "200"))).await;
    relay.asked(4);
    relay.check("GET", "200 | hit").await;
}

#[tokio::test(start_paused = true)]
async fn an_error_for_some_keeps_the_others_from_nothing() {
    let relay = Scenario::new(&USUAL, ["500 | vary: accept", "500 | vary: accept | takes: 1"]);
    relay.check("GET | accept: a", "500").await;
    join_all((0..10).map(|_| relay.check("GET | accept: b", "500"))).await;
    relay.asked(2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_what_is_older_sends_nobody_else_on_their_own() {
    let flags = ["--default-ttl=60s", "--error-ttl=1s"];
    let relay = Scenario::new(&flags, ["200", "503", "503 | takes: 1"]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    relay.check("GET | stale-if-error=999", "200 | body: menu 1").await;
    join_all((0..10).map(|_| relay.check("GET", "503"))).await;
    relay.asked(3);
}

/// An upstream whose answers have these heads, in turn, and bodies that do not
/// end.
fn endless(heads: &'static [(u16, super::Fields)]) -> super::Scenario {
    let mut heads = heads.iter();
    super::Scenario::with_flags(&USUAL, move |_| {
        let (status, fields) = heads.next().expect("a head is written");
        Ok(super::answer(
            *status,
            fields,
            Body::from_bytes_stream(stream::pending::<io::Result<Bytes>>()),
        ))
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_body_takes_longer_than_it_may_serve_keeps_nobody() {
    let fresh: super::Fields = &[("cache-control", "max-age=2, must-revalidate")];
    for head in [(500, &[][..]), (200, fresh)] {
        let relay = endless(vec![head, (203, &[][..])].leak());
        for _ in 0..2 {
            assert_eq!(relay.get("/menu").await.status(), head.0);
        }
        advance(Duration::from_secs(2)).await;
        assert_eq!(relay.get("/menu").await.status(), 203);
    }
}

#[tokio::test(start_paused = true)]
async fn large_errors_take_no_memory_from_what_is_fetched_later() {
    let mut count = 0;
    let flags = ["--default-ttl=10m", "--error-ttl=1h"];
    let relay = super::Scenario::with_flags(&flags, move |_| {
        count += 1;
        let status = if count <= 4 { 500 } else { 200 };
        Ok(super::answer(status, &[], "x".repeat(8 << 20)))
    });
    for at in 0..4 {
        drop(relay.get(&format!("/{at}")).await.into_body().into_vec().await);
    }
    assert_eq!(relay.cache.figures().in_flight, 0);
    drop(relay.get("/menu").await.into_body().into_vec().await);
    let again = relay.get("/menu").await;
    assert!(super::cache_status(&again).starts_with("lunch-relay; hit"));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_brings_nothing_to_keep_is_not_repeated_for_a_second() {
    let flags = [
        "--default-ttl=60s",
        "--error-ttl=1s",
        "--stale-while-revalidate=1h",
        "--stale-if-error=0s",
    ];
    for answer in ["403", "400", "500 | no-store", "500 | set-cookie: a=b"] {
        let relay = Scenario::new(&flags, ["200", answer]);
        relay.check("GET", "200").await;
        relay.after(60).await;
        for _ in 0..10 {
            relay.check("GET", "200 | hit").await;
            relay.after(0).await;
        }
        relay.asked(2);
        relay.after(1).await;
        relay.check("GET", "200 | hit").await;
        relay.after(0).await;
        relay.asked(3);
        // Who may have nothing stale does not get that either, nor waits for it.
        relay.after(3600).await;
        relay.check("GET", &format!("{} | !hit", &answer[..3])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_304_ends_stands_in_for_nothing() {
    let flags = ["--default-ttl=60s", "--error-ttl=1s", "--stale-if-error=1h"];
    let script = ["200 | etag: \"a\"", "304 | no-store | etag: \"a\"", "503"];
    let relay = Scenario::new(&flags, script);
    relay.check("GET", "200").await;
    relay.after(60).await;
    relay.check("GET", "503").await;
}
