//! A second in which the server, or the generator, stands still.
//!
//! Requests are due every 1/λ = 1 ms for 10 s, so n = 10,000 of them. From
//! second 4 on the server stands still for T = 1 s; it answers each of its m
//! connections at once and works s < 1/λ for an answer, so none is under way
//! when it stops. Of the requests that are due from then on, counted from
//! k = 0, the first m are sent at once and are answered T + s after the stop;
//! m more are sent as these are answered, and so on: request k is sent
//! T + s⌊k/m⌋ after the stop, or when it is due at k/λ if that is later. It
//! has therefore waited, from when it was due until it was answered,
//!
//! > R(k) = s + max(0, T + s⌊k/m⌋ − k/λ).
//!
//! As s < 1/λ this never grows with k, and before the stop it is s. So exactly
//! n − r requests waited longer than the r-th of the sorted times, which is
//! R(n − r), and the quantile function of the response times is
//!
//! > Q(q) = R(n − ⌈qn⌉),
//!
//! for s = 0 the straight line from 0 at q = 1 − λT/n to T. Of the service
//! times only m, those of k < m, are longer than s; R(k) − s of all others is
//! lag. The generator is to blame for none of it.

use std::time::Duration;

use loadgen::{
    health::Activity,
    record::{Clock, Record, Tag, Times},
    schedule::Arrivals,
    verdict::{Health, Verdict},
};

use super::{
    server::{Freeze, Server, Work},
    world::{Simulated, World, open, times},
};

const RATE: u32 = 1000;
const REQUESTS: u32 = 10_000;
const FREEZE: Freeze = Freeze { from: Duration::from_secs(4), lasts: Duration::from_secs(1) };
const HALF_MS: Duration = Duration::from_micros(500);

/// Who stands still.
#[derive(Debug, Clone, Copy)]
enum Frozen {
    Server,
    Generator,
}

fn simulate(who: Frozen, connections: u32, work: Duration) -> Simulated {
    let connections = usize::try_from(connections).unwrap();
    let (server, generator) = match who {
        Frozen::Server => (FREEZE, Freeze::NEVER),
        Frozen::Generator => (Freeze::NEVER, FREEZE),
    };
    let server = Server::new(connections, Work::Fixed(work), server);
    let load = open(f64::from(RATE), Duration::from_secs(10), Arrivals::Constant);
    World { frozen: generator, ..World::new(load, connections, server) }.run()
}

/// How much longer than its answer takes the k-th that is due in the freeze
/// waits: max(0, T + s⌊k/m⌋ − k/λ).
fn wait(k: u32, connections: u32, work: Duration) -> Duration {
    let due = Duration::from_secs(1) * k / RATE;
    (FREEZE.lasts + work * (k / connections)).saturating_sub(due)
}

/// R for each request, in descending order.
fn responses(connections: u32, work: Duration) -> Times {
    times((0..REQUESTS).map(|k| work + wait(k, connections, work)))
}

fn all(record: &Record, clock: Clock) -> &Times {
    record.times(Tag::all(clock)).unwrap()
}

fn health(record: &Record, watchdog_gap_ms: f64) -> Health {
    Health::of(record, Activity { watchdog_gap_ms, ..Activity::default() }, None)
}

/// Two histograms that are equal have every quantile in common.
#[track_caller]
fn check_server(connections: u32, work: Duration) {
    let Simulated { record, .. } = simulate(Frozen::Server, connections, work);
    let m = connections;
    let services = (0..m).map(|k| work + wait(k, m, work)).chain((m..REQUESTS).map(|_| work));
    let lags = (0..m).map(|_| Duration::ZERO).chain((m..REQUESTS).map(|k| wait(k, m, work)));
    let on_time = (0..REQUESTS).map(|_| Duration::ZERO);
    assert_eq!(all(&record, Clock::Response), &responses(m, work), "response");
    assert_eq!(all(&record, Clock::Service), &times(services), "service");
    assert_eq!(all(&record, Clock::Lag), &times(lags), "lag");
    assert_eq!(all(&record, Clock::Lateness), &times(on_time), "lateness");
    assert_eq!(health(&record, 10.0).verdict, Verdict::Valid);
    let totals = record.counts.totals(u64::from(REQUESTS), 0).unwrap();
    assert_eq!(totals.completed, u64::from(REQUESTS));
}

