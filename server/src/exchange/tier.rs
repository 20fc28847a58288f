//! The tier that several instances share, as the cache sees it: bytes by key.
//!
//! What the bytes are is the cache's, where they are is the tier's.

use std::{fmt::Debug, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::ending::Ending;

/// What the tier says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has these bytes.
    Value(Bytes),
    /// It has nothing.
    Nothing(Mark),
    /// It could not be asked, or may not be believed now.
    Away,
}

/// The last purge that a key shows, if any.
///
/// Who has asked for a response goes by the mark that it saw before: where
/// another has taken its place, the response is older than a purge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(pub Option<u64>);

/// Makes one value of ours and of what another instance has put in its place.
pub type Merge = Box<dyn Fn(&[u8], &[u8]) -> Vec<u8> + Send + Sync>;

/// What is to be kept under a key.
pub struct Kept {
    /// The key.
    pub key: String,
    /// The bytes.
    pub value: Vec<u8>,
    /// How long they can be of use.
    pub ttl: Duration,
    /// What the key showed before the response was asked for.
    pub mark: Mark,
    /// How it goes together with what another instance has put there; `None`:
    /// it takes its place.
    pub merge: Option<Merge>,
}

impl Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Whose turn it is to ask the upstream for a key.
pub enum Turn {
    /// Ours, as long as the lease is held.
    Ours(Lease),
    /// Another flight's: what this brings says how that has gone on, within a
    /// second or so.
    Theirs(BoxFuture<'static, Gone>),
    /// Everybody's: the tier could not be asked.
    Away,
}

impl Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Turn::Ours(_) => "Ours",
            Turn::Theirs(_) => "Theirs",
            Turn::Away => "Away",
        })
    }
}

/// How another's turn has gone on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It is over: what there is for others is in the tier.
    Over,
    /// It is not known: it may go on, or its holder may be dead.
    Unknown,
}

/// The right to ask the upstream for a key while others wait; given back when
/// dropped.
pub struct Lease(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Lease {
    /// A lease that is given back so.
    pub fn new(give_back: impl FnOnce() + Send + Sync + 'static) -> Lease {
        Lease(Some(Box::new(give_back)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

impl Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lease")
    }
}

/// What is heard of other instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This has.
    Ended(Ending),
    /// Anything may have ended.
    Any,
}

/// A store of bytes that several instances share.
///
/// Nothing of it fails: what cannot be done is not done, and counted.
pub trait Tier: Debug + Send + Sync {
    /// Asks for a key; takes no longer than the tier's time-out.
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Said>;

    /// The largest value that it keeps, in bytes.
    fn largest(&self) -> usize;

    /// Asks for the turn to ask the upstream for a key; takes no longer than the
    /// tier's time-out.
    fn lease<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Turn>;

    /// How long the turns of others are waited for.
    fn patience(&self) -> Duration;

    /// Keeps a value, behind the caller's back.
    fn keep(&self, kept: Kept);

    /// Ends what is under a key: from now on it is not found here, soon nowhere.
    /// Of what names no key the other instances are told, who know what they
    /// find by it.
    fn purge(&self, ending: &Ending);
}
