//! Answers that a rule's guard calls worse than what is stored.

use server::cache::{
    guard::Guard,
    rules::{NegativeTtl, Rule, Rules},
};

use super::*;
use crate::scenario;

const FULL: &str = r#"200 | body: {"menu":["fish"]}"#;
const EMPTY: &str = r#"200 | body: {"menu":[]}"#;
const KEPT: &str =
    r#"200 | fwd=stale; detail="better than the answer, rule" | body: {"menu":["fish"]}"#;

/// A rule whose answers are fresh for a minute and kept for an hour.
fn guarded() -> Rule {
    Rule {
        ttl: Duration::from_mins(1),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        guard: Some(Arc::new(Guard {
            non_empty: "/menu".parse().unwrap(),
            keep_better_for: Duration::from_hours(1),
        })),
        ..Rule::default()
    }
}

fn over<const N: usize>(rule: Rule, answers: [&'static str; N]) -> scenario::Scenario {
    scenario::Scenario::ruled(Rules::new(vec![rule], Rule::default()), answers)
}

#[tokio::test(start_paused = true)]
async fn a_worse_answer_does_not_replace_a_better_one_for_as_long_as_the_rule_says() {
    for worse in [
        EMPTY,
        "200 | body: <h1>Soon back</h1>",
        "200 | breaks off: {\"menu\":[",
        "200 | content-length: 99 | body: {\"menu\":[\"x\"]}",
        "500",
        "503 | max-age=60",
        "refused",
    ] {
        let relay = over(guarded(), [FULL, worse]);
        relay.check("GET", "200").await;
        relay.after(60).await;
        relay.check("GET", &format!("{KEPT} | age: 60")).await;
        relay.after(3539).await;
        relay.check("GET", &format!("{KEPT} | age: 3599")).await;
        relay.after(1).await;
        let status = worse.parse().unwrap_or(if worse == "refused" { 502 } else { 200 });
        let status = if worse.starts_with("503") { 503 } else { status };
        // What lingers for those who ask at once is over.
        relay.after(10).await;
        relay.check("GET", &format!("{status} | !hit")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn better_what_is_good_or_of_another_kind_replaces_what_is_stored() {
    for (other, status, body) in [
        (r#"200 | body: {"menu":["soup"]}"#, 200, r#"{"menu":["soup"]}"#),
        ("404 | body: closed", 404, "closed"),
        ("200 | content-encoding: gzip | body: {\"menu\":[]}", 200, "{\"menu\":[]}"),
    ] {
        let relay = over(guarded(), [FULL, other]);
        relay.check("GET", "200").await;
        relay.after(60).await;
        relay.check("GET", &format!("{status} | stored | body: {body}")).await;
        relay.check("GET", &format!("{status} | hit | body: {body}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_stored_where_nothing_better_is() {
    let relay = over(guarded(), [EMPTY, EMPTY, FULL]);
    relay.check("GET", r#"200 | stored | body: {"menu":[]}"#).await;
    relay.after(60).await;
    relay.check("GET", r#"200 | fwd=stale; stored | body: {"menu":[]}"#).await;
    relay.after(60).await;
    relay.check("GET", r#"200 | stored | body: {"menu":["fish"]}"#).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_better_one_is_kept_the_upstream_is_asked_as_for_what_is_not_found() {
    let relay = over(guarded(), [FULL, EMPTY]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    for _ in 0..9 {
        relay.check("GET", KEPT).await;
        relay.after(1).await;
    }
    relay.asked(2);
    relay.after(1).await;
    relay.check("GET", KEPT).await;
    relay.asked(3);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_or_must_be_validated_is_not_kept() {
    let began = Clock::start().now();
    let seconds = began.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let minute = (seconds / 60 + 2) % (24 * 60);
    let soon = format!("{:02}:{:02} UTC", minute / 60, minute % 60).parse().unwrap();
    let relay = over(Rule { expires_at: Some(soon), ..guarded() }, [FULL, EMPTY]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    relay.after(60).await;
    relay.check("GET", r#"200 | body: {"menu":[]}"#).await;

    let relay =
        over(guarded(), [r#"200 | max-age=60, must-revalidate | body: {"menu":["fish"]}"#, EMPTY]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    relay.check("GET", r#"200 | body: {"menu":[]}"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_behind_keeps_the_better_one_too() {
    let swr = Duration::from_hours(1);
    let relay = over(Rule { stale_while_revalidate: swr, ..guarded() }, [FULL, EMPTY, EMPTY, FULL]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    for _ in 0..25 {
        relay.check("GET", r#"200 | hit | body: {"menu":["fish"]}"#).await;
        relay.after(1).await;
    }
    relay.asked(4);
    relay.check("GET", r#"200 | hit | body: {"menu":["fish"]} | age: 2"#).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_guard_reads_is_asked_for_without_codings() {
    let relay = over(guarded(), [FULL]);
    relay.check("GET | accept-encoding: gzip | accept: a", "200").await;
    relay.upstream_got("GET | accept: a | -accept-encoding");
}

#[tokio::test(start_paused = true)]
async fn content_that_is_too_large_to_be_looked_into_arrives_whole() {
    let large = vec![b' '; 600 << 10];
    let pieces = [large.clone(), large.clone(), b"x".to_vec()];
    let count = AtomicUsize::new(0);
    let upstream = make(move |_| {
        let body = match count.fetch_add(1, Ordering::Relaxed) {
            0 => Body::from(r#"{"menu":["fish"]}"#),
            _ => Body::from_bytes_stream(stream::iter(pieces.clone().map(Ok::<_, io::Error>))),
        };
        async move { Ok::<_, poem::Error>(answer(200, &[], body)) }
    });
    let rules = Rules::new(vec![guarded()], Rule::default());
    let cache = cache_with(&[], rules, upstream.boxed());
    for expected in [17, (1200 << 10) + 1] {
        let answer = cache.answer(head("GET", "/menu", &[]), Body::empty()).await;
        assert_eq!(answer.into_body().into_vec().await.unwrap().len(), expected);
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(cache.figures().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_guard_keeps_from_the_upstream_selects_nothing_that_is_shared() {
    for answer in [
        "503 | vary: accept-encoding | takes: 1",
        "200 | max-age=0 | vary: accept-encoding | takes: 1",
    ] {
        let relay = over(guarded(), [answer]);
        tokio::join!(
            relay.check("GET | accept-encoding: gzip", "!collapsed"),
            relay.check("GET | accept-encoding: gzip", "collapsed"),
            relay.check("GET | accept-encoding: br", "collapsed"),
        );
        relay.asked(1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_better_one_that_has_ended_is_given_to_nobody_who_comes_then() {
    let began = Clock::start().now();
    let seconds = began.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let minute = (seconds / 60 + 3) % (24 * 60);
    let until = 180 - seconds % 60;
    let soon = format!("{:02}:{:02} UTC", minute / 60, minute % 60).parse().unwrap();
    let relay = over(Rule { expires_at: Some(soon), ..guarded() }, [FULL, EMPTY]);
    relay.check("GET", "200").await;
    relay.after(until - 5).await;
    relay.check("GET", r#"200 | body: {"menu":["fish"]}"#).await;
    relay.after(6).await;
    relay.check("GET", r#"200 | body: {"menu":[]}"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_better_one_is_not_kept_longer_by_how_often_the_upstream_is_asked() {
    let negative_ttl = NegativeTtl::new(Duration::from_hours(10));
    let relay = over(Rule { negative_ttl, ..guarded() }, [FULL, EMPTY]);
    relay.check("GET", "200").await;
    relay.after(60).await;
    relay.check("GET", r#"200 | body: {"menu":["fish"]}"#).await;
    relay.after(3600).await;
    relay.check("GET", r#"200 | body: {"menu":[]}"#).await;
}

/// A cache that has a full menu, which is stale, before an upstream whose next
/// answer has a body of these pieces.
async fn stale_before<S>(pieces: impl Fn() -> S + Send + Sync + 'static) -> Arc<Cache>
where
    S: futures_util::Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    let count = AtomicUsize::new(0);
    let upstream = make(move |_| {
        let body = match count.fetch_add(1, Ordering::Relaxed) {
            0 => Body::from(r#"{"menu":["fish"]}"#),
            _ => Body::from_bytes_stream(pieces()),
        };
        async move { Ok::<_, poem::Error>(answer(200, &[], body)) }
    });
    let rules = Rules::new(vec![guarded()], Rule::default());
    let cache = cache_with(&[], rules, upstream.boxed());
    let answer = cache.answer(head("GET", "/menu", &[]), Body::empty()).await;
    answer.into_body().into_vec().await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    cache
}

#[tokio::test(start_paused = true)]
async fn content_that_keeps_dripping_is_not_waited_for() {
    let cache = stale_before(|| {
        stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok(Bytes::from_static(b" "))
        })
    })
    .await;
    let began = tokio::time::Instant::now();
    let answer = cache.answer(head("GET", "/menu", &[]), Body::empty()).await;
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!(text(answer).await, r#"{"menu":["fish"]}"#);
}

#[tokio::test(start_paused = true)]
async fn what_a_guard_reads_counts_piece_by_piece() {
    let cache = stale_before(|| {
        let pieces = stream::repeat_with(|| Ok(Bytes::from_static(b" ")));
        pieces.take(10_000).chain(stream::pending())
    })
    .await;
    let (waiter, reader) = (Arc::clone(&cache), head("GET", "/menu", &[]));
    let waiting = tokio::spawn(async move { waiter.answer(reader, Body::empty()).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(10_000 * 64 < cache.figures().in_flight, "{:?}", cache.figures());
    waiting.await.unwrap();
    assert_eq!(cache.figures().in_flight, 0);
}
