//! The cache before a shared tier, in simulated time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{BoxFuture, join_all, ready};
use server::exchange::{
    ending::Ending,
    tier::{Kept, Mark, Said, Tier, Turn},
};
use tokio::time::advance;

use super::{Scenario, cache_status, read};

/// A tier in memory, which counts how often it is asked.
#[derive(Debug, Default)]
struct Memory {
    values: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<usize>,
    is_away: Mutex<bool>,
}

impl Tier for Memory {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Said> {
        *self.asked.lock().unwrap() += 1;
        let value = self.values.lock().unwrap().get(key).cloned();
        Box::pin(ready(match value {
            _ if *self.is_away.lock().unwrap() => Said::Away,
            Some(value) => Said::Value(value.into()),
            None => Said::Nothing(Mark::default()),
        }))
    }

    fn lease<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Turn> {
        Box::pin(ready(Turn::Away))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn largest(&self) -> usize {
        1 << 20
    }

    fn keep(&self, kept: Kept) {
        self.values.lock().unwrap().insert(kept.key, kept.value);
    }

    fn purge(&self, ending: &Ending) {
        if let Some(key) = ending.key() {
            self.values.lock().unwrap().remove(key);
        }
    }
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60, stale-while-revalidate=60")];

/// Two caches over one tier, each with an upstream of its own.
fn two(flags: &[&str]) -> (Scenario, Scenario, Arc<Memory>) {
    let memory = Arc::<Memory>::default();
    let scenario = || {
        let mut count = 0;
        let scenario = Scenario::with_flags(flags, move |_| {
            count += 1;
            Ok(super::answer(200, FRESH, format!("menu {count}")))
        });
        scenario.cache.share_through(Arc::<Memory>::clone(&memory), "http://upstream/");
        scenario
    };
    (scenario(), scenario(), memory)
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_at_once_get_what_another_has() {
    let (one, other, memory) = two(&[]);
    one.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    let asked = *memory.asked.lock().unwrap();
    let answers = join_all((0..100).map(|_| other.get("/menu"))).await;
    for answer in answers {
        let (status, cache_status, body) = read(answer).await;
        assert_eq!((status, &*body), (200, "menu 1"));
        assert_eq!(cache_status, "lunch-relay; hit; ttl=60; detail=shared");
    }
    assert_eq!((one.asked(), other.asked()), (1, 0));
    assert_eq!(*memory.asked.lock().unwrap(), asked + 1);
    // Its age goes on.
    advance(Duration::from_secs(5)).await;
    other.expect("/menu", "menu 1", "lunch-relay; hit; ttl=55").await;
}

#[tokio::test(start_paused = true)]
async fn who_refreshes_takes_what_another_has_refreshed() {
    let (one, other, _) = two(&[]);
    one.get("/menu").await;
    other.get("/menu").await;
    advance(Duration::from_secs(70)).await;
    one.expect("/menu", "menu 1", "lunch-relay; hit; ttl=-10").await;
    settle().await;
    one.expect("/menu", "menu 2", "lunch-relay; hit; ttl=60").await;
    // Its own is as stale, and is answered with; behind that it finds the other's.
    other.expect("/menu", "menu 1", "lunch-relay; hit; ttl=-10").await;
    settle().await;
    other.expect("/menu", "menu 2", "lunch-relay; hit; ttl=60").await;
    assert_eq!((one.asked(), other.asked()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_another_has_that_is_stale_answers_and_is_fetched_anew() {
    let (one, other, _) = two(&[]);
    one.get("/menu").await;
    advance(Duration::from_secs(70)).await;
    let answers = join_all((0..10).map(|_| other.get("/menu"))).await;
    for answer in answers {
        assert_eq!(cache_status(&answer), "lunch-relay; hit; ttl=-10; detail=shared");
    }
    settle().await;
    assert_eq!((one.asked(), other.asked()), (1, 1));
    other.expect("/menu", "menu 1", "lunch-relay; hit; ttl=60").await;
}

#[tokio::test(start_paused = true)]
async fn who_wants_the_upstream_to_be_asked_does_not_get_what_another_has() {
    let (one, other, _) = two(&["--client-directives=honour"]);
    one.get("/menu").await;
    let answer = other.ask("GET", "/menu", &[("cache-control", "no-cache")]).await;
    assert!(cache_status(&answer).contains("fwd="), "{}", cache_status(&answer));
    assert_eq!(other.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_is_away_changes_nothing() {
    let (one, other, memory) = two(&[]);
    one.get("/menu").await;
    *memory.is_away.lock().unwrap() = true;
    other.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored; ttl=60").await;
    assert_eq!(other.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_if_cached_is_answered_by_what_another_has() {
    let (one, other, memory) = two(&[]);
    let only = [("cache-control", "only-if-cached")];
    let (status, _, _) = read(other.ask("GET", "/menu", &only).await).await;
    assert_eq!(status, 504);
    one.get("/menu").await;
    let answer = other.ask("GET", "/menu", &only).await;
    assert_eq!(cache_status(&answer), "lunch-relay; hit; ttl=60; detail=shared");
    assert_eq!(read(answer).await.2, "menu 1");
    // From now on it is its own.
    let asked = *memory.asked.lock().unwrap();
    let answer = other.ask("GET", "/menu", &only).await;
    assert_eq!(cache_status(&answer), "lunch-relay; hit; ttl=60");
    assert_eq!(*memory.asked.lock().unwrap(), asked);
    // What nobody may reuse is not answered with.
    advance(Duration::from_mins(10)).await;
    let (status, _, _) = read(other.ask("GET", "/menu", &only).await).await;
    assert_eq!((status, other.asked()), (504, 0));
    *memory.is_away.lock().unwrap() = true;
    assert_eq!(read(other.ask("GET", "/other", &only).await).await.0, 504);
}

#[tokio::test(start_paused = true)]
async fn a_hit_asks_nobody() {
    let (one, _, memory) = two(&[]);
    one.get("/menu").await;
    for _ in 0..10 {
        one.expect("/menu", "menu 1", "lunch-relay; hit; ttl=60").await;
    }
    assert_eq!(*memory.asked.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purge_ends_what_is_shared() {
    let (one, other, _) = two(&[]);
    one.get("/menu").await;
    one.ask("POST", "/menu", &[]).await;
    other.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    assert_eq!(other.asked(), 1);
}

/// Lets what runs behind the answers run.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
