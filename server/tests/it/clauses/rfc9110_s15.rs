//! RFC 9110 §15: the statuses 206, 304 and 416, where this cache makes them.

use crate::scenario::{Scenario, origin};

const FIELDS: &str = "date: {-5} | cache-control: max-age=60 | etag: \"a\" | expires: {60} | \
                      content-location: /m | vary: x";

/// A cache that has ten bytes with all that describes them.
async fn ten() -> Scenario {
    let relay = origin(["200 | max-age=60 | date: {-5} | etag: \"a\" | expires: {60} | \
         content-location: /m | vary: x | content-type: text/plain | content-language: sv | \
         last-modified: {-90} | content-encoding: y | body: 0123456789"]);
    relay.check("GET", "stored").await;
    relay
}

/// RFC 9110 §15.3.7: MUST send in a 206 `Date`, `Cache-Control`, `ETag`, `Expires`,
/// `Content-Location` and `Vary` as in a 200
#[tokio::test(start_paused = true)]
async fn s15_3_7_a_206_has_the_fields_of_the_200() {
    let relay = ten().await;
    relay.check("GET | range: bytes=0-1", &format!("206 | hit | {FIELDS}")).await;
    let conditional = "GET | range: bytes=0-1 | if-range: \"a\"";
    relay.check(conditional, &format!("206 | hit | {FIELDS}")).await;
    relay.check("GET | range: bytes=0-1,5-6", &format!("206 | hit | {FIELDS}")).await;
}

/// RFC 9110 §15.3.7: MUST send in a 206 all fields of the representation, where there is no
/// `If-Range`
#[tokio::test(start_paused = true)]
async fn s15_3_7_a_206_has_the_fields_of_the_representation() {
    let relay = ten().await;
    let all = "content-type: text/plain | content-language: sv | content-encoding: y | \
               last-modified: {-90}";
    relay.check("GET | range: bytes=0-1", &format!("206 | hit | {all}")).await;
}

/// RFC 9110 §15.3.7: defines that a 206 is heuristically cacheable
#[tokio::test(start_paused = true)]
async fn s15_3_7_a_206_is_heuristically_cacheable() {
    let relay = origin(["206 | date: {0} | last-modified: {-600} | etag: \"a\" | \
         content-range: bytes 0-1/10 | body: 01"]);
    relay.check("GET | range: bytes=0-1", "206 | stored; ttl=60").await;
    relay.check("GET | range: bytes=0-1", "206 | hit").await;
}

/// RFC 9110 §15.3.7.1: MUST say in `Content-Range` which part a 206 with one part is
#[tokio::test(start_paused = true)]
async fn s15_3_7_1_one_part() {
    let relay = ten().await;
    let part = "206 | content-range: bytes 2-4/10 | content-length: 3 | body: 234";
    relay.check("GET | range: bytes=2-4", part).await;
}

/// The answer to a request for two ranges, and its boundary.
async fn two_parts() -> (poem::Response, String) {
    let answer = ten().await.answer("GET | range: bytes=7-8,0-1").await;
    let content_type = answer.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    (answer, boundary)
}

/// RFC 9110 §15.3.7.2: MUST send several parts as `multipart/byteranges`, each with its
/// `Content-Range`
#[tokio::test(start_paused = true)]
async fn s15_3_7_2_several_parts() {
    let (answer, boundary) = two_parts().await;
    assert_eq!(answer.status(), 206);
    let body = answer.into_body().into_string().await.unwrap();
    assert_eq!(
        body.replace(&boundary, "B"),
        "--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-8/10\r\n\r\n78\r\n\
         --B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--B--\r\n"
    );
}

/// RFC 9110 §15.3.7.2: MUST NOT send `Content-Range` in the head of an answer with several parts
#[tokio::test(start_paused = true)]
async fn s15_3_7_2_the_head_of_several_parts_has_no_range() {
    assert_eq!(two_parts().await.0.header("content-range"), None);
}

/// RFC 9110 §15.3.7.2: SHOULD send in each part the `Content-Type` of the representation
#[tokio::test(start_paused = true)]
async fn s15_3_7_2_each_part_has_its_type() {
    let body = two_parts().await.0.into_body().into_string().await.unwrap();
    assert_eq!(body.matches("Content-Type: text/plain\r\n").count(), 2);
}

