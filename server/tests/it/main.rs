//! Integration tests.
//!
//! `clauses`, `governor` and `scenarios` run on a paused clock without sockets, and `model` compares
//! pure functions; all others start the binary and speak to it over sockets, on ports that
//! the system chooses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod churn;
mod clauses;
mod docs;
mod governor;
mod hostile;
mod model;
mod process;
mod scenario;
mod scenarios;
mod snapshot;
mod support;
mod wire;
