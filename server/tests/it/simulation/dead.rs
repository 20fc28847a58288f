//! The relay before an upstream that is dead for an hour.

use std::{fs, time::Duration};

use poem::EndpointExt;
use server::{
    cache::rules::Rules,
    upstream::{Governed, governor::queue},
};
use tokio::{runtime::Handle, time::sleep};

use super::{
    cache, flags,
    load::{Clients, Front},
    noon, simulate,
    upstream::{PATHS, Simulated},
    weather::Forecast,
};

/// When the upstream dies.
const DEATH: Duration = Duration::from_mins(10);
/// Requests of clients in a second; ten at once.
const LOAD: u64 = 1000;
/// The longest time between two probes, and so the shortest once the pauses
/// have grown.
const PROBES: Duration = Duration::from_secs(10);

/// Of eight paths seven are stored when the upstream dies; then come 1,000
/// requests a second for an hour. Only the circuit breaker's probes go out,
/// what is stored is served, the others are told at once, and nothing piles up.
#[test]
fn a_dead_upstream_is_left_alone_and_memory_stays_flat() {
    simulate(async {
        let clock = noon().await;
        let upstream = Simulated::new(clock.clone(), 1, Forecast::dead_from(DEATH));
        let flags = flags(&["--upstream-rate=1/s", "--upstream-burst=1"]);
        let governed = Governed::new(upstream.endpoint(), &flags.upstream, clock.clone(), 1);
        let watch = governed.watch();
        let rules = Rules::new(Vec::new(), flags.cache.fallback_rule());
        let cache = cache(&flags.cache, rules, clock, governed.boxed());
        let mut clients = Clients::new(Front::Cache(cache), upstream.clone(), 1);
        let known = (0..PATHS).filter(|path| path % 8 != 7);
        // A second time, for those that went wrong.
        for path in known.clone().chain(known.clone()) {
            clients.ask_for(path, 0);
            sleep(Duration::from_secs(1)).await;
        }
        assert!(known.clone().all(|path| upstream.read(|log| log.delivered[path].is_some())));
        // What is stored is stale then.
        sleep((DEATH * 2).saturating_sub(upstream.now())).await;
        let before = clients.tally();

        let begin = upstream.now();
        let mut sizes = Vec::new();
        for second in 1..=3600 {
            for _ in 0..100 {
                (0..LOAD / 100).for_each(|_| clients.ask());
                sleep(Duration::from_millis(10)).await;
            }
            let figures = watch.figures();
            assert!(figures.waiting <= queue::PLACES as u64, "after {second} s: {figures:?}");
            // Nobody waits for longer than the breaker takes to open.
            assert!(clients.waiting() <= LOAD, "after {second} s");
            assert!(figures.under_way.iter().sum::<u32>() <= 8, "after {second} s: {figures:?}");
            if second % 300 == 0 {
                let tasks = Handle::current().metrics().num_alive_tasks();
                sizes.push((tasks, cache.figures().entries, cache.figures().bytes));
                println!("after {second} s: {tasks} tasks, {} pages", resident());
            }
        }
        let (_, entries, bytes) = sizes[0];
        assert!(sizes.iter().all(|size| (size.1, size.2) == (entries, bytes)), "{sizes:?}");
        // Of each path one at most is remembered to have failed.
        let most = PATHS + 20;
        assert!(sizes.iter().all(|size| size.0 < most), "{sizes:?}");
        assert_eq!(cache.figures().in_flight, 0);

        // Ten that fail open the breaker; then the pauses are 1, 2, 4, 8 and ten seconds.
        let calls: Vec<Duration> = upstream
            .read(|log| log.arrivals.iter().copied().filter(|arrival| begin <= *arrival).collect());
        let opened = calls.partition_point(|call| *call < begin + Duration::from_secs(40));
        assert!(opened <= 16, "{opened} before the pauses are ten seconds");
        for pair in calls[opened..].windows(2) {
            assert!(pair[0] + PROBES <= pair[1], "two probes: {pair:?}");
        }
        let tally = clients.tally();
        let (asked, errors) = (tally.asked - before.asked, tally.errors - before.errors);
        assert_eq!(asked, LOAD * 3600);
        assert!(errors != 0 && tally.needless.times == 0, "{:?}", tally.needless);
        println!("{} calls for {asked} requests, {errors} errors", calls.len());
    });
}

/// The memory of this process, of which other tests may be part.
fn resident() -> String {
    let sizes = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    sizes.split(' ').nth(1).unwrap_or_default().to_owned()
}
