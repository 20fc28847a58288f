//! The relay's own endpoints.

pub mod docs;
pub mod health;
pub mod upstream;