#[test]
fn who_waits_for_a_frozen_server_has_waited_since_it_was_due() {
    for connections in [1, 8, 64] {
        check_server(connections, Duration::ZERO);
        check_server(connections, HALF_MS);
    }
}

/// `permille` of the times are at most `expected`, which is written out: the
/// histogram gives it back to its three digits.
#[track_caller]
fn check_quantile(record: &Record, clock: Clock, permille: u32, expected_us: u64) {
    let histogram = all(record, clock).histogram();
    let found = histogram.value_at_quantile(f64::from(permille) / 1000.0);
    assert!(histogram.equivalent(found, expected_us * 1000), "{found} ns");
}

/// One request in a hundred waits so long, which a measurement from when they
/// were sent leaves out.
#[test]
fn the_99th_percentile_is_0_9_s_and_not_what_the_server_takes() {
    for connections in [1, 8, 64] {
        let Simulated { record, .. } = simulate(Frozen::Server, connections, Duration::ZERO);
        check_quantile(&record, Clock::Response, 900, 0);
        check_quantile(&record, Clock::Response, 901, 10_000);
        check_quantile(&record, Clock::Response, 950, 500_000);
        check_quantile(&record, Clock::Response, 990, 900_000);
        check_quantile(&record, Clock::Response, 999, 990_000);
        check_quantile(&record, Clock::Response, 1000, 1_000_000);
        check_quantile(&record, Clock::Service, 990, 0);
        check_quantile(&record, Clock::Service, 1000, 1_000_000);
    }
    // With one connection that is busy for half of the time, it takes another
    // second to make up for the first: R(k) = 1.0005 s − k · 0.5 ms.
    let Simulated { record, .. } = simulate(Frozen::Server, 1, HALF_MS);
    check_quantile(&record, Clock::Response, 800, 500);
    check_quantile(&record, Clock::Response, 900, 500_500);
    check_quantile(&record, Clock::Response, 990, 950_500);
    check_quantile(&record, Clock::Service, 999, 500);
}

/// The same second, and the same response times, but the server has nothing to
/// do with it: what was under way is answered, and nothing more is sent.
#[test]
fn who_waits_for_a_frozen_generator_has_waited_just_as_long() {
    // At least as many connections as requests wait.
    let Simulated { record, .. } = simulate(Frozen::Generator, 1024, HALF_MS);
    let late = times((0..REQUESTS).map(|k| wait(k, 1024, HALF_MS)));
    assert_eq!(all(&record, Clock::Response), &responses(1024, HALF_MS));
    assert_eq!(all(&record, Clock::Service), &times((0..REQUESTS).map(|_| HALF_MS)));
    assert_eq!(all(&record, Clock::Lag), &late);
    assert_eq!(all(&record, Clock::Lateness), &late);
    assert_eq!(record.counts.largest_burst, 1001);

    // The share that was late says it, whether or not the watchdog has barked.
    let by_share = health(&record, 10.0);
    assert_eq!(by_share.verdict, Verdict::GeneratorLimited);
    let reason = "9.99 % of the requests were sent more than 1.0 ms late";
    assert_eq!(by_share.reasons, [reason]);
    let by_both = health(&record, 1000.0);
    assert_eq!(by_both.verdict, Verdict::GeneratorLimited);
    assert_eq!(by_both.reasons, [reason, "the generator stood still for 1000 ms"]);
}

/// Who is sent after the freeze, as soon as a connection is free, is not late
/// by itself: with few connections it takes the watchdog to tell.
#[test]
fn a_frozen_generator_with_few_connections_is_seen_by_its_watchdog() {
    let Simulated { record, .. } = simulate(Frozen::Generator, 8, HALF_MS);
    let late = (0..8).map(|k| wait(k, 8, HALF_MS));
    let rest = (8..REQUESTS).map(|_| Duration::ZERO);
    assert_eq!(all(&record, Clock::Response), &responses(8, HALF_MS));
    assert_eq!(all(&record, Clock::Service), &times((0..REQUESTS).map(|_| HALF_MS)));
    assert_eq!(all(&record, Clock::Lateness), &times(late.chain(rest)));
    assert_eq!(health(&record, 10.0).verdict, Verdict::Valid);
    let health = health(&record, 1000.0);
    assert_eq!(health.verdict, Verdict::GeneratorLimited);
    assert_eq!(health.reasons, ["the generator stood still for 1000 ms"]);
}
