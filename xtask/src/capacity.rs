//! `cargo xtask capacity`: how much the relay can take, what limits it, and how
//! it scales.
//!
//! Measuring and explaining meet only in files. [`measure`] runs the
//! [`experiment`]s on a [`rig`] and writes [`raw`] data; everything after that
//! is a function of those files, and comes out the same on any machine:
//! [`analysis`] has the estimates and their intervals, [`figures`] are drawn and
//! a [`page`] is written of plain values.

pub mod analysis;
pub mod experiment;
pub mod figures;
pub mod measure;
pub mod page;
pub mod raw;
pub mod rig;
