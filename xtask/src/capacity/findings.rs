//! What the raw data come to: pure.
//!
//! A module for each question. What was not measured, as the profile left it
//! out or an older program did not know of it, is empty or none, and the report
//! then says so.

pub mod ablation;
pub mod cache;
pub mod checks;
pub mod comparison;
pub mod demand;
pub mod fleet;
pub mod levels;
pub mod limit;
pub mod objective;
pub mod overload;
pub mod prediction;
pub mod ramp;
mod reading;
pub mod saturation;
pub mod share;
pub mod soak;
pub mod usage;

use loadgen::verdict::Verdict;

use self::{
    ablation::Ablations,
    checks::{Outcome, SelfCheck},
    demand::Cost,
    fleet::{Fleet, Tier},
    levels::Scaling,
    limit::{Limit, Planted},
    objective::{OTHERS, Objective, USUAL},
    overload::Overload,
    prediction::Prediction,
    ramp::RampStep,
    reading::{decimal, held, lasted, step_at},
    saturation::Saturation,
    share::ShareRamp,
    soak::Soak,
    usage::Loads,
};
use super::{
    analysis::{
        bootstrap::Plan,
        isotonic::{Capacity, NoCapacity},
        little::Check,
    },
    loaded::{Loaded, LoadedTrial},
};

/// Draws of every bootstrap; the seed is part of what makes a report the same
/// wherever it is made.
const PLAN: Plan = Plan { draws: 1000, seed: 1 };

/// All that is concluded.
#[derive(Debug)]
pub struct Findings {
    /// The ramp, step by step, by rate.
    pub ramp: Vec<RampStep>,
    /// The highest rate that meets each objective, the usual one first.
    pub capacities: Vec<(Objective, Result<Capacity, NoCapacity>)>,
    /// The same in each trial alone, for the usual one.
    pub own_capacities: Vec<f64>,
    /// Where it saturates.
    pub saturation: Saturation,
    /// What a request costs.
    pub cost: Cost,
    /// What all had in use at the highest valid rate, and which that is.
    pub loads: Option<(f64, Loads)>,
    /// Throughput by users of a closed model.
    pub users: Scaling,
    /// Throughput by workers of the relay.
    pub cores: Scaling,
    /// Throughput by shares of one processor.
    pub shares: Scaling,
    /// The ramp of a relay with a share of a processor, and which.
    pub of_a_share: Option<ShareRamp>,
    /// Several instances.
    pub tiers: Vec<Tier>,
    /// What changes it.
    pub ablations: Ablations,
    /// What limits it.
    pub limit: Limit,
    /// Bottlenecks that were put there on purpose.
    pub planted: Vec<Planted>,
    /// More than it can do, and what comes after.
    pub overload: Option<Overload>,
    /// Caches that are empty, expire or cannot be filled.
    pub scenarios: Vec<cache::Scenario>,
    /// Minutes of a steady load.
    pub soak: Option<Soak>,
    /// The step that was held out.
    pub prediction: Option<Prediction>,
    /// Instances from one to a thousand, simulated.
    pub fleet: Option<Fleet>,
    /// Memory of a stored answer in the store, in bytes.
    pub bytes_per_entry: Option<f64>,
    /// Little's law at every step that counts.
    pub laws: Vec<(f64, Check)>,
    /// Whether the measurement contradicts itself.
    pub checks: Vec<SelfCheck>,
}

