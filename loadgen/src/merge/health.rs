//! What the health of several generators comes to.

use std::cmp::Reverse;

use crate::{
    health::{Activity, ThreadActivity},
    summary::Step,
    verdict::{Health, Verdict},
};

/// The health of the generators that made `steps`: no better than the worst,
/// and of each it is said which one it was by its number.
pub(super) fn worst(steps: &[&Step], largest_burst: u64) -> Health {
    let each = || steps.iter().map(|step| &step.health);
    let mut numbered: Vec<_> = each().enumerate().collect();
    // A stable sort: those of one verdict in their order.
    numbered.sort_by_key(|(_, health)| Reverse(health.verdict));
    let reasons = numbered.iter().flat_map(|(number, health)| {
        health.reasons.iter().map(move |reason| format!("{number}: {reason}"))
    });
    let threads = each().enumerate().flat_map(|(number, health)| {
        health.activity.threads.iter().map(move |thread| ThreadActivity {
            name: format!("{number}/{}", thread.name),
            ..thread.clone()
        })
    });
    let most = |of: fn(&Health) -> Option<f64>| each().filter_map(of).max_by(f64::total_cmp);
    let descriptors = each().filter_map(|health| health.activity.descriptors);
    Health {
        verdict: numbered.first().map_or(Verdict::Valid, |(_, health)| health.verdict),
        reasons: reasons.collect(),
        late_bound_us: each().map(|health| health.late_bound_us).fold(0.0, f64::max),
        late_share: late_share(steps),
        largest_burst,
        own_faults: each().map(|health| health.own_faults).sum(),
        ceiling_share: most(|health| health.ceiling_share),
        activity: Activity {
            threads: threads.collect(),
            steal_share: most(|health| health.activity.steal_share),
            watchdog_gap_ms: each()
                .map(|health| health.activity.watchdog_gap_ms)
                .fold(0.0, f64::max),
            descriptors: descriptors.reduce(|one, other| one + other),
        },
    }
}

/// The part of all requests that were late, each by its own generator's bound.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn late_share(steps: &[&Step]) -> f64 {
    let shares = steps.iter().filter_map(|step| {
        let count = step.measures.times.get("lateness")?.count as f64;
        Some((step.health.late_share * count, count))
    });
    let (late, all) = shares.fold((0.0, 0.0), |sum, (late, all)| (sum.0 + late, sum.1 + all));
    if 0.0 < all { late / all } else { 0.0 }
}
