//! What the upstream is spared, by how and by rule.

use server::cache::{
    rules::{Rule, RuleName},
    saved::{By, Figures, Spared},
};

use super::*;

/// A cache with a rule for `/menu/**` and the flags for the rest, both with
/// wide windows for stale answers.
fn with_rules(script: impl FnMut(Request) -> poem::Result<Response> + Send + 'static) -> Scenario {
    let hour = Duration::from_hours(1);
    let windows =
        Rule { stale_while_revalidate: hour, stale_if_error: 24 * hour, ..Rule::default() };
    let name = RuleName::Numbered { number: 1, label: "menus".to_owned() };
    let menus = Rule { name, path: "/menu/**".parse().unwrap(), ..windows.clone() };
    let script = Mutex::new(script);
    let upstream = make(move |request| {
        let answer = script.lock().unwrap()(request);
        async move { answer }
    });
    let cache = cache_with(&[], Rules::new(vec![menus], windows), upstream.boxed());
    Scenario { cache, asked: Arc::default() }
}

impl Scenario {
    /// Checks what has been saved (requests, bytes of bodies) in one way by the
    /// rule for menus, and that nothing else has been saved by it.
    #[track_caller]
    fn saved(&self, by: By, requests: u64, bytes: u64) {
        let menus = self.by_rule("rule 1 (menus)");
        assert_eq!(menus.by(by), Spared { requests, bytes }, "{by:?}: {menus:?}");
        assert_eq!(menus.bytes(), bytes, "{menus:?}");
    }

    #[track_caller]
    fn by_rule(&self, name: &str) -> Figures {
        let figures = self.cache.saved().figures();
        figures.iter().find(|(rule, _)| rule == name).expect("the rule is counted").1
    }
}

const PATH: &str = "/menu/today";
const FRESH: Fields = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];

#[tokio::test(start_paused = true)]
async fn a_hit_is_counted_to_the_rule_of_its_path() {
    let relay = with_rules(|_| Ok(answer(200, FRESH, "0123456789")));
    for path in [PATH, "/other"] {
        text(relay.get(path).await).await;
        relay.saved(By::Hit, 0, 0);
    }
    text(relay.get("/other").await).await;
    relay.saved(By::Hit, 0, 0);
    assert_eq!(relay.by_rule("flags").by(By::Hit), Spared { requests: 1, bytes: 10 });

    // Bytes are those of the answer, not of what is stored.
    for (method, fields, bytes) in [
        ("GET", [("x", "")], 10),
        ("HEAD", [("x", "")], 10),
        ("GET", [("if-none-match", "\"a\"")], 10),
        ("GET", [("range", "bytes=2-4")], 13),
        ("GET", [("range", "bytes=10-")], 13),
    ] {
        let before = relay.by_rule("rule 1 (menus)").by(By::Hit).requests;
        text(relay.ask(method, PATH, &fields).await).await;
        relay.saved(By::Hit, before + 1, bytes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_counted_and_so_is_the_304_behind_it() {
    let mut first = true;
    let relay = with_rules(move |_| {
        let status = if std::mem::replace(&mut first, false) { 200 } else { 304 };
        Ok(answer(status, FRESH, if status == 200 { "0123456789" } else { "" }))
    });
    text(relay.get(PATH).await).await;
    advance(Duration::from_mins(2)).await;
    text(relay.get(PATH).await).await;
    relay.saved(By::Stale, 1, 10);
    tokio::time::sleep(Duration::from_millis(1)).await;
    // The upstream was asked once more, and its body was spared.
    let menus = relay.by_rule("rule 1 (menus)");
    assert_eq!(menus.by(By::Validated), Spared { requests: 1, bytes: 10 });
    assert_eq!((menus.requests(), menus.bytes()), (1, 20));
}

#[tokio::test(start_paused = true)]
async fn a_304_for_a_waiting_client_spares_the_body_alone() {
    let mut first = true;
    let relay = with_rules(move |_| {
        let status = if std::mem::replace(&mut first, false) { 200 } else { 304 };
        Ok(answer(status, FRESH, if status == 200 { "0123456789" } else { "" }))
    });
    text(relay.get(PATH).await).await;
    advance(Duration::from_hours(2)).await;
    relay.expect(PATH, "0123456789", "lunch-relay; fwd=stale; fwd-status=304; stored").await;
    relay.saved(By::Validated, 1, 10);
    assert_eq!(relay.by_rule("rule 1 (menus)").requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_in_the_place_of_an_error_is_counted() {
    for status in [0, 503] {
        let mut first = true;
        let relay = with_rules(move |_| match (std::mem::replace(&mut first, false), status) {
            (true, _) => Ok(answer(200, FRESH, "0123456789")),
            (false, 0) => Err(Failure::Unreachable("refused".to_owned()).into()),
            (false, status) => Ok(answer(status, &[], "error")),
        });
        text(relay.get(PATH).await).await;
        advance(Duration::from_hours(2)).await;
        relay.expect(PATH, "0123456789", "lunch-relay; fwd=stale").await;
        relay.saved(By::Stale, 1, 10);
        assert_eq!(relay.by_rule("flags"), Figures::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_counted_and_its_bytes_as_it_reads_them() {
    let (body, pieces) = mpsc::unbounded_channel::<io::Result<Bytes>>();
    let mut pieces = Some(pieces);
    let relay = with_rules(move |_| {
        let pieces = pieces.take().expect("one request");
        let body = stream::unfold(pieces, |mut pieces| async {
            pieces.recv().await.map(|piece| (piece, pieces))
        });
        Ok(answer(200, FRESH, Body::from_bytes_stream(body)))
    });
    let leader = relay.get(PATH).await;
    let follower = relay.get(PATH).await;
    let gone = relay.get(PATH).await;
    let has_it = relay.ask("GET", PATH, &[("if-none-match", "\"a\"")]).await;
    assert_eq!(has_it.status(), 304);
    relay.saved(By::Collapsed, 3, 0);
    drop(gone);
    send(&body, "01234");
    send(&body, "56789");
    drop(body);
    for answer in [leader, follower] {
        assert_eq!(text(answer).await, "0123456789");
    }
    relay.saved(By::Collapsed, 3, 10);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_told_to_all_who_wait_is_counted_though_it_is_not_stored() {
    let relay = with_rules(|_| Ok(answer(500, &[], "error")));
    let (first, second) = tokio::join!(relay.get(PATH), relay.get(PATH));
    for answer in [first, second] {
        assert_eq!(text(answer).await, "error");
    }
    relay.saved(By::Collapsed, 1, 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_the_upstream_saves_nothing() {
    let relay = with_rules(|_| Ok(answer(200, &[("cache-control", "no-store")], "menu")));
    for method in ["GET", "GET", "HEAD", "PUT"] {
        text(relay.ask(method, PATH, &[]).await).await;
    }
    let only = [("cache-control", "only-if-cached")];
    assert_eq!(relay.ask("GET", PATH, &only).await.status(), 504);
    for (rule, figures) in relay.cache.saved().figures() {
        assert_eq!(figures, Figures::default(), "{rule}");
    }
}
