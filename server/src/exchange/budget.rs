//! The upstream's budget, as instances share it: what one claims of it, and what
//! it is told.
//!
//! Each instance lends its share to the others for a [`LEASE`] with each claim.
//! What was lent is not its own until the lease is over; so all shares together
//! are never more than the budget, whoever can reach whom.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::config::Fraction;

/// For how long a claim lends this instance's share.
pub const LEASE: Duration = Duration::from_secs(3);
/// A claim that has not arrived after so long is void: it lends nothing and
/// takes nothing.
pub const WINDOW: Duration = Duration::from_secs(1);

/// What an instance asks for, and how it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// The share that it lends.
    pub share: Fraction,
    /// What it takes for the rate, in requests a second; `None`: unlimited. The
    /// least of what instances say counts.
    pub rate: Option<f64>,
    /// What it takes for the burst; the least counts.
    pub burst: u32,
    /// What it takes for the number of requests under way at a time; `None`:
    /// unlimited. The least counts.
    pub concurrency: Option<u32>,
    /// Its requests under way.
    pub under_way: u32,
    /// How many more it would put to the upstream now.
    pub wanted: u32,
    /// For how long the upstream has asked to be left alone, if others have not
    /// been told of it yet.
    pub hold: Option<Duration>,
}

/// What an instance is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many requests it may put to the upstream: now or never.
    pub granted: u32,
    /// When there may be more.
    pub wait: Duration,
    /// How long a request takes of the rate; zero: nothing limits it.
    pub interval: Duration,
    /// For how long the upstream is to be left alone; zero: it may be asked.
    pub hold: Duration,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It was answered.
    Told(Told),
    /// It was not made, or certainly came to nothing.
    Unmade,
    /// It may have been taken down; nobody knows.
    Lost,
}

/// A claim, made.
pub type Claims = Box<dyn Fn(Claim) -> BoxFuture<'static, Claimed> + Send + Sync>;

/// Where claims are made.
pub struct Pool {
    /// Makes a claim; it is answered in the end.
    pub claim: Claims,
    /// There may be news of another instance's.
    pub news: Arc<Notify>,
}

impl Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}
