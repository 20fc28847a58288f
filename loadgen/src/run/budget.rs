//! Whether this machine has what a run takes, before it begins.

use std::{fs, net::IpAddr, time::Duration};

use thiserror::Error;

use super::{Options, Reuse};
use crate::{
    program::Program,
    provenance::Ports,
    schedule::Shard,
    target::Place,
    transport::{Endpoint, Transport},
};

/// For how long a closed connection keeps its port on Linux (`TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Duration = Duration::from_mins(1);

/// After how long it is given to a new connection where that is permitted
/// (`tcp_tw_reuse_delay`; in seconds before Linux 6.14).
const REUSE: Duration = Duration::from_secs(1);

/// Descriptors that are needed besides connections: a runtime and its timer per
/// thread, and files.
const OTHERS: u64 = 64;

/// How far the number of requests in some time may be off by rounding.
const ROUNDING: f64 = 1e-9;

/// What this machine has too little of.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// More connections at a time than descriptors.
    #[error(
        "{wanted} connections, but this process may open {limit} files: lower --connections, or \
         raise the limit with ulimit -n"
    )]
    Descriptors {
        /// Connections.
        wanted: u64,
        /// The hard limit on open files.
        limit: u64,
    },
    /// Fewer connections than threads.
    #[error("{threads} threads need at least as many connections: raise --connections")]
    Connections {
        /// Threads.
        threads: usize,
    },
    /// More new connections than ports, in the time for which one is kept.
    #[error(
        "{wanted} new connections within {kept:?}, for which a closed one keeps its port, and \
         there are {ports} ports: open at most {} a second, or {}",
        .ports / .kept.as_secs().max(1), more_ports(*.kept)
    )]
    Ports {
        /// Connections that are opened in that time.
        wanted: u64,
        /// For how long a closed one keeps its port.
        kept: Duration,
        /// Ports of all source addresses.
        ports: u64,
    },
}

/// Whether a run to `place` can be made.
pub(super) fn check(
    options: &Options,
    transport: &Transport,
    place: Place,
) -> Result<(), BudgetError> {
    let connections = options.connections as u64;
    if options.connections < options.threads {
        return Err(BudgetError::Connections { threads: options.threads });
    }
    // What cannot be raised is what counts.
    if let Ok(limit) = rlimit::increase_nofile_limit(u64::MAX) {
        descriptors(connections, limit)?;
    }
    if options.reuse == Reuse::PerRequest && matches!(transport.endpoint, Endpoint::Tcp(..)) {
        let per_source = Ports::look().map_or(u64::from(u16::MAX), Ports::count);
        let ports = per_source * options.sources.len().max(1) as u64;
        let kept = kept(place, &options.sources, Reusing::look());
        new_connections(&options.program, options.shard, kept, ports)?;
    }
    Ok(())
}

fn descriptors(connections: u64, limit: u64) -> Result<(), BudgetError> {
    if limit < connections.saturating_add(OTHERS) {
        return Err(BudgetError::Descriptors { wanted: connections, limit });
    }
    Ok(())
}

/// Whether `ports` suffice where each is `kept` for so long. How often a closed
/// model asks is not known before it does.
fn new_connections(
    program: &Program,
    shard: Shard,
    kept: Duration,
    ports: u64,
) -> Result<(), BudgetError> {
    let Some(all) = program.most_within(kept) else { return Ok(()) };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is at most 10⁸ per second"
    )]
    let wanted = (all / f64::from(shard.of()) * (1.0 - ROUNDING)).ceil() as u64;
    if ports < wanted { Err(BudgetError::Ports { wanted, kept, ports }) } else { Ok(()) }
}

/// What the kernel says of ports that closed connections keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reusing {
    /// `tcp_tw_reuse`: 1 permits to give them to new connections, 2 within this
    /// machine.
    permission: Option<u64>,
    /// `tcp_timestamps`: without them no new connection is told from an old one.
    timestamps: Option<u64>,
}

impl Reusing {
    fn look() -> Self {
        let number = |name: &str| {
            let text = fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok()?;
            text.trim().parse().ok()
        };
        Self { permission: number("tcp_tw_reuse"), timestamps: number("tcp_timestamps") }
    }
}

/// For how long a closed connection to `place` keeps its port. What timestamps
/// another machine has is not known; and a source address is bound before it is
/// known where to, so its ports are not given to anybody else.
fn kept(place: Place, sources: &[IpAddr], reusing: Reusing) -> Duration {
    match (place, sources, reusing) {
        (Place::Here, [], Reusing { permission: Some(1 | 2), timestamps: Some(1..) }) => REUSE,
        _ => TIME_WAIT,
    }
}

