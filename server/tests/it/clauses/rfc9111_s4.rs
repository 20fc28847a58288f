//! RFC 9111 §4 and §4.1: constructing responses, and `Vary`.

use crate::scenario::{Scenario, origin};

/// RFC 9111 §4: MUST NOT reuse a response that is stored for another target URI
#[tokio::test(start_paused = true)]
async fn s4_the_target_matches() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET /menu", "stored").await;
    for other in ["GET /menu/", "GET /Menu", "GET /menu?", "GET /men%75"] {
        relay.check(other, "fwd=uri-miss").await;
    }
    relay.check("GET /menu", "hit | body: menu 1").await;
}

/// RFC 9111 §4: MUST NOT reuse a response for a method that its own does not allow
#[tokio::test(start_paused = true)]
async fn s4_the_method_allows_it() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.check("HEAD", "hit | content-length: 6 | body: ").await;
    relay.check("OPTIONS", "fwd=method").await;
    relay.check("PROPFIND /other", "fwd=method").await;
}

/// RFC 9111 §4: MUST NOT reuse a response whose nominated request fields do not match
#[tokio::test(start_paused = true)]
async fn s4_the_nominated_fields_match() {
    let relay = origin(["200 | max-age=60 | vary: x"]);
    relay.check("GET | x: 1", "stored").await;
    relay.check("GET | x: 2", "fwd=vary-miss | body: menu 2").await;
    relay.check("GET | x: 1", "hit | body: menu 1").await;
}

