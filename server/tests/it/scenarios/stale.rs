//! Stale answers (RFC 9111 §4.2.4, RFC 5861).

use server::exchange::{Asker, Purpose};

use super::*;
use crate::scenario;

#[tokio::test(start_paused = true)]
async fn a_stale_answer_serves_while_it_is_fetched_anew() {
    let (relay, _) = scripted(
        &[],
        &[
            (200, &[("cache-control", "max-age=60, stale-while-revalidate=30")], "old"),
            (200, &[("cache-control", "max-age=60")], "new"),
        ],
    );
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_secs(89)).await;
    let stale = relay.get("/menu").await;
    assert_eq!(stale.header("age"), Some("89"));
    let status = "lunch-relay; hit; ttl=-29; detail=\"stale-while-revalidate, RFC 5861 3\"";
    assert_eq!(read(stale).await, (200, status.to_owned(), "old".to_owned()));
    tokio::time::sleep(Duration::from_millis(1)).await;
    relay.expect("/menu", "new", "lunch-relay; hit; ttl=").await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn past_its_window_a_stale_answer_is_not_given() {
    let (relay, _) = scripted(
        &[],
        &[
            (200, &[("cache-control", "max-age=60, stale-while-revalidate=30")], "old"),
            (200, &[], "new"),
        ],
    );
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_secs(90)).await;
    relay.expect("/menu", "new", "lunch-relay; fwd=stale; stored").await;
}

