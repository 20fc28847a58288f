//! What was recorded, as files that other programs read too.
//!
//! [`hlog`] keeps every interval's histogram, so that any quantile of any
//! stretch of a run can be had later; [`hgrm`] is one distribution as text.

pub mod hgrm;
pub mod hlog;
