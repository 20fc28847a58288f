//! The relay, as it comes, before each era of the demo upstream.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::ValueEnum;
use futures_util::future::join_all;
use http::uri::PathAndQuery;
use poem::{Addr, Body, Endpoint, EndpointExt, Request, Response, endpoint::make, web::RemoteAddr};
use server::{
    cache::Cache,
    config::Cli,
    demo::{self, DemoConfig, Era},
    exchange::RequestHead,
    upstream::Governed,
};
use tokio::time::sleep;

use super::{cache, chance::Chance, noon, simulate};

/// Requests after the warm-up.
const REQUESTS: u32 = 1000;

/// What the demo was asked.
#[derive(Debug, Default)]
struct Count {
    calls: AtomicU64,
    limited: AtomicU64,
}

/// `relay demo-upstream --latency 3s --rate-limit 1/s`, at `/api`.
fn demo(era: Era, count: Arc<Count>) -> impl Endpoint<Output = Response> {
    let config = DemoConfig {
        era,
        latency: Duration::from_secs(3),
        rate_limit: Some("1/s".parse().unwrap()),
        ..DemoConfig::standard()
    };
    let demo = Arc::new(demo::endpoint(config));
    make(move |mut request: Request| {
        let (demo, count) = (Arc::clone(&demo), Arc::clone(&count));
        let target = format!("/api{}", request.uri());
        *request.uri_mut() = target.parse::<PathAndQuery>().unwrap().into();
        request.headers_mut().insert("host", "demo.example".parse().unwrap());
        async move {
            count.calls.fetch_add(1, Ordering::Relaxed);
            let answer = demo.call(request).await?;
            count.limited.fetch_add(u64::from(answer.status() == 429), Ordering::Relaxed);
            Ok::<_, poem::Error>(answer)
        }
    })
}

/// A client's request, to its end.
async fn get(cache: &'static Arc<Cache>, path: &str, client: u8) -> (u16, Vec<u8>) {
    let request = Request::builder().uri_str(path).header("host", "relay.example").finish();
    let mut head = RequestHead::split(request).unwrap().0;
    let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, client), 4000));
    head.remote = RemoteAddr(Addr::SocketAddr(address));
    let answer = cache.answer(head, Body::empty()).await;
    let status = answer.status().as_u16();
    (status, answer.into_body().into_vec().await.unwrap())
}

/// Everything is asked for at once, and what failed again; then come 1,000
/// requests for the list and the menus, and each is answered.
#[test]
fn nobody_sees_an_error_before_any_era_of_the_api() {
    for era in Era::value_variants() {
        simulate(before(*era));
    }
}

async fn before(era: Era) {
    let clock = noon().await;
    let arguments = ["relay", "--upstream=demo"].map(OsString::from);
    let config = Cli::load(arguments).unwrap().config;
    let count = Arc::<Count>::default();
    let upstream = demo(era, Arc::clone(&count));
    let upstream = Governed::new(upstream, &config.upstream, clock.clone(), 1);
    let cache = cache(&config.cache, config.rules(), clock, upstream.boxed());

    let slash = if era == Era::A { "/" } else { "" };
    let list = format!("/restaurant{slash}");
    let (status, body) = get(cache, &list, 1).await;
    assert_eq!(status, 200, "era {era:?}: {list}");
    let mut paths = vec![list];
    for restaurant in lunch::parse_restaurants(&body).unwrap() {
        paths.push(format!("/restaurant/{}{slash}", restaurant.id));
    }
    let mut missing = paths.clone();
    let mut failed = 0;
    while !missing.is_empty() {
        let answers = join_all(missing.iter().map(|path| get(cache, path, 1))).await;
        let mut answers = answers.into_iter();
        missing.retain(|_| answers.next().unwrap().0 != 200);
        failed += missing.len();
        sleep(Duration::from_secs(5)).await;
    }
    let counts = || [&count.calls, &count.limited].map(|count| count.load(Ordering::Relaxed));
    let [calls, limited] = counts();
    println!(
        "era {era:?}: {} paths; {calls} calls to warm up, {limited} of them 429, {failed} errors",
        paths.len()
    );

    // What is stored is fetched anew meanwhile; eras E and F let menus be stored for three hours.
    let apart = Duration::from_millis(if era < Era::E { 1200 } else { 12_000 });
    let mut chance = Chance::new(1);
    let asked: Vec<_> = (0..REQUESTS)
        .map(|number| {
            let path = usize::try_from(chance.below(paths.len() as u64)).unwrap();
            let client = u8::try_from(chance.below(20)).unwrap();
            let path = paths[path].clone();
            tokio::spawn(async move {
                sleep(apart * number).await;
                let (status, body) = get(cache, &path, client).await;
                assert_eq!(status, 200, "era {era:?}: {path}, request {number}");
                if path.trim_end_matches('/') == "/restaurant" {
                    lunch::parse_restaurants(&body).unwrap();
                } else {
                    lunch::parse_menu(&body).unwrap();
                }
            })
        })
        .collect();
    for asked in asked {
        asked.await.unwrap();
    }
    let [all, all_limited] = counts();
    println!(
        "era {era:?}: {} calls for 1,000 requests, {} of them 429",
        all - calls,
        all_limited - limited
    );
    assert!(paths.len() as u64 / 2 < all - calls, "era {era:?}: nothing was fetched anew");
}
