//! RFC 9111 §1 and §2: numbers, and the cache key.

use crate::scenario::origin;

/// RFC 9111 §1.2.2: MUST take a number of seconds that is too great for 2^31, not for a negative
/// one
#[tokio::test(start_paused = true)]
async fn s1_2_2_a_number_that_is_too_great_is_a_long_time() {
    let relay = origin(["200 | max-age=99999999999999999999"]);
    relay.check("GET", "fwd=uri-miss; stored; ttl=2147483648").await;
    relay.after(100 * 365 * 86_400 / 2).await;
    relay.check("GET", "hit | body: menu 1").await;
}

/// RFC 9111 §1.2.2: MUST NOT let an age overflow that is too great
#[tokio::test(start_paused = true)]
async fn s1_2_2_an_age_that_is_too_great_is_stale() {
    let relay = origin(["200 | max-age=60 | age: 99999999999999999999 | etag: \"a\""]);
    relay.check("GET", "stored | body: menu 1").await;
    relay.check("GET", "fwd=stale | body: menu 2").await;
}

/// RFC 9111 §2: MUST choose a stored response by request method and target URI, at the least
#[tokio::test(start_paused = true)]
async fn s2_the_key_is_the_target_with_its_query() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET /menu?day=1", "fwd=uri-miss; stored").await;
    relay.check("GET /menu?day=2", "fwd=uri-miss | body: menu 2").await;
    relay.check("GET /menu", "fwd=uri-miss | body: menu 3").await;
    relay.check("GET /menu?day=1", "hit | body: menu 1").await;
}
