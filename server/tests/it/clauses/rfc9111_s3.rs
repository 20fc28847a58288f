//! RFC 9111 §3: storing responses.

use crate::scenario::{Scenario, origin};

/// Asks twice: whether the answer to the first request is stored.
async fn check(request: &str, answer: &'static str, stored: Stored) {
    let relay = origin([answer]);
    let first = if stored == Stored::Yes { "stored" } else { "!stored" };
    relay.check(request, first).await;
    relay.check("GET", if stored == Stored::Yes { "hit" } else { "fwd=uri-miss" }).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    No,
}

/// RFC 9111 §3: MUST NOT store the response to a method that the cache does not understand
#[tokio::test(start_paused = true)]
async fn s3_the_method_is_understood() {
    for method in ["PUT", "PATCH", "OPTIONS", "PROPFIND", "BREW", "POST"] {
        check(method, "200 | max-age=60", Stored::No).await;
    }
    check("GET", "200 | max-age=60", Stored::Yes).await;
}

/// RFC 9111 §3: MUST NOT store a response whose status is not final
#[tokio::test(start_paused = true)]
async fn s3_the_status_is_final() {
    check("GET", "103 | max-age=60, public", Stored::No).await;
}

/// RFC 9111 §3: MUST NOT store a 206 or 304 that the cache does not understand
#[tokio::test(start_paused = true)]
async fn s3_a_206_or_304_is_understood() {
    check("GET | range: bytes=0-1", "206 | max-age=60 | body: me", Stored::No).await;
    let conditional = "GET | authorization: x | if-none-match: \"a\"";
    check(conditional, "304 | max-age=60, public | etag: \"a\"", Stored::No).await;
}

/// RFC 9111 §3: MUST NOT store what says `must-understand` with a status that the cache does not
/// understand
#[tokio::test(start_paused = true)]
async fn s3_must_understand_and_the_status_is_understood() {
    check("GET", "299 | max-age=60, must-understand", Stored::No).await;
    check("GET", "599 | max-age=60, must-understand, no-store", Stored::No).await;
    check("GET", "404 | max-age=60, must-understand", Stored::Yes).await;
}

/// RFC 9111 §3: MUST NOT store a response that says `no-store`
#[tokio::test(start_paused = true)]
async fn s3_no_store_is_not_there() {
    check("GET", "200 | max-age=60, no-store", Stored::No).await;
}

/// RFC 9111 §3: MUST NOT, in a shared cache, store a response that says `private`
#[tokio::test(start_paused = true)]
async fn s3_private_is_not_there() {
    check("GET", "200 | max-age=60, private", Stored::No).await;
    check("GET", "200 | max-age=60, private=\"x-one\"", Stored::Yes).await;
}

/// RFC 9111 §3: MUST NOT, in a shared cache, store what answers a request with `Authorization`,
/// unless it is allowed explicitly
#[tokio::test(start_paused = true)]
async fn s3_authorization_is_not_there_or_shared_caching_allowed() {
    check("GET | authorization: x", "200 | max-age=60", Stored::No).await;
    check("GET | authorization: x", "200 | max-age=60, public", Stored::Yes).await;
}

/// RFC 9111 §3: MUST NOT store a response that nothing in it allows to be stored
#[tokio::test(start_paused = true)]
async fn s3_something_in_the_response_allows_storing() {
    check("GET", "302 | etag: \"a\"", Stored::No).await;
    check("GET", "503 | last-modified: {-9000}", Stored::No).await;
    for allowed in [
        "302 | public | last-modified: {-9000}",
        "302 | expires: {60}",
        "302 | max-age=60",
        "302 | s-maxage=60",
        "404 | last-modified: {-9000}",
    ] {
        check("GET", allowed, Stored::Yes).await;
    }
}

/// RFC 9111 §3: MAY leave out what has neither a validator nor an expiration time: it is not stored
#[tokio::test(start_paused = true)]
async fn s3_what_could_not_be_reused_is_not_stored() {
    check("GET", "200", Stored::No).await;
    check("GET", "200 | max-age=0", Stored::No).await;
}

