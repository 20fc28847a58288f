//! Claims on the budget that instances share, made when they are due.

use std::sync::{Arc, Weak};

use tokio::{sync::Notify, time::sleep_until};

use super::{
    admission::Shared,
    governor::{budget::Source, ledger::Figures},
};
use crate::exchange::budget::Pool;

/// Makes claims for as long as there is a governor.
pub(super) async fn claim(governor: Weak<Shared>, pool: Pool, stirred: Arc<Notify>) {
    loop {
        let Some(claim_at) = governor.upgrade().map(|governor| governor.claim_at()) else { return };
        tokio::select! {
            biased;
            () = pool.news.notified() => {
                if let Some(governor) = governor.upgrade() {
                    governor.news();
                }
            }
            () = until(claim_at) => {
                let Some(claim) = governor.upgrade().map(|governor| governor.claim()) else { return };
                let claimed = (pool.claim)(claim).await;
                let Some(governor) = governor.upgrade() else { return };
                tell(&governor.claimed(claimed));
            }
            () = stirred.notified() => {}
        }
    }
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Tells of a change.
fn tell([before, after]: &[Figures; 2]) {
    match after.source {
        now if now == before.source => {}
        Source::Shared => tracing::info!("the upstream's budget is shared with the other relays"),
        Source::Apart | Source::Own => tracing::warn!(
            share = %after.limits.share,
            "the upstream's budget cannot be shared: this relay keeps to its own part (--upstream-share)"
        ),
    }
    if before.ledger.held < after.ledger.held {
        tracing::warn!(
            seconds = after.held_for(),
            "the upstream is left alone for a time: it has asked another relay for that"
        );
    }
}
