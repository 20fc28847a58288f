//! What is counted of the shared tier.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// What came of asking the shared tier, or of telling it something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedOutcome {
    /// It had a value.
    Found,
    /// It had none.
    Missing,
    /// What it had is none of ours, of another version, or damaged.
    Unusable,
    /// It was not asked: it is away, or a purge has still to reach it.
    Away,
    /// It did not answer in time, or cannot be used.
    Failed,
    /// It keeps a value.
    Kept,
    /// It was not given a value: what it was made of had been purged.
    Outdated,
    /// It was not given a value: too large.
    TooLarge,
    /// It was not given a value: too many wait, or it is away.
    Dropped,
    /// It did not keep a value, as it is full or may not be written to.
    Refused,
    /// It knows of a purge.
    Purged,
    /// Another instance asked the upstream, and was waited for.
    Waited,
}

impl SharedOutcome {
    const ALL: [SharedOutcome; 12] = [
        SharedOutcome::Found,
        SharedOutcome::Missing,
        SharedOutcome::Unusable,
        SharedOutcome::Away,
        SharedOutcome::Failed,
        SharedOutcome::Kept,
        SharedOutcome::Outdated,
        SharedOutcome::TooLarge,
        SharedOutcome::Dropped,
        SharedOutcome::Refused,
        SharedOutcome::Purged,
        SharedOutcome::Waited,
    ];

    fn as_str(self) -> &'static str {
        match self {
            SharedOutcome::Found => "found",
            SharedOutcome::Missing => "missing",
            SharedOutcome::Unusable => "unusable",
            SharedOutcome::Away => "away",
            SharedOutcome::Failed => "failed",
            SharedOutcome::Kept => "kept",
            SharedOutcome::Outdated => "outdated",
            SharedOutcome::TooLarge => "too-large",
            SharedOutcome::Dropped => "dropped",
            SharedOutcome::Refused => "refused",
            SharedOutcome::Purged => "purged",
            SharedOutcome::Waited => "waited",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// The shared tier's series.
#[derive(Debug)]
pub(super) struct Shared {
    outcomes: [Counter; SharedOutcome::ALL.len()],
    up: Gauge,
}

impl Shared {
    /// All series, at zero.
    pub(super) fn new(registry: &mut Registry) -> Shared {
        let outcomes = Family::<Labels, Counter>::default();
        let help = "What came of asking the shared tier (found, missing, unusable, away, failed) and of telling it something (kept, outdated, too-large, dropped, refused, purged); waited = for another instance that asked the upstream";
        registry.register("shared", help, outcomes.clone());
        let up = Gauge::default();
        registry.register("shared_up", "1 where there is a shared tier that answers", up.clone());
        let of = |outcome: SharedOutcome| {
            outcomes.get_or_create_owned(&Labels { outcome: outcome.as_str() })
        };
        Shared { outcomes: SharedOutcome::ALL.map(of), up }
    }

    pub(super) fn count(&self, outcome: SharedOutcome) {
        self.outcomes[outcome as usize].inc();
    }

    pub(super) fn is_there(&self, is_there: bool) {
        self.up.set(i64::from(is_there));
    }
}
