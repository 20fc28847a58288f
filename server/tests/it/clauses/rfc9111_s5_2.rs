//! RFC 9111 §5.2: `Cache-Control`.

use crate::scenario::{Scenario, origin};

/// A cache that lets clients force a call upstream, with what it has stored.
async fn honouring(stored: &'static str) -> Scenario {
    let relay = Scenario::new(&["--client-directives=honour"], [stored, "200 | no-store"]);
    relay.check("GET", "stored").await;
    relay
}

/// RFC 9111 §5.2: MUST pass directives through, known or not
#[tokio::test(start_paused = true)]
async fn s5_2_directives_are_passed_through() {
    let relay = origin(["200 | max-age=60, x-new=\"1, 2\" | no-transform"]);
    relay.check("GET | max-age=5, x-other", "stored").await;
    relay.upstream_got("GET | cache-control: max-age=5, x-other");
    relay.check("GET", "hit | cache-control: max-age=60, x-new=\"1, 2\", no-transform").await;
}

/// RFC 9111 §5.2: MUST compare the names of directives whatever their case
#[tokio::test(start_paused = true)]
async fn s5_2_case_has_no_meaning() {
    let relay = origin(["200 | Max-Age=60"]);
    relay.check("GET", "stored; ttl=60").await;
    let relay = origin(["200 | max-age=60, NO-STORE"]);
    relay.check("GET", "!stored").await;
}

/// RFC 9111 §5.2: SHOULD accept an argument as a token and as a quoted string
#[tokio::test(start_paused = true)]
async fn s5_2_an_argument_may_be_quoted() {
    let relay = origin(["200 | max-age=\"60\", private=x-one | x-one: 1"]);
    relay.check("GET", "stored; ttl=60 | x-one: 1").await;
    relay.check("GET", "hit | -x-one").await;
}

/// RFC 9111 §5.2.1: MAY ignore the request's directives on freshness, and does unless told otherwise
#[tokio::test(start_paused = true)]
async fn s5_2_1_clients_do_not_force_a_call() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    for directive in ["no-cache", "max-age=0", "min-fresh=99"] {
        relay.check(&format!("GET | {directive}"), "hit").await;
    }
}

/// RFC 9111 §5.2.1.1: MAY keep to the age that the client prefers
#[tokio::test(start_paused = true)]
async fn s5_2_1_1_max_age() {
    let relay = honouring("200 | max-age=60").await;
    relay.after(10).await;
    relay.check("GET | max-age=10", "hit").await;
    relay.check("GET | max-age=9", "fwd=request | body: menu 2").await;
}

/// RFC 9111 §5.2.1.1: MAY give no stale response to a client that says `max-age` and not `max-stale`
#[tokio::test(start_paused = true)]
async fn s5_2_1_1_max_age_without_max_stale_wants_nothing_stale() {
    let relay = honouring("200 | max-age=60, stale-while-revalidate=60").await;
    relay.after(60).await;
    relay.check("GET | max-age=900, max-stale", "hit; ttl=0").await;
    relay.check("GET | max-age=900", "fwd=stale | body: menu 2").await;
}

/// RFC 9111 §5.2.1.2: MAY give a client what is stale, as far as it accepts that
#[tokio::test(start_paused = true)]
async fn s5_2_1_2_max_stale() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.after(70).await;
    relay.check("GET | max-stale=10", "hit; ttl=-10 | age: 70 | body: menu 1").await;
    relay.check("GET | max-stale", "hit; ttl=-10").await;
    relay.check("GET | max-stale=9", "fwd=stale | body: menu 2").await;
}

/// RFC 9111 §5.2.1.3: MAY keep to the freshness that the client prefers
#[tokio::test(start_paused = true)]
async fn s5_2_1_3_min_fresh() {
    let relay = honouring("200 | max-age=60").await;
    relay.after(10).await;
    relay.check("GET | min-fresh=50", "hit").await;
    relay.check("GET | min-fresh=51", "fwd=request").await;
}

/// RFC 9111 §5.2.1.4: MAY validate for a client that says `no-cache`
#[tokio::test(start_paused = true)]
async fn s5_2_1_4_no_cache() {
    let relay = Scenario::new(
        &["--client-directives=honour"],
        ["200 | max-age=60 | etag: \"a\"", "304 | max-age=60 | etag: \"a\""],
    );
    relay.check("GET", "stored").await;
    relay.check("GET | no-cache", "fwd=request; fwd-status=304 | body: menu 1").await;
    relay.upstream_got("GET | if-none-match: \"a\"");
}

/// RFC 9111 §5.2.1.5: MUST NOT store the answer to a request that says `no-store`
#[tokio::test(start_paused = true)]
async fn s5_2_1_5_no_store() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET | no-store", "fwd=uri-miss; !stored").await;
    relay.check("GET", "fwd=uri-miss; stored").await;
}

