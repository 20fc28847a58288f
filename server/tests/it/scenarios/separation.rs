//! What one client's request must not change for the others.

use super::*;

/// Asks, and reads the answer to its end.
async fn body(relay: &Scenario, fields: &[(&str, &str)]) -> String {
    text(relay.ask("GET", "/menu", fields).await).await
}

#[tokio::test(start_paused = true)]
async fn what_a_cookie_selected_is_freshened_for_that_cookie_only() {
    let relay = Scenario::new(|request| {
        let fields = [("cache-control", "max-age=60"), ("vary", "cookie"), ("etag", "\"a\"")];
        match (request.header("cookie"), request.header("if-none-match")) {
            (Some("a"), Some(_)) => Ok(answer(304, &fields, "")),
            (Some("a"), None) => Ok(answer(200, &fields, "for a")),
            _ => Ok(answer(200, &[("cache-control", "max-age=60"), ("vary", "cookie")], "for all")),
        }
    });
    let with_cookie = [("cookie", "a")];
    assert_eq!(body(&relay, &with_cookie).await, "for a");
    advance(Duration::from_secs(61)).await;
    assert_eq!(body(&relay, &with_cookie).await, "for a");
    assert_eq!(body(&relay, &[]).await, "for all");
    assert_eq!(body(&relay, &with_cookie).await, "for a");
    assert_eq!(relay.asked(), 3);
}
