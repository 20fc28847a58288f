//! RFC 9875: cache groups.

use crate::scenario::origin;

/// RFC 9875 §2: MUST take 32 groups of 32 characters each
#[tokio::test(start_paused = true)]
async fn s2_as_many_groups_as_are_asked_for() {
    // The last of 32 groups, whose name is 32 characters long.
    let relay = origin([
        "200 | max-age=60 | cache-groups: \"01\", \"02\", \"03\", \"04\", \"05\", \"06\", \"07\", \"08\", \
         \"09\", \"10\", \"11\", \"12\", \"13\", \"14\", \"15\", \"16\", \"17\", \"18\", \"19\", \"20\", \"21\", \
         \"22\", \"23\", \"24\", \"25\", \"26\", \"27\", \"28\", \"29\", \"30\", \"31\", \
         \"12345678901234567890123456789012\"",
        "200 | cache-group-invalidation: \"12345678901234567890123456789012\"",
        "200 | max-age=60",
    ]);
    relay.check("GET /a", "stored").await;
    relay.check("POST /b", "200").await;
    relay.check("GET /a", "fwd=uri-miss").await;
}

/// RFC 9875 §2.1: defines that groups are the same where they are to the letter
#[tokio::test(start_paused = true)]
async fn s2_1_groups_are_compared_to_the_letter() {
    let relay = origin([
        "200 | max-age=60 | cache-groups: \"Menus\"",
        "200 | cache-group-invalidation: \"menus\", \"menu\", \"Menus \"",
    ]);
    relay.check("GET /a", "stored").await;
    relay.check("POST /b", "200").await;
    relay.check("GET /a", "hit").await;
}

/// RFC 9875 §2: MUST ignore parameters that are not known
#[tokio::test(start_paused = true)]
async fn s2_parameters_are_ignored() {
    let relay = origin([
        "200 | max-age=60 | cache-groups: \"a\";x=1",
        "200 | cache-group-invalidation: \"a\";y",
        "200 | max-age=60",
    ]);
    relay.check("GET /a", "stored").await;
    relay.check("POST /b", "200").await;
    relay.check("GET /a", "fwd=uri-miss").await;
}

/// RFC 9875 §3: MAY end what shares a group that the answer to a write names
#[tokio::test(start_paused = true)]
async fn s3_a_write_ends_the_groups_that_its_answer_names() {
    let relay = origin([
        "200 | max-age=60 | cache-groups: \"a\", \"b\"",
        "200 | max-age=60 | cache-groups: \"c\"",
        "200 | cache-group-invalidation: \"b\"",
        "200 | max-age=60",
    ]);
    relay.check("GET /a", "stored").await;
    relay.check("GET /c", "stored").await;
    relay.check("POST /b", "200").await;
    relay.check("GET /c", "hit").await;
    relay.check("GET /a", "fwd=uri-miss").await;
}

/// RFC 9875 §3: MUST ignore it in the answer to a request with a safe method
#[tokio::test(start_paused = true)]
async fn s3_an_answer_to_a_safe_method_ends_nothing() {
    let relay = origin([
        "200 | max-age=60 | cache-groups: \"a\"",
        "200 | max-age=60 | cache-group-invalidation: \"a\"",
    ]);
    relay.check("GET /a", "stored").await;
    relay.check("GET /b", "stored").await;
    relay.check("GET /a", "hit").await;
}
