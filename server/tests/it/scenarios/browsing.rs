//! What the operator sees of what is stored.

use std::time::Duration;

use server::cache::browse::{Query, Sort};
use tokio::time::advance;

use super::{Scenario, answer, text};

/// A cache that has three entries, one with two variants.
async fn three() -> Scenario {
    let relay = Scenario::new(|request| {
        let path = request.uri().path();
        let control = if path == "/b" { "max-age=10" } else { "max-age=60" };
        let tags = if path == "/a" { "fish soup" } else { "soup" };
        let mut answer = answer(200, &[], format!("body of {path}"));
        let headers = answer.headers_mut();
        headers.insert("cache-control", control.parse().unwrap());
        headers.insert("surrogate-key", tags.parse().unwrap());
        if path == "/b" {
            headers.insert("vary", "x".parse().unwrap());
        }
        Ok(answer)
    });
    for (path, x) in
        [("/a", "1"), ("/b", "1"), ("/b", "2"), ("/c?q", "1"), ("/a", "1"), ("/a", "1")]
    {
        text(relay.ask("GET", path, &[("x", x)]).await).await;
    }
    relay
}

fn uris(relay: &Scenario, query: &Query) -> Vec<String> {
    relay.cache.list(query).items.into_iter().map(|one| one.uri).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_says_how_things_stand_with_each_entry() {
    let relay = three().await;
    advance(Duration::from_secs(15)).await;
    let page = relay.cache.list(&Query::default());
    assert_eq!((page.total, page.page, page.pages), (3, 1, 1));
    let [a, b, c] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((&*a.uri, &*b.uri, &*c.uri), ("/a", "/b", "/c?q"));
    assert_eq!((a.status, a.age, a.ttl, a.stale), (200, 15, 45, false));
    assert_eq!((b.age, b.ttl, b.stale, b.variants), (15, -5, true, 2));
    assert_eq!((a.hits, b.hits, c.hits), (2, 0, 0));
    assert_eq!((a.bytes, b.bytes), ("body of /a".len() as u64, 2 * "body of /b".len() as u64));
    assert_eq!(a.tags, ["fish", "soup"]);
    assert_eq!(&*a.rule, "flags");
}

#[tokio::test(start_paused = true)]
async fn a_list_is_searched_sorted_and_paged() {
    let relay = three().await;
    let query = |text: &str, tag: &str, sort| Query {
        text: text.to_owned(),
        tag: tag.to_owned(),
        sort,
        ..Query::default()
    };
    assert_eq!(uris(&relay, &query("Q", "", Sort::Uri)), ["/c?q"]);
    assert_eq!(uris(&relay, &query("", "fish", Sort::Uri)), ["/a"]);
    assert_eq!(uris(&relay, &query("", "", Sort::Hits)), ["/a", "/b", "/c?q"]);
    assert_eq!(uris(&relay, &query("", "", Sort::Ttl)), ["/b", "/a", "/c?q"]);
    let second = Query { page: 2, per_page: 2, ..Query::default() };
    assert_eq!(uris(&relay, &second), ["/c?q"]);
    let far = Query { page: u64::MAX, ..Query::default() };
    assert_eq!(uris(&relay, &far), Vec::<String>::new());
    assert_eq!(relay.cache.list(&far).total, 3);
}

#[tokio::test(start_paused = true)]
async fn an_entry_says_why_it_is_stored_and_how_fresh_each_variant_is() {
    let relay = three().await;
    advance(Duration::from_secs(15)).await;
    let id = |uri: &str| {
        let listed = relay.cache.list(&Query::default()).items;
        listed.into_iter().find(|one| one.uri == uri).unwrap().id
    };
    let entry = relay.cache.entry(&id("/b")).unwrap();
    assert_eq!((&*entry.uri, entry.variants.len()), ("/b", 2));
    let variant = &entry.variants[0];
    assert_eq!(variant.selected_by[0].name, "x");
    assert!(variant.headers.iter().any(|line| line.name == "vary"));
    assert_eq!(&*variant.stored_because.because, "max-age");
    assert_eq!(&*variant.stored_because.section, "RFC 9111 5.2.2.1");
    let freshness = &variant.freshness;
    assert_eq!((freshness.current_age, freshness.freshness_lifetime, freshness.ttl), (15, 10, -5));
    assert_eq!(freshness.current_age, freshness.corrected_initial_age + freshness.resident_time);
    assert!(!freshness.fresh);
    assert_eq!(freshness.lifetime_from, "the response");

    // A hit counts for the variant that answers, and what takes its place goes on counting.
    let a = relay.cache.entry(&id("/a")).unwrap();
    assert_eq!((a.hits, a.variants[0].hits), (2, 2));
    for none in ["", "x", "L25vdGhpbmc", "../../etc", &"A".repeat(100_000)] {
        assert!(relay.cache.entry(none).is_none(), "{none}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_place_of_a_response_goes_on_counting_its_hits() {
    let relay = Scenario::counting(&[("cache-control", "max-age=60")]);
    for _ in 0..3 {
        text(relay.get("/menu").await).await;
    }
    let hits = || relay.cache.list(&Query::default()).items[0].hits;
    let before = hits();
    assert!(0 < before);
    advance(Duration::from_secs(61)).await;
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=stale; stored").await;
    relay.expect("/menu", "menu 2", "lunch-relay; hit").await;
    assert_eq!(hits(), before + 1);
}
