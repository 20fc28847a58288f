//! RFC 9110 §13: conditional requests, and §8.8: validators.

use crate::scenario::{Scenario, origin};

/// A cache that has this response.
async fn having(answer: &'static str) -> Scenario {
    let relay = origin([answer]);
    relay.check("GET", "fwd=uri-miss").await;
    relay
}

/// RFC 9110 §8.8.3.2: defines weak comparison, which the validation of a response uses
#[tokio::test(start_paused = true)]
async fn s8_8_3_2_weak_comparison() {
    for (stored, asked, status) in [
        ("200 | max-age=60 | etag: W/\"1\"", "W/\"1\"", "304"),
        ("200 | max-age=60 | etag: W/\"1\"", "W/\"2\"", "200"),
        ("200 | max-age=60 | etag: W/\"1\"", "\"1\"", "304"),
        ("200 | max-age=60 | etag: \"1\"", "\"1\"", "304"),
    ] {
        let relay = having(stored).await;
        relay.check(&format!("GET | if-none-match: {asked}"), &format!("{status} | hit")).await;
    }
}

/// RFC 9110 §8.8.3.2: defines strong comparison, which ranges use
#[tokio::test(start_paused = true)]
async fn s8_8_3_2_strong_comparison() {
    for (stored, asked, status) in [
        ("200 | max-age=60 | etag: W/\"1\"", "W/\"1\"", "200"),
        ("200 | max-age=60 | etag: W/\"1\"", "\"1\"", "200"),
        ("200 | max-age=60 | etag: \"1\"", "W/\"1\"", "200"),
        ("200 | max-age=60 | etag: \"1\"", "\"1\"", "206"),
    ] {
        let relay = having(stored).await;
        let request = format!("GET | range: bytes=0-1 | if-range: {asked}");
        relay.check(&request, &format!("{status} | hit")).await;
    }
}

/// RFC 9110 §13.1.1: MAY ignore `If-Match`, in a cache
#[tokio::test(start_paused = true)]
async fn s13_1_1_if_match_is_for_the_origin() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.check("GET | if-match: \"b\"", "200 | hit").await;
}

/// RFC 9110 §13.1.2: defines that `*` and each tag of a list can match, on however many lines
#[tokio::test(start_paused = true)]
async fn s13_1_2_if_none_match_has_many_forms() {
    let relay = having("200 | max-age=60 | etag: \"a,b\"").await;
    for matching in ["*", "\"a,b\"", "\"x\", \"a,b\"", "\"x\" | if-none-match: W/\"a,b\""] {
        relay.check(&format!("GET | if-none-match: {matching}"), "304 | hit | body: ").await;
    }
    for other in ["\"a\"", "\"a\", \"b\"", "", "\"A,B\""] {
        relay.check(&format!("GET | if-none-match: {other}"), "200 | hit").await;
    }
}

/// RFC 9110 §13.1.2: MUST NOT be understood as `*` what has it among others
#[tokio::test(start_paused = true)]
async fn s13_1_2_a_star_among_others_is_none() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.check("GET | if-none-match: *, \"b\"", "200 | hit").await;
}

/// RFC 9110 §13.1.3: MUST ignore `If-Modified-Since` beside `If-None-Match`
#[tokio::test(start_paused = true)]
async fn s13_1_3_dates_are_ignored_beside_tags() {
    let relay = having("200 | max-age=60 | etag: \"a\" | last-modified: {-90}").await;
    relay.check("GET | if-modified-since: {-90} | if-none-match: \"b\"", "200 | hit").await;
}

/// RFC 9110 §13.1.3: MUST ignore `If-Modified-Since` that is no date, or more than one
#[tokio::test(start_paused = true)]
async fn s13_1_3_what_is_no_date_is_ignored() {
    let relay = having("200 | max-age=60 | last-modified: {-90}").await;
    for value in ["yesterday", "", "2094-11-06", "{0} | if-modified-since: {0}", "{0}, {0}"] {
        relay.check(&format!("GET | if-modified-since: {value}"), "200 | hit").await;
    }
}

/// RFC 9110 §13.1.3: MUST ignore `If-Modified-Since` with other methods than GET and HEAD
#[tokio::test(start_paused = true)]
async fn s13_1_3_other_methods_have_no_such_condition() {
    let relay = having("200 | max-age=60 | last-modified: {-90}").await;
    relay.check("HEAD | if-modified-since: {0}", "304 | hit").await;
    relay.check("OPTIONS | if-modified-since: {0}", "200 | fwd=method").await;
}

/// RFC 9110 §13.1.3: MUST compare the date with the origin server's, not with the clock of the
/// cache
#[tokio::test(start_paused = true)]
async fn s13_1_3_dates_are_of_the_origin_servers_clock() {
    // The server's clock is an hour ahead.
    let relay = having("200 | max-age=60 | date: {3600} | last-modified: {3500}").await;
    relay.check("GET | if-modified-since: {3500}", "304 | hit").await;
    relay.check("GET | if-modified-since: {3499}", "200 | hit").await;
    relay.check("GET | if-modified-since: {9999}", "304 | hit").await;
}

