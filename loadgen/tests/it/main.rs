//! loadgen against servers that behave, and against servers that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fault_server;
mod faults;
mod http2;
mod identities;
mod process;
mod runs;
mod support;
