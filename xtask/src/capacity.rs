//! How much the relay can carry: from measurements to a report.

pub mod figures;
pub mod page;
