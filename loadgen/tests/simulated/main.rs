//! The generator's decisions and its record, against servers whose behaviour is
//! known in closed form, in simulated time: there is no clock, no thread and no
//! socket, so what is measured has to be what was calculated.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod freezes;
mod queues;
mod server;
mod world;
