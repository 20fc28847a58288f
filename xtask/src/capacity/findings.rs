//! What the raw data come to: pure.

use std::{collections::BTreeMap, time::Duration};

use loadgen::{
    output::hlog::{Line, Scope},
    record::{Clock, Tag, Times},
    summary::Step,
    verdict::Verdict,
};

use super::{
    analysis::{
        Interval,
        bootstrap::{self, Latencies, NoInterval, Percentile, Plan},
        isotonic::{self, Capacity, NoCapacity},
        knee::{Knees, Point},
        little::{self, Check},
        mean,
        usl::{
            choice::{Choice, NotIdentifiable, choose},
            fit::Measurement,
        },
    },
    loaded::{Loaded, LoadedTrial},
};

/// What is demanded: 99 of 100 answers within this time.
pub const OBJECTIVE: Duration = Duration::from_millis(20);

/// Draws of every bootstrap; the seed is part of what makes a report the same
/// wherever it is made.
const PLAN: Plan = Plan { draws: 1000, seed: 1 };

/// All that is concluded.
#[derive(Debug)]
pub struct Findings {
    /// The ramp, step by step, by rate.
    pub ramp: Vec<RampStep>,
    /// The highest rate that meets the objective.
    pub capacity: Result<Capacity, NoCapacity>,
    /// Where throughput over response time is highest.
    pub knees: Knees,
    /// Throughput by users of a closed model.
    pub concurrency: Vec<Level>,
    /// How it grows with them.
    pub scaling: Result<Choice, NotIdentifiable>,
    /// A thousand users on an empty cache.
    pub cold_start: Option<ColdStart>,
    /// Little's law at every step that counts.
    pub checks: Vec<(f64, Check)>,
}

/// A rate of the ramp, over all trials.
#[derive(Debug)]
pub struct RampStep {
    /// What was asked for, per second.
    pub rate: f64,
    /// Steps at that rate, one for each trial.
    pub verdicts: Vec<Verdict>,
    /// Answers per second, and its interval.
    pub completed: f64,
    /// 95 % over trials.
    pub completed_interval: Option<Interval>,
    /// Quantiles of the response time of all trials together, in seconds.
    pub quantiles: BTreeMap<&'static str, Option<f64>>,
    /// The 99th percentile with its interval.
    pub p99: Result<Percentile, NoInterval>,
    /// Errors of all requests.
    pub error_share: f64,
}

impl RampStep {
    /// Whether it says something of the relay: the generator was the limit in
    /// none of its trials.
    pub fn counts(&self) -> bool {
        self.verdicts.iter().all(|verdict| *verdict != Verdict::GeneratorLimited)
    }
}

/// A level of concurrency, over all trials.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    /// Users.
    pub users: u32,
    /// Answers per second.
    pub throughput: f64,
    /// 95 % over trials.
    pub interval: Option<Interval>,
}

/// What became of users who came at once.
#[derive(Debug, Clone, Copy)]
pub struct ColdStart {
    /// How many.
    pub users: u64,
    /// Answers that were errors, and requests without one.
    pub errors: u64,
    /// Requests of the relay to its upstream.
    pub upstream: f64,
    /// The slowest answer, in seconds.
    pub slowest: f64,
}

impl Findings {
    /// The conclusions from `loaded`.
    pub fn of(loaded: &Loaded) -> Self {
        let trials: Vec<&LoadedTrial> = loaded.of("e1").collect();
        let ramp = ramp(&trials);
        let counted: Vec<&RampStep> = ramp.iter().filter(|step| step.counts()).collect();
        let rates: Vec<f64> = counted.iter().map(|step| step.rate).collect();
        let latencies: Vec<Vec<f64>> = trials
            .iter()
            .map(|trial| rates.iter().map(|rate| p99(trial, *rate)).collect())
            .collect();
        let points: Vec<Point> = counted
            .iter()
            .map(|step| Point {
                throughput: step.completed,
                response: quantile(step, "p50"),
                percentile: quantile(step, "p99"),
            })
            .collect();
        let concurrency = concurrency(&loaded.of("e3").collect::<Vec<_>>());
        let measurements: Vec<Measurement> = concurrency
            .iter()
            .map(|level| Measurement::new(f64::from(level.users), level.throughput))
            .collect();
        Self {
            capacity: isotonic::capacity(&rates, &latencies, OBJECTIVE.as_secs_f64(), PLAN),
            knees: Knees::of(&points),
            scaling: choose(&measurements),
            concurrency,
            cold_start: loaded.of("e8").next().map(cold_start),
            checks: trials.iter().flat_map(|trial| checks(trial)).collect(),
            ramp,
        }
    }
}

fn quantile(step: &RampStep, name: &str) -> f64 {
    step.quantiles.get(name).copied().flatten().unwrap_or(0.0)
}

