//! Rounds of a load that goes on: hits and misses.

use std::time::Duration;

use anyhow::ensure;

use super::{
    Task,
    bench::{Bench, Running},
    load::{Closed, Load, Open},
    server::{Server, Workload},
    statistics::{Spread, fixed_rate},
};

/// So often a cache may ask for what it then keeps: who asks at the same time may
/// come before it is kept.
const ONCE: u64 = 8;

/// What all servers did.
#[derive(Debug)]
pub(super) struct Readings {
    /// The rate at which response times were measured, per second.
    pub(super) rate: f64,
    /// The relay first.
    pub(super) servers: Vec<Reading>,
}

/// What one server did, by round.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) server: Server,
    pub(super) closed: Vec<Closed>,
    pub(super) open: Vec<Open>,
}

impl Reading {
    fn answers(&self) -> u64 {
        let closed = self.closed.iter().map(|closed| closed.answers);
        closed.chain(self.open.iter().map(|open| open.answers)).sum()
    }

    /// Requests without an answer, or with one of 400 or more.
    pub(super) fn errors(&self) -> u64 {
        let closed = self.closed.iter().map(|closed| closed.errors);
        closed.chain(self.open.iter().map(|open| open.errors)).sum()
    }
}

/// Measures.
pub(super) fn measure(
    bench: &Bench,
    task: &Task,
    workload: Workload,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Readings> {
    let origin = bench.origin(workload, Duration::ZERO)?;
    let start = |server| bench.start(server, &origin, workload);
    let running: Vec<_> = task.servers().into_iter().map(start).collect::<Result<_, _>>()?;
    running.iter().try_for_each(|server| bench.warm(server))?;
    let mut servers: Vec<_> = running
        .iter()
        .map(|it| Reading { server: it.server, closed: Vec::new(), open: Vec::new() })
        .collect();
    for round in 1..=task.rounds.get() {
        say(&format!("as fast as they can, round {round} of {}", task.rounds));
        for (reading, server) in servers.iter_mut().zip(&running) {
            reading.closed.push(closed(bench, server, task.hold)?);
        }
    }
    let rate = fixed_rate(slowest(&servers));
    for round in 1..=task.rounds.get() {
        say(&format!("at {rate} requests a second, round {round} of {}", task.rounds));
        for (reading, server) in servers.iter_mut().zip(&running) {
            reading.open.push(Open::of(&bench.load(server, Load::Open(rate, task.hold))?)?);
        }
    }
    drop(running);
    check(workload, &servers, origin.requests()?)?;
    Ok(Readings { rate, servers })
}

fn closed(bench: &Bench, server: &Running, hold: Duration) -> anyhow::Result<Closed> {
    let before = server.cpu_seconds();
    let summary = bench.load(server, Load::Closed(hold))?;
    Closed::of(&summary, server.cpu_seconds() - before)
}

/// What the slowest of them answers, per second.
fn slowest(servers: &[Reading]) -> f64 {
    let medians = servers.iter().filter_map(|reading| {
        Spread::of(reading.closed.iter().map(|closed| closed.rate)).map(|spread| spread.median)
    });
    medians.fold(f64::INFINITY, f64::min)
}

/// Whether as many requests reached the origin as are meant to.
fn check(workload: Workload, servers: &[Reading], requests: u64) -> anyhow::Result<()> {
    let behind = servers.iter().filter(|reading| reading.server != Server::Floor);
    let answers: u64 = behind.clone().map(Reading::answers).sum();
    let failed: u64 = behind.clone().map(Reading::errors).sum();
    match workload {
        Workload::Hit => {
            let most = behind.map(|_| ONCE).sum();
            ensure!(
                requests <= most,
                "not all answers came from memory: {requests} requests reached the origin"
            );
        }
        Workload::Miss => ensure!(
            answers <= requests.saturating_add(failed),
            "some answers came from memory: of {answers}, {requests} reached the origin"
        ),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use loadgen::verdict::Verdict;

    use super::*;

    fn reading(server: Server, rates: &[f64]) -> Reading {
        let closed = |rate: &f64| Closed { cpu_us: 9.0, rate: *rate, answers: 100, errors: 0 };
        let verdict = Verdict::Valid;
        let open = Open { p50_ms: None, p99_ms: None, answers: 100, errors: 0, verdict };
        let count = rates.len();
        Reading { server, closed: rates.iter().map(closed).collect(), open: vec![open; count] }
    }

    #[test]
    fn the_slowest_decides() {
        let servers = [
            reading(Server::Relay, &[90.0, 100.0, 10.0]),
            reading(Server::Varnish, &[40.0, 50.0, 60.0]),
        ];
        assert!((slowest(&servers) - 50.0).abs() < 1e-12);
    }

    #[test]
    fn the_origin_is_asked_as_often_as_it_should_be() {
        let servers = [
            reading(Server::Relay, &[1.0]),
            reading(Server::Nginx, &[1.0]),
            reading(Server::Floor, &[1.0]),
        ];
        for (workload, requests, fine) in [
            (Workload::Hit, 2, true),
            (Workload::Hit, 16, true),
            (Workload::Hit, 17, false),
            (Workload::Miss, 399, false),
            (Workload::Miss, 400, true),
            (Workload::Miss, 402, true),
        ] {
            let found = check(workload, &servers, requests);
            assert_eq!(found.is_ok(), fine, "{workload:?} {requests} {found:?}");
        }
    }
}
