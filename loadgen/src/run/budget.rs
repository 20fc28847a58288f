//! Whether this machine has what a run takes, before it begins.

use std::time::Duration;

use thiserror::Error;

use super::{Options, Reuse};
use crate::{
    provenance::Ports,
    schedule::Rate,
    transport::{Endpoint, Transport},
};

/// For how long a closed connection keeps its port on Linux (`TCP_TIMEWAIT_LEN`).
const TIME_WAIT: Duration = Duration::from_mins(1);

/// Descriptors that are needed besides connections: a runtime and its timer per
/// thread, and files.
const OTHERS: u64 = 64;

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
    /// More new connections in a minute than ports.
    #[error(
        "a new connection for each of {wanted} requests a minute, but a closed one keeps its port \
         for a minute and there are {ports} of them: lower the rate to {}/s, or add --source \
         addresses", .ports / 60
    )]
    Ports {
        /// Connections that are opened in a minute.
        wanted: u64,
        /// Ports of all source addresses.
        ports: u64,
    },
}

pub(super) fn check(options: &Options, transport: &Transport) -> Result<(), BudgetError> {
    let connections = options.connections as u64;
    if options.connections < options.threads {
        return Err(BudgetError::Connections { threads: options.threads });
    }
    // What cannot be raised is what counts.
    if let Ok(limit) = rlimit::increase_nofile_limit(u64::MAX) {
        descriptors(connections, limit)?;
    }
    if options.reuse == Reuse::PerRequest && matches!(transport.endpoint, Endpoint::Tcp(_)) {
        let length = options.program.length().unwrap_or(TIME_WAIT);
        let per_source = Ports::look().map_or(u64::from(u16::MAX), Ports::count);
        let sources = options.sources.len().max(1) as u64;
        if let Some(rate) = options.program.highest_rate() {
            self::new_connections(rate, length, per_source * sources)?;
        }
    }
    Ok(())
}

fn descriptors(connections: u64, limit: u64) -> Result<(), BudgetError> {
    if limit < connections.saturating_add(OTHERS) {
        return Err(BudgetError::Descriptors { wanted: connections, limit });
    }
    Ok(())
}

fn new_connections(rate: Rate, length: Duration, ports: u64) -> Result<(), BudgetError> {
    let minute = length.min(TIME_WAIT).as_secs_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is at most 10⁸ per second"
    )]
    let wanted = (rate.per_second() * minute).ceil() as u64;
    if ports < wanted { Err(BudgetError::Ports { wanted, ports }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(rate: f64, seconds: u64, ports: u64) -> Result<(), BudgetError> {
        new_connections(Rate::new(rate).unwrap(), Duration::from_secs(seconds), ports)
    }

    #[test]
    fn a_port_is_taken_for_a_minute() {
        // 28,232 ports over a minute are 470 connections per second.
        assert_eq!(new(470.0, 3600, 28_232), Ok(()));
        let error = new(471.0, 3600, 28_232).unwrap_err();
        assert_eq!(error, BudgetError::Ports { wanted: 28_260, ports: 28_232 });
        assert!(error.to_string().contains("lower the rate to 470/s"), "{error}");
        // A short run does not come to a minute's worth.
        assert_eq!(new(2000.0, 10, 28_232), Ok(()));
        assert_eq!(new(940.0, 3600, 2 * 28_232), Ok(()));
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
