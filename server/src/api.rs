//! The relay's own endpoints.

pub mod docs;
pub mod health;
pub mod lunch;
pub mod upstream;
