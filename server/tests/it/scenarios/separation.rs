//! What one client's request must not change for the others.

use server::cache::rules::{QueryRule, Rule};

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

/// A cache with a rule that lets only `accept` go upstream.
fn accept_only(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Scenario {
    let rule = Rule {
        request_fields: Some(vec!["accept".parse().unwrap()]),
        stale_while_revalidate: Duration::ZERO,
        ..Default::default()
    };
    let upstream = make(move |request| {
        let answer = script(&request);
        async move { Ok::<_, poem::Error>(answer) }
    });
    let cache = cache_with(&[], Rules::new(vec![rule], Rule::default()), upstream.boxed());
    Scenario { cache, asked: Arc::default() }
}

#[tokio::test(start_paused = true)]
async fn what_a_field_went_to_that_is_not_for_the_cache_is_not_stored() {
    for asks in [("if-match", "*"), ("if-range", "\"x\""), ("authorization", "x")] {
        let relay = accept_only(|request| {
            let origin = request.header("origin").unwrap_or("nobody").to_owned();
            answer(200, &[("cache-control", "public, max-age=60"), ("vary", "origin")], origin)
        });
        assert_eq!(body(&relay, &[("origin", "evil.example"), asks]).await, "evil.example");
        assert_eq!(body(&relay, &[]).await, "nobody", "{asks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn head_with_a_field_that_is_not_for_the_cache_freshens_nothing() {
    let relay = accept_only(|request| {
        let allowed = request.header("origin").unwrap_or("nobody").to_owned();
        answer(200, &[("cache-control", "max-age=60"), ("x-allowed", &allowed)], "menu")
    });
    assert_eq!(body(&relay, &[]).await, "menu");
    advance(Duration::from_secs(61)).await;
    relay.ask("HEAD", "/menu", &[("origin", "evil.example")]).await;
    let answer = relay.get("/menu").await;
    assert_eq!(answer.header("x-allowed"), Some("nobody"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_does_not_keep_the_path_from_being_stored() {
    for (field, status) in [
        (("range", "bytes=100-"), 416),
        (("accept", "x/x"), 406),
        (("cookie", "bad"), 400),
        (("cookie", "private"), 200),
    ] {
        let relay = Scenario::new(move |request| match request.header(field.0) {
            None => Ok(answer(200, &[], "menu")),
            Some("private") => Ok(answer(200, &[], "mine")),
            Some(_) => Ok(answer(status, &[], "")),
        });
        assert_eq!(relay.ask("GET", "/menu", &[field]).await.status().as_u16(), status);
        relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
        relay.expect("/menu", "menu", "lunch-relay; hit").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_not_made_under_a_clients_directives() {
    for control in ["no-store", "only-if-cached", "no-cache, max-age=0"] {
        let (relay, seen) = scripted(
            &["--stale-while-revalidate=1h", "--default-ttl=60s"],
            &[(200, &[], "old"), (200, &[], "new")],
        );
        assert_eq!(body(&relay, &[]).await, "old");
        advance(Duration::from_secs(61)).await;
        assert_eq!(body(&relay, &[("cache-control", control)]).await, "old", "{control}");
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(last_asked(&seen, "cache-control").is_empty(), "{control}");
        relay.expect("/menu", "new", "lunch-relay; hit").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_for_one_who_allows_it_is_not_for_those_who_wait() {
    let mut asked = 0;
    let relay = Scenario::new(move |_| {
        asked += 1;
        if asked == 1 {
            return Ok(answer(200, &[("cache-control", "max-age=60")], "old"));
        }
        Ok(answer(503, &[], "error"))
    });
    assert_eq!(body(&relay, &[]).await, "old");
    advance(Duration::from_secs(70)).await;
    let (leader, follower) = tokio::join!(
        relay.ask("GET", "/menu", &[("cache-control", "stale-if-error=60")]),
        relay.get("/menu"),
    );
    assert_eq!(leader.status(), 200);
    assert_eq!(follower.status(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_one_client_claims_is_not_told_to_those_who_wait() {
    let relay = Scenario::new(|request| match request.header("via") {
        Some(_) => Err(Failure::Loop.into()),
        None => Ok(answer(200, &[], "menu")),
    });
    let (leader, follower) =
        tokio::join!(relay.ask("GET", "/menu", &[("via", "1.1 lunch-relay")]), relay.get("/menu"),);
    assert_eq!(leader.status(), 508);
    assert_eq!(follower.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_posts_ignored_query_is_not_what_a_get_without_it_gets() {
    let rule = Rule { query: QueryRule::Ignored, ..Rule::default() };
    let upstream = make(|request: Request| async move {
        let target = request.uri().path_and_query().unwrap().to_string();
        let fields = [("cache-control", "max-age=60"), ("content-location", target.as_str())];
        Ok::<_, poem::Error>(answer(200, &fields, target.clone()))
    });
    let cache = cache_with(&[], Rules::new(vec![rule], Rule::default()), upstream.boxed());
    let relay = Scenario { cache, asked: Arc::default() };
    assert_eq!(text(relay.ask("POST", "/menu?x", &[]).await).await, "/menu?x");
    assert_eq!(body(&relay, &[]).await, "/menu");
}

#[tokio::test(start_paused = true)]
async fn what_was_selected_by_who_asks_is_not_stored() {
    for name in ["forwarded", "x-forwarded-for"] {
        let control = ("cache-control", "public, max-age=60");
        let relay = Scenario::new(move |_| Ok(answer(200, &[control, ("vary", name)], "mine")));
        let mine = relay.ask("GET", "/menu", &[("authorization", "x")]).await;
        assert!(!cache_status(&mine).contains("stored"), "{name}: {}", cache_status(&mine));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cookie_in_a_304_that_says_nothing_of_freshness_is_kept_for_nobody() {
    let (relay, _) = scripted(
        &[],
        &[
            (200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], "menu"),
            (304, &[("etag", "\"a\""), ("set-cookie", "user=1")], ""),
        ],
    );
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    advance(Duration::from_mins(1)).await;
    relay.get("/menu").await;
    assert_eq!(relay.get("/menu").await.header("set-cookie"), None);
}
