//! `cargo xtask capacity`: how much the relay can take, what limits it, and how
//! it scales.
//!
//! Measuring and explaining meet only in files. [`measure`] runs the
//! [`experiment`]s on a [`rig`] and writes [`raw`] data; everything after that
//! is a function of those files, and comes out the same on any machine. They
//! are [`loaded`], [`findings`] are what they come to by the estimates of
//! [`analysis`], a [`report`] says it with [`figures`], and a [`page`] is how it
//! looks; [`render`] does all of it.

pub mod analysis;
pub mod experiment;
pub mod figures;
pub mod findings;
pub mod loaded;
pub mod measure;
pub mod page;
pub mod raw;
pub mod render;
pub mod report;
pub mod rig;
