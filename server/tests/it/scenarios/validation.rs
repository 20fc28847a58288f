//! What is stale is validated (RFC 9111 §4.3).

use super::*;
use crate::scenario;

const TAGGED: Fields = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];

#[tokio::test(start_paused = true)]
async fn what_is_still_good_is_freshened_and_answers() {
    let modified = "Thu, 01 Jan 2026 00:00:00 GMT";
    let (relay, seen) = scripted(
        &[],
        &[
            (
                200,
                &[
                    ("cache-control", "max-age=60"),
                    ("etag", "\"a\""),
                    ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
                    ("x-kept", "1"),
                    ("x-new", "1"),
                ],
                "menu",
            ),
            (304, &[("etag", "\"a\""), ("cache-control", "max-age=30"), ("x-new", "2")], ""),
        ],
    );
    relay.get("/menu").await.into_body().into_bytes().await.unwrap();
    advance(Duration::from_mins(1)).await;
    let validated = relay.get("/menu").await;
    assert_eq!(last_asked(&seen, "if-none-match"), ["\"a\""]);
    assert_eq!(last_asked(&seen, "if-modified-since"), [modified]);
    assert_eq!(validated.header("x-kept"), Some("1"));
    assert_eq!(validated.header("x-new"), Some("2"));
    let status = "lunch-relay; fwd=stale; fwd-status=304; stored; ttl=30";
    assert_eq!(read(validated).await, (200, status.to_owned(), "menu".to_owned()));

    advance(Duration::from_secs(29)).await;
    relay.expect("/menu", "menu", "lunch-relay; hit; ttl=1").await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_takes_its_place() {
    let (relay, _) = scripted(&[], &[(200, TAGGED, "old"), (200, TAGGED, "new")]);
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    relay.expect("/menu", "new", "lunch-relay; fwd=stale; stored").await;
    relay.expect("/menu", "new", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn one_validation_serves_all_who_ask_at_once() {
    let (relay, _) = scripted(&[], &[(200, TAGGED, "menu"), (304, TAGGED, "")]);
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    let (first, second) = tokio::join!(relay.get("/menu"), relay.get("/menu"));
    let leader = "lunch-relay; fwd=stale; fwd-status=304; stored; ttl=60";
    let follower = "lunch-relay; fwd=stale; fwd-status=304; stored; collapsed; ttl=60";
    assert_eq!(read(first).await, (200, leader.to_owned(), "menu".to_owned()));
    assert_eq!(read(second).await, (200, follower.to_owned(), "menu".to_owned()));
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_cache_is_validated_before_each_use() {
    const FIELDS: Fields = &[("cache-control", "no-cache"), ("etag", "\"a\"")];
    let (relay, _) = scripted(&[], &[(200, FIELDS, "menu"), (304, FIELDS, "")]);
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    for _ in 0..2 {
        relay.expect("/menu", "menu", "lunch-relay; fwd=stale; fwd-status=304").await;
    }
    assert_eq!(relay.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_variants_are_asked_about_and_the_one_that_is_good_answers() {
    let (relay, seen) = scripted(
        &[],
        &[
            (200, &[("vary", "x"), ("etag", "\"a\""), ("cache-control", "max-age=60")], "A"),
            (200, &[("vary", "x"), ("etag", "W/\"b\""), ("cache-control", "max-age=60")], "B"),
            (304, &[("vary", "x"), ("etag", "W/\"b\"")], ""),
            (200, &[("vary", "x")], "no more"),
        ],
    );
    for x in ["1", "2"] {
        relay.ask("GET", "/menu", &[("x", x)]).await.into_body().into_bytes().await.unwrap();
    }
    let third = relay.ask("GET", "/menu", &[("x", "3")]).await;
    assert_eq!(last_asked(&seen, "if-none-match"), ["W/\"b\", \"a\""]);
    assert!(last_asked(&seen, "if-modified-since").is_empty());
    let status = "lunch-relay; fwd=vary-miss; fwd-status=304; stored; ttl=60";
    assert_eq!(read(third).await, (200, status.to_owned(), "B".to_owned()));

    for (x, body) in [("1", "A"), ("2", "B"), ("3", "B")] {
        let answer = relay.ask("GET", "/menu", &[("x", x)]).await;
        assert_eq!(read(answer).await.2, body);
    }
    assert_eq!(relay.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_304_about_nothing_that_is_stored_is_asked_anew_once() {
    let (relay, seen) = scripted(
        &[],
        &[
            (200, &[("vary", "x"), ("etag", "\"a\"")], "A"),
            (200, &[("vary", "x"), ("etag", "\"b\"")], "B"),
            (304, &[("etag", "\"other\"")], ""),
            (200, &[("vary", "x"), ("etag", "\"c\"")], "C"),
        ],
    );
    for x in ["1", "2"] {
        relay.ask("GET", "/menu", &[("x", x)]).await.into_body().into_bytes().await.unwrap();
    }
    let third = relay.ask("GET", "/menu", &[("x", "3")]).await;
    assert_eq!(read(third).await.2, "C");
    assert!(last_asked(&seen, "if-none-match").is_empty());
    assert_eq!(relay.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_304_that_forbids_storing_is_asked_anew() {
    let (relay, _) = scripted(
        &[],
        &[
            (200, TAGGED, "old"),
            (304, &[("cache-control", "no-store")], ""),
            (200, &[("cache-control", "no-store")], "new"),
        ],
    );
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    relay.expect("/menu", "new", "lunch-relay; fwd=stale; detail=\"no-store").await;
}

#[tokio::test(start_paused = true)]
async fn a_cookie_does_not_keep_what_is_for_all_from_being_freshened() {
    let (relay, _) = scripted(&[], &[(200, &[("etag", "\"a\"")], "menu"), (304, &[], "")]);
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    advance(Duration::from_mins(10)).await;
    let mine = relay.ask("GET", "/menu", &[("cookie", "user=1")]).await;
    assert!(cache_status(&mine).contains("fwd-status=304; stored"), "{}", cache_status(&mine));
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_clients_conditions_are_answered_here_and_not_sent() {
    let (relay, seen) = scripted(&[], &[(200, TAGGED, "menu"), (304, TAGGED, "")]);
    let asks = [("if-none-match", "\"b\", W/\"a\""), ("if-modified-since", "x")];

    let new = relay.ask("GET", "/menu", &asks).await;
    assert!(last_asked(&seen, "if-none-match").is_empty());
    assert_eq!((new.status().as_u16(), new.header("etag")), (304, Some("\"a\"")));
    drop(new);
    tokio::task::yield_now().await;

    let hit = relay.ask("GET", "/menu", &asks).await;
    assert_eq!((hit.status().as_u16(), hit.header("content-length")), (304, None));
    advance(Duration::from_mins(1)).await;
    let validated = relay.ask("GET", "/menu", &asks).await;
    assert_eq!(validated.status(), 304);
    assert_eq!(last_asked(&seen, "if-none-match"), ["\"a\""]);
    let other = relay.ask("GET", "/menu", &[("if-none-match", "\"b\"")]).await;
    assert_eq!(read(other).await.2, "menu");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_only_an_origin_evaluates_is_sent_where_nothing_is_stored() {
    let (relay, seen) = scripted(&[], &[(412, &[("cache-control", "max-age=60")], "")]);
    let answer = relay.ask("GET", "/menu", &[("if-match", "\"a\"")]).await;
    assert_eq!(
        (answer.status().as_u16(), last_asked(&seen, "if-match")),
        (412, vec!["\"a\"".to_owned()])
    );
    relay.ask("GET", "/menu", &[]).await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tag_of_our_own_is_for_hits_and_never_sent_upstream() {
    let (relay, seen) = scripted(&[], &[(200, &[("cache-control", "max-age=60")], "menu")]);
    let first = relay.get("/menu").await;
    assert_eq!(first.header("etag"), None);
    first.into_body().into_bytes().await.unwrap();
    let own = relay.get("/menu").await.header("etag").unwrap().to_owned();
    assert_eq!(relay.ask("GET", "/menu", &[("if-none-match", &own)]).await.status(), 304);

    advance(Duration::from_mins(1)).await;
    let alone = [("if-none-match", own.as_str()), ("cache-control", "no-store")];
    assert_eq!(relay.ask("GET", "/menu", &alone).await.status(), 200);
    assert!(last_asked(&seen, "if-none-match").is_empty());
    relay.get("/menu").await;
    assert!(last_asked(&seen, "if-none-match").is_empty());

    let (relay, _) = scripted(&["--add-etag=never"], &[(200, &[], "menu")]);
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    assert_eq!(relay.get("/menu").await.header("etag"), None);
}

#[tokio::test(start_paused = true)]
async fn head_freshens_or_ends_what_is_stored_for_get() {
    for (answer, body, status) in [
        ("\"a\"", "old", "lunch-relay; hit; ttl=60"),
        ("\"b\"", "new", "lunch-relay; fwd=uri-miss; stored; ttl=60"),
    ] {
        let mut asked = 0;
        let relay = Scenario::new(move |request| {
            asked += 1;
            let is_head = request.method() == "HEAD";
            let etag = if is_head || asked > 1 { answer } else { "\"a\"" };
            let fields = [("cache-control", "max-age=60"), ("etag", etag)];
            let body = if is_head { "" } else { ["old", "new"][usize::from(asked > 1)] };
            Ok(super::answer(200, &fields, body))
        });
        relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
        advance(Duration::from_mins(1)).await;
        let head = relay.ask("HEAD", "/menu", &[]).await;
        assert!(cache_status(&head).starts_with("lunch-relay; fwd=stale"));
        relay.expect("/menu", body, status).await;
    }
}

#[tokio::test(start_paused = true)]
async fn head_does_not_bring_back_what_a_write_ended_meanwhile() {
    let (release, gate) = oneshot::channel::<()>();
    let gate = gate.shared();
    let upstream = make(move |request: Request| {
        let gate = gate.clone();
        async move {
            if request.method() == "HEAD" {
                let _ = gate.await;
            }
            let fields = [("cache-control", "max-age=60"), ("etag", "\"a\"")];
            Ok::<_, poem::Error>(answer(200, &fields, "menu"))
        }
    });
    let relay = Scenario { cache: cache(&[], upstream.boxed()), asked: Arc::default() };
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    tokio::join!(async { relay.ask("HEAD", "/menu", &[]).await }, async {
        tokio::task::yield_now().await;
        relay.ask("PUT", "/menu", &[]).await;
        release.send(()).unwrap();
    });
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
}

#[tokio::test(start_paused = true)]
async fn a_head_answer_that_forbids_storing_ends_what_is_stored() {
    let mut asked = 0;
    let relay = Scenario::new(move |_| {
        asked += 1;
        let control = ["max-age=60", "no-store"][usize::from(asked == 2)];
        let fields = [("cache-control", control), ("etag", "\"a\"")];
        Ok(answer(200, &fields, ["old", "", "new"][asked - 1]))
    });
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    relay.ask("HEAD", "/menu", &[]).await;
    relay.expect("/menu", "new", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn a_date_asks_only_about_what_the_request_selects() {
    const DATE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
    let (relay, seen) = scripted(
        &[],
        &[(200, &[("vary", "x"), ("etag", "\"a\""), ("last-modified", DATE)], "menu")],
    );
    text(relay.ask("GET", "/menu", &[("x", "1")]).await).await;
    text(relay.ask("GET", "/menu", &[("x", "2")]).await).await;
    assert_eq!(last_asked(&seen, "if-none-match"), ["\"a\""]);
    assert!(last_asked(&seen, "if-modified-since").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_replaced_meanwhile_is_not_stored_again_by_the_answer_to_head() {
    let relay = scenario::Scenario::new(
        &["--default-ttl=60s"],
        ["200 | body: old!", "200 | body: old! | takes: 9", "200 | body: new!"],
    );
    relay.check("GET", "200 | body: old!").await;
    relay.after(60).await;
    tokio::join!(relay.check("HEAD", "200"), async {
        relay.after(1).await;
        relay.check("GET", "200 | body: new!").await;
    });
    relay.check("GET", "200 | hit | body: new!").await;
    relay.asked(3);
}
