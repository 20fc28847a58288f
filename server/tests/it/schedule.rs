//! Collapsing under random schedules, on a paused clock and one thread.
//!
//! Each seed makes a schedule: an upstream that answers in every way it can,
//! at any pace, and clients that come, read, pause and leave at any await,
//! while keys are purged, written to and evicted. Whatever happens,
//!
//! - nobody waits for ever;
//! - what a client reads is what one exchange with the upstream brought, whole
//!   or aborted, and none that began before the last purge that the client can
//!   have known of;
//! - one request at a time goes upstream for a key, until its head is there;
//! - when all is over, nothing is left: no flight, no task, no memory, no place
//!   among those who wait.
//!
//! `SCHEDULE_SEEDS=7..8` runs one seed, `SCHEDULE_SEEDS=0..100000` more.

mod clients;
mod upstream;

use std::{ops::Range, sync::Arc, time::Duration};

use futures_util::future::join_all;
use poem::{Body, EndpointExt, endpoint::make};
use server::{
    cache::{Cache, rules::Rules},
    clock::Clock,
    exchange::RequestHead,
    target::Target,
    telemetry::metrics::Metrics,
};
use tokio::{
    runtime::{Builder, Handle},
    time::{sleep, timeout},
};

use self::{
    clients::Client,
    upstream::{Upstream, World},
};
use crate::scenarios;

/// Keys of a schedule.
const KEYS: u64 = 4;
/// Clients of a schedule.
const CLIENTS: usize = 40;

/// Numbers that look random (`SplitMix64`).
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether it is the one of so many cases.
    fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    /// A short while, most often none.
    fn pause(&mut self) -> Duration {
        match self.below(4) {
            0 | 1 => Duration::ZERO,
            2 => Duration::from_millis(self.below(20)),
            _ => Duration::from_millis(self.below(2000)),
        }
    }
}

fn seeds() -> Range<u64> {
    let said = std::env::var("SCHEDULE_SEEDS").unwrap_or("0..1000".to_owned());
    let (first, end) = said.split_once("..").expect("a range, such as 0..1000");
    first.parse().unwrap()..end.parse().unwrap()
}

#[test]
fn a_thousand_random_schedules_are_clean() {
    for seed in seeds() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(run(seed));
    }
}

async fn run(seed: u64) {
    let mut random = Random(seed);
    let world = Arc::new(World::default());
    let cache = cache(&mut random, &world);

    let mut clients = Vec::new();
    for at in 0..CLIENTS {
        sleep(random.pause()).await;
        let key = random.below(KEYS);
        match random.below(20) {
            0 => purge(&cache, &world, key),
            1 => evict(&cache, &mut random).await,
            _ => {
                let client = Client::new(seed, at, key, random.next());
                clients.push(tokio::spawn(client.run(Arc::clone(&cache), Arc::clone(&world))));
            }
        }
    }
    let all = timeout(Duration::from_mins(30), join_all(clients)).await;
    let all = all.unwrap_or_else(|_| panic!("seed {seed}: a client waits for ever"));
    all.into_iter().for_each(Result::unwrap);
    check_nothing_is_left(seed, &cache, &world).await;
}

fn cache(random: &mut Random, world: &Arc<World>) -> Arc<Cache> {
    let mut flags = vec!["--cache-size=80KiB", "--max-object-size=4KiB", "--max-waiters=30"];
    flags.push(if random.one_in(2) { "--error-ttl=0s" } else { "--error-ttl=1s" });
    flags.push(if random.one_in(4) { "--max-waiters-per-key=3" } else { "--negative-ttl=2s" });
    if random.one_in(2) {
        flags.extend(["--stale-while-revalidate=5s", "--stale-if-error=20s"]);
    }
    let upstream = Arc::new(Upstream::new(random.next(), Arc::clone(world)));
    let endpoint = make(move |request| {
        let upstream = Arc::clone(&upstream);
        async move { upstream.answer(request).await }
    });
    let config = scenarios::config(&flags);
    let rules = Rules::new(Vec::new(), config.fallback_rule());
    Cache::new(&config, rules, Clock::start(), endpoint.boxed(), Arc::new(Metrics::new()))
}

fn path(key: u64) -> String {
    format!("/{key}")
}

fn get(path: &str) -> RequestHead {
    let request = poem::Request::builder().uri(path.parse().unwrap()).finish();
    RequestHead::split(request).unwrap().0
}

fn purge(cache: &Cache, world: &World, key: u64) {
    cache.purge_target(&Target::of(&path(key).parse().unwrap()).unwrap());
    world.purged(key);
}

/// Fills the store with other things.
async fn evict(cache: &Arc<Cache>, random: &mut Random) {
    for _ in 0..20 {
        let request = get(&format!("/fill/{}", random.next()));
        let answer = cache.answer(request, Body::empty()).await;
        drop(answer.into_body().into_bytes().await);
    }
}

async fn check_nothing_is_left(seed: u64, cache: &Arc<Cache>, world: &World) {
    sleep(Duration::from_mins(10)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "seed {seed}: tasks are left");
    assert_eq!(world.wrong(), [""; 0], "seed {seed}");
    let figures = cache.figures();
    assert_eq!(figures.in_flight, 0, "seed {seed}: memory of fills is left");
    assert!(figures.bytes <= figures.bound, "seed {seed}: {figures:?}");
    // Each place of those who wait is free: so many can wait at once, and none of them less.
    world.calm();
    let crowd = (0..30).map(|at| {
        let cache = Arc::clone(cache);
        async move {
            let answer = cache.answer(get(&format!("/calm/{at}")), Body::empty()).await;
            assert_eq!(answer.status(), 200, "seed {seed}: a place is left taken");
            answer.into_body().into_bytes().await.unwrap();
        }
    });
    join_all(crowd).await;
}
