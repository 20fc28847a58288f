//! RFC 8246: `immutable`.

use crate::scenario::{Scenario, origin};

const IMMUTABLE: &str = "200 | max-age=60, immutable | etag: \"a\"";
const HONOUR: [&str; 1] = ["--client-directives=honour"];

/// RFC 8246 §2: SHOULD validate what is stale as if it were not immutable
#[tokio::test(start_paused = true)]
async fn s2_what_is_stale_is_validated() {
    let relay = origin([IMMUTABLE, "304 | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.after(60).await;
    relay.check("GET", "fwd=stale; fwd-status=304 | body: menu 1").await;
}

/// RFC 8246 §2: MUST ignore arguments of `immutable`, and that it is there twice
#[tokio::test(start_paused = true)]
async fn s2_arguments_are_ignored() {
    let relay = Scenario::new(&HONOUR, ["200 | max-age=60, immutable=x, immutable=\"no-store\""]);
    relay.check("GET", "stored").await;
    relay.check("GET | max-age=0", "hit").await;
}

/// RFC 8246 §2: defines no meaning of `immutable` in a request
#[tokio::test(start_paused = true)]
async fn s2_in_a_request_it_has_no_meaning() {
    let relay = Scenario::new(&HONOUR, ["200 | max-age=60"]);
    relay.check("GET | immutable", "stored").await;
    relay.after(1).await;
    relay.check("GET | immutable, max-age=0", "fwd=request").await;
}

/// RFC 8246 §2.1: SHOULD NOT validate what is fresh and immutable, unless the client asks for it
#[tokio::test(start_paused = true)]
async fn s2_1_what_is_fresh_is_not_validated() {
    let relay = Scenario::new(&HONOUR, [IMMUTABLE, "304 | etag: \"a\""]);
    relay.check("GET", "stored").await;
    relay.after(1).await;
    relay.check("GET | max-age=0", "200 | hit").await;
    relay.check("GET | max-age=0 | if-none-match: \"a\"", "304 | hit").await;
    relay.check("GET | no-cache", "200 | fwd=request; fwd-status=304").await;
}
