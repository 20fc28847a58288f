//! Whether the measurement contradicts itself. What fails here is not to be
//! trusted, and ends the task with an error once the report is written.

use loadgen::verdict::Verdict as Worth;

use super::{
    ablation::Ablations,
    demand::Cost,
    objective::USUAL,
    prediction::Prediction,
    ramp::RampStep,
    reading::{grown, upstream},
    saturation::Saturation,
};
use crate::capacity::{
    analysis::little::{self, Check},
    loaded::{Loaded, LoadedTrial},
};

/// Of the 99th percentile, or of the usual objective where that is longer, how
/// much of the generator's own lateness may be in it.
const LATENESS: f64 = 0.05;

/// By how much the highest throughput may exceed what the processors allow.
const BOUND: f64 = 1.05;

/// Of all requests, how many may be errors where none should be.
const ERRORS: f64 = 0.001;

/// Requests, or errors of the kernel's clock, that are too few to tell anything:
/// mean requests under way below which Little's law is not asked.
const LEAST_IN_FLIGHT: f64 = 0.05;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not: something is wrong with the measurement.
    Failed,
    /// There is nothing to check.
    NotMeasured,
}

/// A law that holds for any system, or a count that has to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfCheck {
    /// What has to hold.
    pub name: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
    /// The numbers.
    pub detail: String,
}

impl SelfCheck {
    /// Passed if none of `failures` is, of `asked` things.
    fn of(name: &'static str, asked: usize, failures: &[String], passed: String) -> Self {
        let (outcome, detail) = match (asked, failures) {
            (0, _) => (Outcome::NotMeasured, "nothing to check".to_owned()),
            (_, []) => (Outcome::Passed, passed),
            (_, [first, ..]) => {
                (Outcome::Failed, format!("{} of {asked}: {first}", failures.len()))
            }
        };
        Self { name, outcome, detail }
    }
}

/// Little's law at each step of the ramp that counts, with its rate.
pub(super) fn little(trials: &[&LoadedTrial]) -> Vec<(f64, Check)> {
    let steps = trials.iter().flat_map(|trial| &trial.summary.steps);
    let counts = steps.filter(|step| {
        step.health.verdict != Worth::GeneratorLimited && LEAST_IN_FLIGHT <= step.in_flight
    });
    counts
        .filter_map(|step| {
            let service = step.measures.times.get("service")?.mean_us / 1e6;
            Some((step.rate?, little::littles_law(step.in_flight, step.throughput, service)))
        })
        .collect()
}

/// All checks.
pub(super) fn checks(
    loaded: &Loaded,
    laws: &[(f64, Check)],
    steps: &[RampStep],
    (cost, saturation): (&Cost, &Saturation),
    prediction: Option<&Prediction>,
    ablations: &Ablations,
) -> Vec<SelfCheck> {
    vec![
        littles_law(laws),
        clients_and_server(loaded),
        hits_and_misses(loaded),
        upstream_counts(loaded),
        lateness(steps),
        bound(cost, saturation),
        foretold(prediction),
        answered(ablations),
    ]
}

fn littles_law(laws: &[(f64, Check)]) -> SelfCheck {
    let failing = laws.iter().filter(|(_, check)| check.verdict == little::Verdict::Fail);
    let failures: Vec<String> = failing
        .map(|(rate, check)| {
            let error = check.relative_error() * 100.0;
            format!(
                "at {rate:.0}/s {:.2} were under way and {:.2} should have been ({error:.1} %)",
                check.measured, check.expected
            )
        })
        .collect();
    let worst = laws.iter().map(|(_, check)| check.relative_error()).fold(0.0, f64::max);
    let passed = format!("at most {:.1} % off at {} steps", worst * 100.0, laws.len());
    SelfCheck::of(
        "requests under way = throughput × response time, to 3 %",
        laws.len(),
        &failures,
        passed,
    )
}

/// Trials in which every request was answered: only then both can have counted
/// the same.
fn whole(loaded: &Loaded) -> impl Iterator<Item = &LoadedTrial> {
    loaded.trials.iter().filter(|trial| {
        let totals = &trial.summary.totals;
        let of_relay = matches!(trial.trial.experiment.as_str(), "e1" | "e3" | "e4" | "e9");
        of_relay && totals.completed == totals.sent && 0 < totals.sent
    })
}

/// Requests that clients made, by the relays' own count.
fn asked(trial: &LoadedTrial) -> Option<f64> {
    // The relay's own names are not relayed: that is who asked whether it is ready.
    let counts = |labels: &str| !labels.contains("outcome=\"own\"");
    grown(&trial.trial.counters, "lunch_relay_requests_total", counts)
}

#[expect(clippy::cast_precision_loss, reason = "requests of minutes, below 2⁵³")]
fn clients_and_server(loaded: &Loaded) -> SelfCheck {
    let counts: Vec<(&LoadedTrial, f64)> =
        whole(loaded).filter_map(|trial| Some((trial, asked(trial)?))).collect();
    let differ = |(trial, server): &&(&LoadedTrial, f64)| {
        (trial.summary.totals.completed as f64).total_cmp(server).is_ne()
    };
    let failures: Vec<String> = counts
        .iter()
        .filter(differ)
        .map(|(trial, server)| {
            format!(
                "in {} clients have {} answers and the relay gave {server:.0}",
                trial.trial.folder, trial.summary.totals.completed
            )
        })
        .collect();
    let passed = format!("exactly, in {} trials", counts.len());
    SelfCheck::of("answers at the clients = answers of the relay", counts.len(), &failures, passed)
}

