//! Integration tests.
//!
//! `clauses`, `governor`, `retries`, `scenarios`, `schedule` and `simulation` run on a paused
//! clock without sockets, and `model` compares pure functions; all others start the binary and
//! speak to it over sockets, on ports that the system chooses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod churn;
mod clauses;
mod console;
mod docs;
mod governor;
mod healthcheck;
mod hostile;
mod ledger;
mod lunch;
mod model;
mod observe;
mod operator;
mod process;
mod reload;
mod retries;
mod scenario;
mod scenarios;
mod schedule;
mod shared;
mod simulation;
mod snapshot;
mod support;
mod telemetry;
mod tls;
mod typed;
mod wire;
