//! The capacity report: what one instance carries, what limits it, and how
//! many are needed.
//!
//! Measuring and explaining meet only in files. The load generator and what
//! samples the processes write them; everything here is a function of the
//! values that were written. It reads no clock, does no I/O and has no other
//! randomness than a seed that it is given, so the same files give the same
//! report, to the byte, on any machine.

pub mod analysis;
