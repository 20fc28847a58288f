//! What limits the throughput: by what moves it, supported by what was in use.

use loadgen::verdict::Verdict as Worth;

use super::{
    ablation::{Ablations, BASELINE, Condition},
    levels::Scaling,
    usage::Loads,
};
use crate::capacity::analysis::{
    Interval,
    attribution::{
        Attribution, Confidence, Observation, Perturbation, Suspect, Verdict, attribute,
    },
    welch::{Change, change},
};

/// From this share on a resource that was in use is named where nothing that
/// was changed tells more.
const BUSY: f64 = 0.9;

/// From this share of time on what a quota or a hypervisor takes is the reason
/// why processor time is short.
const TAKEN: f64 = 0.1;

/// Below this share a resource is not what limits, whatever takes less of it
/// does: then requests wait in line, each behind the one before.
const IDLE: f64 = 0.5;

/// An effect that may be of any size, if it is more than chance.
const MORE: Interval = Interval { low: 0.05, high: 1e6 };

/// What limits a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What does, and how sure that is; none if it cannot be told.
    pub by: Option<(Suspect, Confidence)>,
    /// What was changed, and what it says.
    pub attribution: Attribution,
    /// What was in use.
    pub observations: Vec<Observation>,
    /// On what the answer rests, in words.
    pub basis: &'static str,
}

/// A bottleneck that was put there on purpose, and what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// The condition.
    pub name: &'static str,
    /// Without it, for comparison.
    pub against: &'static str,
    /// What was put there.
    pub suspect: Suspect,
    /// What taking it away does.
    pub relief: Change,
    /// What is found to limit it.
    pub limit: Limit,
    /// What its use of resources alone would have named.
    pub by_use: Option<Suspect>,
}

impl Planted {
    /// Whether what was put there was found.
    pub fn is_found(&self) -> bool {
        self.limit.by.is_some_and(|(found, _)| found == self.suspect)
    }
}

/// Bottlenecks on purpose: the condition, the one without it, and what it is.
const PLANTED: [(&str, &str, Suspect); 7] = [
    ("workers-1", "workers-all", Suspect::SingleThread),
    ("generator-throttled", BASELINE, Suspect::Generator),
    ("log-debug", BASELINE, Suspect::Logging),
    ("upstream-limited", "miss", Suspect::Upstream),
    ("one-connection", BASELINE, Suspect::Connections),
    ("new-connections", BASELINE, Suspect::Connections),
    ("quota", BASELINE, Suspect::Throttling),
];

/// What of the relay's processor time limits, as far as that is what does.
fn processor(loads: &Loads) -> Suspect {
    let Some(relay) = &loads.relay else { return Suspect::ProcessorUser };
    let busiest = relay.busiest_thread.unwrap_or(0.0);
    if 1.0 < relay.processors && BUSY <= busiest && relay.utilisation() < BUSY {
        Suspect::SingleThread
    } else if relay.user < relay.system {
        Suspect::ProcessorSystem
    } else {
        Suspect::ProcessorUser
    }
}

/// What was in use, by suspect.
fn observe(loads: &Loads) -> Vec<Observation> {
    let mut seen = Vec::new();
    let mut see = |suspect, share: Option<f64>| {
        if let Some(share) = share.filter(|share| share.is_finite()) {
            seen.push(Observation { suspect, share });
        }
    };
    let relay = loads.relay.as_ref();
    let share = relay.map(|relay| match processor(loads) {
        Suspect::SingleThread => relay.busiest_thread.unwrap_or(0.0),
        _ => relay.utilisation(),
    });
    see(processor(loads), share);
    let generator = loads.generator.as_ref();
    see(
        Suspect::Generator,
        generator.map(|own| own.busiest_thread.unwrap_or(0.0).max(own.utilisation())),
    );
    see(Suspect::Upstream, loads.upstream.as_ref().map(|own| own.busiest_thread.unwrap_or(0.0)));
    see(Suspect::Throttling, loads.machine.throttled);
    see(Suspect::Steal, loads.machine.steal);
    seen
}

