//! What was measured as a table: pure.

use std::num::NonZeroU32;

use loadgen::verdict::Verdict;

use super::{
    Conditions, Table, burst,
    load::{Closed, Crowd, USERS},
    statistics::Spread,
    steady::{Reading, Readings},
};
use crate::capacity::{analysis::significant, report::grouped};

/// Of hits or misses.
pub(super) fn steady(readings: &Readings, conditions: &Conditions) -> Table {
    let relay = readings.servers.first();
    let head = [
        "server".to_owned(),
        "CPU µs per request".to_owned(),
        "relay / this".to_owned(),
        format!("requests/s ({USERS} users)"),
        "processor busy".to_owned(),
        format!("p50 ms at {}/s", grouped(readings.rate)),
        "p99 ms".to_owned(),
        "relay / this".to_owned(),
    ];
    let rows = readings.servers.iter().enumerate();
    let rows = rows.map(|(index, reading)| row(reading, relay.filter(|_| 0 < index)));
    let mut notes = vec![
        "Medians of all rounds; ratios are of the same round, with their range.".to_owned(),
        sentence(conditions),
    ];
    notes.extend(warnings(readings));
    Table { head: head.into(), rows: rows.collect(), notes }
}

fn row(this: &Reading, relay: Option<&Reading>) -> Vec<String> {
    let median = |values: Vec<f64>, words: fn(f64) -> String| known(Spread::of(values), words);
    let ratio = |of: fn(&Reading) -> Vec<f64>| match relay {
        None => String::new(),
        Some(relay) => {
            Spread::of_ratios(&of(relay), &of(this)).map_or_else(|| "n/a".to_owned(), range)
        }
    };
    vec![
        this.server.name().to_owned(),
        median(cpu(this), |us| format!("{us:.1}")),
        ratio(cpu),
        median(this.closed.iter().map(|it| it.rate).collect(), |rate| {
            grouped(significant(rate, 3))
        }),
        median(this.closed.iter().map(Closed::busy).collect(), |share| {
            format!("{:.0} %", share * 100.0)
        }),
        median(p50(this), |ms| format!("{ms:.2}")),
        median(p99(this), |ms| format!("{ms:.2}")),
        ratio(p99),
    ]
}

fn cpu(reading: &Reading) -> Vec<f64> {
    reading.closed.iter().map(|closed| closed.cpu_us).collect()
}

/// A quantile that is not known is no number, and makes the spread none.
fn p50(reading: &Reading) -> Vec<f64> {
    reading.open.iter().map(|open| open.p50_ms.unwrap_or(f64::NAN)).collect()
}

fn p99(reading: &Reading) -> Vec<f64> {
    reading.open.iter().map(|open| open.p99_ms.unwrap_or(f64::NAN)).collect()
}

/// What is wrong with the numbers.
fn warnings(readings: &Readings) -> Vec<String> {
    let errors = readings.servers.iter().filter(|reading| 0 < reading.errors());
    let mut warnings: Vec<String> = errors
        .map(|it| format!("{}: {} requests failed.", it.server.name(), it.errors()))
        .collect();
    let open: Vec<_> = readings.servers.iter().flat_map(|reading| &reading.open).collect();
    let limited = open.iter().filter(|open| open.verdict == Verdict::GeneratorLimited).count();
    if 0 < limited {
        warnings.push(format!(
            "In {limited} of {} runs at the fixed rate the load generator was the limit: measure \
             on a quieter machine.",
            open.len()
        ));
    }
    warnings
}

/// Of crowds.
pub(super) fn burst(
    clients: NonZeroU32,
    readings: &[burst::Reading],
    conditions: &Conditions,
) -> Table {
    let head =
        ["clients", "server", "requests to the origin", "errors", "slowest answer", "memory"];
    let rows = readings.iter().enumerate().map(|(index, reading)| {
        let spread = |of: fn(&Crowd) -> f64| Spread::of(reading.rounds.iter().map(of));
        let clients = f64::from(clients.get());
        vec![
            if index == 0 { grouped(clients) } else { String::new() },
            reading.server.name().to_owned(),
            all(spread(|crowd| real(crowd.to_origin))),
            all(spread(|crowd| real(crowd.errors))),
            known(spread(|crowd| crowd.slowest), |seconds| format!("{seconds:.1} s")),
            known(spread(|crowd| real(crowd.peak_bytes)), |bytes| {
                format!("{:.0} MiB", bytes / f64::from(1 << 20))
            }),
        ]
    });
    let notes = vec![
        "Times and memory, at its peak, are medians of all rounds; counts are those of each, from \
         the least to the most. The origin takes 1 s."
            .to_owned(),
        sentence(conditions),
    ];
    Table { head: head.map(str::to_owned).into(), rows: rows.collect(), notes }
}