/// The steps of all trials, by rate.
fn ramp(trials: &[&LoadedTrial]) -> Vec<RampStep> {
    let mut rates: Vec<f64> = trials
        .iter()
        .flat_map(|trial| trial.summary.steps.iter().filter_map(|step| step.rate))
        .collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates.into_iter().map(|rate| ramp_step(trials, rate)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn ramp_step(trials: &[&LoadedTrial], rate: f64) -> RampStep {
    let at = |trial: &&LoadedTrial| step_at(trial, rate).cloned();
    let steps: Vec<Step> = trials.iter().filter_map(at).collect();
    let completed: Vec<f64> = steps.iter().map(|step| step.throughput).collect();
    let mut all = Times::default();
    for line in trials.iter().flat_map(|trial| step_times(trial, rate)) {
        all.add(&line.times);
    }
    let blocks: Vec<Vec<Times>> = trials.iter().map(|trial| intervals(trial, rate)).collect();
    let of = |q: f64| all.quantile(q).map(|quantile| quantile.seen().as_secs_f64());
    let [planned, errors] = [|step: &Step| step.totals.planned, |step: &Step| step.errors]
        .map(|count| steps.iter().map(count).sum::<u64>());
    let over_trials = mean::across_trials(&completed);
    RampStep {
        rate,
        verdicts: steps.iter().map(|step| step.health.verdict).collect(),
        completed: completed.iter().sum::<f64>() / (completed.len().max(1) as f64),
        completed_interval: over_trials.map(|mean| mean.interval),
        quantiles: [("p50", of(0.5)), ("p90", of(0.9)), ("p99", of(0.99)), ("p99.9", of(0.999))]
            .into(),
        p99: bootstrap::percentile(&Latencies::new(&blocks), 0.99, PLAN),
        error_share: errors as f64 / planned.max(1) as f64,
    }
}

fn step_at(trial: &LoadedTrial, rate: f64) -> Option<&Step> {
    trial.summary.steps.iter().find(|step| step.rate == Some(rate))
}

fn step_times(trial: &LoadedTrial, rate: f64) -> impl Iterator<Item = &Line> {
    let index = step_at(trial, rate).map(|step| step.index);
    let is_it = move |line: &&Line| {
        index.is_some_and(|index| line.scope == Scope::Step(index))
            && line.tag == Tag::all(Clock::Response)
    };
    trial.log.lines.iter().filter(is_it)
}

/// The response times of each interval while a step held.
fn intervals(trial: &LoadedTrial, rate: f64) -> Vec<Times> {
    let Some(step) = step_at(trial, rate) else { return Vec::new() };
    let from = step.start_seconds + step.settle_seconds;
    let until = from + step.hold_seconds + step.drain_seconds;
    let within = |line: &&Line| {
        let start = line.start.as_secs_f64();
        // A log has its times to the millisecond.
        line.scope == Scope::Interval
            && line.tag == Tag::all(Clock::Response)
            && (from - 0.002..until).contains(&start)
    };
    trial.log.lines.iter().filter(within).map(|line| line.times.clone()).collect()
}

/// The 99th percentile of one trial at a rate, in seconds; 0 of none.
fn p99(trial: &LoadedTrial, rate: f64) -> f64 {
    let mut times = step_times(trial, rate);
    times.next().map_or(0.0, |line| line.times.rough_quantile(0.99).as_secs_f64())
}

fn concurrency(trials: &[&LoadedTrial]) -> Vec<Level> {
    let mut levels: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for trial in trials {
        let users = trial.trial.factors.get("users").and_then(|users| users.parse().ok());
        let step = trial.summary.steps.first();
        if let (Some(users), Some(step)) = (users, step) {
            levels.entry(users).or_default().push(step.throughput);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of trials")]
    let level = |(users, rates): (u32, Vec<f64>)| Level {
        users,
        throughput: rates.iter().sum::<f64>() / rates.len() as f64,
        interval: mean::across_trials(&rates).map(|mean| mean.interval),
    };
    levels.into_iter().map(level).collect()
}

fn cold_start(trial: &LoadedTrial) -> ColdStart {
    let upstream = |counters: &BTreeMap<String, f64>| -> f64 {
        let requests = counters
            .iter()
            .filter(|(name, _)| name.starts_with("lunch_relay_upstream_requests_total"));
        requests.map(|(_, count)| count).sum()
    };
    let upstream: f64 = trial
        .trial
        .counters
        .values()
        .map(|counters| upstream(&counters.after) - upstream(&counters.before))
        .sum();
    let times = trial.summary.measures.times.get("service");
    ColdStart {
        users: trial.trial.factors.get("users").and_then(|users| users.parse().ok()).unwrap_or(0),
        errors: trial.summary.steps.iter().map(|step| step.errors).sum(),
        upstream,
        slowest: times.and_then(|times| times.max_us).unwrap_or(0.0) / 1e6,
    }
}

/// Little's law at each step that counts, with its rate.
fn checks(trial: &LoadedTrial) -> Vec<(f64, Check)> {
    let counted = trial.summary.steps.iter().filter(|step| step.health.verdict == Verdict::Valid);
    counted
        .filter_map(|step| {
            let service = step.measures.times.get("service")?.mean_us / 1e6;
            let check = little::littles_law(step.in_flight, step.throughput, service);
            Some((step.rate?, check))
        })
        .collect()
}