/// What limits the relay as it is: `loads` are those of its highest rate.
pub(super) fn baseline(
    ablations: &Ablations,
    users: &Scaling,
    cores: &Scaling,
    loads: &Loads,
    worth: Worth,
) -> Limit {
    let base = ablations.get(BASELINE);
    let loads = base.map_or(loads, |base| &base.loads);
    let suspect = processor(loads);
    let mut tried = Vec::new();
    let mut relief = |id: &str, suspect, predicted, effect: Option<Change>| {
        if let Some(Change { value: measured, interval: Some(interval) }) = effect {
            tried.push(Perturbation { id: id.to_owned(), suspect, predicted, measured, interval });
        }
    };
    relief(
        "without the relay (floor)",
        suspect,
        Interval { low: 0.1, high: 1e6 },
        ablations.effect("floor", BASELINE),
    );
    relief(
        "a tenth of the body",
        Suspect::Network,
        Interval { low: 0.3, high: 10.0 },
        ablations.effect("body-200", "body-2000"),
    );
    if let Some((effect, ratio)) = doubled(users) {
        let predicted = Interval { low: 0.3 * (ratio - 1.0), high: 1.3 * (ratio - 1.0) };
        relief("more users", Suspect::Connections, predicted, Some(effect));
    }
    if let Some((effect, ratio)) = more(cores) {
        let predicted = Interval { low: 0.3 * (ratio - 1.0), high: 1.3 * (ratio - 1.0) };
        relief("more workers", suspect, predicted, Some(effect));
    }
    concluded(&tried, observe(loads), base.map_or(worth, |base| base.verdict))
}

/// From the level below the most users to the most: whether more of them still
/// help, with the ratio of their numbers.
fn doubled(users: &Scaling) -> Option<(Change, f64)> {
    let [.., before, last] = &users.levels[..] else { return None };
    Some((change(&before.trials, &last.trials)?, last.load / before.load))
}

/// From the fewest workers to the most.
fn more(cores: &Scaling) -> Option<(Change, f64)> {
    let (first, last) = (cores.levels.first()?, cores.levels.last()?);
    let ratio = last.load / first.load;
    (1.0 < ratio).then(|| change(&first.trials, &last.trials)).flatten().map(|found| (found, ratio))
}

/// Whether what was planted is found: each by itself, among all suspects.
pub(super) fn planted(ablations: &Ablations) -> Vec<Planted> {
    let each = |(name, against, suspect): &(&'static str, &'static str, Suspect)| {
        let own = ablations.get(name)?;
        ablations.get(against)?;
        let relief = ablations.effect(against, name)?;
        Some(Planted {
            name,
            against,
            suspect: *suspect,
            relief,
            limit: of_planted(own, *suspect, relief),
            by_use: busiest(&observe(&own.loads)),
        })
    };
    PLANTED.iter().filter_map(each).collect()
}

fn of_planted(own: &Condition, suspect: Suspect, relief: Change) -> Limit {
    let tried: Vec<Perturbation> = relief
        .interval
        .map(|interval| Perturbation {
            id: format!("without {}", own.name),
            suspect,
            predicted: MORE,
            measured: relief.value,
            interval,
        })
        .into_iter()
        .collect();
    concluded(&tried, observe(&own.loads), Worth::Valid)
}

