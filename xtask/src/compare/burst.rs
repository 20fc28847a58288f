//! Rounds of a crowd that comes at once, when nothing is stored.

use std::num::NonZeroU32;

use super::{
    SLOW, Task,
    bench::Bench,
    load::{Crowd, Load},
    server::{Server, Workload},
};

/// What one server did, by round.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) server: Server,
    pub(super) rounds: Vec<Crowd>,
}

/// Measures. In each round each server is a new one, with an origin of its own.
pub(super) fn measure(
    bench: &Bench,
    task: &Task,
    clients: NonZeroU32,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Vec<Reading>> {
    let servers = task.servers().into_iter();
    let mut readings: Vec<_> =
        servers.map(|server| Reading { server, rounds: Vec::new() }).collect();
    for round in 1..=task.rounds.get() {
        say(&format!("{clients} clients at once, round {round} of {}", task.rounds));
        for reading in &mut readings {
            reading.rounds.push(crowd(bench, reading.server, clients)?);
        }
    }
    Ok(readings)
}

fn crowd(bench: &Bench, server: Server, clients: NonZeroU32) -> anyhow::Result<Crowd> {
    let origin = bench.origin(Workload::Hit, SLOW)?;
    let running = bench.start(server, &origin, Workload::Hit)?;
    let summary = bench.load(&running, Load::Crowd(clients))?;
    let peak = running.peak_bytes();
    drop(running);
    Crowd::of(&summary, clients, origin.requests()?, peak)
}