/// RFC 9111 §4: MUST NOT reuse a response that says `no-cache` without validation
#[tokio::test(start_paused = true)]
async fn s4_no_cache_is_validated() {
    let relay = origin(["200 | no-cache, max-age=60 | etag: \"a\"", "304 | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.check("GET", "fwd=stale; fwd-status=304 | body: menu 1").await;
    relay.check("GET", "fwd=stale; fwd-status=304 | body: menu 1").await;
}

/// RFC 9111 §4: MUST NOT reuse a response that is neither fresh, nor allowed to be stale, nor
/// validated
#[tokio::test(start_paused = true)]
async fn s4_it_is_fresh_or_may_be_stale_or_is_validated() {
    let relay = origin(["200 | max-age=60 | etag: \"a\"", "304 | max-age=60 | etag: \"a\"", "200"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit").await;
    relay.after(60).await;
    relay.check("GET | max-stale", "hit; ttl=0").await;
    relay.check("GET", "fwd=stale; fwd-status=304 | body: menu 1").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale | body: menu 3").await;
}

/// RFC 9111 §4: MUST send `Age` with a response that is reused without validation, in the place of
/// the one it has
#[tokio::test(start_paused = true)]
async fn s4_a_reused_response_has_its_age() {
    let relay = origin(["200 | max-age=60 | age: 10"]);
    relay.check("GET", "age: 10").await;
    relay.check("GET", "hit | age: 10").await;
    relay.after(5).await;
    relay.check("GET", "hit | age: 15").await;
    relay.check("HEAD", "hit | age: 15").await;
}

/// RFC 9111 §4: MUST write requests with unsafe methods through before it answers them
#[tokio::test(start_paused = true)]
async fn s4_unsafe_requests_go_through() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        let relay = origin(["200 | max-age=60", "200"]);
        relay.check("GET", "stored").await;
        relay.check(method, "fwd=method | body: menu 2").await;
        relay.upstream_got(method);
    }
}

/// RFC 9111 §4: MAY collapse requests, and forwards those that the answer is not for
#[tokio::test(start_paused = true)]
async fn s4_requests_are_collapsed_where_the_answer_is_for_all() {
    let relay = origin(["200 | max-age=60 | takes: 1"]);
    let first = relay.check("GET", "fwd=uri-miss; stored | body: menu 1");
    let second = relay.check("GET", "fwd=uri-miss; collapsed | body: menu 1");
    tokio::join!(first, second);
    relay.asked(1);

    let relay = origin(["200 | private | takes: 1"]);
    let first = relay.check("GET", "fwd=uri-miss; !collapsed | body: menu 1");
    let second = relay.check("GET", "fwd=uri-miss; !collapsed | body: menu 2");
    tokio::join!(first, second);
}

/// RFC 9111 §4: MUST use the most recent of several suitable responses, by their `Date`
#[tokio::test(start_paused = true)]
async fn s4_the_most_recent_is_used() {
    let first = "200 | max-age=60 | vary: accept-language | content-language: en | date: {-5}";
    let older = "200 | max-age=60 | vary: accept-language | content-language: en | date: {-9}";
    let newer = "200 | max-age=60 | vary: accept-language | content-language: en | date: {-1}";
    for (second, expected) in [(older, "hit | body: menu 1"), (newer, "hit | body: menu 2")] {
        let relay = origin([first, second]);
        relay.check("GET | accept-language: en, de;q=0.2, *;q=0.1", "body: menu 1").await;
        relay.check("GET | accept-language: sv, en;q=0.1", "fwd=vary-miss | body: menu 2").await;
        // Both are in the language that is preferred to all others here.
        relay.check("GET | accept-language: en", expected).await;
    }
}

/// RFC 9111 §4.1: MUST NOT use a response without validation unless all nominated fields match
#[tokio::test(start_paused = true)]
async fn s4_1_all_nominated_fields_match() {
    let relay = origin(["200 | max-age=60 | vary: x, y | vary: z"]);
    relay.check("GET | x: 1 | y: 1 | z: 1", "stored").await;
    for other in ["x: 2 | y: 1 | z: 1", "x: 1 | y: 2 | z: 1", "x: 1 | y: 1 | z: 2"] {
        relay.check(&format!("GET | {other}"), "fwd=vary-miss").await;
    }
    relay.check("GET | x: 1 | y: 1 | z: 1 | other: 1", "hit | body: menu 1").await;
}

/// RFC 9111 §4.1: defines that fields match if they differ in whitespace only
#[tokio::test(start_paused = true)]
async fn s4_1_whitespace_has_no_meaning() {
    let relay = origin(["200 | max-age=60 | vary: x"]);
    relay.check("GET | x: a,b", "stored").await;
    relay.check("GET | x: a, b", "hit").await;
}

/// RFC 9111 §4.1: defines that fields match if their lines are combined
#[tokio::test(start_paused = true)]
async fn s4_1_lines_are_combined() {
    let relay = origin(["200 | max-age=60 | vary: x"]);
    relay.check("GET | x: a, b", "stored").await;
    relay.check("GET | x: a | x: b", "hit").await;
    relay.check("GET | x: b | x: a", "fwd=vary-miss").await;
}

/// RFC 9111 §4.1: defines that fields match if they are the same after a normalisation that is
/// known to keep their meaning
#[tokio::test(start_paused = true)]
async fn s4_1_order_and_case_are_normalised_where_they_have_no_meaning() {
    let relay = origin(["200 | max-age=60 | vary: accept-language, x"]);
    relay.check("GET | accept-language: de, en;q=0.5 | x: a", "stored").await;
    relay.check("GET | accept-language: EN;q=0.50,de | x: a", "hit").await;
    relay.check("GET | accept-language: de, en;q=0.5 | x: A", "fwd=vary-miss").await;
}

/// RFC 9111 §4.1: MUST let a field that is absent match only where it is absent too
#[tokio::test(start_paused = true)]
async fn s4_1_an_absent_field_matches_an_absent_one() {
    let relay = origin(["200 | max-age=60 | vary: x"]);
    relay.check("GET", "stored").await;
    relay.check("GET | x: ", "fwd=vary-miss | body: menu 2").await;
    relay.check("GET | x: 1", "fwd=vary-miss | body: menu 3").await;
    relay.check("GET", "hit | body: menu 1").await;
}

/// RFC 9111 §4.1: MUST NOT match a response with `Vary: *`
#[tokio::test(start_paused = true)]
async fn s4_1_a_star_matches_nothing() {
    for vary in ["200 | max-age=60 | vary: *", "200 | max-age=60 | vary: x, *"] {
        let relay = origin([vary]);
        relay.check("GET", "!stored").await;
        relay.check("GET", "!hit | body: menu 2").await;
    }
}

/// RFC 9111 §4.1: MAY choose among stored responses as the request's preferences rank them
#[tokio::test(start_paused = true)]
async fn s4_1_a_language_that_is_preferred_to_all_is_chosen() {
    let relay = origin(["200 | max-age=60 | vary: accept-language | content-language: sv"]);
    relay.check("GET | accept-language: sv, en;q=0.5", "stored").await;
    relay.check("GET | accept-language: sv", "hit").await;
    relay.check("GET | accept-language: en, sv;q=0.5", "fwd=vary-miss").await;
}

/// RFC 9111 §4.1: SHOULD choose the most recent stored response that has a `Vary`, where others
/// have none
#[tokio::test(start_paused = true)]
async fn s4_1_what_has_a_vary_is_preferred_to_what_has_none() {
    let relay =
        origin(["200 | max-age=60 | vary: x | date: {-5}", "200 | max-age=60 | date: {-1}"]);
    relay.check("GET | x: 1", "stored | body: menu 1").await;
    relay.check("GET", "fwd=vary-miss; stored | body: menu 2").await;
    relay.check("GET | x: 1", "hit | body: menu 1").await;
}

/// RFC 9111 §4.1: MAY forward a request that no stored response matches with their validators
#[tokio::test(start_paused = true)]
async fn s4_1_a_variant_that_does_not_match_is_offered_by_its_tag() {
    let relay = Scenario::new(
        &[],
        ["200 | max-age=60 | vary: x | etag: \"a\"", "304 | max-age=60 | vary: x | etag: \"a\""],
    );
    relay.check("GET | x: 1", "stored").await;
    relay.check("GET | x: 2", "200 | fwd=vary-miss; fwd-status=304 | body: menu 1").await;
    relay.upstream_got("GET | x: 2 | if-none-match: \"a\"");
    relay.check("GET | x: 2", "hit | body: menu 1").await;
    relay.check("GET | x: 1", "hit | body: menu 1").await;
}
