//! Until when an answer has to begin: one moment for all of the way to it.

use std::time::Duration;

use poem::Request;
use tokio::time::Instant;

use crate::exchange::{Failure, Since};

/// Such a part of the time is kept for the exchange itself: what is sent later
/// would be a call that is cut short.
const KEPT: u32 = 10;

/// `--upstream-timeout` after the wait began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    timeout: Duration,
}

/// How much of the time is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Half, or more.
    Most,
    /// Less.
    Little,
}

impl Deadline {
    /// A request's; without a [`Since`] it begins now, and says so from then on.
    pub(super) fn of(request: &mut Request, timeout: Duration) -> Deadline {
        let since = request.extensions_mut().get_or_insert_with(Since::now);
        Deadline { at: since.0 + timeout, timeout }
    }

    /// When it is.
    pub(super) fn at(self) -> Instant {
        self.at
    }

    /// The last moment at which a request may go.
    pub(super) fn latest(self) -> Instant {
        self.at - self.timeout / KEPT
    }

    /// Whether it is too late for a request to go.
    pub(super) fn is_near(self) -> bool {
        self.latest() < Instant::now()
    }

    /// How much is left now.
    pub(super) fn rest(self) -> Rest {
        let left = self.at.saturating_duration_since(Instant::now());
        if self.timeout / 2 <= left { Rest::Most } else { Rest::Little }
    }

    /// What passing it comes to.
    pub(super) fn failure(self) -> Failure {
        Failure::TimedOut(humantime::format_duration(self.timeout).to_string())
    }
}
