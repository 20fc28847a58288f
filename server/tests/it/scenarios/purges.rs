//! What the operator purges, and what is left of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use server::{
    cache::{
        browse::Query,
        purge::{How, Mode, NotPurged, Purge, Purged, What},
    },
    exchange::Purpose,
};
use tokio::time::sleep;

use super::{Fields, Scenario, Slow, answer, send, text};

const TAGGED: Fields =
    &[("cache-control", "max-age=600, stale-while-revalidate=60"), ("cache-tag", "menus, all")];

fn purge(relay: &Scenario, what: What, how: How, mode: Mode) -> Result<Purged, NotPurged> {
    relay.cache.purge(&Purge { what, how, mode })
}

fn hard(relay: &Scenario, what: What) -> u64 {
    purge(relay, what, How::Hard, Mode::Real).unwrap().count
}

fn prefix(text: &str) -> What {
    What::Prefix(text.to_owned())
}

fn tag(text: &str) -> What {
    What::Tag(text.to_owned())
}

fn url(text: &str) -> What {
    What::Url(text.to_owned())
}

/// The paths that are stored.
fn stored(relay: &Scenario) -> BTreeSet<String> {
    relay.cache.list(&Query::default()).items.into_iter().map(|one| one.uri).collect()
}

/// A cache that has these paths; each has the tags `all` and its first segment.
async fn having(paths: &[&str]) -> Scenario {
    let mut count = 0;
    let relay = Scenario::new(move |request| {
        count += 1;
        let first = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        let mut answer = answer(200, &[("cache-control", "max-age=600")], format!("menu {count}"));
        let tags = format!("\"all\", \"{first}\"").parse().unwrap();
        answer.headers_mut().insert("cache-groups", tags);
        Ok(answer)
    });
    for path in paths {
        text(relay.get(path).await).await;
    }
    relay
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn each_kind_ends_what_it_names() {
    let all = ["/a/1", "/a/2?x", "/b/1", "/ab"];
    for (what, left) in [
        (url("/a/2?x"), &["/a/1", "/ab", "/b/1"][..]),
        (url("/a/2"), &all),
        (prefix("/a/"), &["/ab", "/b/1"]),
        (prefix("/a"), &["/b/1"]),
        (prefix("/"), &[]),
        (tag("a"), &["/ab", "/b/1"]),
        (tag("all"), &[]),
        (tag("A"), &all),
    ] {
        let relay = having(&all).await;
        let dry = purge(&relay, what.clone(), How::Hard, Mode::Dry).unwrap();
        assert_eq!(stored(&relay), set(&all), "{what:?}");
        let real = purge(&relay, what.clone(), How::Hard, Mode::Real).unwrap();
        assert_eq!(dry, real, "{what:?}");
        assert_eq!(stored(&relay), set(left), "{what:?}");
        assert_eq!(real.count, (all.len() - left.len()) as u64, "{what:?}");
        assert_eq!(real.examples.len() as u64, real.count);
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_purged_by_its_id() {
    let relay = having(&["/a", "/b"]).await;
    let id = relay.cache.list(&Query::default()).items[0].id.clone();
    assert_eq!(hard(&relay, What::Entry(id)), 1);
    assert_eq!(stored(&relay), set(&["/b"]));
}

#[tokio::test(start_paused = true)]
async fn what_names_nothing_is_refused() {
    let relay = having(&["/a"]).await;
    for what in [
        url("a"),
        url("/a b"),
        url("/../a"),
        prefix("a"),
        prefix(""),
        tag(""),
        tag(&"x".repeat(257)),
        What::Entry("?".to_owned()),
    ] {
        let refused = purge(&relay, what.clone(), How::Hard, Mode::Real);
        assert!(refused.is_err(), "{what:?}");
    }
    assert_eq!(stored(&relay), set(&["/a"]));
}

#[tokio::test(start_paused = true)]
async fn a_tag_ends_the_variants_that_have_it_alone() {
    let mut count = 0;
    let relay = Scenario::new(move |_| {
        count += 1;
        let mut answer = answer(200, &[("vary", "x")], "menu");
        let tag = format!("t{count}").parse().unwrap();
        answer.headers_mut().insert("surrogate-key", tag);
        Ok(answer)
    });
    for x in ["1", "2"] {
        text(relay.ask("GET", "/menu", &[("x", x)]).await).await;
    }
    assert_eq!(hard(&relay, tag("t1")), 1);
    let entry = relay.cache.list(&Query::default()).items.remove(0);
    assert_eq!((entry.variants, entry.tags), (1, vec!["t2".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_leaves_what_may_answer_stale_and_refreshes_it() {
    let relay = Scenario::counting(TAGGED);
    for _ in 0..2 {
        text(relay.get("/menu").await).await;
    }
    sleep(Duration::from_secs(5)).await;
    let purged = purge(&relay, tag("menus"), How::Soft, Mode::Real).unwrap();
    assert_eq!((purged.count, relay.asked()), (1, 1));
    // Before the refresh has brought anything it answers, stale.
    relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=0; detail=\"stale-while").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(relay.asked(), 2);
    relay.expect("/menu", "menu 2", "lunch-relay; hit; ttl=599").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_soft_purge_fetches_goes_behind_what_clients_ask_for() {
    let purposes = Arc::<Mutex<Vec<Purpose>>>::default();
    let relay = Scenario::new({
        let purposes = Arc::clone(&purposes);
        move |request| {
            purposes.lock().unwrap().extend(request.extensions().get::<Purpose>());
            Ok(answer(200, TAGGED, "menu"))
        }
    });
    for _ in 0..3 {
        text(relay.get("/menu").await).await;
    }
    purge(&relay, url("/menu"), How::Soft, Mode::Real).unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*purposes.lock().unwrap(), [Purpose::Client, Purpose::Refresh]);
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_does_not_fetch_what_nobody_has_asked_for_since() {
    let relay = Scenario::counting(TAGGED);
    for path in ["/a", "/b", "/b"] {
        text(relay.get(path).await).await;
    }
    assert_eq!(purge(&relay, prefix("/"), How::Soft, Mode::Real).unwrap().count, 2);
    sleep(Duration::from_secs(1)).await;
    // Of the two, one has answered somebody.
    assert_eq!(relay.asked(), 3);
    relay.expect("/b", "menu 3", "lunch-relay; hit; ttl=599").await;
    relay.expect("/a", "menu 1", "lunch-relay; hit; ttl=-1; detail=\"stale-while").await;
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_of_what_may_not_be_stale_has_it_validated() {
    let mut asked = 0;
    let relay = Scenario::new(move |_| {
        asked += 1;
        let fields: Fields = &[("cache-control", "s-maxage=600"), ("etag", "\"a\"")];
        Ok(answer(if asked == 1 { 200 } else { 304 }, fields, "menu"))
    });
    text(relay.get("/menu").await).await;
    assert_eq!(purge(&relay, url("/menu"), How::Soft, Mode::Real).unwrap().count, 1);
    relay.expect("/menu", "menu", "lunch-relay; fwd=stale; fwd-status=304").await;
    relay.expect("/menu", "menu", "lunch-relay; hit; ttl=600").await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_waits_for_the_one_before_it() {
    let upstream = Slow::new(&[], TAGGED);
    for path in ["/a", "/b"] {
        let body = upstream.body();
        let first = upstream.relay.get(path).await;
        send(&body, "old");
        drop(body);
        text(first).await;
        text(upstream.relay.get(path).await).await;
    }
    purge(&upstream.relay, prefix("/"), How::Soft, Mode::Real).unwrap();
    let (one, other) = (upstream.body(), upstream.body());
    for body in [one, other] {
        send(&body, "new");
        drop(body);
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(upstream.relay.asked(), 4);
    upstream.relay.expect("/a", "new", "lunch-relay; hit").await;
    upstream.relay.expect("/b", "new", "lunch-relay; hit").await;
}

/// A purge while an answer is on its way: who waits has it, nobody after.
async fn beside_a_flight(what: What, how: How) {
    let upstream = Slow::new(&[], TAGGED);
    let (old, new) = (upstream.body(), upstream.body());
    let waiting = upstream.relay.get("/menu").await;
    purge(&upstream.relay, what.clone(), how, Mode::Real).unwrap();
    send(&old, "old");
    send(&new, "new");
    drop((old, new));
    assert_eq!(text(waiting).await, "old", "{what:?}");
    upstream.relay.expect("/menu", "new", "lunch-relay; fwd=uri-miss; stored").await;
    upstream.relay.expect("/menu", "new", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_not_stored_after_a_purge() {
    for how in [How::Hard, How::Soft] {
        for what in [url("/menu"), prefix("/m"), tag("menus")] {
            beside_a_flight(what, how).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_and_not_meant_is_stored() {
    for what in [url("/other"), prefix("/menus"), tag("others")] {
        let upstream = Slow::new(&[], TAGGED);
        let body = upstream.body();
        let waiting = upstream.relay.get("/menu").await;
        assert_eq!(hard(&upstream.relay, what.clone()), 0);
        // Nor by a purge that is only counted.
        purge(&upstream.relay, prefix("/"), How::Hard, Mode::Dry).unwrap();
        send(&body, "menu");
        drop(body);
        text(waiting).await;
        upstream.relay.expect("/menu", "menu", "lunch-relay; hit").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_ends_the_groups_that_its_answer_names() {
    let relay = Scenario::new(|request| {
        let fields: Fields = match request.uri().path() {
            "/vote" => &[("cache-group-invalidation", "\"results\"")],
            "/a" => &[("cache-groups", "\"results\", \"x\"")],
            _ => &[("cache-groups", "\"x\"")],
        };
        Ok(answer(200, fields, "menu"))
    });
    for path in ["/a", "/b"] {
        text(relay.get(path).await).await;
    }
    // RFC 9875 §3: it "MUST be ignored on responses to requests that have a safe method".
    text(relay.get("/vote").await).await;
    assert_eq!(stored(&relay), set(&["/a", "/b", "/vote"]));
    text(relay.ask("POST", "/vote", &[]).await).await;
    assert_eq!(stored(&relay), set(&["/b"]));
}
