//! Processes that are started for a measurement, bound to processors, and end
//! with it whatever happens.

pub mod account;
mod child;
mod held;
mod installed;
mod interrupted;
pub mod port;
mod processors;
mod programs;

pub use child::{Child, Place};
pub use held::Held;
pub use installed::installed;
pub use interrupted::interrupted;
pub use processors::{list, processors};
pub use programs::Programs;
