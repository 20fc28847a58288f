//! The relay before an upstream that takes two requests a second, answers
//! after five seconds, and goes through stalls, outages and flapping.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use poem::EndpointExt;
use server::{
    cache::rules::Rules,
    upstream::{Governed, governor::queue},
};
use tokio::time::sleep;

use super::{
    Wrong, cache,
    chance::Chance,
    flags,
    load::{Clients, Front, Tally},
    noon,
    plain::Plain,
    simulate,
    upstream::Simulated,
    variable,
    weather::Forecast,
};

/// How long a run lasts, in simulated time.
const LENGTH: Duration = Duration::from_mins(100);
/// Requests of clients in a second.
const LOAD: u64 = 100;
/// How often they come; five at once.
const TICK: Duration = Duration::from_millis(50);
/// 200 paths that are fresh for two minutes each are 1.7 requests a second.
const TTL: Duration = Duration::from_mins(2);
/// Outages are longer than this, and shorter.
const STALE_WHILE_REVALIDATE: Duration = Duration::from_mins(5);
/// With the default of 8 and answers after five seconds, the limit were never
/// reached.
const CONCURRENCY: u32 = 32;
/// The longest that one waits: for a turn, and for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    AsBuilt,
    /// Before the same governor is a cache that does not collapse.
    WithoutCollapsing,
    /// Nothing stale is served, neither meanwhile nor for an error.
    WithoutStale,
    /// The cache asks the upstream itself.
    WithoutGovernor,
}

/// What came of runs.
#[derive(Debug, Default)]
struct Report {
    tally: Tally,
    calls: u64,
    limited: u64,
    windows: u64,
    offences: Wrong,
}

impl Report {
    fn add(&mut self, other: Report) {
        self.tally.asked += other.tally.asked;
        self.tally.errors += other.tally.errors;
        self.calls += other.calls;
        self.limited += other.limited;
        self.windows += other.windows;
        self.offences.add(other.offences);
        self.tally.needless.add(other.tally.needless);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "millions")]
        let per_thousand = |count: u64| count as f64 * 1000.0 / self.tally.asked as f64;
        let (calls, limited) = (per_thousand(self.calls), per_thousand(self.limited));
        let errors = per_thousand(self.tally.errors);
        write!(f, "{calls:.1} calls, {limited:.2} of them 429, {errors:.1} errors")
    }
}

async fn run(seed: u64, variant: Variant, length: Duration) -> Report {
    let clock = noon().await;
    let forecast = Forecast::changing(&mut Chance::new(seed), length);
    let upstream = Simulated::new(clock.clone(), seed, forecast);
    let ttl = format!("--default-ttl={}s", TTL.as_secs());
    let stale = format!("--stale-while-revalidate={}s", STALE_WHILE_REVALIDATE.as_secs());
    let concurrency = format!("--upstream-concurrency={CONCURRENCY}");
    let mut chosen = vec![&*ttl, &*stale, &*concurrency];
    if variant == Variant::WithoutStale {
        chosen.extend(["--stale-while-revalidate=0s", "--stale-if-error=0s"]);
    }
    let flags = flags(&chosen);
    let governed = Governed::new(upstream.endpoint(), &flags.upstream, clock.clone(), seed);
    let watch = governed.watch();
    let way_out = match variant {
        Variant::WithoutGovernor => upstream.endpoint().boxed(),
        _ => governed.boxed(),
    };
    let front = if variant == Variant::WithoutCollapsing {
        Front::Plain(Plain::new(way_out, TTL, STALE_WHILE_REVALIDATE))
    } else {
        let rules = Rules::new(Vec::new(), flags.cache.fallback_rule());
        Front::Cache(cache(&flags.cache, rules, clock, way_out))
    };

    let mut clients = Clients::new(front.clone(), upstream.clone(), seed);
    let at_once = LOAD * u64::try_from(TICK.as_millis()).unwrap() / 1000;
    while upstream.now() < length {
        (0..at_once).for_each(|_| clients.ask());
        sleep(TICK).await;
        if upstream.now().subsec_millis() != 0 {
            continue;
        }
        let now = upstream.now();
        let at = format!("seed {seed} at {now:?}");
        let figures = watch.figures();
        assert!(figures.waiting <= queue::PLACES as u64, "{at}: {figures:?}");
        assert!(figures.under_way.iter().sum::<u32>() <= CONCURRENCY, "{at}: {figures:?}");
        if let Front::Cache(cache) = &front
            // To read the figures is maintenance, which takes its time.
            && now.as_secs().is_multiple_of(10)
        {
            let figures = cache.figures();
            // An eighth of the cache's size; what is stored may take the other seven.
            assert!(figures.bytes <= figures.bound, "{at}: {figures:?}");
            assert!(figures.in_flight <= figures.bound / 7, "{at}: {figures:?}");
            let waiting = clients.waiting();
            assert!(waiting <= LOAD * PATIENCE.as_secs(), "{at}: {waiting} clients wait");
        }
    }
    sleep(PATIENCE).await;
    let figures = watch.figures();
    assert_eq!((figures.waiting, figures.under_way), (0, [0; 3]), "seed {seed}: some are left");
    let tally = clients.tally();
    upstream.read(|log| Report {
        tally,
        calls: log.calls,
        limited: log.limited,
        windows: log.windows,
        offences: log.offences.clone(),
    })
}