#[tokio::test(start_paused = true)]
async fn one_refresh_goes_on_behind_all_stale_answers() {
    let upstream = Slow::new(&["--stale-while-revalidate=1h"], &[("cache-control", "max-age=60")]);
    let body = upstream.body();
    send(&body, "old");
    drop(body);
    upstream.relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    let body = upstream.body();
    for _ in 0..100 {
        upstream.relay.expect("/menu", "old", "lunch-relay; hit; ttl=0; detail=").await;
        tokio::task::yield_now().await;
    }
    assert_eq!(upstream.relay.asked(), 2);
    send(&body, "new");
    drop(body);
    tokio::time::sleep(Duration::from_millis(1)).await;
    upstream.relay.expect("/menu", "new", "lunch-relay; hit; ttl=").await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_changes_nothing() {
    let (relay, _) = scripted(
        &["--stale-while-revalidate=1h"],
        &[(200, &[("cache-control", "max-age=60")], "old"), (0, &[], "refused")],
    );
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    for _ in 0..3 {
        relay.expect("/menu", "old", "lunch-relay; hit; ttl=").await;
        advance(Duration::from_secs(1)).await;
    }
}

/// Asks for what has been stale for ten seconds while the upstream answers
/// with this status (0 for not at all).
async fn stale_by_ten(
    flags: &[&str],
    control: &'static str,
    status: u16,
    asks: &[(&str, &str)],
) -> (u16, String, String) {
    let mut asked = 0;
    let relay = Scenario::with_flags(flags, move |_| {
        asked += 1;
        match (asked, status) {
            (1, _) => Ok(answer(200, &[("cache-control", control)], "old")),
            (_, 0) => Err(Failure::Unreachable("refused".to_owned()).into()),
            _ => Ok(answer(status, &[], "error")),
        }
    });
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_secs(70)).await;
    read(relay.ask("GET", "/menu", asks).await).await
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_stands_in_for_an_error() {
    let control = "max-age=60, stale-if-error=11";
    for (status, said) in
        [(0, ""), (500, "; fwd-status=500"), (503, "; fwd-status=503"), (429, "; fwd-status=429")]
    {
        let line =
            format!("lunch-relay; fwd=stale{said}; ttl=-10; detail=\"stale-if-error, RFC 5861 4\"");
        let answer = stale_by_ten(&[], control, status, &[]).await;
        assert_eq!(answer, (200, line, "old".to_owned()), "{status}");
    }
    // Not an error: the upstream has something else to say.
    assert_eq!(stale_by_ten(&[], control, 404, &[]).await.0, 404);
    assert_eq!(stale_by_ten(&[], "max-age=60, stale-if-error=10", 503, &[]).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn the_flag_the_response_and_the_request_open_the_window() {
    let flag = ["--stale-if-error=1h"];
    let asks = [("cache-control", "stale-if-error=11")];
    assert_eq!(stale_by_ten(&[], "max-age=60", 0, &[]).await.0, 502);
    assert_eq!(stale_by_ten(&flag, "max-age=60", 0, &[]).await.0, 200);
    assert_eq!(stale_by_ten(&flag, "max-age=60, stale-if-error=0", 0, &[]).await.0, 502);
    assert_eq!(stale_by_ten(&[], "max-age=60", 0, &asks).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn what_must_be_validated_is_never_stale() {
    let flags = ["--stale-if-error=1h", "--stale-while-revalidate=1h"];
    let max_stale = [("cache-control", "max-stale")];
    for control in [
        "max-age=60, must-revalidate",
        "max-age=60, proxy-revalidate",
        "s-maxage=60",
        "max-age=60, must-revalidate, stale-if-error=99",
    ] {
        let (status, line, _) = stale_by_ten(&flags, control, 0, &max_stale).await;
        assert_eq!(status, 502, "{control}");
        assert_eq!(line, "lunch-relay; fwd=stale; detail=destination_unavailable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_take_a_stale_answer_and_nobody_is_asked() {
    let control = [("cache-control", "max-stale=11")];
    let (status, line, body) = stale_by_ten(&[], "max-age=60", 503, &control).await;
    assert_eq!((status, body.as_str()), (200, "old"));
    assert_eq!(
        line,
        "lunch-relay; hit; ttl=-10; detail=\"max-stale in request, RFC 9111 5.2.1.2\""
    );
    let control = [("cache-control", "max-stale=9")];
    assert_eq!(stale_by_ten(&[], "max-age=60", 503, &control).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_with_what_stands_in() {
    let mut asked = 0;
    let relay = Scenario::with_flags(&["--stale-if-error=1h"], move |_| {
        asked += 1;
        if asked == 1 {
            Ok(answer(200, &[("cache-control", "max-age=60")], "old"))
        } else {
            Err(Failure::Unreachable("refused".to_owned()).into())
        }
    });
    relay.expect("/menu", "old", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    let head = relay.ask("HEAD", "/menu", &[]).await;
    assert_eq!((head.status().as_u16(), head.header("content-length")), (200, Some("3")));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_stored_any_more_is_not_served_stale() {
    for control in ["no-store", "private"] {
        let mut count = 0;
        let flags = ["--stale-while-revalidate=1h", "--stale-if-error=1h"];
        let relay = Scenario::with_flags(&flags, move |_| {
            count += 1;
            let control = if count == 1 { "max-age=60" } else { control };
            Ok(answer(200, &[("cache-control", control)], format!("menu {count}")))
        });
        relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss").await;
        advance(Duration::from_secs(61)).await;
        relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=-1").await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        relay.expect("/menu", "menu 3", "lunch-relay; fwd=uri-miss").await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_upstream_says_what_it_is_for_and_for_whom() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let relay = Scenario::with_flags(&["--stale-while-revalidate=1h"], {
        let said = Arc::clone(&said);
        move |request| {
            let purpose = *request.extensions().get::<Purpose>().unwrap();
            let asker = request.extensions().get::<Asker>().unwrap().0.to_string();
            said.lock().unwrap().push((purpose, asker));
            Ok(answer(200, &[("cache-control", "max-age=60")], "menu"))
        }
    });
    let ask = async |method: &str, address: &str| {
        let mut asking = head(method, "/menu", &[]);
        let address: std::net::SocketAddr = format!("{address}:1").parse().unwrap();
        asking.remote = poem::web::RemoteAddr(address.into());
        text(relay.cache.answer(asking, Body::empty()).await).await;
        tokio::task::yield_now().await;
    };
    ask("GET", "192.0.2.1").await;
    advance(Duration::from_mins(1)).await;
    ask("GET", "192.0.2.2").await;
    ask("PUT", "192.0.2.3").await;
    let expected = [
        (Purpose::Client, "192.0.2.1".to_owned()),
        (Purpose::Refresh, "192.0.2.2".to_owned()),
        (Purpose::PassThrough, "192.0.2.3".to_owned()),
    ];
    assert_eq!(*said.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_many_ask_for_is_fetched_anew_before_it_is_stale() {
    let relay = crate::scenario::origin(["200 | max-age=100"]);
    relay.check("GET", "200 | body: menu 1").await;
    relay.after(84).await;
    for _ in 0..50 {
        relay.check("GET", "200 | hit").await;
    }
    relay.asked(1);
    relay.after(12).await;
    for _ in 0..9 {
        relay.check("GET", "200 | hit | age: 96").await;
        relay.after(0).await;
    }
    relay.asked(1);
    relay.check("GET", "200 | hit | age: 96 | body: menu 1").await;
    relay.after(0).await;
    relay.asked(2);
    relay.check("GET", "200 | hit | age: 0 | body: menu 2").await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_ahead_of_time_that_fails_is_the_only_one() {
    let relay = crate::scenario::origin(["200 | max-age=100", "refused"]);
    relay.check("GET", "200").await;
    relay.after(96).await;
    for _ in 0..50 {
        relay.check("GET", "200 | hit | body: menu 1").await;
        relay.after(0).await;
    }
    relay.asked(2);
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_for_seconds_is_not_fetched_ahead_of_time() {
    let relay = crate::scenario::origin(["200 | max-age=9"]);
    relay.check("GET", "200").await;
    relay.after(8).await;
    for _ in 0..50 {
        relay.check("GET", "200 | hit | body: menu 1").await;
        relay.after(0).await;
    }
    relay.asked(1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_for_a_head_request_is_a_get() {
    let flags = ["--default-ttl=60s", "--stale-while-revalidate=1h"];
    let relay = scenario::Scenario::new(&flags, ["200"]);
    relay.check("GET", "200 | body: menu 1").await;
    relay.after(60).await;
    relay.check("HEAD", "200 | hit").await;
    relay.after(0).await;
    relay.upstream_got("GET");
    relay.check("GET", "200 | hit | body: menu 2 | age: 0").await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_for_one_with_a_cookie_brings_what_can_be_stored() {
    let flags = ["--default-ttl=60s", "--stale-while-revalidate=1h"];
    let relay = scenario::Scenario::new(&flags, ["200"]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    for _ in 0..5 {
        relay.check("GET | cookie: a=b", "200 | hit").await;
        relay.after(1).await;
    }
    relay.asked(2);
}
