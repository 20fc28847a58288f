//! The project's own tasks, as far as they are more than a list of commands.

pub mod capacity;
pub mod compare;
pub mod processes;
