//! What the operator is told: metrics, the access log, and the process's own log.

pub mod access_log;
pub mod ledger;
pub mod log;
pub mod metrics;
