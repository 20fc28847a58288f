//! RFC 9211: `Cache-Status`.

use server::cache::rules::{Caching, Rule, Rules};

use crate::scenario::{Scenario, origin};

/// RFC 9211 §2: MUST be a list of structured fields, whose members begin with a token or string
#[tokio::test(start_paused = true)]
async fn s2_it_is_a_structured_field() {
    let relay = Scenario::new(&["--cache-status-key"], ["200 | max-age=60"]);
    for request in ["GET /m?a", "GET /m?a", "PUT", "GET | only-if-cached"] {
        let answer = relay.answer(request).await;
        let line = answer.headers().get("cache-status").unwrap().to_str().unwrap();
        let list: sfv::List = sfv::Parser::new(line).parse().unwrap();
        let [sfv::ListEntry::Item(member)] = &list[..] else { panic!("{line}") };
        assert_eq!(member.bare_item.as_token().map(sfv::TokenRef::as_str), Some("lunch-relay"));
    }
}

/// RFC 9211 §2: SHOULD keep what other caches have said
#[tokio::test(start_paused = true)]
async fn s2_what_other_caches_said_is_kept() {
    let relay = origin(["200 | max-age=60 | cache-status: Origin; hit"]);
    relay
        .check("GET", "cache-status: Origin; hit, lunch-relay; fwd=uri-miss; stored; ttl=60")
        .await;
    relay.check("GET", "cache-status: Origin; hit, lunch-relay; hit; ttl=60").await;
}

/// RFC 9211 §2.1: defines `hit`: the request was not forwarded, though the answer be a 304 or 206
#[tokio::test(start_paused = true)]
async fn s2_1_hit() {
    let relay = origin(["200 | max-age=60 | etag: \"a\""]);
    relay.check("GET", "!hit").await;
    relay.check("GET", "200 | hit").await;
    relay.check("GET | if-none-match: \"a\"", "304 | hit").await;
    relay.check("GET | range: bytes=0-1", "206 | hit").await;
    relay.asked(1);
}

/// RFC 9211 §2.1: SHOULD NOT be said beside `fwd`
#[tokio::test(start_paused = true)]
async fn s2_1_hit_and_fwd_exclude_each_other() {
    let relay = origin(["200 | max-age=60 | etag: \"a\"", "304"]);
    relay.check("GET", "fwd=uri-miss; !hit").await;
    relay.check("GET", "cache-status: lunch-relay; hit; ttl=60").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale; !hit").await;
}

/// RFC 9211 §2.2: SHOULD say the most specific reason why the request was forwarded
#[tokio::test(start_paused = true)]
async fn s2_2_fwd_says_why() {
    let relay = Scenario::new(
        &["--client-directives=honour"],
        [
            "200 | max-age=60 | vary: x",
            "200 | max-age=60 | vary: x",
            "200 | max-age=60 | vary: x",
            "200 | no-store",
        ],
    );
    relay.check("GET", "fwd=uri-miss").await;
    relay.check("GET | x: 1", "fwd=vary-miss").await;
    relay.check("GET | no-cache", "fwd=request").await;
    relay.check("POST /other", "fwd=method").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale").await;

    let rule = Rule { caching: Caching::Bypass, ..Rule::default() };
    let relay = Scenario::ruled(Rules::new(vec![rule], Rule::default()), ["200 | max-age=60"]);
    relay.check("GET", "fwd=bypass").await;

    let relay = origin(["206 | max-age=60 | etag: \"a\" | content-range: bytes 0-1/6 | body: me"]);
    relay.check("GET | range: bytes=0-1", "fwd=uri-miss").await;
    relay.check("GET | range: bytes=2-3", "fwd=partial").await;
}

/// RFC 9211 §2.3: defines `fwd-status`: the upstream's status, where it is not that of the answer
#[tokio::test(start_paused = true)]
async fn s2_3_fwd_status() {
    let relay = origin(["200 | max-age=60, stale-if-error=600 | etag: \"a\"", "304", "503"]);
    relay.check("GET", "200 | cache-status: lunch-relay; fwd=uri-miss; stored; ttl=60").await;
    relay.after(60).await;
    relay.check("GET", "200 | fwd=stale; fwd-status=304").await;
    relay.after(60).await;
    relay.check("GET", "200 | fwd=stale; fwd-status=503").await;
}

/// RFC 9211 §2.4: defines `ttl`: the freshness that is left, negative when stale
#[tokio::test(start_paused = true)]
async fn s2_4_ttl() {
    let relay = Scenario::new(&["--default-ttl=50s"], ["200 | age: 10"]);
    relay.check("GET", "ttl=40").await;
    relay.after(30).await;
    relay.check("GET", "hit; ttl=10 | age: 40").await;
    relay.after(15).await;
    relay.check("GET | max-stale", "hit; ttl=-5 | age: 55").await;
}

/// RFC 9211 §2.5: defines `stored`: whether the cache stored the response
#[tokio::test(start_paused = true)]
async fn s2_5_stored() {
    origin(["200 | max-age=60"]).check("GET", "fwd=uri-miss; stored").await;
    origin(["200 | no-store"]).check("GET", "fwd=uri-miss; !stored").await;
}

/// RFC 9211 §2.6: defines `collapsed`: whether the answer was that to another client's request
#[tokio::test(start_paused = true)]
async fn s2_6_collapsed() {
    let relay = origin(["200 | max-age=60 | takes: 1"]);
    let leader = relay.check("GET", "fwd=uri-miss; !collapsed");
    let follower = relay.check("GET", "fwd=uri-miss; collapsed; !stored");
    tokio::join!(leader, follower);
}

/// RFC 9211 §2.7: defines `key`: the cache key, said where the operator wants it
#[tokio::test(start_paused = true)]
async fn s2_7_key() {
    let relay = Scenario::new(&["--cache-status-key"], ["200 | max-age=60"]);
    relay.check("GET /menu?a", "key=\"/menu?a\"").await;
    relay.check("GET /menu?a", "hit; key=\"/menu?a\"").await;
}

/// RFC 9211 §2.8: defines `detail`: more of the reason, in our own words
#[tokio::test(start_paused = true)]
async fn s2_8_detail() {
    let relay = origin(["200 | no-store"]);
    relay.check("GET", "detail=\"no-store, RFC 9111 5.2.2.5\"").await;
}
