//! RFC 5861: `stale-while-revalidate` and `stale-if-error`.

use crate::scenario::origin;

/// RFC 5861 §3: MAY serve a response for so many seconds after it became stale
#[tokio::test(start_paused = true)]
async fn s3_what_is_stale_is_served_within_the_window() {
    let relay =
        origin(["200 | max-age=60, stale-while-revalidate=30", "200 | max-age=60 | takes: 5"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "hit; ttl=0 | age: 60 | body: menu 1").await;
}

/// RFC 5861 §3: SHOULD validate meanwhile, without blocking
#[tokio::test(start_paused = true)]
async fn s3_it_is_validated_behind_the_answer() {
    let relay = origin([
        "200 | max-age=60, stale-while-revalidate=30 | etag: \"a\"",
        "304 | etag: \"a\" | takes: 5",
    ]);
    relay.check("GET", "stored").await;
    relay.after(65).await;
    relay.check("GET", "hit; ttl=-5 | age: 65 | body: menu 1").await;
    relay.after(0).await;
    relay.upstream_got("GET | if-none-match: \"a\"");
    relay.check("GET", "hit; ttl=-5 | body: menu 1").await;
    relay.after(5).await;
    relay.check("GET", "hit; ttl=55 | body: menu 1").await;
    relay.asked(2);
}

/// RFC 5861 §3: SHOULD NOT serve it when the window has passed
#[tokio::test(start_paused = true)]
async fn s3_the_window_ends() {
    let relay = origin(["200 | max-age=60, stale-while-revalidate=30"]);
    relay.check("GET", "stored").await;
    relay.after(90).await;
    relay.check("GET", "fwd=stale | body: menu 2").await;
}

/// RFC 5861 §4: MAY use what is stale where an error is met: no answer, 500, 502, 503 or 504
#[tokio::test(start_paused = true)]
async fn s4_what_is_stale_stands_in_for_an_error() {
    for error in ["refused", "500", "502", "503", "504"] {
        let relay = origin(["200 | max-age=60, stale-if-error=60", error]);
        relay.check("GET", "stored").await;
        relay.after(60).await;
        relay.check("GET", "200 | fwd=stale | body: menu 1").await;
    }
}

/// RFC 5861 §4: defines what an error is: not what the upstream says of the request
#[tokio::test(start_paused = true)]
async fn s4_other_answers_are_passed_on() {
    for other in ["404", "403", "501", "200"] {
        let relay = origin(["200 | max-age=60, stale-if-error=60", other]);
        relay.check("GET", "stored").await;
        relay.after(60).await;
        relay.check("GET", &format!("{other} | fwd=stale | body: menu 2")).await;
    }
}

/// RFC 5861 §4: SHOULD NOT use what is more stale than that
#[tokio::test(start_paused = true)]
async fn s4_the_window_ends() {
    let relay = origin(["200 | max-age=60, stale-if-error=60", "503"]);
    relay.check("GET", "stored").await;
    relay.after(119).await;
    relay.check("GET", "200 | fwd=stale; fwd-status=503").await;
    relay.after(1).await;
    relay.check("GET", "503 | fwd=stale").await;
}

/// RFC 5861 §4: defines the scope of the directive in a request: that request
#[tokio::test(start_paused = true)]
async fn s4_a_request_may_allow_it_too() {
    let relay = origin(["200 | max-age=60", "503"]);
    relay.check("GET", "stored").await;
    relay.after(70).await;
    relay.check("GET | stale-if-error=11", "200 | fwd=stale; fwd-status=503").await;
    relay.check("GET | stale-if-error=10", "503 | fwd=stale").await;
    relay.check("GET", "503 | fwd=stale").await;
}

/// RFC 5861 §4: SHOULD let an answer that is stale be seen to be so, by its `Age`
#[tokio::test(start_paused = true)]
async fn s4_a_stale_answer_says_its_age() {
    let relay = origin(["200 | max-age=60, stale-if-error=60", "503"]);
    relay.check("GET", "stored").await;
    relay.after(70).await;
    relay.check("GET", "200 | ttl=-10 | age: 70").await;
}
