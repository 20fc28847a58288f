//! What the operator is told: metrics, the access log, traces, and the process's
//! own log.

pub mod access_log;
pub mod capacity;
mod config;
pub mod lag;
pub mod latencies;
pub mod ledger;
pub mod log;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod panics;
pub mod spans;
pub mod tracer;
pub mod watched;

pub use self::config::{Share, TelemetryConfig};