/// RFC 9111 §3.1: MUST store all fields of a response, known or not
#[tokio::test(start_paused = true)]
async fn s3_1_all_fields_are_stored() {
    let relay = origin(["200 | max-age=60 | x-new: 1 | x-new: 2 | server: x"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit | x-new: 1, 2 | server: x | cache-control: max-age=60").await;
}

/// RFC 9111 §3.1: MAY remove before storing what is not forwarded: `Connection` and what it names
#[tokio::test(start_paused = true)]
async fn s3_1_connection_fields_are_not_stored() {
    let relay = origin(["200 | max-age=60 | connection: x-hop | x-hop: 1 | keep-alive: timeout=5"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit | -connection | -x-hop | -keep-alive").await;
}

/// RFC 9111 §3.1: MUST NOT store fields of the proxy that a request went through
#[tokio::test(start_paused = true)]
async fn s3_1_fields_of_a_proxy_are_not_stored() {
    let relay = origin(["200 | max-age=60 | proxy-authenticate: Basic | \
         proxy-authentication-info: x=1 | proxy-authorization: x"]);
    relay.check("GET", "stored").await;
    let none = "hit | -proxy-authenticate | -proxy-authentication-info | -proxy-authorization";
    relay.check("GET", none).await;
}

/// RFC 9111 §3.1: MUST NOT combine trailer fields with header fields
#[tokio::test(start_paused = true)]
async fn s3_1_trailers_do_not_become_fields() {
    let relay = origin(["200 | max-age=60 | trailer: 1"]);
    relay.check("GET", "stored | body: menu 1 | -x-trailer").await;
    relay.check("GET", "hit | body: menu 1 | -x-trailer").await;
}

/// RFC 9111 §3.2: MUST add the fields of a newer response to the stored one, in the place of those
/// of the same name
#[tokio::test(start_paused = true)]
async fn s3_2_newer_fields_replace_older_ones() {
    let relay = origin([
        "200 | max-age=60 | etag: \"a\" | x-old: 1 | x-both: 1 | x-both: 2",
        "304 | max-age=90 | etag: \"a\" | x-both: 3 | x-new: 1",
    ]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    let updated = "x-old: 1 | x-both: 3 | x-new: 1 | cache-control: max-age=90";
    relay.check("GET", &format!("fwd=stale; fwd-status=304 | {updated}")).await;
    relay.check("GET", &format!("hit; ttl=90 | {updated} | body: menu 1")).await;
}

/// RFC 9111 §3.2: MUST NOT take over what is excepted from storing: fields of a connection or a
/// proxy, and fields for one user
#[tokio::test(start_paused = true)]
async fn s3_2_what_is_not_stored_is_not_taken_over() {
    let relay = origin([
        "200 | max-age=60 | etag: \"a\"",
        "304 | max-age=60, private=\"x-one\" | etag: \"a\" | x-one: 1 | keep-alive: timeout=5 | \
         proxy-authentication-info: x",
    ]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale; fwd-status=304").await;
    relay.check("GET", "hit | -x-one | -keep-alive | -proxy-authentication-info").await;
}

/// RFC 9111 §3.2: MUST NOT take `Content-Length` over
#[tokio::test(start_paused = true)]
async fn s3_2_the_length_stays_that_of_the_stored_body() {
    let relay = origin([
        "200 | max-age=60 | etag: \"a\"",
        "304 | max-age=60 | etag: \"a\" | content-length: 0",
    ]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale | content-length: 6 | body: menu 1").await;
    relay.check("GET", "hit | content-length: 6 | body: menu 1").await;
}

/// RFC 9111 §3.2: SHOULD leave out of an update only the fields that the stored body's integrity
/// depends on
#[tokio::test(start_paused = true)]
async fn s3_2_only_what_tells_how_to_read_the_body_is_left_out() {
    let relay = origin([
        "200 | max-age=60 | etag: \"a\" | content-type: text/plain | content-encoding: x",
        "304 | max-age=60 | etag: \"a\" | content-type: text/html | content-encoding: y | \
         content-language: sv",
    ]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    let updated = "content-type: text/html | content-language: sv | content-encoding: x";
    relay.check("GET", updated).await;
    relay.check("GET", &format!("hit | {updated}")).await;
}

/// RFC 9111 §3.3: MUST NOT use an incomplete response as if it were complete: one that broke off is
/// not stored
#[tokio::test(start_paused = true)]
async fn s3_3_what_broke_off_is_not_stored() {
    let relay = origin(["200 | max-age=60 | breaks off: men", "200 | max-age=60"]);
    relay.check("GET", "200 | body: (broken off)").await;
    relay.check("GET", "fwd=uri-miss; stored | body: menu 2").await;
}

/// RFC 9111 §3.3: MUST NOT use as complete what is shorter than it says
#[tokio::test(start_paused = true)]
async fn s3_3_what_is_too_short_is_not_stored() {
    let relay = origin(["200 | max-age=60 | content-length: 9", "200 | max-age=60"]);
    relay.answer("GET").await;
    relay.after(0).await;
    relay.check("GET", "fwd=uri-miss; stored | body: menu 2").await;
}

/// The first half of ten bytes.
const HALF: &str = "206 | max-age=60 | etag: \"a\" | content-range: bytes 0-4/10 | body: 01234";

/// RFC 9111 §3.3: MAY store a 206 as an incomplete 200, and answer with it what lies within it
#[tokio::test(start_paused = true)]
async fn s3_3_a_part_is_stored_and_answers_what_lies_within() {
    let relay = origin([HALF]);
    relay.check("GET | range: bytes=0-4", "206 | fwd=uri-miss; stored").await;
    let within = "206 | hit | content-range: bytes 1-2/10 | body: 12";
    relay.check("GET | range: bytes=1-2", within).await;
}

/// RFC 9111 §3.3: MUST NOT store a part in range units that the cache does not understand
#[tokio::test(start_paused = true)]
async fn s3_3_a_part_in_other_units_is_not_stored() {
    let relay = origin(["206 | max-age=60 | etag: \"a\" | content-range: days 0-1/5 | body: mo"]);
    relay.check("GET | range: days=0-1", "206 | !stored | body: mo").await;
    relay.check("GET | range: days=0-1", "206 | fwd=uri-miss").await;
}

/// RFC 9111 §3.3: MAY complete a stored part by a request for what is missing
#[tokio::test(start_paused = true)]
async fn s3_3_a_part_is_completed() {
    let rest = "206 | max-age=60 | etag: \"a\" | content-range: bytes 5-9/10 | body: 56789";
    let relay = origin([HALF, rest]);
    relay.check("GET | range: bytes=0-4", "206").await;
    relay.check("GET", "200 | fwd=partial; fwd-status=206; stored | body: 0123456789").await;
    relay.upstream_got("GET | range: bytes=5- | if-range: \"a\"");
    relay.check("GET", "200 | hit | content-length: 10 | body: 0123456789").await;
}

/// RFC 9111 §3.3: MUST NOT answer with a part what asks for the whole, or for bytes beyond the part
#[tokio::test(start_paused = true)]
async fn s3_3_a_part_answers_nothing_beyond_it() {
    for request in ["GET", "GET | range: bytes=3-6", "GET | range: bytes=-1", "HEAD"] {
        let relay = origin([HALF, "200 | max-age=60 | etag: \"b\" | body: abcdefghij"]);
        relay.check("GET | range: bytes=0-4", "206").await;
        relay.check(request, "fwd=partial").await;
        relay.asked(2);
    }
}

/// RFC 9111 §3.3: MUST NOT send a part without the status 206
#[tokio::test(start_paused = true)]
async fn s3_3_a_part_is_sent_as_206() {
    let relay = origin([HALF]);
    relay.check("GET | range: bytes=0-4", "206 | content-range: bytes 0-4/10").await;
    relay.check("GET | range: bytes=0-4", "206 | hit | content-range: bytes 0-4/10").await;
    relay.check("GET | range: bytes=0-", "!hit").await;
}

/// RFC 9111 §3.4: MAY combine parts only if they share a strong validator
#[tokio::test(start_paused = true)]
async fn s3_4_parts_of_different_versions_are_not_combined() {
    let weak = "206 | max-age=60 | etag: W/\"a\" | content-range: bytes 0-4/10 | body: 01234";
    let whole = "200 | max-age=60 | body: abcdefghij";
    let other = "206 | max-age=60 | etag: \"b\" | content-range: bytes 5-9/10 | body: fghij";
    for script in [[weak, other, whole], [HALF, other, whole]] {
        let relay = origin(script);
        relay.check("GET | range: bytes=0-4", "206 | body: 01234").await;
        relay.check("GET | range: bytes=5-9", "206 | body: fghij").await;
        relay.check("GET", "200 | body: abcdefghij").await;
    }
}

/// RFC 9111 §3.4: MUST update the stored fields with those of the part that is added
#[tokio::test(start_paused = true)]
async fn s3_4_fields_of_the_newer_part_replace_older_ones() {
    let relay = origin([
        "206 | max-age=60 | etag: \"a\" | x-old: 1 | x-both: 1 | content-range: bytes 0-4/10 | \
         body: 01234",
        "206 | max-age=90 | etag: \"a\" | x-both: 2 | content-range: bytes 5-9/10 | body: 56789",
    ]);
    relay.check("GET | range: bytes=0-4", "206").await;
    relay.check("GET | range: bytes=5-9", "206").await;
    relay.after(0).await;
    let combined =
        "200 | hit | x-old: 1 | x-both: 2 | cache-control: max-age=90 | body: 0123456789";
    relay.check("GET", combined).await;
}

/// RFC 9111 §3.5: MUST NOT use what answered a request with `Authorization` for another, unless
/// `must-revalidate`, `public` or `s-maxage` allows it
#[tokio::test(start_paused = true)]
async fn s3_5_an_authenticated_answer_is_used_again_only_where_allowed() {
    check("GET | authorization: x", "200 | max-age=60", Stored::No).await;
    for allowed in
        ["200 | max-age=60, must-revalidate", "200 | max-age=60, public", "200 | s-maxage=60"]
    {
        check("GET | authorization: x", allowed, Stored::Yes).await;
    }
}

/// RFC 9111 §3.5: MUST keep to the directive that allowed it
#[tokio::test(start_paused = true)]
async fn s3_5_the_directive_that_allows_it_is_kept() {
    let stale = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
    for answer in ["200 | max-age=60, must-revalidate", "200 | s-maxage=60"] {
        let relay = Scenario::new(&stale, [answer]);
        relay.check("GET | authorization: x", "stored").await;
        relay.after(60).await;
        relay.check("GET", "fwd=stale | body: menu 2").await;
    }
}
