//! What the project's own tasks are made of.

pub mod capacity;
