use std::time::UNIX_EPOCH;

use http::StatusCode;

use super::*;
use crate::{
    cache::status::Fwd,
    exchange::Arrival,
    telemetry::{latencies::Latencies, ledger::account::tests::account, metrics::Metrics},
};

fn reading(metrics: &Metrics, seconds: u64, spent: u32) -> Reading {
    Reading {
        account: account(UNIX_EPOCH + Duration::from_secs(seconds), spent, 0),
        counts: metrics.counts(),
        store: StoreFigures {
            entries: 3,
            bytes: 5,
            bound: 7,
            in_flight: 0,
            cut_off: 0,
            evicted: 0,
            waiting: 0,
        },
        latencies: Latencies::default().buckets(),
    }
}

#[test]
fn rates_of_what_happened_between_two_readings() {
    let metrics = Metrics::new();
    metrics.request(Outcome::Hit, StatusCode::OK, &Arrival::now());
    let before = reading(&metrics, 10, 3);
    for (times, outcome, status) in [
        (8, Outcome::Hit, StatusCode::OK),
        (2, Outcome::Shared, StatusCode::OK),
        (2, Outcome::Stale, StatusCode::OK),
        (4, Outcome::Collapsed, StatusCode::OK),
        (2, Outcome::Forwarded(Fwd::UriMiss), StatusCode::BAD_GATEWAY),
        (2, Outcome::Forwarded(Fwd::Stale), StatusCode::OK),
        (6, Outcome::Own, StatusCode::NOT_FOUND),
    ] {
        (0..times).for_each(|_| metrics.request(outcome, status, &Arrival::now()));
    }
    let beat = Beat::between(&before, &reading(&metrics, 12, 7));
    let answered = Answered { fresh: 5.0, stale: 1.0, collapsed: 2.0, forwarded: 2.0, own: 3.0 };
    assert_eq!(beat.answered, answered);
    assert!((beat.answered.total() - 13.0).abs() < 1e-9);
    assert_eq!((beat.hit_ratio, beat.errors, beat.latency), (Some(0.8), 1.0, None));
    assert_eq!((beat.upstream.asked, beat.upstream.refused), (2.0, 0.0));
    assert_eq!((beat.upstream.tokens, beat.upstream.burst), (Some(13), Some(20)));
    assert_eq!((beat.at, beat.now.entries, beat.now.bound), (12_000, 3, 7));
}

#[test]
fn nothing_is_divided_by_nothing() {
    let metrics = Metrics::new();
    let before = reading(&metrics, 10, 3);
    metrics.request(Outcome::Own, StatusCode::OK, &Arrival::now());
    let beat = Beat::between(&before, &reading(&metrics, 11, 3));
    assert_eq!((beat.hit_ratio, beat.answered.own), (None, 1.0));
    // The clock was set back.
    let beat = Beat::between(&before, &reading(&metrics, 5, 3));
    assert_eq!(beat.answered, Answered::default());
}
