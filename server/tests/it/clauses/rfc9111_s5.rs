//! RFC 9111 §5 without §5.2: `Age`, `Expires`, `Pragma`, `Warning`.

use crate::scenario::{Scenario, origin};

/// RFC 9111 §5.1: SHOULD use the first member of a list of ages
#[tokio::test(start_paused = true)]
async fn s5_1_of_several_ages_the_first_counts() {
    for answer in ["200 | max-age=60 | age: 10, 20", "200 | max-age=60 | age: 10 | age: 20"] {
        let relay = origin([answer]);
        relay.check("GET", "stored; ttl=50").await;
        relay.check("GET", "hit; ttl=50 | age: 10").await;
    }
}

/// RFC 9111 §5.1: SHOULD ignore an age that is no number
#[tokio::test(start_paused = true)]
async fn s5_1_an_age_that_is_not_valid_is_ignored() {
    for answer in
        ["200 | max-age=60 | age: x", "200 | max-age=60 | age: -30", "200 | max-age=60 | age: 1.5"]
    {
        let relay = origin([answer]);
        relay.check("GET", "stored; ttl=60").await;
        relay.check("GET", "hit; ttl=60 | age: 0").await;
    }
}

/// RFC 9111 §5.3: MUST take a date that is not valid for one in the past, `0` above all
#[tokio::test(start_paused = true)]
async fn s5_3_what_is_no_date_has_expired() {
    for answer in [
        "200 | etag: \"a\" | last-modified: {-9000} | expires: 0",
        "200 | etag: \"a\" | last-modified: {-9000} | expires: -1",
        "200 | etag: \"a\" | last-modified: {-9000} | expires: tomorrow",
        "200 | etag: \"a\" | last-modified: {-9000} | expires: ",
    ] {
        let relay = origin([answer]);
        relay.check("GET", "stored; ttl=0").await;
        relay.check("GET", "fwd=stale").await;
    }
}

/// RFC 9111 §5.3: MUST ignore `Expires` where `max-age` is there, or in a shared cache `s-maxage`
#[tokio::test(start_paused = true)]
async fn s5_3_expires_is_ignored_beside_a_lifetime() {
    for answer in ["200 | max-age=60 | expires: {5}", "200 | s-maxage=60 | expires: 0"] {
        let relay = origin([answer]);
        relay.check("GET", "stored; ttl=60").await;
        relay.after(59).await;
        relay.check("GET", "hit; ttl=1").await;
    }
    let relay = origin(["200 | max-age=0 | expires: {5} | etag: \"a\""]);
    relay.check("GET", "stored; ttl=0").await;
    relay.check("GET", "fwd=stale").await;
}

/// RFC 9111 §5.4: MAY take `Pragma: no-cache` of a request for `no-cache`, beside no `Cache-Control`
#[tokio::test(start_paused = true)]
async fn s5_4_pragma_in_a_request() {
    let relay = Scenario::new(&["--client-directives=honour"], ["200 | max-age=60"]);
    relay.check("GET", "stored").await;
    relay.check("GET | pragma: no-cache", "fwd=request").await;
    relay.check("GET | pragma: no-cache | max-age=60", "hit").await;
}

/// RFC 9111 §5.4: defines no meaning of `Pragma` in a response
#[tokio::test(start_paused = true)]
async fn s5_4_pragma_in_a_response_has_no_meaning() {
    let relay = origin(["200 | max-age=60 | pragma: no-cache"]);
    relay.check("GET", "stored").await;
    relay.check("GET", "hit | pragma: no-cache").await;
}

/// RFC 9111 §5.5: MAY leave out `Warning`, which is obsolete: none is made
#[tokio::test(start_paused = true)]
async fn s5_5_no_warning_is_made() {
    let relay = origin(["200 | max-age=60"]);
    relay.check("GET", "-warning").await;
    relay.after(60).await;
    relay.check("GET | max-stale", "hit; ttl=0 | -warning").await;
}
