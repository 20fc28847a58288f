//! What has been counted so far, for those who look at it in this process.

use super::{Metrics, requests::STATUS_CLASSES};
use crate::cache::status::Outcome;

/// What has been counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    requests: [[u64; STATUS_CLASSES.len()]; Outcome::ALL.len()],
    /// Client connections open now.
    pub connections: u64,
    /// Fills under way now.
    pub flights: u64,
}

impl Counts {
    /// Requests answered so, whatever their status.
    pub fn requests(&self, outcome: Outcome) -> u64 {
        self.requests[outcome.index()].iter().sum()
    }

    /// Requests answered with a status from 500, however that came about.
    pub fn server_errors(&self) -> u64 {
        self.requests.iter().filter_map(|classes| classes.last()).sum()
    }
}

impl Metrics {
    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        let now = |gauge: i64| u64::try_from(gauge).unwrap_or_default();
        Counts {
            requests: self.requests.all_answered(),
            connections: now(self.connections.open.get()),
            flights: now(self.connections.flights.get()),
        }
    }
}
