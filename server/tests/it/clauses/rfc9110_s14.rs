//! RFC 9110 §14: range requests.

use crate::scenario::{Scenario, origin};

/// A cache that has ten bytes.
async fn ten() -> Scenario {
    let relay = origin(["200 | max-age=60 | etag: \"a\" | body: 0123456789"]);
    relay.check("GET", "stored").await;
    relay
}

/// Asks a cache that has ten bytes for ranges of them.
async fn check(ranges: &str, expected: &str) {
    let relay = ten().await;
    relay.check(&format!("GET | range: {ranges}"), &format!("hit | {expected}")).await;
}

/// RFC 9110 §14.1: defines that the names of units are the same in any case
#[tokio::test(start_paused = true)]
async fn s14_1_units_have_no_case() {
    check("BYTES=0-1", "206 | body: 01").await;
}

/// RFC 9110 §14.1.1: defines that a range whose end is before its beginning is not valid, and
/// nothing beside it
#[tokio::test(start_paused = true)]
async fn s14_1_1_what_is_not_valid_is_ignored() {
    for ranges in ["bytes=5-4", "bytes=0-1,5-4", "bytes=", "bytes=a-b", "bytes=-", "0-1"] {
        check(ranges, "200 | body: 0123456789").await;
    }
}

/// RFC 9110 §14.1.2: defines byte ranges: from zero, both ends included
#[tokio::test(start_paused = true)]
async fn s14_1_2_byte_ranges() {
    check("bytes=0-0", "206 | content-range: bytes 0-0/10 | body: 0").await;
    check("bytes=2-4", "206 | content-range: bytes 2-4/10 | body: 234").await;
    check("bytes=7-", "206 | content-range: bytes 7-9/10 | body: 789").await;
}

/// RFC 9110 §14.1.2: defines that an end beyond the representation is its end
#[tokio::test(start_paused = true)]
async fn s14_1_2_an_end_beyond_the_end() {
    check("bytes=7-99", "206 | content-range: bytes 7-9/10 | body: 789").await;
}

/// RFC 9110 §14.1.2: defines that a suffix is the last bytes, at most all
#[tokio::test(start_paused = true)]
async fn s14_1_2_a_suffix() {
    check("bytes=-3", "206 | content-range: bytes 7-9/10 | body: 789").await;
    check("bytes=-99", "206 | content-range: bytes 0-9/10 | body: 0123456789").await;
}

/// RFC 9110 §14.1.2: MUST expect large numbers, and not let them overflow
#[tokio::test(start_paused = true)]
async fn s14_1_2_large_numbers() {
    let large = "99999999999999999999999999";
    check(&format!("bytes=8-{large}"), "206 | body: 89").await;
    check(&format!("bytes=-{large}"), "206 | body: 0123456789").await;
    check(&format!("bytes={large}-"), "416").await;
}

/// RFC 9110 §14.2: MUST ignore `Range` with other methods than GET
#[tokio::test(start_paused = true)]
async fn s14_2_only_get_has_ranges() {
    let relay = ten().await;
    relay.check("HEAD | range: bytes=0-1", "200 | hit | content-length: 10 | body: ").await;
    relay.check("HEAD | range: bytes=99-", "200 | hit").await;
}

/// RFC 9110 §14.2: MAY ignore a `Range` in a unit that is not understood
#[tokio::test(start_paused = true)]
async fn s14_2_other_units_are_ignored() {
    check("days=0-1", "200 | body: 0123456789").await;
}

/// RFC 9110 §14.2: MAY ignore ranges that overlap, or are many
#[tokio::test(start_paused = true)]
async fn s14_2_many_ranges_are_ignored() {
    check("bytes=0-,0-,0-", "200 | body: 0123456789").await;
    check(&format!("bytes={}", ["0-0"; 50].join(",")), "200 | body: 0123456789").await;
}

/// RFC 9110 §14.2: MAY ignore `Range` where there is no content
#[tokio::test(start_paused = true)]
async fn s14_2_nothing_has_no_ranges() {
    let relay = origin(["200 | max-age=60 | body: "]);
    relay.check("GET", "stored").await;
    relay.check("GET | range: bytes=-1", "200 | hit").await;
}