/// RFC 9111 §5.2.1.5: defines that `no-store` in a request is not about what is stored already
#[tokio::test(start_paused = true)]
async fn s5_2_1_5_no_store_may_be_answered_from_the_store() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.check("GET | no-store", "hit").await;
    relay.check("GET", "hit | body: menu 1").await;
}

/// RFC 9111 §5.2.1.6: SHOULD NOT transform what a client wants as it is
#[tokio::test(start_paused = true)]
async fn s5_2_1_6_no_transform() {
    let relay = origin(["200 | max-age=60 | content-encoding: br | content-type: x/y"]);
    for _ in 0..2 {
        let same = "200 | content-encoding: br | content-type: x/y | body: menu 1";
        relay.check("GET | no-transform | accept-encoding: gzip", same).await;
    }
}

/// RFC 9111 §5.2.1.7: SHOULD answer `only-if-cached` with what is stored and within the request's
/// other limits, or 504
#[tokio::test(start_paused = true)]
async fn s5_2_1_7_only_if_cached() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET | only-if-cached", "504").await;
    relay.check("GET", "stored").await;
    relay.check("GET | only-if-cached", "200 | hit").await;
    relay.after(60).await;
    relay.check("GET | only-if-cached", "504").await;
    relay.check("GET | only-if-cached, max-stale", "200 | hit; ttl=0").await;
    relay.asked(1);
}