/// Which seeds are run: where no variable says otherwise five, one for each way
/// in which the upstream refuses.
fn seeds() -> Vec<u64> {
    match variable("SIMULATION_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("SIMULATION_SEEDS").unwrap_or(5)).collect(),
    }
}

/// Runs the seeds, on two threads.
fn run_all(seeds: &[u64], variant: Variant, length: Duration) -> BTreeMap<u64, Report> {
    let (next, reports) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let take = || usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                while let Some(seed) = seeds.get(take()) {
                    let report = simulate(run(*seed, variant, length));
                    reports.lock().unwrap().insert(*seed, report);
                }
            });
        }
    });
    reports.into_inner().unwrap()
}

/// What the upstream's limit admits: from the moment at which an answer (a 429,
/// or a 503 with `Retry-After`) has told the relay to stay away until some
/// time, no request arrives at the upstream before that time. What was sent
/// before the relay was told is under way, and may still be refused: that is
/// the same window's. After that time one request goes first, and another each
/// ten seconds, until one of these has come to an end. Where a 429 does not say until
/// when, there is no such window.
///
/// Whatever was once delivered, good and whole, may stand in for an error for a day:
/// no client gets a 429 or a 5xx for a path of which that happened before it
/// asked.
#[test]
fn in_any_weather_the_upstream_is_spared_and_what_is_stored_is_served() {
    let reports = run_all(&seeds(), Variant::AsBuilt, LENGTH);
    let mut all = Report::default();
    for (seed, report) in reports {
        println!("seed {seed}: {report}; {} windows", report.windows);
        let again = format!("SIMULATION_SEED={seed} runs it alone; seed {seed}");
        let Report { tally, offences, .. } = &report;
        assert_eq!(offences.times, 0, "{again}: calls too many: {offences:#?}");
        assert_eq!(tally.needless.times, 0, "{again}: needless errors: {:#?}", tally.needless);
        assert_eq!(tally.asked, LOAD * LENGTH.as_secs(), "{again}");
        assert_eq!(tally.asked, tally.answered, "{again}: some were never answered");
        all.add(report);
    }
    println!("per 1,000 requests of clients: {all}");
    assert!(all.windows > 0 && all.limited > 0, "the limit was never reached");
}

/// What each part of the relay does for the upstream and for the clients: the
/// same load without it: the first fifth of a run, or where `SIMULATION_COMPARED`
/// is set, that many whole ones.
#[test]
fn each_part_spares_the_upstream_or_the_clients() {
    let compared = variable("SIMULATION_COMPARED");
    let length = if compared.is_some() { LENGTH } else { LENGTH / 5 };
    let seeds: Vec<u64> = (0..compared.unwrap_or(1)).collect();
    let sum = |variant| {
        let mut all = Report::default();
        for report in run_all(&seeds, variant, length).into_values() {
            all.add(report);
        }
        println!("{variant:?}: {all}, {} calls too many", all.offences.times);
        all
    };
    let built = sum(Variant::AsBuilt);
    let alone = sum(Variant::WithoutCollapsing);
    assert!(built.tally.errors < alone.tally.errors);
    let strict = sum(Variant::WithoutStale);
    assert!(built.tally.errors < strict.tally.errors);
    let free = sum(Variant::WithoutGovernor);
    assert!(built.calls < free.calls && built.limited < free.limited);
    // The test of the tests: what they look for is found where it is to be expected.
    assert!(free.offences.times != 0 && strict.tally.needless.times != 0);
}
