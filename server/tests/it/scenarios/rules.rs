//! What the operator's rules change, and what explains a decision.

use server::cache::{
    explain::Verdict,
    rules::{Authority, ClientDirectives, NegativeTtl, QueryRule, Rule},
};

use super::*;

/// A cache with one rule for all paths.
fn ruled(rule: Rule, fields: &'static [(&'static str, &'static str)]) -> (Scenario, Seen) {
    let seen = Seen::default();
    let asked = Arc::new(AtomicUsize::new(0));
    let upstream = make({
        let (seen, asked) = (Arc::clone(&seen), Arc::clone(&asked));
        move |request| {
            let count = asked.fetch_add(1, Ordering::Relaxed) + 1;
            seen.lock().unwrap().push(RequestHead::split(request).unwrap().0);
            async move { Ok::<_, poem::Error>(answer(200, fields, format!("menu {count}"))) }
        }
    });
    let cache = cache_with(&[], Rules::new(vec![rule], Rule::default()), upstream.boxed());
    (Scenario { cache, asked }, seen)
}

fn plain() -> Rule {
    Rule {
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..Rule::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_ignored_query_is_neither_in_the_key_nor_sent() {
    let (relay, seen) = ruled(Rule { query: QueryRule::Ignored, ..plain() }, &[]);
    relay.expect("/menu?a", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu?b", "menu 1", "lunch-relay; hit").await;
    assert_eq!(seen.lock().unwrap()[0].target.as_str(), "/menu");
    // A write keeps its query, and ends what is stored without it.
    relay.ask("PUT", "/menu?c", &[]).await;
    assert_eq!(seen.lock().unwrap()[1].target.as_str(), "/menu?c");
    relay.expect("/menu", "menu 3", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn only_allowed_fields_are_sent_and_select() {
    let allowed = Rule { request_fields: Some(vec!["accept".parse().unwrap()]), ..plain() };
    let (relay, seen) = ruled(allowed, &[("vary", "accept, origin")]);
    let asks = |origin: &'static str| {
        [("accept", "text/*"), ("origin", origin), ("cookie", "a"), ("cache-control", "no-cache")]
    };
    text(relay.ask("GET", "/menu", &asks("a.example")).await).await;
    for gone in ["origin", "cookie", "cache-control"] {
        assert!(last_asked(&seen, gone).is_empty(), "{gone}");
    }
    assert_eq!(last_asked(&seen, "accept"), ["text/*"]);
    // What was not sent cannot have made a difference; what was, can.
    let second = relay.ask("GET", "/menu", &asks("b.example")).await;
    assert!(cache_status(&second).starts_with("lunch-relay; hit"), "{}", cache_status(&second));
    let other = relay.ask("GET", "/menu", &[("accept", "image/*")]).await;
    assert!(cache_status(&other).starts_with("lunch-relay; fwd=vary-miss"));
}

#[tokio::test(start_paused = true)]
async fn midnight_ends_freshness_and_every_stale_window() {
    // The paused clock begins at the present: the next minute ends everything.
    let now = jiff::Timestamp::now() + jiff::Span::new().minutes(2);
    let time = now.strftime("%H:%M UTC").to_string();
    let rule = Rule {
        ttl: Duration::from_hours(1),
        stale_while_revalidate: Duration::from_hours(1),
        stale_if_error: Duration::from_hours(1),
        expires_at: Some(time.parse().unwrap()),
        ..Rule::default()
    };
    let (relay, _) = ruled(rule, &[]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    advance(Duration::from_secs(30)).await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit").await;
    advance(Duration::from_mins(2)).await;
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=stale; stored").await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_with_authority_counts_over_the_response() {
    let rule = Rule { authority: Authority::Rule, ttl: Duration::from_mins(5), ..plain() };
    let (relay, _) = ruled(rule.clone(), &[("cache-control", "no-cache, max-age=1")]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored; ttl=300").await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=300").await;
    let (relay, _) = ruled(rule, &[("cache-control", "no-store")]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; detail=\"no-store").await;
}

#[tokio::test(start_paused = true)]
async fn errors_are_kept_for_as_long_as_their_rule_says() {
    let negative = NegativeTtl::new(Duration::from_secs(10))
        .with(poem::http::StatusCode::BAD_GATEWAY, Duration::from_secs(5));
    let rules = Rules::new(vec![Rule { negative_ttl: negative, ..plain() }], Rule::default());
    let upstream = make(|_| async { Ok::<_, poem::Error>(answer(502, &[], "error")) });
    let relay = Scenario { cache: cache_with(&[], rules, upstream.boxed()), asked: Arc::default() };
    relay.expect("/menu", "error", "lunch-relay; fwd=uri-miss; stored; ttl=5").await;
    relay.expect("/menu", "error", "lunch-relay; hit; ttl=5").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_may_force_a_call_where_it_is_honoured() {
    for (honoured, asked) in [(ClientDirectives::Ignore, 1), (ClientDirectives::Honour, 2)] {
        let (relay, _) = ruled(Rule { client_directives: honoured, ..plain() }, &[]);
        relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
        text(relay.ask("GET", "/menu", &[("cache-control", "no-cache")]).await).await;
        assert_eq!(relay.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn targeted_fields_count_and_are_passed_on() {
    let fields: Fields = &[("cdn-cache-control", "max-age=60"), ("cache-control", "no-store")];
    let relay = Scenario::new(move |_| Ok(answer(200, fields, "menu")));
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored; ttl=60").await;
    let hit = relay.get("/menu").await;
    assert_eq!(hit.header("cdn-cache-control"), Some("max-age=60"));
    assert_eq!(hit.header("cache-control"), Some("no-store"));
}

#[tokio::test(start_paused = true)]
async fn the_key_is_said_where_it_is_wanted() {
    let relay = Scenario::with_flags(&["--cache-status-key"], |_| Ok(answer(200, &[], "menu")));
    let miss = "lunch-relay; fwd=uri-miss; stored; ttl=600; key=\"/menu?a\"";
    relay.expect("/menu?a", "menu", miss).await;
    relay.expect("/menu?a", "menu", "lunch-relay; hit; ttl=600; key=\"/menu?a\"").await;
}

#[tokio::test(start_paused = true)]
async fn explain_says_what_would_be_done_and_does_nothing() {
    let flags = ["--stale-while-revalidate=10s"];
    let relay = Scenario::with_flags(&flags, |_| {
        Ok(answer(200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], "menu"))
    });
    let explain =
        |method: &str, fields: &[(&str, &str)]| relay.cache.explain(head(method, "/menu", fields));
    let miss = explain("GET", &[]);
    assert_eq!((miss.decision, miss.fwd.as_deref()), (Verdict::ForwardForAll, Some("uri-miss")));
    assert_eq!((&*miss.because, &*miss.section), ("nothing stored", "RFC 9111 4"));
    assert_eq!(explain("PUT", &[]).decision, Verdict::ForwardAlone);
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(explain("GET", &only).decision, Verdict::Unsatisfiable);
    assert_eq!(relay.asked(), 0);

    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_secs(20)).await;
    let fresh = explain("GET", &[]);
    assert_eq!((fresh.decision, &*fresh.because), (Verdict::Reuse, "fresh"));
    assert_eq!((fresh.key.as_str(), fresh.rule.as_str(), fresh.variants), ("/menu", "flags", 1));
    let stored = fresh.stored.unwrap();
    assert_eq!((stored.age, stored.ttl, stored.freshness_lifetime), (20, 40, 60));
    assert_eq!((stored.status, stored.bytes, stored.has_validator), (200, 4, true));
    assert_eq!(stored.lifetime_from, "the response");

    advance(Duration::from_secs(40)).await;
    assert_eq!(explain("GET", &[]).decision, Verdict::ReuseAndRefresh);
    advance(Duration::from_secs(10)).await;
    assert_eq!(explain("GET", &[]).fwd.as_deref(), Some("stale"));
    assert_eq!(relay.asked(), 1);
}