/// RFC 9111 §5.2.2.1: MUST take a response for stale when its age has passed `max-age`
#[tokio::test(start_paused = true)]
async fn s5_2_2_1_max_age() {
    let relay = origin(["200 | max-age=60 | age: 30"]);
    relay.check("GET", "stored; ttl=30").await;
    relay.after(29).await;
    relay.check("GET", "hit").await;
    relay.after(2).await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §5.2.2.2: MUST NOT reuse what is stale and says `must-revalidate` without validation
#[tokio::test(start_paused = true)]
async fn s5_2_2_2_must_revalidate() {
    let relay = Scenario::new(
        &["--stale-while-revalidate=1h"],
        ["200 | max-age=60, must-revalidate | etag: \"a\"", "304 | etag: \"a\""],
    );
    relay.check("GET", "stored").await;
    relay.check("GET", "hit").await;
    relay.after(60).await;
    relay.check("GET | max-stale", "fwd=stale; fwd-status=304 | body: menu 1").await;
}

/// RFC 9111 §5.2.2.2: MUST answer with an error where what says `must-revalidate` cannot be
/// validated
#[tokio::test(start_paused = true)]
async fn s5_2_2_2_must_revalidate_without_a_connection() {
    let stored = "200 | max-age=60, must-revalidate, stale-if-error=60";
    let relay = Scenario::new(&["--stale-if-error=1h"], [stored, "refused"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "502").await;
}

/// RFC 9111 §5.2.2.3: MUST NOT store what says `must-understand` with a status that the cache does
/// not understand
#[tokio::test(start_paused = true)]
async fn s5_2_2_3_must_understand() {
    let relay = origin(["499 | max-age=60, must-understand"]);
    relay.check("GET", "499 | !stored").await;
    relay.check("GET", "499 | fwd=uri-miss").await;
}

/// RFC 9111 §5.2.2.3: SHOULD ignore `no-store` beside `must-understand` where it understands the
/// status
#[tokio::test(start_paused = true)]
async fn s5_2_2_3_must_understand_stands_over_no_store() {
    let relay = origin(["200 | max-age=60, must-understand, no-store"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit").await;
}

/// RFC 9111 §5.2.2.4: MUST NOT use what says `no-cache` for another request without successful
/// validation
#[tokio::test(start_paused = true)]
async fn s5_2_2_4_no_cache() {
    let stale = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
    let stored = "200 | max-age=60, no-cache, stale-if-error=60 | etag: \"a\"";
    let relay = Scenario::new(&stale, [stored, "304 | etag: \"a\"", "503", "refused"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "200 | fwd=stale; fwd-status=304").await;
    relay.check("GET", "503").await;
    relay.check("GET", "502").await;
}

/// RFC 9111 §5.2.2.4: MAY use what says `no-cache` of some fields without these
#[tokio::test(start_paused = true)]
async fn s5_2_2_4_no_cache_of_fields() {
    let relay =
        origin(["200 | max-age=60, no-cache=\"X-One, x-two\" | x-one: 1 | x-two: 1 | x: 1"]);
    relay.check("GET", "stored | x-one: 1 | x-two: 1").await;
    relay.check("GET", "hit | -x-one | -x-two | x: 1").await;
}

/// RFC 9111 §5.2.2.5: MUST NOT store what says `no-store`, nor use it for another request
#[tokio::test(start_paused = true)]
async fn s5_2_2_5_no_store() {
    let relay = origin(["200 | no-store, max-age=60 | etag: \"a\" | takes: 1"]);
    let (one, other) = (relay.check("GET", "!stored"), relay.check("GET", "!stored; !collapsed"));
    tokio::join!(one, other);
    relay.check("GET", "fwd=uri-miss | body: menu 3").await;
}

/// RFC 9111 §5.2.2.5: MUST remove what is stored from memory when a newer response says `no-store`
#[tokio::test(start_paused = true)]
async fn s5_2_2_5_no_store_when_validated() {
    let relay = origin([
        "200 | max-age=60 | etag: \"a\"",
        "304 | no-store | etag: \"a\"",
        "200 | no-store",
    ]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "200 | !stored | body: menu 3").await;
    relay.check("GET | max-stale", "!hit | body: menu 4").await;
}

/// RFC 9111 §5.2.2.6: MUST NOT transform what says `no-transform`
#[tokio::test(start_paused = true)]
async fn s5_2_2_6_no_transform() {
    let relay = origin(["200 | max-age=60, no-transform | content-type: text/plain"]);
    relay.check("GET | accept-encoding: gzip", "stored | -content-encoding").await;
    let same = "hit | content-type: text/plain | -content-encoding | body: menu 1";
    relay.check("GET | accept-encoding: gzip", same).await;
}

/// RFC 9111 §5.2.2.7: MUST NOT store what says `private`, in a shared cache
#[tokio::test(start_paused = true)]
async fn s5_2_2_7_private() {
    let relay = origin(["200 | private, max-age=60 | takes: 1"]);
    let (one, other) = (relay.check("GET", "!stored"), relay.check("GET", "!stored; !collapsed"));
    tokio::join!(one, other);
    relay.check("GET", "fwd=uri-miss | body: menu 3").await;
}

/// RFC 9111 §5.2.2.7: MUST NOT store fields that are said to be private, in a shared cache, and MAY
/// store the rest
#[tokio::test(start_paused = true)]
async fn s5_2_2_7_private_fields() {
    let relay = origin(["200 | max-age=60, private=\"X-One\" | x-one: 1 | x: 1 | takes: 1"]);
    let leader = relay.check("GET", "stored | x-one: 1 | x: 1");
    let follower = relay.check("GET", "collapsed | -x-one | x: 1");
    tokio::join!(leader, follower);
    relay.check("GET", "hit | -x-one | x: 1").await;
}

/// RFC 9111 §5.2.2.8: MUST NOT reuse what is stale and says `proxy-revalidate` without validation,
/// in a shared cache
#[tokio::test(start_paused = true)]
async fn s5_2_2_8_proxy_revalidate() {
    let stale = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
    let relay = Scenario::new(&stale, ["200 | max-age=60, proxy-revalidate", "refused"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "502").await;
}

/// RFC 9111 §5.2.2.9: MAY store what says `public`, even if that would not be allowed otherwise
#[tokio::test(start_paused = true)]
async fn s5_2_2_9_public() {
    let relay = origin(["302 | public | etag: \"a\"", "304 | public | etag: \"a\""]);
    relay.check("GET", "302 | stored").await;
    relay.check("GET", "302 | fwd=stale; fwd-status=304").await;
    let relay = origin(["200 | public, max-age=60"]);
    relay.check("GET | authorization: x", "stored").await;
    relay.check("GET", "hit").await;
}

/// RFC 9111 §5.2.2.10: MUST take `s-maxage` over `max-age` and `Expires`, in a shared cache
#[tokio::test(start_paused = true)]
async fn s5_2_2_10_s_maxage() {
    let relay = origin(["200 | max-age=5, s-maxage=60 | expires: 0"]);
    relay.check("GET", "stored; ttl=60").await;
    let relay = origin(["200 | max-age=60, s-maxage=0 | etag: \"a\""]);
    relay.check("GET", "stored; ttl=0").await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §5.2.2.10: MUST NOT reuse what is stale and says `s-maxage` without validation
#[tokio::test(start_paused = true)]
async fn s5_2_2_10_s_maxage_is_never_stale() {
    let stale = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
    let relay = Scenario::new(&stale, ["200 | s-maxage=60", "refused"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET | max-stale", "502").await;
}

/// RFC 9111 §5.2.3: MUST ignore directives that it does not know
#[tokio::test(start_paused = true)]
async fn s5_2_3_unknown_directives_are_ignored() {
    let relay = origin(["200 | x, max-age=60, y=\"no-store\", no-storex, community=\"UCI\""]);
    relay.check("GET", "stored; ttl=60").await;
    relay.check("GET", "hit").await;
    let relay = origin(["200 | private, community=\"UCI\", max-age=60"]);
    relay.check("GET", "!stored").await;
}
