//! `cargo xtask capacity`: how much the relay can take, what limits it, and how
//! it scales.
//!
//! Measuring and explaining meet only in files. [`measure`] runs the
//! [`experiment`]s on a [`rig`] and writes [`raw`] data; everything after that
//! is a function of those files, and comes out the same on any machine.

pub mod experiment;
pub mod measure;
pub mod raw;
pub mod rig;
