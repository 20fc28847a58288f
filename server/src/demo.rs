//! A stand-in of the lunch API, for trying out, testing and measuring the relay
//! without troubling the real one.
//!
//! It speaks each era of the API as recorded: paths and redirects, status codes,
//! header names and their case, error pages, body shapes to the byte. The
//! restaurants are the real ones; the dishes are made up, and every menu says so
//! in a dish of its own, every answer in an `X-Demo` header.
//!
//! It differs from the real API where that makes it predictable: it is always
//! the same weekday, and *every* request to the API takes the latency, also one
//! that the real API would answer from its cache. What it caches (eras E and F)
//! was cached when it started, and what it says of its own URL (eras B to D) it
//! does not remember from one caller to the next. The chat command of eras A to D
//! answers as to a form without its field.
//!
//! - `options`: what can be asked of it
//! - `places`, `week`: the facts and the fiction
//! - `shape`, `pages`, `answer`, `target`, `routes`: the API, from data to
//!   answers
//! - `limiter`, `heard`, `turn`: what happens to each request in turn
//! - `serve`: sockets, and all the I/O there is

mod answer;
mod heard;
mod limiter;
mod options;
mod pages;
mod places;
mod routes;
mod serve;
mod shape;
mod target;
mod turn;
mod week;

pub use crate::config::Rate;
pub use options::{DemoConfig, Era, Fault, FaultKind, OptionError, Weekday};
pub use serve::{endpoint, run};

#[cfg(test)]
mod tests;
