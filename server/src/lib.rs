//! lunch-relay: a polite caching HTTP relay for one slow, rate-limited API.
//!
//! # The life of a request
//!
//! [`serve`] accepts the connection and hands each request to one poem
//! endpoint, [`app`]. A name of our own is answered there; any other path is
//! relayed: [`target`] makes its target canonical or refuses it, and [`cache`]
//! takes over. The cache looks up what is stored under the target, and
//! [`cache::policy`] decides: reuse it, or forward the request for a reason
//! that has a name ([`cache::status::Fwd`]).
//!
//! A request that goes forward joins the flight for its key, or begins one. The
//! flight is a task of its own: it looks for what another instance has stored
//! ([`shared`]), then asks [`upstream`] whether what is stored is still good
//! ([`cache::validation`]), or for a new answer, which it streams to all who
//! wait ([`cache::fill`]) and stores if the policy says that it may be stored
//! ([`cache::policy::storing`]). Where the upstream fails, what is stored
//! stands in if it may. A request that is for its client alone goes to the
//! upstream by itself, bodies streaming both ways. Whatever goes there has its
//! turn from the governor ([`upstream::governor`]).
//!
//! One way down, one way up. What is decided is decided by pure functions of
//! values; time comes from [`clock`] alone; fields that end at a hop are known
//! to [`hop`]; what the cache and the upstream say to each other is
//! [`exchange`].

pub mod config;
pub mod healthcheck;
pub mod release;
pub mod reload;
pub mod run;
pub mod serve;

pub mod app;
pub mod exchange;
pub mod names;
pub mod problem;
pub mod target;

pub mod cache;
pub mod date;
pub mod hop;
pub mod list;
pub mod shared;
pub mod upstream;

pub mod demo;
pub mod menus;
pub mod operator;

pub mod api;
pub mod clock;
pub mod console;
pub mod telemetry;
