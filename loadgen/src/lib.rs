//! A load generator for HTTP servers, as a library with a thin binary.
//!
//! A run goes down these modules. A [`program`] is the steps of which it
//! consists; [`schedule`] says when the requests of a step are due, and
//! [`dispatch`] which connection sends which. The [`pacer`] wakes a thread when
//! one is due, [`transport`] carries it to the [`target`] and [`classify`]
//! reads off what a cache did. All that is measured goes into a [`record`],
//! failures by their [`fault`]; [`health`] and [`verdict`] say whether it was
//! the target that was measured. [`run`] puts it together, [`summary`] is what
//! it comes to, [`condition`]s are what may be demanded of it, [`output`] writes
//! it in formats that other programs read, and [`provenance`] says what made it.
//!
//! [`null`] is the server that all others are measured against: it answers
//! from memory and does nothing else, so what it costs is what HTTP costs.
//! A [`number`] is read as people type it, and [`affinity`] is which processor
//! a thread may run on.
//!
//! What decides is pure: it is told the time and does no I/O.

pub mod affinity;
pub mod calibrate;
pub mod classify;
pub mod condition;
pub mod dispatch;
mod engine;
pub mod fault;
pub mod health;
pub mod merge;
pub mod null;
pub mod number;
pub mod output;
pub mod pacer;
pub mod program;
pub mod provenance;
pub mod record;
pub mod run;
pub mod schedule;
pub mod summary;
pub mod target;
pub mod transport;
pub mod verdict;
mod worker;