/// RFC 9110 §14.2: MUST evaluate `Range` after the conditions, and only where the answer would be
/// 200 without it
#[tokio::test(start_paused = true)]
async fn s14_2_ranges_are_of_a_200() {
    let relay = ten().await;
    relay.check("GET | range: bytes=0-1 | if-none-match: \"a\"", "304 | hit").await;
    let relay = origin(["404 | max-age=60 | body: 0123456789"]);
    relay.check("GET", "404 | stored").await;
    relay.check("GET | range: bytes=0-1", "404 | hit | body: 0123456789").await;
}

/// RFC 9110 §14.2: SHOULD answer 206 with the ranges that can be satisfied
#[tokio::test(start_paused = true)]
async fn s14_2_satisfiable_ranges_are_sent() {
    check("bytes=0-1", "206 | body: 01").await;
    check("bytes=0-1,99-", "206 | content-range: bytes 0-1/10 | body: 01").await;
}

/// RFC 9110 §14.2: SHOULD answer 416 where no range can be satisfied
#[tokio::test(start_paused = true)]
async fn s14_2_unsatisfiable_ranges_are_told() {
    for ranges in ["bytes=10-", "bytes=99-100", "bytes=-0", "bytes=10-,11-"] {
        check(ranges, "416 | body: ").await;
    }
}

/// RFC 9110 §14.3: defines `Accept-Ranges`, which is the upstream's to say and is passed on
#[tokio::test(start_paused = true)]
async fn s14_3_accept_ranges_is_passed_on() {
    let relay = origin(["200 | max-age=60 | accept-ranges: none"]);
    relay.check("GET", "stored | accept-ranges: none").await;
    relay.check("GET", "hit | accept-ranges: none").await;
}

/// RFC 9110 §14.4: MUST NOT combine a part in a unit that is not understood, and SHOULD forward it
#[tokio::test(start_paused = true)]
async fn s14_4_other_units_are_forwarded() {
    let part = "206 | max-age=60 | etag: \"a\" | content-range: days 0-1/5 | body: mo";
    let relay = origin([part, "200 | max-age=60 | etag: \"a\""]);
    let forwarded = "206 | !stored | content-range: days 0-1/5 | body: mo";
    relay.check("GET | range: days=0-1", forwarded).await;
    relay.check("GET", "200 | fwd=uri-miss | body: menu 2").await;
}

/// RFC 9110 §14.4: SHOULD say the complete length of the representation
#[tokio::test(start_paused = true)]
async fn s14_4_the_complete_length_is_said() {
    check("bytes=2-4", "206 | content-range: bytes 2-4/10").await;
}

/// RFC 9110 §14.4: MUST NOT combine what has a `Content-Range` that is not valid
#[tokio::test(start_paused = true)]
async fn s14_4_what_is_not_valid_is_not_combined() {
    let half = "206 | max-age=60 | etag: \"a\" | content-range: bytes 0-4/10 | body: 01234";
    for rest in [
        "206 | max-age=60 | etag: \"a\" | content-range: bytes 9-5/10 | body: 56789",
        "206 | max-age=60 | etag: \"a\" | content-range: bytes 5-10/10 | body: 56789",
        "206 | max-age=60 | etag: \"a\" | content-range: bytes 5-9/11 | body: 56789",
        "206 | max-age=60 | etag: \"a\" | body: 56789",
    ] {
        let relay = origin([half, rest, "200 | max-age=60 | body: abcdefghij"]);
        relay.check("GET | range: bytes=0-4", "206").await;
        relay.check("GET", "200 | fwd=partial | body: abcdefghij").await;
    }
}

/// RFC 9110 §14.4: SHOULD say in a 416 how long the representation is
#[tokio::test(start_paused = true)]
async fn s14_4_a_416_says_the_length() {
    check("bytes=10-", "416 | content-range: bytes */10").await;
}

/// RFC 9110 §14.5: defines a partial PUT, which is the origin server's: it is passed on
#[tokio::test(start_paused = true)]
async fn s14_5_a_partial_put_goes_through() {
    let relay = ten().await;
    relay.check("PUT | content-range: bytes 0-1/10", "fwd=method").await;
    relay.upstream_got("PUT | content-range: bytes 0-1/10");
}
