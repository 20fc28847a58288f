//! The project's own tasks, as a library: what is worth a test is here, and
//! the binary picks the task.

pub mod capacity;