/// RFC 9110 §15.3.7.2: SHOULD send parts in the order that they were asked for in
#[tokio::test(start_paused = true)]
async fn s15_3_7_2_the_order_is_that_of_the_request() {
    let body = two_parts().await.0.into_body().into_string().await.unwrap();
    assert!(body.find("7-8/10") < body.find("0-1/10"), "{body}");
}

/// RFC 9110 §15.3.7.2: MUST NOT answer a request for one range with several parts
#[tokio::test(start_paused = true)]
async fn s15_3_7_2_one_range_is_one_part() {
    let one = "206 | content-type: text/plain | content-range: bytes 0-1/10";
    ten().await.check("GET | range: bytes=0-1", one).await;
}

/// RFC 9110 §15.3.7.3: MAY combine parts that share a strong validator
#[tokio::test(start_paused = true)]
async fn s15_3_7_3_parts_are_combined() {
    let relay = origin([
        "206 | max-age=60 | etag: \"a\" | content-range: bytes 0-4/10 | body: 01234",
        "206 | max-age=60 | etag: \"a\" | content-range: bytes 3-6/10 | body: 3456",
    ]);
    relay.check("GET | range: bytes=0-4", "206 | stored").await;
    relay.check("GET | range: bytes=3-6", "206 | fwd=partial").await;
    relay.after(0).await;
    let both = "206 | hit | content-range: bytes 1-6/10 | body: 123456";
    relay.check("GET | range: bytes=1-6", both).await;
}

/// RFC 9110 §15.3.7.3: MUST treat parts that are all of the representation as a 200 with its
/// `Content-Length`
#[tokio::test(start_paused = true)]
async fn s15_3_7_3_all_parts_are_a_200() {
    let relay = origin([
        "206 | max-age=60 | etag: \"a\" | content-length: 5 | content-range: bytes 0-4/10 | \
         body: 01234",
        "206 | max-age=60 | etag: \"a\" | content-length: 5 | content-range: bytes 5-9/10 | \
         body: 56789",
    ]);
    relay.check("GET | range: bytes=0-4", "206").await;
    relay.check("GET | range: bytes=5-9", "206").await;
    relay.after(0).await;
    let whole = "200 | hit | content-length: 10 | -content-range | body: 0123456789";
    relay.check("GET", whole).await;
}

/// RFC 9110 §15.4.5: MUST send in a 304 `Content-Location`, `Date`, `ETag`, `Vary`, `Cache-Control`
/// and `Expires` as in a 200
#[tokio::test(start_paused = true)]
async fn s15_4_5_a_304_has_the_fields_of_the_200() {
    let relay = ten().await;
    relay.check("GET | if-none-match: \"a\"", &format!("304 | hit | {FIELDS}")).await;
}

/// RFC 9110 §15.4.5: SHOULD NOT send in a 304 what else describes the representation
#[tokio::test(start_paused = true)]
async fn s15_4_5_a_304_does_not_describe_the_content() {
    let relay = ten().await;
    let short = "304 | hit | -content-type | -content-language | -content-encoding | \
                 -content-length | body: ";
    relay.check("GET | if-none-match: \"a\"", short).await;
}

/// RFC 9110 §15.4.5: SHOULD forward a 304 to the client whose condition it answers
#[tokio::test(start_paused = true)]
async fn s15_4_5_a_304_is_forwarded() {
    let relay =
        origin(["200 | max-age=60 | etag: \"a\"", "304 | max-age=60 | etag: \"a\" | x: new"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    let forwarded = "304 | fwd=stale; fwd-status=304 | x: new | body: ";
    relay.check("GET | if-none-match: \"a\"", forwarded).await;
}

/// RFC 9110 §15.5.17: SHOULD say the current length of the representation in a 416
#[tokio::test(start_paused = true)]
async fn s15_5_17_a_416_says_the_length() {
    ten().await.check("GET | range: bytes=10-", "416 | hit | content-range: bytes */10").await;
}