/// RFC 9110 §13.1.4: MAY ignore `If-Unmodified-Since`, in a cache
#[tokio::test(start_paused = true)]
async fn s13_1_4_if_unmodified_since_is_for_the_origin() {
    let relay = having("200 | max-age=60 | last-modified: {-90}").await;
    relay.check("GET | if-unmodified-since: {-91}", "200 | hit").await;
}

/// RFC 9110 §13.1.5: MUST ignore `If-Range` without `Range`
#[tokio::test(start_paused = true)]
async fn s13_1_5_if_range_needs_a_range() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.check("GET | if-range: \"b\"", "200 | hit | body: menu 1").await;
    relay.check("GET | if-range: \"a\"", "200 | hit | body: menu 1").await;
}

/// RFC 9110 §13.1.5: MUST ignore `Range` where `If-Range` is false, and SHOULD process it else
#[tokio::test(start_paused = true)]
async fn s13_1_5_if_range_decides_on_the_range() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.check("GET | range: bytes=0-1 | if-range: \"a\"", "206 | hit | body: me").await;
    relay.check("GET | range: bytes=0-1 | if-range: \"b\"", "200 | hit | body: menu 1").await;
    relay.check("GET | range: bytes=90- | if-range: \"b\"", "200 | hit | body: menu 1").await;
}

/// RFC 9110 §13.1.5: MUST take a date in `If-Range` for false, unless it is the `Last-Modified`
/// exactly and a strong validator
#[tokio::test(start_paused = true)]
async fn s13_1_5_a_date_has_to_match_exactly() {
    let relay = having("200 | max-age=60 | date: {0} | last-modified: {-90}").await;
    relay.check("GET | range: bytes=0-1 | if-range: {-90}", "206 | hit").await;
    relay.check("GET | range: bytes=0-1 | if-range: {-89}", "200 | hit").await;
    // Modified in the second of its date: it may have changed since.
    let relay = having("200 | max-age=60 | date: {-90} | last-modified: {-90}").await;
    relay.check("GET | range: bytes=0-1 | if-range: {-90}", "200").await;
}

/// RFC 9110 §13.2.1: MUST evaluate conditions after the checks that any request is subject to
#[tokio::test(start_paused = true)]
async fn s13_2_1_other_checks_come_first() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.after(60).await;
    relay.check("GET | only-if-cached | if-none-match: \"a\"", "504").await;
}

/// RFC 9110 §13.2.1: MUST ignore conditions where the answer without them would be neither 2xx nor
/// 412
#[tokio::test(start_paused = true)]
async fn s13_2_1_errors_and_redirections_are_sent_whatever_the_condition() {
    for answer in ["404 | max-age=60 | etag: \"a\"", "301 | max-age=60 | etag: \"a\""] {
        let relay = having(answer).await;
        let status = &answer[..3];
        relay.check("GET | if-none-match: \"a\"", &format!("{status} | hit")).await;
        relay.check("GET | if-none-match: *", &format!("{status} | hit")).await;
    }
}

/// RFC 9110 §13.2.1: MUST forward the conditions of requests that are not answered as a cache
#[tokio::test(start_paused = true)]
async fn s13_2_1_conditions_are_forwarded_with_what_is_not_cached() {
    let relay = origin(["200"]);
    let conditions = "if-none-match: \"a\" | if-modified-since: {-90}";
    relay.check(&format!("GET | authorization: x | {conditions}"), "fwd=uri-miss").await;
    relay.upstream_got(&format!("GET | {conditions}"));
    let conditions = "if-match: \"a\" | if-unmodified-since: {-90}";
    relay.check(&format!("PUT | {conditions}"), "fwd=method").await;
    relay.upstream_got(&format!("PUT | {conditions}"));
}

/// RFC 9110 §13.2.1: MUST ignore conditions of methods that select no representation
#[tokio::test(start_paused = true)]
async fn s13_2_1_options_has_no_conditions() {
    let relay = having("200 | max-age=60 | etag: \"a\"").await;
    relay.check("OPTIONS | if-none-match: \"a\"", "200 | fwd=method").await;
    relay.upstream_got("OPTIONS | if-none-match: \"a\"");
}

/// RFC 9110 §13.2.2: MUST evaluate tags before dates, and both before `If-Range`
#[tokio::test(start_paused = true)]
async fn s13_2_2_conditions_come_in_one_order() {
    let relay = having("200 | max-age=60 | etag: \"a\" | last-modified: {-90}").await;
    let range = "range: bytes=0-1 | if-range: \"a\"";
    for (conditions, status) in [
        ("if-none-match: \"a\" | if-modified-since: {-91}", "304"),
        ("if-modified-since: {-90}", "304"),
        ("if-none-match: \"b\" | if-modified-since: {-90}", "206"),
        ("if-modified-since: {-91}", "206"),
    ] {
        relay.check(&format!("GET | {conditions} | {range}"), &format!("{status} | hit")).await;
    }
}