/// The answer of what was changed; of what was in use where that says nothing.
/// Processor time that is taken away is the reason why it is short.
fn concluded(tried: &[Perturbation], observations: Vec<Observation>, worth: Worth) -> Limit {
    let attribution = attribute(tried, &observations);
    let is_taken = |by: &Suspect| seen_of(&observations, *by).is_some_and(|share| TAKEN <= share);
    let taken = [Suspect::Throttling, Suspect::Steal].into_iter().find(is_taken);
    let is_processor = |by: Suspect| {
        matches!(by, Suspect::ProcessorUser | Suspect::ProcessorSystem | Suspect::SingleThread)
    };
    let by_change = match attribution.verdict {
        Verdict::Limited { by, confidence } => Some((by, confidence)),
        Verdict::Unknown => None,
    };
    let in_line = by_change.is_some_and(|(by, _)| {
        is_processor(by) && seen_of(&observations, by).is_some_and(|share| share < IDLE)
    });
    let (by, basis) = match (by_change, taken) {
        (Some(_), None) if in_line => (
            Some((Suspect::Connections, Confidence::Low)),
            "as nothing is used up: requests wait in line, each behind the one before",
        ),
        (Some((by, _)), Some(taken)) if is_processor(by) => (
            Some((taken, Confidence::Medium)),
            "processor time is short, and a part of it is taken away",
        ),
        (None, Some(taken)) => (Some((taken, Confidence::Low)), "processor time is taken away"),
        (Some(found), _) => (Some(found), "by what moved the throughput"),
        (None, None) if worth == Worth::GeneratorLimited => {
            (Some((Suspect::Generator, Confidence::Medium)), "the generator says so of itself")
        }
        (None, None) => (
            busiest(&observations).map(|by| (by, Confidence::Low)),
            "by what was in use only: nothing that was changed tells more",
        ),
    };
    Limit { by, attribution, observations, basis }
}

/// How much of a resource was in use, if that is known.
fn seen_of(observations: &[Observation], by: Suspect) -> Option<f64> {
    observations.iter().find(|seen| seen.suspect == by).map(|seen| seen.share)
}

/// The resource that was used up most, if one was.
fn busiest(observations: &[Observation]) -> Option<Suspect> {
    let most = observations.iter().max_by(|a, b| a.share.total_cmp(&b.share))?;
    (BUSY <= most.share).then_some(most.suspect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(suspect: Suspect, share: f64) -> Observation {
        Observation { suspect, share }
    }

    fn tried(suspect: Suspect, low: f64, high: f64) -> Perturbation {
        let interval = Interval { low, high };
        let id = "x".to_owned();
        Perturbation { id, suspect, predicted: MORE, measured: f64::midpoint(low, high), interval }
    }

    #[test]
    fn what_moved_decides_and_what_was_in_use_supports() {
        let busy = || vec![seen(Suspect::ProcessorUser, 0.97), seen(Suspect::Generator, 0.4)];
        let rows = [
            // What was changed, the generator's verdict, what limits.
            (
                vec![tried(Suspect::ProcessorUser, 0.5, 0.7)],
                Worth::Valid,
                Some((Suspect::ProcessorUser, Confidence::High)),
            ),
            (
                vec![tried(Suspect::Logging, 0.2, 0.4)],
                Worth::Valid,
                Some((Suspect::Logging, Confidence::Medium)),
            ),
            (
                vec![tried(Suspect::Logging, -0.1, 0.02)],
                Worth::Valid,
                Some((Suspect::ProcessorUser, Confidence::Low)),
            ),
            (Vec::new(), Worth::GeneratorLimited, Some((Suspect::Generator, Confidence::Medium))),
        ];
        for (tried, worth, expected) in rows {
            assert_eq!(concluded(&tried, busy(), worth).by, expected, "{tried:?}");
        }
        assert_eq!(concluded(&[], vec![seen(Suspect::Generator, f64::NAN)], Worth::Valid).by, None);
        assert_eq!(concluded(&[], Vec::new(), Worth::Valid).by, None);
    }

    #[test]
    fn a_quota_is_why_processor_time_is_short() {
        let observations = vec![seen(Suspect::ProcessorUser, 0.5), seen(Suspect::Throttling, 0.4)];
        let found = concluded(
            &[tried(Suspect::ProcessorUser, 0.5, 0.7)],
            observations.clone(),
            Worth::Valid,
        );
        assert_eq!(found.by, Some((Suspect::Throttling, Confidence::Medium)));
        // It is not why the generator is slow.
        let found = concluded(&[tried(Suspect::Generator, 0.5, 0.7)], observations, Worth::Valid);
        assert_eq!(found.by.map(|(by, _)| by), Some(Suspect::Generator));
    }
}