fn hits_and_misses(loaded: &Loaded) -> SelfCheck {
    let of_trial = |trial: &LoadedTrial| {
        let counters = &trial.trial.counters;
        let not_validated = |labels: &str| !labels.contains("by=\"validated\"");
        let saved = grown(counters, "lunch_relay_saved_requests_total", not_validated)?;
        let for_clients = |labels: &str| labels.contains("purpose=\"client\"");
        let spent = grown(counters, "lunch_relay_upstream_spent_total", for_clients)?;
        Some((asked(trial)?, saved, spent))
    };
    let counts: Vec<(&LoadedTrial, (f64, f64, f64))> =
        whole(loaded).filter_map(|trial| Some((trial, of_trial(trial)?))).collect();
    let failures: Vec<String> = counts
        .iter()
        .filter(|(_, (asked, saved, spent))| asked.total_cmp(&(saved + spent)).is_ne())
        .map(|(trial, (asked, saved, spent))| {
            format!(
                "in {} there were {asked:.0} requests, {saved:.0} spared and {spent:.0} spent",
                trial.trial.folder
            )
        })
        .collect();
    let passed = format!("exactly, in {} trials", counts.len());
    SelfCheck::of("requests = spared the upstream + asked of it", counts.len(), &failures, passed)
}

/// What the relay sent upstream, by two counters of its own: that of answers,
/// and that of what was spent, by whom. The stand-in itself does not count.
fn upstream_counts(loaded: &Loaded) -> SelfCheck {
    let of_trial = |trial: &LoadedTrial| {
        let spent = grown(&trial.trial.counters, "lunch_relay_upstream_spent_total", |_| true)?;
        Some((upstream(trial)?, spent))
    };
    let counts: Vec<(&LoadedTrial, (f64, f64))> =
        whole(loaded).filter_map(|trial| Some((trial, of_trial(trial)?))).collect();
    let failures: Vec<String> = counts
        .iter()
        .filter(|(_, (sent, spent))| sent.total_cmp(spent).is_ne())
        .map(|(trial, (sent, spent))| {
            format!("in {} {sent:.0} were answered and {spent:.0} spent", trial.trial.folder)
        })
        .collect();
    let passed = format!("exactly, in {} trials", counts.len());
    SelfCheck::of("requests upstream = requests spent", counts.len(), &failures, passed)
}

fn lateness(steps: &[RampStep]) -> SelfCheck {
    let known: Vec<(&RampStep, f64, f64)> = steps
        .iter()
        .filter(|step| step.verdicts.iter().all(|verdict| *verdict != Worth::GeneratorLimited))
        .filter_map(|step| {
            let late = step.lateness.quantile(0.99)?.seen().as_secs_f64();
            Some((step, late, step.quantile(0.99)?))
        })
        .collect();
    let least = USUAL.limit.as_secs_f64();
    let failures: Vec<String> = known
        .iter()
        .filter(|(_, late, p99)| LATENESS * p99.max(least) < *late)
        .map(|(step, late, p99)| {
            format!(
                "at {:.0}/s p99 is {:.2} ms and {:.2} ms of lateness",
                step.rate,
                p99 * 1e3,
                late * 1e3
            )
        })
        .collect();
    let worst = known.iter().map(|(_, late, _)| *late).fold(0.0, f64::max);
    let passed =
        format!("at most {:.2} ms late at p99, at {} rates that count", worst * 1e3, known.len());
    SelfCheck::of(
        "the generator’s lateness is at most 5 % of p99 or of the objective",
        known.len(),
        &failures,
        passed,
    )
}

fn bound(cost: &Cost, saturation: &Saturation) -> SelfCheck {
    let name = "the highest throughput is within what the processors allow, to 5 %";
    let (Some(bound), Some(most)) = (cost.bound(), saturation.most) else {
        return SelfCheck::of(name, 0, &[], String::new());
    };
    let said = format!("{most:.0}/s of at most {bound:.0}/s");
    let failures: Vec<String> = if most <= bound * BOUND { Vec::new() } else { vec![said.clone()] };
    SelfCheck::of(name, 1, &failures, said)
}

/// What an error costs says nothing of what an answer does.
fn answered(ablations: &Ablations) -> SelfCheck {
    let conditions = &ablations.conditions;
    let failing = conditions.iter().filter(|own| ERRORS < own.error_share);
    let failures: Vec<String> = failing
        .map(|own| format!("{:.1} % of {} were errors", own.error_share * 100.0, own.name))
        .collect();
    let passed = format!("under {} conditions", conditions.len());
    SelfCheck::of("what was changed has answers, not errors", conditions.len(), &failures, passed)
}

fn foretold(prediction: Option<&Prediction>) -> SelfCheck {
    let quantities = prediction.map(|found| found.quantities.as_slice()).unwrap_or_default();
    let failures: Vec<String> = quantities
        .iter()
        .filter(|quantity| !quantity.holds())
        .map(|quantity| {
            let [low, high, measured] =
                [quantity.band.low, quantity.band.high, quantity.measured].map(|s| s * 1e3);
            format!(
                "{}: {low:.3} to {high:.3} ms were foretold, {measured:.3} ms measured",
                quantity.name
            )
        })
        .collect();
    let passed = format!("{} quantities within their bands", quantities.len());
    SelfCheck::of("the step that was held out is as foretold", quantities.len(), &failures, passed)
}
