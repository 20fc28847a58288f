//! The relay's cache and governor before a simulated upstream, for hours of
//! simulated time: on a paused clock, without sockets.
//!
//! Each run is decided by its seed, which a failure names. These variables
//! choose what is run:
//!
//! - `SIMULATION_SEED=7`: that seed alone;
//! - `SIMULATION_SEEDS=20`: so many seeds, as `cargo xtask ci` does;
//! - `SIMULATION_COMPARED=5`: the comparison over so many whole runs;
//! - `SIMULATION_WHOLE=1`: the relay gets each request. Else a path that was
//!   answered from memory is not asked for again in the same second, when the
//!   answer would be the same, but counted: that halves the time of a run.

mod chance;
mod changing;
mod dead;
mod eras;
mod load;
mod plain;
mod upstream;
mod weather;

use std::{
    env,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use poem::{Response, endpoint::BoxEndpoint};
use server::{
    cache::{Cache, CacheConfig, rules::Rules},
    clock::Clock,
    telemetry::metrics::Metrics,
    upstream::UpstreamConfig,
};
use tokio::time::advance;

/// The settings that these flags make.
#[derive(Debug, clap::Parser)]
#[command(args_override_self = true)]
struct Flags {
    #[command(flatten)]
    upstream: UpstreamConfig,
    #[command(flatten)]
    cache: CacheConfig,
}

fn flags(flags: &[&str]) -> Flags {
    <Flags as clap::Parser>::parse_from(["relay"].iter().chain(flags))
}

/// A cache. It lives for ever, as the relay's does: the futures of its answers
/// borrow it.
fn cache(
    config: &CacheConfig,
    rules: Rules,
    clock: Clock,
    upstream: BoxEndpoint<'static, Response>,
) -> &'static Arc<Cache> {
    Box::leak(Box::new(Cache::new(config, rules, clock, upstream, Arc::new(Metrics::new()))))
}

/// Runs a simulation on a clock of its own.
fn simulate<T>(simulation: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(simulation)
}

/// A clock that says noon, UTC, and less than a millisecond more: tokio's timers
/// keep to milliseconds, so each run sees the same seconds and the same hour.
async fn noon() -> Clock {
    const DAY: Duration = Duration::from_hours(24);
    let clock = Clock::start();
    let since_epoch = clock.now().duration_since(UNIX_EPOCH).unwrap();
    let since_midnight = since_epoch.as_nanos() % DAY.as_nanos();
    let wait = (DAY + DAY / 2).as_nanos() - since_midnight;
    advance(Duration::from_millis(u64::try_from(wait.div_ceil(1_000_000)).unwrap())).await;
    clock
}

/// What went wrong: how often, and what it was at first.
#[derive(Clone, Debug, Default)]
struct Wrong {
    times: u64,
    first: Vec<String>,
}

impl Wrong {
    fn note(&mut self, what: String) {
        self.times += 1;
        if self.first.len() < 10 {
            self.first.push(what);
        }
    }

    fn add(&mut self, other: Wrong) {
        self.times += other.times;
        self.first.extend(other.first);
    }
}

/// The number that a variable says.
fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value:?}")))
}
