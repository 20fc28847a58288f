//! What a write changes (RFC 9111 §4.4), and what of it can be stored.

use super::*;

/// An upstream that counts, and names other resources in answers to POST.
fn writing() -> Scenario {
    let mut count = 0;
    Scenario::new(move |request| {
        count += 1;
        let named = request.header("x-names").unwrap_or_default().to_owned();
        let mut answer = answer(200, &[("cache-control", "max-age=60")], format!("menu {count}"));
        if request.method() == "POST" {
            answer.headers_mut().insert("location", named.parse().unwrap());
        } else if request.method() == "DELETE" {
            answer.headers_mut().insert("content-location", named.parse().unwrap());
        }
        Ok(answer)
    })
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_names_is_invalidated_where_it_is_of_the_same_origin() {
    for method in ["POST", "DELETE"] {
        for (named, is_invalid) in [
            ("/a/other", true),
            ("other", true),
            ("http://relay.example/a/other", true),
            ("http://elsewhere.example/a/other", false),
            ("/a/one", false),
        ] {
            let relay = writing();
            relay.expect("/a/other", "menu 1", "lunch-relay; fwd=uri-miss").await;
            let fields = [("host", "relay.example"), ("x-names", named)];
            relay.ask(method, "/a/one", &fields).await;
            let answer = relay.get("/a/other").await;
            let is_gone = cache_status(&answer).contains("fwd=uri-miss");
            assert_eq!(is_gone, is_invalid, "{method} {named}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_variants_are_invalidated() {
    let relay = Scenario::new(|_| Ok(answer(200, &[("vary", "x")], "menu")));
    for x in ["1", "2"] {
        relay.ask("GET", "/menu", &[("x", x)]).await.into_body().into_bytes().await.unwrap();
    }
    relay.ask("PUT", "/menu", &[]).await;
    for x in ["1", "2"] {
        let answer = relay.ask("GET", "/menu", &[("x", x)]).await;
        assert!(cache_status(&answer).contains("fwd=uri-miss") || x == "2");
    }
    assert_eq!(relay.asked(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_during_a_write_is_not_stored() {
    let upstream = Slow::new(&[], &[("cache-control", "max-age=60")]);
    let (old, written, new) = (upstream.body(), upstream.body(), upstream.body());
    send(&old, "ol");
    let reader = upstream.relay.get("/menu").await;
    drop(written);
    assert_eq!(upstream.relay.ask("PUT", "/menu", &[]).await.status(), 200);

    // Who asks now gets what is there after the write, not what was on its way.
    send(&new, "new");
    drop(new);
    upstream.relay.expect("/menu", "new", "lunch-relay; fwd=uri-miss; stored").await;
    send(&old, "d");
    drop(old);
    assert_eq!(text(reader).await, "old");
    upstream.relay.expect("/menu", "new", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_answer_represents_its_target_serves_a_later_get() {
    let (relay, _) = scripted(
        &[],
        &[(200, &[("cache-control", "max-age=60"), ("content-location", "/menu")], "posted")],
    );
    let posted = relay.ask("POST", "/menu", &[]).await;
    assert_eq!(cache_status(&posted), "lunch-relay; fwd=method; stored; ttl=60");
    assert_eq!(text(posted).await, "posted");
    relay.expect("/menu", "posted", "lunch-relay; hit").await;
    // A POST itself always goes to the upstream.
    relay.ask("POST", "/menu", &[]).await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_purge_takes_all_variants_and_what_is_on_its_way() {
    let relay = Scenario::counting(&[("vary", "x")]);
    for x in ["1", "2"] {
        relay.ask("GET", "/menu", &[("x", x)]).await.into_body().into_bytes().await.unwrap();
    }
    let target = head("GET", "/menu", &[]).target;
    assert_eq!(relay.cache.purge_target(&target), 2);
    assert_eq!(relay.cache.purge_target(&target), 0);
    assert_eq!(relay.cache.figures().bytes, 0);
    relay.expect("/menu", "menu 3", "lunch-relay; fwd=uri-miss").await;
}

#[tokio::test(start_paused = true)]
async fn what_was_purged_is_not_stored_again_by_a_validation() {
    let (relay, _) = scripted(
        &["--stale-while-revalidate=1h"],
        &[
            (200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], "old"),
            (304, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], ""),
            (200, &[("cache-control", "max-age=60"), ("etag", "\"b\"")], "new"),
        ],
    );
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    // The flight is there, its task has not begun.
    drop(relay.cache.answer(head("GET", "/menu", &[]), Body::empty()));
    assert_eq!(relay.cache.purge_target(&head("GET", "/menu", &[]).target), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(relay.asked(), 2);
    relay.expect("/menu", "new", "lunch-relay; fwd=uri-miss").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_for_the_asker_alone_reaches_nobody_else() {
    let fields: Fields = &[
        ("cache-control", "max-age=60, private=\"set-cookie\", no-cache=\"x-secret\""),
        ("set-cookie", "user=1"),
        ("x-secret", "1"),
        ("x-open", "1"),
    ];
    let upstream = Slow::new(&[], fields);
    let body = upstream.body();
    let (leader, follower) = tokio::join!(upstream.relay.get("/menu"), upstream.relay.get("/menu"));
    send(&body, "menu");
    drop(body);
    assert_eq!(leader.header("set-cookie"), Some("user=1"));
    text(leader).await;
    for other in [follower, upstream.relay.get("/menu").await] {
        assert_eq!(other.header("set-cookie"), None);
        assert_eq!(other.header("x-secret"), None);
        assert_eq!(other.header("x-open"), Some("1"));
    }
    assert_eq!(upstream.relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_authorization_is_for_others_only_where_it_says_so() {
    for (control, stored) in
        [("max-age=60", false), ("public, max-age=60", true), ("s-maxage=60", true)]
    {
        let relay = Scenario::new(move |_| Ok(answer(200, &[("cache-control", control)], "menu")));
        let mine = relay.ask("GET", "/menu", &[("authorization", "x")]).await;
        assert_eq!(cache_status(&mine).contains("stored"), stored, "{control}");
        text(mine).await;
        relay.get("/menu").await;
        assert_eq!(relay.asked() == 1, stored, "{control}");
    }
}
