use super::*;
use crate::capacity::analysis::tests::assert_near;

const RELAY: Relay = Relay {
    service: 0.001,
    steadiness: 1,
    cores: 1,
    keys: 200,
    ttl: 60.0,
    upstream_latency: 0.0,
    upstream_limit: None,
};

fn fleet(instances: usize, sharing: Sharing, rate: f64) -> Fleet {
    Fleet { instances, sharing, rate }
}

#[test]
fn one_instance_is_an_mm1_queue() {
    #[track_caller]
    fn check(load: f64) {
        let found = simulate(&RELAY, &fleet(1, Sharing::Private, 1000.0 * load), 1).unwrap();
        // Response times are exponential with mean S/(1 − ρ).
        let mean = 0.001 / (1.0 - load);
        assert_near(found.utilisation, load, 1e-12);
        assert_near(found.p50.unwrap(), std::f64::consts::LN_2 * mean, 0.05 * mean);
        assert_near(found.p99.unwrap(), libm::log(100.0) * mean, 0.35 * mean);
    }
    check(0.2);
    check(0.5);
    check(0.7);
}

#[test]
fn instances_split_the_load() {
    // A random part of a Poisson process is one: each is an M/M/1 queue.
    let found = simulate(&RELAY, &fleet(1000, Sharing::Private, 500_000.0), 2).unwrap();
    assert_near(found.p99.unwrap(), libm::log(100.0) * 0.002, 0.0006);
}

#[test]
fn a_fleet_that_saturates_has_no_percentiles() {
    let found = simulate(&RELAY, &fleet(1, Sharing::Private, 1001.0), 3).unwrap();
    assert_eq!((found.p50, found.p99), (None, None));
    assert!(1.0 < found.utilisation);
}

#[test]
fn the_upstream_sees_keys_over_ttl_for_each_who_has_copies() {
    #[track_caller]
    fn check(instances: usize, sharing: Sharing, rate: f64, keys_per_ttl: f64) {
        let fleet = fleet(instances, sharing, rate);
        let found = simulate(&RELAY, &fleet, 4).unwrap();
        let exact = upstream_rate(&RELAY, &fleet);
        assert_near(found.upstream_rate, exact, 0.03 * exact);
        assert_near(exact, keys_per_ttl * 200.0 / 60.0, 0.04 * exact);
        assert_near(found.hit_ratio, 1.0 - exact / rate, 0.01);
    }
    check(1, Sharing::Private, 500.0, 1.0);
    check(10, Sharing::Private, 5_000.0, 10.0);
    check(1000, Sharing::Private, 500_000.0, 1000.0);
    check(10, Sharing::Shared, 5_000.0, 1.0);
    check(1000, Sharing::Shared, 500_000.0, 1.0);
}

#[test]
fn rare_requests_let_copies_lie_expired() {
    // 0.1 per second and copy: 10 s until someone asks, so 70 s in all.
    let fleet = fleet(5, Sharing::Private, 100.0);
    assert_near(upstream_rate(&RELAY, &fleet), 1000.0 / 70.0, 1e-9);
    let found = simulate(&RELAY, &fleet, 5).unwrap();
    assert_near(found.upstream_rate, 1000.0 / 70.0, 0.4);
}

#[test]
fn the_limit_holds_back_and_copies_are_served_stale() {
    let limited = |limit| Relay { upstream_limit: Some(limit), ..RELAY };
    let fleet = fleet(30, Sharing::Private, 15_000.0);
    let free = simulate(&limited(1000.0), &fleet, 6).unwrap();
    assert_near(free.upstream_rate, upstream_rate(&RELAY, &fleet), 3.0);
    assert_near(free.stale, 0.0, 0.001);
    // 6,000 copies at 50 per second take 120 s, of which they are fresh for 60
    // and unasked for 0.4.
    let held = simulate(&limited(50.0), &fleet, 6).unwrap();
    assert_near(held.upstream_rate, 50.0, 0.1);
    assert_near(held.stale, 0.5, 0.02);
}

#[test]
fn who_misses_waits_for_the_upstream() {
    // A copy is fresh for 10 s and then asked for within 10: half of the
    // requests are for an expired one, and 1 % more come while it is fetched.
    let relay = Relay { ttl: 10.0, upstream_latency: 0.2, ..RELAY };
    let found = simulate(&relay, &fleet(1, Sharing::Private, 20.0), 7).unwrap();
    assert_near(found.hit_ratio, 0.49, 0.02);
    assert!((0.2..0.21).contains(&found.p99.unwrap()));
}

#[test]
fn the_table_has_every_case_and_repeats_itself() {
    let relay = Relay { keys: 20, cores: 2, ..RELAY };
    let table = |seed| table(&relay, &[1, 10], &[0.3, 0.7], seed).unwrap();
    let found = table(1);
    assert_eq!(found.len(), 8);
    assert_eq!(found, table(1));
    assert_ne!(found, table(2));
    assert!(found.iter().all(|outcome| outcome.p50 < outcome.p99));
}

#[test]
fn what_makes_no_sense_is_not_simulated() {
    let check = |relay: Relay, instances, rate| {
        assert_eq!(simulate(&relay, &fleet(instances, Sharing::Private, rate), 1), None);
    };
    check(RELAY, 0, 1.0);
    check(RELAY, 1001, 1.0);
    check(RELAY, 1, 0.0);
    check(Relay { cores: 0, ..RELAY }, 1, 1.0);
    check(Relay { ttl: f64::NAN, ..RELAY }, 1, 1.0);
    check(Relay { upstream_limit: Some(0.0), ..RELAY }, 1, 1.0);
}