/// How to come to more new connections. Those of a source address would keep
/// their ports for longer than [`REUSE`].
fn more_ports(kept: Duration) -> &'static str {
    if kept < TIME_WAIT { "widen net.ipv4.ip_local_port_range" } else { "add --source addresses" }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::{
        program::Step,
        schedule::{Arrivals, Load, Profile, Rate, Spike},
    };

    fn program(profile: Profile) -> Program {
        let load = Load::Open { profile, arrivals: Arrivals::Constant };
        Program::once(Step { rate: None, trial: 0, load, settle: Duration::ZERO })
    }

    fn constant(per_second: f64, seconds: u64) -> Program {
        program(Profile::constant(rate(per_second), Duration::from_secs(seconds)).unwrap())
    }

    fn rate(per_second: f64) -> Rate {
        Rate::new(per_second).unwrap()
    }

    fn minute(program: &Program, shard: Shard, ports: u64) -> Result<(), BudgetError> {
        new_connections(program, shard, TIME_WAIT, ports)
    }

    /// 28,232 ports over a minute are 470 connections per second.
    #[test]
    fn a_port_is_kept_for_a_minute() {
        let whole = Shard::WHOLE;
        assert_eq!(minute(&constant(470.0, 3600), whole, 28_232), Ok(()));
        let error = minute(&constant(471.0, 3600), whole, 28_232).unwrap_err();
        let says = "28260 new connections within 60s, for which a closed one keeps its port, and \
                    there are 28232 ports: open at most 470 a second, or add --source addresses";
        assert_eq!(error.to_string(), says);
        // A short run does not come to a minute's worth.
        assert_eq!(minute(&constant(2000.0, 10), whole, 28_232), Ok(()));
        assert_eq!(minute(&constant(940.0, 3600), whole, 2 * 28_232), Ok(()));
        let users = Load::Closed { users: NonZeroU32::MIN, duration: TIME_WAIT };
        let closed = Step { rate: None, trial: 0, load: users, settle: Duration::ZERO };
        assert_eq!(minute(&Program::once(closed), whole, 0), Ok(()));
    }

    /// A peak is not as long as a minute, and a shard not all of it.
    #[test]
    fn what_is_due_within_a_minute_counts() {
        let whole = Shard::WHOLE;
        let around = Duration::from_mins(10);
        let (before, after, lasting) = (around, around, Duration::from_secs(5));
        let (base, peak) = (rate(10.0), rate(5000.0));
        let spike = Profile::spike(Spike { base, peak, before, lasting, after });
        let spike = program(spike.unwrap());
        assert_eq!(minute(&spike, whole, 25_550), Ok(()));
        let error = minute(&spike, whole, 25_549).unwrap_err();
        assert_eq!(error, BudgetError::Ports { wanted: 25_550, kept: TIME_WAIT, ports: 25_549 });
        let part = Shard::new(1, NonZeroU32::new(4).unwrap()).unwrap();
        assert_eq!(minute(&constant(1880.0, 3600), part, 28_232), Ok(()));
        let error = minute(&constant(1884.0, 3600), part, 28_232).unwrap_err();
        assert_eq!(error, BudgetError::Ports { wanted: 28_260, kept: TIME_WAIT, ports: 28_232 });
    }

    #[test]
    fn ports_are_given_away_sooner_within_this_machine() {
        let source: &[IpAddr] = &["127.0.0.2".parse().unwrap()];
        for (place, sources, permission, timestamps, expected) in [
            (Place::Here, &[][..], Some(2), Some(1), REUSE),
            (Place::Here, &[], Some(1), Some(2), REUSE),
            (Place::Here, &[], Some(0), Some(1), TIME_WAIT),
            (Place::Here, &[], Some(2), Some(0), TIME_WAIT),
            (Place::Here, &[], None, None, TIME_WAIT),
            (Place::Here, source, Some(2), Some(1), TIME_WAIT),
            (Place::Elsewhere, &[], Some(1), Some(1), TIME_WAIT),
            (Place::Elsewhere, &[], Some(2), Some(1), TIME_WAIT),
        ] {
            let reusing = Reusing { permission, timestamps };
            assert_eq!(kept(place, sources, reusing), expected, "{place:?} {reusing:?}");
        }
        let new = |rate| new_connections(&constant(rate, 3600), Shard::WHOLE, REUSE, 28_232);
        assert_eq!(new(28_232.0), Ok(()));
        let says = "28233 new connections within 1s, for which a closed one keeps its port, and \
                    there are 28232 ports: open at most 28232 a second, or widen \
                    net.ipv4.ip_local_port_range";
        assert_eq!(new(28_233.0).unwrap_err().to_string(), says);
    }

    #[test]
    fn a_connection_is_a_descriptor() {
        assert_eq!(descriptors(960, 1024), Ok(()));
        assert_eq!(
            descriptors(961, 1024),
            Err(BudgetError::Descriptors { wanted: 961, limit: 1024 })
        );
    }
}