/// The conditions in a sentence or two.
fn sentence(conditions: &Conditions) -> String {
    let Conditions { versions, kernel, processor, layout, rounds, command } = conditions;
    let unknown = || "unknown".to_owned();
    let rounds = if *rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") };
    format!(
        "`{command}`, {rounds}: {}, each with one worker; Linux {}, {}; servers on processor {}, \
         load generator and origin on processor {}.",
        versions.join(", "),
        kernel.clone().unwrap_or_else(unknown),
        processor.clone().unwrap_or_else(unknown),
        layout.servers,
        layout.clients
    )
}

fn known(spread: Option<Spread>, words: impl Fn(f64) -> String) -> String {
    spread.map_or_else(|| "n/a".to_owned(), |spread| words(spread.median))
}

/// The median, and what it lies between.
fn range(Spread { low, median, high }: Spread) -> String {
    format!("{median:.2} ({low:.2} to {high:.2})")
}

/// A count, or what it lies between where it is not always the same.
fn all(spread: Option<Spread>) -> String {
    match spread {
        None => "n/a".to_owned(),
        Some(Spread { low, high, .. }) if grouped(low) == grouped(high) => grouped(low),
        Some(Spread { low, high, .. }) => format!("{} to {}", grouped(low), grouped(high)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "requests and bytes of one machine")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Server, bench::Layout, load::Open};

    fn conditions(command: &'static str) -> Conditions {
        Conditions {
            versions: ["lunch-relay 0.1.0", "nginx 1.22.1"].map(str::to_owned).into(),
            kernel: Some("6.18".to_owned()),
            processor: None,
            layout: Layout { servers: 0, clients: 1 },
            rounds: 3,
            command,
        }
    }

    fn reading(server: Server, cpu_us: [f64; 3], p99_ms: Option<f64>) -> Reading {
        let closed = |cpu_us| Closed { cpu_us, rate: 50_000.0, answers: 9, errors: 0 };
        let verdict = Verdict::Valid;
        let open = Open { p50_ms: Some(0.104), p99_ms, answers: 9, errors: 0, verdict };
        Reading { server, closed: cpu_us.map(closed).into(), open: vec![open; 3] }
    }

    #[test]
    fn a_load_that_goes_on() {
        let mut nginx = reading(Server::Nginx, [20.0, 16.0, 18.0], None);
        nginx.open[1].errors = 2;
        nginx.open[2].verdict = Verdict::GeneratorLimited;
        let relay = reading(Server::Relay, [9.0, 8.0, 9.9], Some(0.312));
        let readings = Readings { rate: 15_000.0, servers: vec![relay, nginx] };
        let table = steady(&readings, &conditions("cargo xtask compare hit"));
        let markdown = "\
| server | CPU µs per request | relay / this | requests/s (64 users) | processor busy | p50 ms at 15,000/s | p99 ms | relay / this |
|---|---|---|---|---|---|---|---|
| lunch-relay | 9.0 | | 50,000 | 45 % | 0.10 | 0.31 | |
| nginx | 18.0 | 0.50 (0.45 to 0.55) | 50,000 | 90 % | 0.10 | n/a | n/a |

Medians of all rounds; ratios are of the same round, with their range.
`cargo xtask compare hit`, 3 rounds: lunch-relay 0.1.0, nginx 1.22.1, each with one worker; Linux 6.18, unknown; servers on processor 0, load generator and origin on processor 1.
nginx: 2 requests failed.
In 1 of 6 runs at the fixed rate the load generator was the limit: measure on a quieter machine.";
        assert_eq!(table.markdown(), markdown);
    }

    #[test]
    fn a_crowd() {
        let round =
            |to_origin, slowest| Crowd { to_origin, errors: 0, slowest, peak_bytes: 30 << 20 };
        let rounds = |to_origin: [u64; 3]| to_origin.map(|count| round(count, 1.26)).into();
        let readings = [
            burst::Reading { server: Server::Relay, rounds: rounds([1, 1, 1]) },
            burst::Reading { server: Server::Nginx, rounds: rounds([4, 1, 2]) },
        ];
        let clients = NonZeroU32::new(4000).unwrap();
        let table = burst(clients, &readings, &conditions("cargo xtask compare burst"));
        let rows = [
            ["4,000", "lunch-relay", "1", "0", "1.3 s", "30 MiB"],
            ["", "nginx", "1 to 4", "0", "1.3 s", "30 MiB"],
        ];
        assert_eq!(table.rows, rows);
        assert_eq!(table.head.len(), 6);
    }
}
