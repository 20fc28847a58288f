//! A hold by hand: the operator has the upstream left alone for a time.
//!
//! It is beside what the governor has learnt: it ends when it ends, or by hand,
//! whatever the upstream says meanwhile. Nothing goes out while it lasts, and
//! nobody waits for its end: what is stored answers, all else is told when to
//! come back.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use poem::{Endpoint, Request, Response, Result};
use tokio::time::Instant;

use crate::exchange::{Bound, Failure};

/// A longer hold is a mistake, or means that the relay is to be ended.
pub const LONGEST: Duration = Duration::from_hours(24);

/// The operator's hold, if there is one; shared by all who ask for it.
#[derive(Clone, Debug, Default)]
pub struct ByHand(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    hold: Option<Hold>,
    refused: u64,
}

#[derive(Clone, Debug)]
struct Hold {
    until: Instant,
    reason: String,
}

/// How the operator's hold stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How long it still lasts.
    pub left: Duration,
    /// Why, in the operator's words.
    pub reason: String,
}

impl ByHand {
    /// Leaves the upstream alone for so long from now, [`LONGEST`] at most; what
    /// was said before ends.
    pub fn hold(&self, time: Duration, reason: &str) {
        let until = Instant::now() + time.min(LONGEST);
        self.0.lock().hold = Some(Hold { until, reason: reason.to_owned() });
    }

    /// Ends the hold: whether there was one.
    pub fn release(&self) -> bool {
        let was_held = self.held().is_some();
        self.0.lock().hold = None;
        was_held
    }

    /// The hold that is in force.
    pub fn held(&self) -> Option<Held> {
        let state = self.0.lock();
        let hold = state.hold.as_ref()?;
        let left = hold.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| Held { left, reason: hold.reason.clone() })
    }

    /// Requests that holds have refused.
    pub fn refused(&self) -> u64 {
        self.0.lock().refused
    }

    fn refusal(&self) -> Option<Failure> {
        let Held { left, .. } = self.held()?;
        self.0.lock().refused += 1;
        Some(Failure::Shed { bound: Bound::ByHand, retry_after: left })
    }
}

/// An endpoint that is not asked while the operator holds it.
///
/// It is put before those who wait for their turn, and behind them too: a hold
/// that begins meanwhile is kept.
#[derive(Debug)]
pub struct Holding<E> {
    by_hand: ByHand,
    inner: E,
}

impl<E> Holding<E> {
    /// Puts the operator's hold before an endpoint.
    pub fn new(by_hand: ByHand, inner: E) -> Holding<E> {
        Holding { by_hand, inner }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Holding<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        match self.by_hand.refusal() {
            Some(refusal) => Err(refusal.into()),
            None => self.inner.call(request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make_sync;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_out_until_it_ends_by_itself_or_by_hand() {
        let by_hand = ByHand::default();
        let upstream = Holding::new(by_hand.clone(), make_sync(|_| Response::default()));
        let ask = async || upstream.call(Request::default()).await.is_ok();
        assert!(ask().await && by_hand.held().is_none());
        by_hand.hold(Duration::from_mins(1), "the kitchen burns");
        advance(Duration::from_secs(20)).await;
        let held = by_hand.held().unwrap();
        assert_eq!((held.left.as_secs(), &*held.reason), (40, "the kitchen burns"));
        let refused = Failure::of(upstream.call(Request::default()).await.unwrap_err());
        let retry_after = Duration::from_secs(40);
        assert_eq!(refused, Failure::Shed { bound: Bound::ByHand, retry_after });
        advance(retry_after).await;
        assert!(ask().await && by_hand.held().is_none());

        by_hand.hold(Duration::MAX, "");
        assert_eq!(by_hand.held().unwrap().left, LONGEST);
        assert!(!ask().await);
        assert!(by_hand.release() && !by_hand.release());
        assert!(ask().await);
        assert_eq!(by_hand.refused(), 2);
    }
}
