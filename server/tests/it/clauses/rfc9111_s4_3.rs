//! RFC 9111 §4.3 and §4.4: validation and invalidation.

use crate::scenario::{Scenario, origin};

/// A cache that has a stale response with these fields, over this answer to what is asked next.
async fn stale(stored: &'static str, next: &'static str) -> Scenario {
    let relay = origin([stored, next, "200 | max-age=60 | etag: \"last\""]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay
}

const TAGGED: &str = "200 | max-age=60 | etag: \"a\"";

/// RFC 9111 §4.3.1: MUST send the entity tag of the stored response that is validated
#[tokio::test(start_paused = true)]
async fn s4_3_1_the_tag_is_sent() {
    for (stored, sent) in [
        (TAGGED, "GET | if-none-match: \"a\" | -if-modified-since"),
        ("200 | max-age=60 | etag: W/\"a\"", "GET | if-none-match: W/\"a\""),
    ] {
        let relay = stale(stored, "304").await;
        relay.check("GET", "fwd=stale").await;
        relay.upstream_got(sent);
    }
}

/// RFC 9111 §4.3.1: MUST send the tags of all responses that are validated
#[tokio::test(start_paused = true)]
async fn s4_3_1_the_tags_of_all_are_sent() {
    let relay = origin([
        "200 | max-age=60 | vary: x | etag: \"a\"",
        "200 | max-age=60 | vary: x | etag: \"b\"",
        "304 | max-age=60 | vary: x | etag: \"a\"",
    ]);
    relay.check("GET | x: 1", "stored").await;
    relay.check("GET | x: 2", "stored | body: menu 2").await;
    relay.after(60).await;
    relay.check("GET | x: 2", "fwd=stale; fwd-status=304 | body: menu 1").await;
    relay.upstream_got("GET | if-none-match: \"b\", \"a\" | -if-modified-since");
}

/// RFC 9111 §4.3.1: SHOULD send the `Last-Modified` of the one response that is validated
#[tokio::test(start_paused = true)]
async fn s4_3_1_the_last_modification_is_sent() {
    let relay = stale("200 | max-age=60 | last-modified: {-90}", "304").await;
    relay.check("GET", "fwd=stale; fwd-status=304 | body: menu 1").await;
    relay.upstream_got("GET | if-modified-since: {-90} | -if-none-match");
    let relay = stale("200 | max-age=60 | last-modified: {-90} | etag: \"a\"", "304").await;
    relay.check("GET", "fwd=stale").await;
    relay.upstream_got("GET | if-modified-since: {-90} | if-none-match: \"a\"");
}

/// RFC 9111 §4.3.1: MUST send the tags that the origin server gave: none of the cache's own
#[tokio::test(start_paused = true)]
async fn s4_3_1_a_tag_of_the_relay_is_not_sent() {
    let relay = stale("200 | max-age=60 | body: a", "200 | max-age=60").await;
    relay.check("GET | if-none-match: \"lr-ypeBEsobvcr6wjGzmiPcTQ\"", "fwd=stale").await;
    relay.upstream_got("GET | -if-none-match");
}

/// RFC 9111 §4.3.1: defines that a validation of the cache's own has the request fields that `Vary`
/// names
#[tokio::test(start_paused = true)]
async fn s4_3_1_a_validation_behind_has_the_fields_that_select() {
    let relay = origin(["200 | max-age=60, stale-while-revalidate=60 | vary: x | etag: \"a\""]);
    relay.check("GET | x: 1", "stored").await;
    relay.after(60).await;
    relay.check("GET | x: 1", "hit; ttl=0").await;
    relay.after(0).await;
    relay.upstream_got("GET | x: 1 | if-none-match: \"a\"");
}

/// RFC 9111 §4.3.2: SHOULD evaluate a request's conditions with what is stored and may be reused
#[tokio::test(start_paused = true)]
async fn s4_3_2_conditions_are_evaluated() {
    let relay = origin(["200 | max-age=60 | etag: \"a\" | last-modified: {-90}"]);
    relay.check("GET", "stored").await;
    relay.check("GET | if-none-match: \"a\"", "304 | hit | body: ").await;
    relay.check("GET | if-none-match: \"b\"", "200 | hit | body: menu 1").await;
    relay.check("GET | if-modified-since: {-90}", "304 | hit").await;
    relay.check("GET | if-modified-since: {-91}", "200 | hit").await;
    relay.asked(1);
}

/// RFC 9111 §4.3.2: MUST NOT evaluate conditions that are for an origin server only
#[tokio::test(start_paused = true)]
async fn s4_3_2_conditions_for_the_origin_are_not_evaluated() {
    let relay = origin(["200 | max-age=60 | etag: \"a\" | last-modified: {-90}", "412"]);
    relay.check("GET", "stored").await;
    relay.check("GET | if-match: \"b\"", "200 | hit").await;
    relay.check("GET | if-unmodified-since: {-91}", "200 | hit").await;
    relay.after(60).await;
    relay.check("GET | if-match: \"b\"", "412 | fwd=stale").await;
    relay.upstream_got("GET | if-match: \"b\"");
}

/// RFC 9111 §4.3.2: MUST NOT evaluate conditions of requests that a stored response cannot answer
#[tokio::test(start_paused = true)]
async fn s4_3_2_conditions_of_other_methods_are_not_evaluated() {
    let relay = origin([TAGGED, "412"]);
    relay.check("GET", "stored").await;
    relay.check("PUT | if-none-match: *", "412 | fwd=method").await;
    relay.upstream_got("PUT | if-none-match: *");
}

/// RFC 9111 §4.3.2: MUST NOT evaluate conditions on a target that nothing is stored for
#[tokio::test(start_paused = true)]
async fn s4_3_2_conditions_on_what_is_not_stored_are_not_evaluated() {
    let relay = origin(["200 | max-age=60 | etag: \"b\""]);
    relay.check("GET | if-none-match: \"a\"", "200 | fwd=uri-miss | body: menu 1").await;
    relay.asked(1);
    let relay = origin(["304 | etag: \"a\""]);
    relay.check("GET | if-none-match: \"a\" | authorization: x", "304 | fwd=uri-miss").await;
    relay.upstream_got("GET | if-none-match: \"a\"");
}

/// RFC 9111 §4.3.2: MUST let `If-None-Match` take precedence over `If-Modified-Since`
#[tokio::test(start_paused = true)]
async fn s4_3_2_tags_take_precedence_over_dates() {
    let relay = origin(["200 | max-age=60 | etag: \"a\" | last-modified: {-90}"]);
    relay.check("GET", "stored").await;
    relay.check("GET | if-none-match: \"b\" | if-modified-since: {-90}", "200 | hit").await;
    relay.check("GET | if-none-match: \"a\" | if-modified-since: {-91}", "304 | hit").await;
}

/// RFC 9111 §4.3.2: SHOULD evaluate `If-Modified-Since` by `Date`, or the time of receipt, where
/// there is no `Last-Modified`
#[tokio::test(start_paused = true)]
async fn s4_3_2_the_date_stands_for_the_last_modification() {
    let relay = origin(["200 | max-age=60 | date: {-30}"]);
    relay.check("GET", "stored").await;
    relay.check("GET | if-modified-since: {-30}", "304 | hit").await;
    relay.check("GET | if-modified-since: {-31}", "200 | hit").await;
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.check("GET | if-modified-since: {0}", "304 | hit").await;
    relay.check("GET | if-modified-since: {-1}", "200 | hit").await;
}

/// RFC 9111 §4.3.2: MUST evaluate `If-Range` with the stored response that was chosen
#[tokio::test(start_paused = true)]
async fn s4_3_2_if_range_is_evaluated() {
    let relay = origin([TAGGED]);
    relay.check("GET", "stored").await;
    relay.check("GET | range: bytes=0-1 | if-range: \"a\"", "206 | hit | body: me").await;
    relay.check("GET | range: bytes=0-1 | if-range: \"b\"", "200 | hit | body: menu 1").await;
}

/// RFC 9111 §4.3.2: MUST NOT send the tag of a part in `If-None-Match`, unless the part holds all
/// that is asked for
#[tokio::test(start_paused = true)]
async fn s4_3_2_the_tag_of_a_part_is_not_sent() {
    let relay = origin([
        "206 | max-age=60 | vary: x | etag: \"a\" | content-range: bytes 0-1/6 | body: me",
        "200 | max-age=60 | vary: x",
    ]);
    relay.check("GET | x: 1 | range: bytes=0-1", "206 | stored").await;
    relay.check("GET | x: 2", "fwd=vary-miss").await;
    relay.upstream_got("GET | -if-none-match");
    relay.check("GET | x: 1", "fwd=partial").await;
    relay.upstream_got("GET | -if-none-match");
}

/// RFC 9111 §4.3.2: MUST answer 200 with what is stored where a 304 is about a tag that the client
/// does not have
#[tokio::test(start_paused = true)]
async fn s4_3_2_a_304_about_another_tag_is_answered_by_200() {
    let relay = stale(TAGGED, "304 | max-age=60 | etag: \"a\" | x: new").await;
    let stored = "200 | fwd=stale; fwd-status=304 | x: new | body: menu 1";
    relay.check("GET | if-none-match: \"b\"", stored).await;
}

/// RFC 9111 §4.3.3: defines that a 304 means the stored response may be updated and reused
#[tokio::test(start_paused = true)]
async fn s4_3_3_a_304_is_reused() {
    let relay = stale(TAGGED, "304 | max-age=60 | etag: \"a\"").await;
    relay.check("GET", "200 | fwd=stale; fwd-status=304 | age: 0 | body: menu 1").await;
    relay.check("GET", "hit | body: menu 1").await;
}

/// RFC 9111 §4.3.3: MUST use the full response that answers a validation, and MAY store it
#[tokio::test(start_paused = true)]
async fn s4_3_3_a_full_response_replaces_what_is_stored() {
    let relay = stale(TAGGED, "200 | max-age=60 | etag: \"b\"").await;
    relay.check("GET", "200 | fwd=stale; stored | etag: \"b\" | body: menu 2").await;
    relay.check("GET", "hit | etag: \"b\" | body: menu 2").await;
    let relay = stale(TAGGED, "404 | no-store").await;
    relay.check("GET", "404 | fwd=stale; !stored").await;
}

/// RFC 9111 §4.3.3: MAY forward an error that answers a validation, or serve what is stored if that
/// is allowed
#[tokio::test(start_paused = true)]
async fn s4_3_3_an_error_is_forwarded_unless_stale_use_is_allowed() {
    let relay = stale(TAGGED, "503 | retry-after: 9").await;
    relay.check("GET", "503 | fwd=stale | retry-after: 9").await;
    let allowed = "200 | max-age=60, stale-if-error=60 | etag: \"a\"";
    let relay = stale(allowed, "503").await;
    relay.check("GET", "200 | fwd=stale; fwd-status=503 | body: menu 1").await;
}

/// RFC 9111 §4.3.4: MUST NOT update anything by a 304 whose strong validator no stored response has
#[tokio::test(start_paused = true)]
async fn s4_3_4_a_304_with_another_strong_tag_updates_nothing() {
    for stored in
        [TAGGED, "200 | max-age=60 | etag: W/\"b\"", "200 | max-age=60 | last-modified: {-90}"]
    {
        let relay = stale(stored, "304 | max-age=60 | etag: \"b\"").await;
        relay.check("GET", "200 | fwd=stale; stored | etag: \"last\" | body: menu 3").await;
        relay.upstream_got("GET | -if-none-match | -if-modified-since");
    }
}

/// RFC 9111 §4.3.4: defines that a 304 with a weak validator is about the stored response that it
/// corresponds to
#[tokio::test(start_paused = true)]
async fn s4_3_4_a_304_with_a_weak_tag_updates_what_has_it() {
    for stored in [TAGGED, "200 | max-age=60 | etag: W/\"a\""] {
        let relay = stale(stored, "304 | max-age=60 | etag: W/\"a\" | x: new").await;
        relay.check("GET", "200 | fwd=stale; fwd-status=304 | x: new | body: menu 1").await;
    }
    let relay = stale(TAGGED, "304 | max-age=60 | etag: W/\"b\"").await;
    relay.check("GET", "200 | fwd=stale; stored | body: menu 3").await;
    let relay = stale(
        "200 | max-age=60 | last-modified: {-90}",
        "304 | max-age=60 | last-modified: {-90} | x: new",
    )
    .await;
    relay.check("GET", "200 | fwd=stale; fwd-status=304 | x: new | body: menu 1").await;
}

/// RFC 9111 §4.3.4: MUST update the fields of the stored response with those of the 304
#[tokio::test(start_paused = true)]
async fn s4_3_4_the_fields_of_a_304_are_taken_over() {
    let relay = stale(TAGGED, "304 | max-age=90 | etag: \"a\" | date: {60} | expires: {99}").await;
    let updated = "cache-control: max-age=90 | date: {60} | expires: {99}";
    relay.check("GET", updated).await;
    relay.after(89).await;
    relay.check("GET", &format!("hit; ttl=1 | {updated}")).await;
}

/// RFC 9111 §4.3.5: SHOULD update a stored GET response by the answer to a HEAD request whose
/// validators and length are the same
#[tokio::test(start_paused = true)]
async fn s4_3_5_head_updates_what_is_the_same() {
    let same = "200 | max-age=60 | etag: \"a\" | content-length: 6 | x: new | body: ";
    let relay = stale(TAGGED, same).await;
    relay.check("HEAD", "200 | fwd=stale").await;
    relay.check("GET", "hit; ttl=60 | body: menu 1").await;
}

/// RFC 9111 §4.3.5: SHOULD take a stored GET response for stale where the answer to a HEAD request
/// has other validators or another length
#[tokio::test(start_paused = true)]
async fn s4_3_5_head_ends_what_is_different() {
    for other in [
        "200 | max-age=60 | etag: \"b\" | body: ",
        "200 | max-age=60 | etag: \"a\" | content-length: 7 | body: ",
        "200 | max-age=60 | etag: \"a\" | last-modified: {-90} | body: ",
    ] {
        let relay = stale(TAGGED, other).await;
        relay.check("HEAD", "200 | fwd=stale").await;
        relay.check("GET", "!hit | body: menu 3").await;
    }
}

/// RFC 9111 §4.3.5: MUST use the fields of the HEAD response for the update
#[tokio::test(start_paused = true)]
async fn s4_3_5_head_updates_the_fields() {
    let relay = stale(TAGGED, "200 | max-age=90 | etag: \"a\" | x: new | body: ").await;
    relay.check("HEAD", "200 | fwd=stale").await;
    relay.check("GET", "hit; ttl=90 | x: new | cache-control: max-age=90 | body: menu 1").await;
}

/// A cache that has stored `/menu`, and puts this request, answered so.
async fn changed(request: &str, answer: &'static str) -> Scenario {
    let relay = origin(["200 | max-age=60", answer, "200 | max-age=60"]);
    relay.check("GET /menu", "stored").await;
    relay.check(request, "fwd=method").await;
    relay
}

/// RFC 9111 §4.4: MUST invalidate the target URI of an unsafe request that does not fail
#[tokio::test(start_paused = true)]
async fn s4_4_a_change_invalidates_the_target() {
    for method in ["PUT", "POST", "DELETE", "PATCH", "BREW"] {
        for answer in ["200", "204", "303 | location: /other"] {
            let relay = changed(method, answer).await;
            relay.check("GET /menu", "fwd=uri-miss | body: menu 3").await;
        }
    }
}

/// RFC 9111 §4.4: defines that an error, or a safe request, invalidates nothing
#[tokio::test(start_paused = true)]
async fn s4_4_what_changes_nothing_invalidates_nothing() {
    for (method, answer) in
        [("PUT", "404"), ("DELETE", "500"), ("PROPFIND", "409"), ("OPTIONS", "200")]
    {
        let relay = changed(method, answer).await;
        relay.check("GET /menu", "hit | body: menu 1").await;
    }
}

/// RFC 9111 §4.4: MAY invalidate what `Location` and `Content-Location` name
#[tokio::test(start_paused = true)]
async fn s4_4_what_the_answer_names_is_invalidated() {
    for answer in [
        "201 | location: /menu",
        "201 | location: menu",
        "200 | content-location: /menu",
        "201 | location: http://relay.example/menu",
    ] {
        let relay = changed("POST /orders | host: relay.example", answer).await;
        relay.check("GET /menu", "fwd=uri-miss | body: menu 3").await;
    }
}

/// RFC 9111 §4.4: MUST NOT invalidate what is named but of another origin
#[tokio::test(start_paused = true)]
async fn s4_4_what_is_of_another_origin_is_not_invalidated() {
    for answer in
        ["201 | location: http://other.example/menu", "201 | location: //other.example/menu"]
    {
        let relay = changed("POST /orders | host: relay.example", answer).await;
        relay.check("GET /menu", "hit | body: menu 1").await;
    }
}

/// RFC 9111 §4.4: MUST remove all stored responses of the URI, or let none be used without
/// validation
#[tokio::test(start_paused = true)]
async fn s4_4_all_variants_are_invalidated() {
    let relay = origin(["200 | max-age=60 | vary: x"]);
    relay.check("GET | x: 1", "stored").await;
    relay.check("GET | x: 2", "stored").await;
    relay.check("DELETE", "fwd=method").await;
    relay.check("GET | x: 1", "!hit | body: menu 4").await;
    relay.check("GET | x: 2", "!hit | body: menu 5").await;
}
