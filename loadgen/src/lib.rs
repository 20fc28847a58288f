//! A load generator for HTTP servers, as a library with a thin binary.
//!
//! [`null`] is the server that all others are measured against: it answers
//! from memory and does nothing else, so what it costs is what HTTP costs.
//! [`schedule`] says when requests are due, [`run`] sends them to a [`target`],
//! and [`summary`] is what was measured. A [`program`] is the steps
//! of which a run consists, a [`condition`] what may be demanded of their
//! results, and a [`number`] is read as people type it. [`output`] writes what
//! was recorded in formats that other programs read, and [`provenance`] says
//! what made it.

pub mod condition;
pub mod fault;
pub mod null;
pub mod number;
pub mod output;
pub mod program;
pub mod provenance;
pub mod record;
pub mod run;
pub mod schedule;
pub mod summary;
pub mod target;