impl Findings {
    /// The conclusions from `loaded`.
    pub fn of(loaded: &Loaded) -> Self {
        let trials = ramp::trials(loaded);
        let ramp = ramp::steps(&trials);
        let rates: Vec<f64> =
            ramp.iter().filter(|step| step.counts()).map(|step| step.rate).collect();
        let search = loaded.of("e2").find_map(|trial| trial.summary.search.clone());
        let saturation = Saturation::of(search, &trials, &ramp);
        let cost = Cost::of(&trials, &ramp);
        let prediction = prediction::prediction(loaded, &trials, &rates, &cost);
        let users = Scaling::of(loaded.of("e3"), "users");
        let cores = Scaling::of(loaded.of("e4"), "workers");
        let ablations = Ablations::of(loaded);
        let laws = checks::little(&trials);
        let capacity = |objective| (objective, ramp::capacity(&trials, &ramp, objective));
        Self {
            capacities: std::iter::once(USUAL).chain(OTHERS).map(capacity).collect(),
            own_capacities: ramp::own_capacities(&trials, &ramp, USUAL),
            loads: loads(&trials, &ramp),
            shares: Scaling::of(loaded.of("e10"), "share"),
            of_a_share: ShareRamp::of(loaded),
            tiers: fleet::tiers(loaded),
            limit: limit(loaded, &ablations, &users, &cores),
            planted: limit::planted(&ablations),
            overload: loaded.of("e7").find_map(Overload::of),
            scenarios: cache::scenarios(loaded),
            soak: loaded.of("e9").find_map(soak::soak),
            bytes_per_entry: loaded.trials.iter().find_map(bytes_per_entry),
            fleet: fleet::fleet(&cost),
            checks: checks::checks(
                loaded,
                &laws,
                &ramp,
                (&cost, &saturation),
                prediction.as_ref(),
                &ablations,
            ),
            laws,
            prediction,
            ramp,
            saturation,
            cost,
            users,
            cores,
            ablations,
        }
    }

    /// The highest rate that meets the usual objective, if it is known.
    pub fn capacity(&self) -> Result<&Capacity, NoCapacity> {
        match self.capacities.first() {
            Some((_, found)) => found.as_ref().map_err(|why| *why),
            None => Err(NoCapacity::NotAscending),
        }
    }

    /// The highest rate that meets `objective`, which may be one that nobody
    /// asked for before.
    pub fn capacity_within(
        &self,
        loaded: &Loaded,
        objective: Objective,
    ) -> Result<Capacity, NoCapacity> {
        ramp::capacity(&ramp::trials(loaded), &self.ramp, objective)
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &SelfCheck> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed)
    }

    /// Rates at which the generator was the limit in some trial.
    pub fn generator_limited(&self) -> impl Iterator<Item = &RampStep> {
        self.ramp.iter().filter(|step| !step.counts())
    }
}

/// What all had in use at the highest rate that counts.
fn loads(trials: &[&LoadedTrial], ramp: &[RampStep]) -> Option<(f64, Loads)> {
    let rate = ramp.iter().rev().find(|step| step.counts())?.rate;
    let at = |trial: &&LoadedTrial| Some(held(trial, step_at(trial, rate)?));
    let own: Vec<_> = trials.iter().filter_map(|trial| Some((*trial, at(trial)?))).collect();
    let loads = Loads::over(&own);
    loads.relay.is_some().then_some((rate, loads))
}

/// What limits the relay as it is. Where no condition was measured besides, its
/// loads are those of the closed model's best level.
fn limit(loaded: &Loaded, ablations: &Ablations, users: &Scaling, cores: &Scaling) -> Limit {
    let best = users.best().map(|level| level.load);
    let own: Vec<&LoadedTrial> =
        loaded.of("e3").filter(|trial| decimal(trial, "users") == best).collect();
    let all: Vec<_> = own.iter().map(|trial| (*trial, lasted(trial))).collect();
    let worth = own.iter().map(|trial| trial.summary.verdict).max().unwrap_or(Verdict::Valid);
    limit::baseline(ablations, users, cores, &Loads::over(&all), worth)
}

/// What the store says that it uses, over its entries.
fn bytes_per_entry(trial: &LoadedTrial) -> Option<f64> {
    let counters = trial.trial.counters.values().next()?;
    let used = counters.after.get("lunch_relay_store_used_bytes")?;
    let entries = counters.after.get("lunch_relay_store_entries")?;
    (0.0 < *entries && 0.0 < *used).then(|| used / entries)
}
