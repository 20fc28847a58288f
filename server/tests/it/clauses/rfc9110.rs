//! What RFC 9110 asks of a cache outside §13 to §15: dates, tags, methods.

use crate::scenario::origin;

/// RFC 9110 §5.6.7: MUST accept a date in any of its three forms
#[tokio::test(start_paused = true)]
async fn s5_6_7_a_date_has_three_forms() {
    for answer in [
        "200 | expires: Sat, 06 Nov 2094 08:49:37 GMT",
        "200 | expires: Saturday, 06-Nov-66 08:49:37 GMT",
        "200 | expires: Sat Nov  6 08:49:37 2094",
    ] {
        let relay = origin([answer]);
        relay.check("GET", "stored").await;
        relay.check("GET", "hit").await;
    }
}

/// RFC 9110 §5.6.7: MUST take a year of two digits that is more than 50 years ahead for the past
#[tokio::test(start_paused = true)]
async fn s5_6_7_a_year_of_two_digits_is_at_most_fifty_years_ahead() {
    let relay = origin(["200 | etag: \"a\" | expires: Sunday, 06-Nov-94 08:49:37 GMT"]);
    relay.check("GET", "stored; ttl=0").await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9110 §6.6.1: MUST write down when a response came that has no `Date`, where it is stored or
/// forwarded
#[tokio::test(start_paused = true)]
async fn s6_6_1_a_response_without_a_date_gets_that_of_its_arrival() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "date: {0}").await;
    relay.after(30).await;
    relay.check("GET", "hit | date: {0}").await;
}

/// RFC 9110 §9.3.1: MAY ignore that a GET has content; here it is forwarded and the answer not
/// stored
#[tokio::test(start_paused = true)]
async fn s9_3_1_a_get_with_content_is_not_cached() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET | content-length: 3", "fwd=bypass; !stored").await;
    relay.check("GET", "fwd=uri-miss; stored").await;
}

/// RFC 9110 §9.3.2: MUST NOT send content in answer to HEAD, and SHOULD send the fields that GET
/// would have
#[tokio::test(start_paused = true)]
async fn s9_3_2_head_is_answered_with_the_fields_of_get() {
    let relay = origin(["200 | max-age=60 | etag: \"a\" | content-type: x/y"]);
    relay.check("GET", "stored").await;
    let same = "200 | hit | etag: \"a\" | content-type: x/y | content-length: 6 | body: ";
    relay.check("HEAD", same).await;
}

/// RFC 9110 §9.3.2: MAY use the answer to a HEAD request for later ones: it is not stored
#[tokio::test(start_paused = true)]
async fn s9_3_2_the_answer_to_head_is_not_stored() {
    let relay = origin(["200 | max-age=60 | body: "]);
    relay.check("HEAD", "fwd=uri-miss; !stored").await;
    relay.check("GET", "fwd=uri-miss").await;
}

/// RFC 9110 §9.3.3: MAY use the answer to a POST for later GETs, where it has explicit freshness and
/// a `Content-Location` that is the target
#[tokio::test(start_paused = true)]
async fn s9_3_3_an_answer_to_post_that_represents_the_target_is_stored() {
    let relay = origin(["200 | max-age=60 | content-location: /menu"]);
    relay.check("POST", "fwd=method; stored").await;
    relay.check("GET", "hit | body: menu 1").await;
    for other in ["200 | max-age=60", "200 | content-location: /menu | last-modified: {-9000}"] {
        let relay = origin([other]);
        relay.check("POST", "fwd=method; !stored").await;
        relay.check("GET", "fwd=uri-miss").await;
    }
}

/// RFC 9110 §9.3.3: MUST NOT answer a POST with a stored response
#[tokio::test(start_paused = true)]
async fn s9_3_3_a_post_is_not_answered_from_the_store() {
    let relay = origin(["200 | max-age=60 | content-location: /menu"]);
    relay.check("POST", "fwd=method; stored").await;
    relay.check("POST", "fwd=method | body: menu 2").await;
}
