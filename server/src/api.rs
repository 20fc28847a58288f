//! The relay's own endpoints.

pub mod cache;
pub mod docs;
pub mod document;
pub mod health;
pub mod lunch;
pub mod process;
pub mod reload;
pub mod upstream;
