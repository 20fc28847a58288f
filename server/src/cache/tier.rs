//! What is stored, shared with other instances.
//!
//! [`value`] is what the tier has under a key, [`step`] what comes of it; both
//! are pure. What the tier says is judged like a snapshot: whether it may be
//! stored, and on what terms, is found out anew from its fields.

pub mod step;
pub mod value;

use std::{sync::Arc, time::SystemTime};

use self::step::{Step, after, is_newer};
use super::{
    Cache,
    key::CacheKey,
    policy::{Asks, decide},
    store::Epoch,
    stored::Prepared,
};
use crate::{
    exchange::{
        Purpose, RequestHead,
        tier::{Kept, Mark, Said, Tier},
    },
    telemetry::metrics::SharedOutcome,
};

/// The shared tier, and the upstream of which it has what is stored.
#[derive(Debug)]
pub(super) struct Behind {
    tier: Arc<dyn Tier>,
    source: Arc<str>,
}

/// A key as it was before the upstream was asked for it: what has ended it since
/// ends the answer too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Here.
    pub(super) epoch: Epoch,
    /// In the shared tier.
    pub(super) mark: Mark,
}

impl Cache {
    /// Puts a shared tier behind this cache, for what is stored of the upstream
    /// `source`; the first call counts.
    pub fn share_through(&self, tier: Arc<dyn Tier>, source: &str) {
        let _ = self.behind.set(Behind { tier, source: source.into() });
    }

    /// A key as it is, the tier not asked.
    pub(super) fn before(&self, key: &CacheKey) -> Before {
        Before { epoch: self.store.epoch(key), mark: Mark::default() }
    }

    /// Takes from the tier what is newer than what is stored, and says what a
    /// flight does next. Where there is none, or it says nothing, that is to ask
    /// the upstream about what was selected.
    pub(super) async fn ask_tier(
        &self,
        key: &CacheKey,
        request: &RequestHead,
        selected: Option<Arc<Prepared>>,
        purpose: Purpose,
    ) -> (Before, Step) {
        let mut before = self.before(key);
        let Some(behind) = self.behind.get() else { return (before, Step::Ask(selected)) };
        let said = behind.tier.find(key.as_str()).await;
        let now = self.clock.now();
        let taken = match said {
            Said::Value(bytes) => self.take(behind, key, &bytes, before.epoch, now),
            Said::Nothing(mark) => {
                before.mark = mark;
                0
            }
            Said::Away => 0,
        };
        if taken == 0 {
            return (before, Step::Ask(selected));
        }
        let lookup = self.store.lookup(key, &request.headers);
        let asks = Asks::of(&request.headers);
        (before, after(decide(request, asks, lookup, &self.rules, now), purpose))
    }

    /// Stores what the tier has: how many responses that were.
    fn take(
        &self,
        behind: &Behind,
        key: &CacheKey,
        bytes: &[u8],
        epoch: Epoch,
        now: SystemTime,
    ) -> usize {
        match value::read(bytes, &behind.source, key) {
            Ok(records) => {
                self.metrics.shared(SharedOutcome::Found);
                let stored = self.store.variants(key);
                let newer = |record: &super::record::Record| is_newer(&record.response, &stored);
                let records = records.into_iter().filter(newer);
                records.filter_map(|record| self.take_back(record, epoch, now)).count()
            }
            Err(why) => {
                self.metrics.shared(SharedOutcome::Unusable);
                tracing::debug!(key = key.as_str(), "of no use in the shared tier: {why}");
                0
            }
        }
    }

    /// Has the tier keep all that is stored under a key, what was stored just
    /// now included.
    pub(super) fn tell_tier(&self, key: &CacheKey, mark: Mark, new: &Arc<Prepared>) {
        let Some(behind) = self.behind.get() else { return };
        let now = self.clock.now();
        let mut all = self.store.variants(key);
        // The store may have preferred what it had under other keys.
        if !all.iter().any(|stored| Arc::ptr_eq(stored, new)) {
            all = vec![Arc::clone(new)];
        }
        all.retain(|stored| stored.is_useful(now));
        let ttl = all.iter().map(|stored| stored.useful_for(now)).max().unwrap_or_default();
        let responses = all.iter().map(|stored| &stored.response);
        match value::write(&behind.source, key, responses, behind.tier.largest()) {
            Some(value) => {
                behind.tier.keep(Kept { key: key.as_str().to_owned(), value, ttl, mark });
            }
            None => self.metrics.shared(SharedOutcome::TooLarge),
        }
    }

    /// Ends what the tier has under a key.
    pub(super) fn purge_tier(&self, key: &CacheKey) {
        if let Some(behind) = self.behind.get() {
            behind.tier.purge(key.as_str());
        }
    }
}
