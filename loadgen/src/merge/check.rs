//! Whether runs were made together.

use std::time::Duration;

use thiserror::Error;

use super::{Sent, Source, shards};
use crate::{
    record::Miscounted,
    schedule::Shard,
    summary::{Ended, Model, Run, Step},
};

/// Why runs cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is none.
    #[error("there is no run to merge")]
    Nothing,
    /// A run is among them twice.
    #[error("{0} and {1} are the same run: give it once")]
    Twice(String, String),
    /// A search was made.
    #[error(
        "{0} is a search, and each generator would have searched for itself: search with one, or \
         make a sweep with several"
    )]
    Search(String),
    /// They did not ask for the same.
    #[error("{first} is of {one}, and {other} of {another}: merge what was made together")]
    Different {
        /// The folder of the first.
        first: String,
        /// The folder of the one that differs.
        other: String,
        /// What the first is of.
        one: String,
        /// What the other is of.
        another: String,
    },
    /// A step is not the same.
    #[error(
        "step {step} is {one} in {first}, and {another} in {other}: all generators need the same \
         program, and --shard tells which part of it each sends"
    )]
    Step {
        /// Its number.
        step: usize,
        /// The folder of the first.
        first: String,
        /// The folder of the one that differs.
        other: String,
        /// What it is in the first.
        one: String,
        /// What it is in the other.
        another: String,
    },
    /// Two have sent the same part of the program.
    #[error(
        "{first} and {other} have both sent shard {shard}, so some requests were sent twice and \
         others by nobody: make the runs again, each generator with a --shard of its own"
    )]
    SameShard {
        /// The folder of the first.
        first: String,
        /// The folder of the one that has the same.
        other: String,
        /// What both have sent.
        shard: Shard,
    },
    /// Their parts are not of the same size.
    #[error(
        "{first} has sent shard {one}, and {other} shard {another}, which are no parts of one \
         program: make the runs again, with the same N in each --shard K/N"
    )]
    Sharded {
        /// The folder of the first.
        first: String,
        /// The folder of the one that differs.
        other: String,
        /// What the first has sent.
        one: Shard,
        /// What the other has sent.
        another: Shard,
    },
    /// The counters of the sum contradict each other.
    #[error(transparent)]
    Miscounted(#[from] Miscounted),
}

pub(super) fn check(sources: &[Source]) -> Result<(), MergeError> {
    if let Some(search) = sources.iter().find(|source| source.summary.search.is_some()) {
        return Err(MergeError::Search(search.name.clone()));
    }
    for (index, other) in sources.iter().enumerate() {
        if let Some(one) = sources[..index].iter().find(|one| are_the_same(one, other)) {
            return Err(MergeError::Twice(one.name.clone(), other.name.clone()));
        }
    }
    let [first, others @ ..] = sources else { return Ok(()) };
    others.iter().try_for_each(|other| compare(first, other))?;
    shards::check(sources)
}

/// A copy of a run is the same one.
fn are_the_same(one: &Source, other: &Source) -> bool {
    let started = &one.summary.provenance;
    started.iter().any(|run| {
        other.summary.provenance.iter().any(|another| {
            (&run.binary_sha256, &run.started, &run.command)
                == (&another.binary_sha256, &another.started, &another.command)
                && run.machine == another.machine
        })
    })
}

fn compare(first: &Source, other: &Source) -> Result<(), MergeError> {
    let different = |one: String, another: String| MergeError::Different {
        first: first.name.clone(),
        other: other.name.clone(),
        one,
        another,
    };
    let (one, another) = (&first.summary.run, &other.summary.run);
    for about in [requests, model] {
        if about(one) != about(another) {
            return Err(different(about(one), about(another)));
        }
    }
    let (steps, others) = (&first.summary.steps, &other.summary.steps);
    if steps.len() != others.len() {
        let count = |count: usize| match count {
            1 => "1 step".to_owned(),
            count => format!("{count} steps"),
        };
        return Err(different(count(steps.len()), count(others.len())));
    }
    compare_steps(first, other)?;
    // Users are each generator's own.
    if one.model == Model::Open && nominal(&one.program) != nominal(&another.program) {
        return Err(different(one.program.clone(), another.program.clone()));
    }
    Ok(())
}

fn compare_steps(first: &Source, other: &Source) -> Result<(), MergeError> {
    let (steps, others) = (&first.summary.steps, &other.summary.steps);
    for (index, (step, another)) in steps.iter().zip(others).enumerate() {
        let was_cut = index + 1 == steps.len()
            && [first, other].iter().any(|source| source.summary.ended != Ended::Finished);
        let about = if was_cut { plan } else { held };
        let (one, another) = (about(first, step), about(other, another));
        if one != another {
            return Err(MergeError::Step {
                step: index,
                first: first.name.clone(),
                other: other.name.clone(),
                one,
                another,
            });
        }
    }
    Ok(())
}

fn requests(run: &Run) -> String {
    format!("{} {} over {}", run.method, run.url, run.protocol)
}

fn model(run: &Run) -> String {
    match run.model {
        Model::Open => "an open model".to_owned(),
        Model::Closed => "a closed model".to_owned(),
    }
}

/// What was to be done, without how long: the last step of a run that was cut
/// short held for less long.
fn plan(source: &Source, step: &Step) -> String {
    let rate = shards::rate_of_program(source, step);
    let rate = rate.map_or_else(|| "without a rate".to_owned(), |rate| format!("{rate}/s"));
    format!("{rate}, settled for {} s", step.settle_seconds)
}

fn held(source: &Source, step: &Step) -> String {
    format!("{} and held for {} s", plan(source, step), step.hold_seconds)
}

const BY: &str = ", by ";
const EACH: &str = "each of ";
const GENERATORS: &str = " generators";

/// A program without how many made it.
pub(super) fn nominal(program: &str) -> &str {
    match program.rsplit_once(BY) {
        Some((program, count)) if count.ends_with(GENERATORS) => program,
        _ => program,
    }
}

/// A program, and how many made it.
pub(super) fn by_generators(program: &str, count: usize, sent: Sent) -> String {
    match (count, sent) {
        (1, _) => program.to_owned(),
        (count, Sent::Part) => format!("{program}{BY}{count}{GENERATORS}"),
        (count, Sent::All) => format!("{program}{BY}{EACH}{count}{GENERATORS}"),
    }
}

/// What should be known of runs that are added.
pub(super) fn warnings(sources: &[Source]) -> Vec<String> {
    let mut warnings = Vec::from_iter(shards::missing(sources));
    for source in sources {
        let lacking = source.lacking();
        if source.log.truncated || 0 < lacking {
            warnings.push(format!(
                "{}/run.hlog ends early: {lacking} times that were counted are missing from the \
                 sum's histograms",
                source.name
            ));
        }
    }
    let lasted = |source: &Source| {
        let lasted = Duration::try_from_secs_f64(source.summary.run.lasted_seconds);
        source.log.start.checked_add(lasted.unwrap_or_default()).unwrap_or(source.log.start)
    };
    let latest = sources.iter().max_by_key(|source| source.log.start);
    let earliest_end = sources.iter().min_by_key(|source| lasted(source));
    if let (Some(latest), Some(ended)) = (latest, earliest_end)
        && lasted(ended) <= latest.log.start
    {
        warnings.push(format!(
            "{} began when {} had ended: rates are added as if they had been made at once",
            latest.name, ended.name
        ));
    }
    warnings
}
