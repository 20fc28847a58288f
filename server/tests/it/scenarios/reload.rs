//! Other rules for what is stored already.

use server::cache::{
    rules::{Caching, QueryRule, Rule, RuleName},
    saved::By,
};

use super::*;

/// A rule for all paths, by this name.
fn named(label: &str, rule: Rule) -> Rules {
    let name = RuleName::Numbered { number: 1, label: label.to_owned() };
    let stale = Duration::ZERO;
    let rule = Rule { name, stale_while_revalidate: stale, stale_if_error: stale, ..rule };
    Rules::new(vec![rule], Rule::default())
}

/// Puts rules in force, and lets what is stored be judged by them.
async fn reload(relay: &Scenario, rules: Rules) {
    relay.cache.put_in_force(&config(&[]), rules);
    Arc::clone(&relay.cache).judge_anew().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_gets_the_freshness_of_the_new_rules() {
    let relay = Scenario::counting(&[]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    advance(Duration::from_secs(30)).await;
    reload(&relay, named("short", Rule { ttl: Duration::from_mins(1), ..Rule::default() })).await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=30").await;
    reload(&relay, named("long", Rule { ttl: Duration::from_mins(2), ..Rule::default() })).await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=90").await;
    reload(&relay, named("none", Rule { ttl: Duration::from_secs(9), ..Rule::default() })).await;
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn what_says_its_freshness_itself_keeps_it() {
    let relay = Scenario::counting(&[("cache-control", "max-age=60")]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    reload(&relay, named("short", Rule { ttl: Duration::from_secs(1), ..Rule::default() })).await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit; ttl=60").await;
}

#[tokio::test(start_paused = true)]
async fn what_would_be_stored_under_another_key_is_not_served_any_more() {
    let relay = Scenario::counting(&[]);
    relay.expect("/menu?a", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    let ignoring = Rule { query: QueryRule::Ignored, ..Rule::default() };
    reload(&relay, named("ignoring", ignoring)).await;
    relay.expect("/menu?a", "menu 2", "lunch-relay; fwd=uri-miss; stored").await;
    reload(&relay, named("keeping", Rule::default())).await;
    relay.expect("/menu?a", "menu 3", "lunch-relay; fwd=uri-miss; stored").await;
    // It was asked for in this form, whatever the rules were.
    relay.expect("/menu", "menu 2", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_stored_any_more_is_let_go() {
    let relay = Scenario::counting(&[]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    let bypass = Rule { caching: Caching::Bypass, ..Rule::default() };
    reload(&relay, named("bypass", bypass)).await;
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=bypass").await;
    assert_eq!(relay.cache.figures().entries, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_goes_on_under_the_rules_name() {
    let relay = Scenario::counting(&[]);
    reload(&relay, named("menus", Rule::default())).await;
    relay.get("/menu").await;
    relay.get("/menu").await;
    reload(&relay, named("others", Rule::default())).await;
    relay.get("/menu").await;
    reload(&relay, named("menus", Rule::default())).await;
    relay.get("/menu").await;
    let saved = relay.cache.saved().figures();
    let of = |name: &str| {
        let figures = saved.iter().find(|(rule, _)| rule == name).unwrap();
        figures.1.by(By::Hit).requests
    };
    assert_eq!((of("rule 1 (menus)"), of("rule 1 (others)")), (2, 1), "{saved:?}");
}

#[tokio::test(start_paused = true)]
async fn however_often_rules_change_there_are_no_more_counters_than_places() {
    let relay = Scenario::counting(&[]);
    relay.get("/menu").await;
    for number in 0..600 {
        reload(&relay, named(&number.to_string(), Rule::default())).await;
    }
    relay.get("/menu").await;
    let saved = relay.cache.saved().figures();
    assert!(saved.len() < 300, "{}", saved.len());
    let (last, figures) = saved.last().unwrap();
    assert_eq!((last.as_str(), figures.by(By::Hit).requests), ("others", 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_by_the_old_rules_is_answered_with_and_not_stored() {
    let upstream = make(|_| async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok::<_, poem::Error>(answer(200, &[], "menu"))
    });
    let cache = cache(&[], upstream.boxed());
    let relay = Scenario { cache, asked: Arc::default() };
    let waiting = relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss");
    let reloading = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        reload(&relay, named("new", Rule::default())).await;
    };
    tokio::join!(waiting, reloading);
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu", "menu", "lunch-relay; hit").await;
}
