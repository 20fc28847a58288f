//! What is stored, shared with other instances.
//!
//! [`value`] is what the tier has under a key, [`step`] what comes of it; both
//! are pure. What the tier says is judged like a snapshot: whether it may be
//! stored, and on what terms, is found out anew from its fields.

pub mod step;
pub mod value;

use std::{sync::Arc, time::SystemTime};

use poem::Response;
use tokio::time::Instant;

use self::step::{Look, Standing, Step, after, is_newer, wants_turn};
use super::{
    Cache,
    key::CacheKey,
    policy::{Asks, Refresh, decide},
    store::Epoch,
    stored::Prepared,
};
use crate::{
    exchange::{
        Purpose, RequestHead,
        ending::Ending,
        tier::{Gone, Heard, Kept, Lease, Mark, Merge, Said, Tier, Turn},
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

/// What came of a look at the tier.
struct Looked {
    before: Before,
    step: Step,
    look: Look,
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

    /// Finds out what a flight does next: it brings what another instance has
    /// stored, or asks the upstream, with a lease while all others wait where
    /// the tier gives one.
    ///
    /// Without a tier, that is to ask the upstream about what was selected.
    pub(super) async fn ask_tier(
        &self,
        key: &CacheKey,
        request: &RequestHead,
        mut selected: Option<Arc<Prepared>>,
        purpose: Purpose,
        mut standing: Standing,
    ) -> (Before, Step, Option<Lease>) {
        let Some(behind) = self.behind.get() else {
            return (self.before(key), Step::Ask(selected), None);
        };
        let until = Instant::now() + behind.tier.patience();
        let mut lease = None;
        loop {
            let looked = self.look(behind, key, request, selected, purpose).await;
            let patience = until.saturating_duration_since(Instant::now());
            match looked.step {
                Step::Ask(stored) if wants_turn(standing, looked.look, patience) => {
                    selected = stored;
                }
                Step::Ask(stored) => return (looked.before, Step::Ask(stored), lease),
                bring @ Step::Bring(..) => return (looked.before, bring, None),
            }
            match behind.tier.lease(key.as_str()).await {
                // Since it was looked another's turn may have ended: once more.
                Turn::Ours(ours) => (lease, standing) = (Some(ours), Standing::Turn),
                Turn::Theirs(going_on) => {
                    if going_on.await == Gone::Over {
                        standing = Standing::Over;
                    }
                }
                Turn::Away => return (looked.before, Step::Ask(selected), None),
            }
        }
    }

    /// Answers a request that says `only-if-cached` with what another instance
    /// has stored (RFC 9111 §5.2.1.7); its own has nothing for it.
    pub(super) async fn only_if_shared(
        self: &Arc<Self>,
        key: CacheKey,
        request: RequestHead,
        asks: Asks,
    ) -> Response {
        let seat = self.waiters.try_acquire();
        let (Some(behind), Ok(_seat)) = (self.behind.get(), seat) else {
            return self.unsatisfiable(&request);
        };
        match self.look(behind, &key, &request, None, Purpose::Client).await.step {
            Step::Bring(stored, refresh) => {
                let answer = self.taken_answer(&key, &request, asks, &stored);
                if refresh == Refresh::Behind {
                    self.refresh(key, &request, stored);
                }
                answer
            }
            Step::Ask(_) => self.unsatisfiable(&request),
        }
    }

    /// Takes from the tier what is newer than what is stored.
    async fn look(
        &self,
        behind: &Behind,
        key: &CacheKey,
        request: &RequestHead,
        selected: Option<Arc<Prepared>>,
        purpose: Purpose,
    ) -> Looked {
        let mut before = self.before(key);
        let said = behind.tier.find(key.as_str()).await;
        let look = if said == Said::Away { Look::Blind } else { Look::Good };
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
            return Looked { before, step: Step::Ask(selected), look };
        }
        let lookup = self.store.lookup(key, &request.headers);
        let asks = Asks::of(&request.headers);
        let step = after(decide(request, asks, lookup, &self.in_force().rules, now), purpose);
        Looked { before, step, look }
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
        // Elsewhere nobody would know that it was made stale.
        all.retain(|stored| stored.is_useful(now) && !stored.is_purged());
        let ttl = all.iter().map(|stored| stored.useful_for(now)).max().unwrap_or_default();
        let responses = all.iter().map(|stored| &stored.response);
        let largest = behind.tier.largest();
        match value::write(&behind.source, key, responses, largest) {
            Some(value) => {
                // Another instance may have stored another variant meanwhile.
                let has_variants =
                    all.iter().any(|stored| stored.response.selecting.names().next().is_some());
                let merge = has_variants.then(|| -> Merge {
                    let (source, key) = (Arc::clone(&behind.source), key.clone());
                    Box::new(move |ours, theirs| value::merge(ours, theirs, &source, &key, largest))
                });
                behind.tier.keep(Kept { key: key.as_str().to_owned(), value, ttl, mark, merge });
            }
            None => self.metrics.shared(SharedOutcome::TooLarge),
        }
    }

    /// Whether an answer of this length, if it says one, can be shared.
    pub(super) fn is_shareable(&self, length: Option<usize>) -> bool {
        let largest = self.behind.get().map_or(0, |behind| behind.tier.largest());
        length.is_none_or(|length| length <= largest)
    }

    /// Ends here what another instance has ended.
    pub fn hear(&self, heard: Heard) {
        match heard {
            Heard::Ended(ending) => self.end_here(&ending),
            Heard::Any => {
                self.flights.detach(|_, _| true);
                for (key, _) in self.store.all() {
                    self.outdate_here(&key);
                }
            }
        }
    }

    /// Ends what the tier has, and what other instances have.
    pub(super) fn purge_tier(&self, ending: &Ending) {
        if let Some(behind) = self.behind.get() {
            behind.tier.purge(ending);
        }
    }
}
