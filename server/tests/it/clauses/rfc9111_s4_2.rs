//! RFC 9111 §4.2: freshness, age, and serving what is stale.

use crate::scenario::{Scenario, origin};

/// Whether an answer is fresh for exactly so many seconds.
async fn check_lifetime(answer: &'static str, seconds: u64) {
    let relay = origin([answer, "200 | no-store"]);
    relay.check("GET", "fwd=uri-miss").await;
    if 0 < seconds {
        relay.after(seconds - 1).await;
        relay.check("GET", "hit; ttl=1 | body: menu 1").await;
        relay.after(1).await;
    }
    relay.check("GET", "!hit | body: menu 2").await;
}

/// RFC 9111 §4.2: defines that a response is fresh while its lifetime is greater than its age
#[tokio::test(start_paused = true)]
async fn s4_2_fresh_until_the_age_is_the_lifetime() {
    check_lifetime("200 | max-age=60 | etag: \"a\"", 60).await;
    check_lifetime("200 | max-age=1 | etag: \"a\"", 1).await;
}

/// RFC 9111 §4.2: SHOULD read dates whatever the case of their letters
#[tokio::test(start_paused = true)]
async fn s4_2_dates_are_read_in_any_case() {
    let relay = origin(["200 | expires: sun, 06 nov 2094 08:49:37 gmt"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit").await;
}

/// RFC 9111 §4.2: SHOULD take a date in another zone than GMT for invalid
#[tokio::test(start_paused = true)]
async fn s4_2_a_date_in_another_zone_is_not_valid() {
    for answer in [
        "200 | etag: \"a\" | expires: Sat, 06 Nov 2094 08:49:37 CET",
        "200 | etag: \"a\" | expires: Sat, 06 Nov 2094 08:49:37 UTC",
        "200 | etag: \"a\" | expires: Sat, 06 Nov 2094 08:49:37 +0000",
        "200 | etag: \"a\" | expires: Sat, 06 Nov 2094 08:49:37",
    ] {
        check_lifetime(answer, 0).await;
    }
}

/// RFC 9111 §4.2.1: defines that a shared cache takes `s-maxage` before all else
#[tokio::test(start_paused = true)]
async fn s4_2_1_s_maxage_is_first() {
    check_lifetime("200 | max-age=9, s-maxage=60 | expires: {5}", 60).await;
}

/// RFC 9111 §4.2.1: defines that `max-age` comes before `Expires`
#[tokio::test(start_paused = true)]
async fn s4_2_1_max_age_is_second() {
    check_lifetime("200 | max-age=60 | expires: {5}", 60).await;
    check_lifetime("200 | max-age=60 | expires: {-5}", 60).await;
}

/// RFC 9111 §4.2.1: defines the lifetime of a response with `Expires`: that less `Date`
#[tokio::test(start_paused = true)]
async fn s4_2_1_expires_less_date_is_third() {
    check_lifetime("200 | date: {0} | expires: {60}", 60).await;
    // The server's clock is an hour ahead of ours.
    check_lifetime("200 | date: {3600} | expires: {3660}", 60).await;
}

/// RFC 9111 §4.2.1: defines that the time of receipt stands for a `Date` that is missing
#[tokio::test(start_paused = true)]
async fn s4_2_1_expires_without_date_counts_from_the_receipt() {
    check_lifetime("200 | expires: {60}", 60).await;
}

/// RFC 9111 §4.2.1: SHOULD use the first of several values, or take the response for stale
#[tokio::test(start_paused = true)]
async fn s4_2_1_of_several_values_the_first_counts_or_none() {
    let relay = origin(["200 | max-age=5, max-age=60 | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.after(5).await;
    relay.check("GET", "fwd=stale").await;
    let relay = origin(["200 | expires: {5} | expires: {60} | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.after(5).await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §4.2.1: SHOULD honour the most restrictive of directives that contradict each other
#[tokio::test(start_paused = true)]
async fn s4_2_1_the_most_restrictive_directive_counts() {
    check_lifetime("200 | max-age=60, no-cache | etag: \"a\"", 0).await;
    check_lifetime("200 | max-age=60, public, no-store | etag: \"a\"", 0).await;
    check_lifetime("200 | max-age=60, public, private | etag: \"a\"", 0).await;
}

/// RFC 9111 §4.2.1: SHOULD take a response with invalid freshness information for stale
#[tokio::test(start_paused = true)]
async fn s4_2_1_what_makes_no_sense_is_stale() {
    check_lifetime("200 | max-age=1.5 | etag: \"a\"", 0).await;
    check_lifetime("200 | max-age=-60 | etag: \"a\" | last-modified: {-9000}", 0).await;
    check_lifetime("200 | s-maxage=x, max-age=60 | etag: \"a\"", 0).await;
}

/// RFC 9111 §4.2.2: MAY assign a lifetime from the last modification where none is given
#[tokio::test(start_paused = true)]
async fn s4_2_2_a_tenth_of_the_time_since_the_last_modification() {
    check_lifetime("200 | date: {0} | last-modified: {-600}", 60).await;
}

/// RFC 9111 §4.2.2: MUST NOT guess where an explicit expiration time is there
#[tokio::test(start_paused = true)]
async fn s4_2_2_nothing_is_guessed_where_something_is_said() {
    check_lifetime("200 | date: {0} | last-modified: {-6000} | max-age=60", 60).await;
    check_lifetime("200 | date: {0} | last-modified: {-6000} | expires: {0}", 0).await;
    check_lifetime("200 | date: {0} | last-modified: {-6000} | s-maxage=0", 0).await;
}

/// RFC 9111 §4.2.2: MUST NOT guess for a status that is not heuristically cacheable, unless the
/// response is marked as cacheable
#[tokio::test(start_paused = true)]
async fn s4_2_2_only_some_statuses_allow_to_guess() {
    check_lifetime("302 | date: {0} | last-modified: {-600}", 0).await;
    check_lifetime("503 | date: {0} | last-modified: {-600}", 0).await;
    check_lifetime("302 | public | date: {0} | last-modified: {-600}", 60).await;
    check_lifetime("410 | date: {0} | last-modified: {-600}", 60).await;
}

/// RFC 9111 §4.2.3: defines that `Age` counts
#[tokio::test(start_paused = true)]
async fn s4_2_3_age_counts_from_the_age_field() {
    let relay = origin(["200 | max-age=60 | age: 10"]);
    relay.check("GET", "fwd=uri-miss; ttl=50").await;
    relay.after(49).await;
    relay.check("GET", "hit; ttl=1 | age: 59").await;
    relay.after(1).await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §4.2.3: defines that age counts from `Date`, where that is longer ago
#[tokio::test(start_paused = true)]
async fn s4_2_3_age_counts_from_the_date_field() {
    let relay = origin(["200 | max-age=60 | age: 10 | date: {-30}"]);
    relay.check("GET", "fwd=uri-miss; ttl=30").await;
    relay.after(29).await;
    relay.check("GET", "hit | age: 59").await;
    relay.after(1).await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §4.2.3: defines that an age from a `Date` in the future is zero
#[tokio::test(start_paused = true)]
async fn s4_2_3_a_date_in_the_future_is_no_age() {
    let relay = origin(["200 | max-age=60 | date: {30}"]);
    relay.check("GET", "fwd=uri-miss; ttl=60").await;
    relay.check("GET", "hit; ttl=60 | age: 0").await;
}

/// RFC 9111 §4.2.3: MUST count the age that a response has from when it was asked for, not from
/// when it came
#[tokio::test(start_paused = true)]
async fn s4_2_3_the_delay_of_an_answer_counts() {
    let relay = origin(["200 | max-age=60 | age: 10 | takes: 5"]);
    relay.check("GET", "fwd=uri-miss; ttl=45").await;
    relay.check("GET", "hit | age: 15").await;
    relay.after(44).await;
    relay.check("GET", "hit | age: 59").await;
    relay.after(1).await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §4.2.3: defines that age counts from the last validation
#[tokio::test(start_paused = true)]
async fn s4_2_3_a_validation_begins_a_new_age() {
    let relay = origin(["200 | max-age=60 | age: 10 | etag: \"a\"", "304 | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.after(50).await;
    relay.check("GET", "fwd=stale; fwd-status=304").await;
    relay.after(59).await;
    relay.check("GET", "hit | age: 59 | body: menu 1").await;
}

/// RFC 9111 §4.2.4: MUST NOT use a stale response where a directive forbids it, whatever the
/// configuration or the client allows
#[tokio::test(start_paused = true)]
async fn s4_2_4_a_directive_forbids_stale_use() {
    let allowing = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
    for forbidding in [
        "200 | max-age=60, no-cache | etag: \"a\"",
        "200 | max-age=60, must-revalidate | etag: \"a\"",
        "200 | max-age=60, proxy-revalidate | etag: \"a\"",
        "200 | s-maxage=60 | etag: \"a\"",
    ] {
        let relay = Scenario::new(&allowing, [forbidding, "refused"]);
        relay.check("GET", "stored").await;
        relay.after(60).await;
        relay.check("GET", "502").await;
        relay.check("GET | max-stale", "502").await;
        relay.check("GET | only-if-cached, max-stale", "504").await;
    }
}

/// RFC 9111 §4.2.4: MUST NOT use a stale response unless disconnected or allowed to
#[tokio::test(start_paused = true)]
async fn s4_2_4_nothing_is_served_stale_that_nobody_allows() {
    let relay = origin(["200 | max-age=60", "200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale | body: menu 2").await;
}

/// RFC 9111 §4.2.4: MAY use a stale response where the configuration allows it
#[tokio::test(start_paused = true)]
async fn s4_2_4_the_configuration_allows_stale_use() {
    let relay = Scenario::new(&["--stale-if-error=1m"], ["200 | max-age=60", "refused"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "200 | fwd=stale; ttl=0 | age: 60 | body: menu 1").await;
    relay.after(60).await;
    relay.check("GET", "502").await;
}
