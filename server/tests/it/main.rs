//! Integration tests.
//!
//! `scenarios` and `governor` run on a paused clock without sockets; all others start the
//! binary and speak to it over sockets, on ports that the system chooses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod docs;
mod governor;
mod hostile;
mod process;
mod scenarios;
mod support;
mod wire;
