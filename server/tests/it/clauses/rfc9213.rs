//! RFC 9213: targeted cache control.

use crate::scenario::{Scenario, origin};

/// Checks what is said of a new response.
async fn check(answer: &'static str, expected: &str) {
    origin([answer]).check("GET", &format!("fwd=uri-miss | {expected}")).await;
}

/// RFC 9213 §2.1: SHOULD NOT use a directive whose value is of another type
#[tokio::test(start_paused = true)]
async fn s2_1_a_value_of_another_type_is_not_used() {
    check("200 | cdn-cache-control: max-age=60.5", "!stored").await;
    check("200 | cdn-cache-control: max-age=\"60\"", "!stored").await;
    check("200 | cdn-cache-control: max-age=60, no-store=1", "stored; ttl=60").await;
}

/// RFC 9213 §2.1: MUST ignore parameters of directives
#[tokio::test(start_paused = true)]
async fn s2_1_parameters_are_ignored() {
    check("200 | cdn-cache-control: max-age=60;x=\"no-store\";y", "stored; ttl=60").await;
}

/// RFC 9213 §2.1: MUST ignore a field that is empty or cannot be parsed
#[tokio::test(start_paused = true)]
async fn s2_1_a_field_that_is_not_valid_is_ignored() {
    for targeted in [
        "200 | max-age=5 | cdn-cache-control: max-age=60, &",
        "200 | max-age=5 | cdn-cache-control: ",
        "200 | max-age=5 | cdn-cache-control: Max-Age=60",
    ] {
        check(targeted, "stored; ttl=5").await;
    }
}

/// RFC 9213 §2.2: MUST use the first field of the target list that is valid and not empty
#[tokio::test(start_paused = true)]
async fn s2_2_the_first_of_the_target_list_counts() {
    check("200 | cdn-cache-control: max-age=5 | lunch-relay-cache-control: max-age=60", "ttl=60")
        .await;
    check("200 | cdn-cache-control: max-age=5 | lunch-relay-cache-control: ", "ttl=5").await;
}

/// RFC 9213 §2.2: MUST ignore `Cache-Control` and `Expires` beside a targeted field
#[tokio::test(start_paused = true)]
async fn s2_2_cache_control_and_expires_are_ignored() {
    check("200 | no-store | expires: 0 | cdn-cache-control: max-age=60", "stored; ttl=60").await;
    check("200 | max-age=60 | expires: {60} | cdn-cache-control: none", "!stored").await;
    check("200 | max-age=60 | cdn-cache-control: no-store", "!stored").await;
}

/// RFC 9213 §2.2: MUST NOT let a field that is not on the list change anything, and MUST pass it on
#[tokio::test(start_paused = true)]
async fn s2_2_fields_for_others_are_passed_on() {
    let relay = origin(["200 | max-age=60 | other-cache-control: no-store"]);
    relay.check("GET", "stored; ttl=60 | other-cache-control: no-store").await;
    relay.check("GET", "hit | other-cache-control: no-store").await;
}

/// RFC 9213 §2.2: MUST implement `max-age`, `must-revalidate`, `no-store`, `no-cache` and `private`
/// in a targeted field
#[tokio::test(start_paused = true)]
async fn s2_2_the_directives_of_a_targeted_field() {
    check("200 | cdn-cache-control: max-age=60", "stored; ttl=60").await;
    check("200 | cdn-cache-control: max-age=60, no-store", "!stored").await;
    check("200 | cdn-cache-control: max-age=60, private", "!stored").await;

    let no_cache = "200 | etag: \"a\" | cdn-cache-control: max-age=60, no-cache";
    let relay = origin([no_cache]);
    relay.check("GET", "stored").await;
    relay.check("GET", "fwd=stale").await;

    let revalidate = "200 | cdn-cache-control: max-age=60, must-revalidate";
    let relay = Scenario::new(&["--stale-if-error=1h"], [revalidate, "refused"]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "502").await;
}

/// RFC 9213 §2.2: SHOULD implement the directives there that it knows in `Cache-Control`
#[tokio::test(start_paused = true)]
async fn s2_2_other_directives_of_a_targeted_field() {
    let answer = "200 | cdn-cache-control: max-age=60, stale-while-revalidate=60, \
                  private=\"x-one\" | x-one: 1";
    let relay = origin([answer]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "hit; ttl=0 | -x-one").await;
    check("200 | cdn-cache-control: max-age=60, s-maxage=5", "ttl=5").await;
}

/// RFC 9213 §2.2: MUST keep the meaning of directives beside each other: `no-store` and `no-cache`
/// stand over `max-age`, unknown ones are ignored
#[tokio::test(start_paused = true)]
async fn s2_2_directives_mean_what_they_do_in_cache_control() {
    check("200 | cdn-cache-control: max-age=60, x, y=1", "stored; ttl=60").await;
    check("200 | cdn-cache-control: no-store, max-age=60", "!stored").await;
}

/// RFC 9213 §2.4: MUST NOT take a field for a targeted one for its name's ending alone
#[tokio::test(start_paused = true)]
async fn s2_4_the_ending_of_a_name_is_not_enough() {
    check("200 | max-age=5 | example-cache-control: max-age=60", "ttl=5").await;
}

/// RFC 9213 §3: MAY remove `CDN-Cache-Control`: it is passed on
#[tokio::test(start_paused = true)]
async fn s3_cdn_cache_control_is_passed_on() {
    let relay = origin(["200 | cdn-cache-control: max-age=60"]);
    relay.check("GET", "stored | cdn-cache-control: max-age=60").await;
    relay.check("GET", "hit | cdn-cache-control: max-age=60").await;
}
