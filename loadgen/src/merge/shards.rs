//! Which parts of a program several generators have sent.

use std::collections::BTreeSet;

use super::{Made, MergeError, Source};
use crate::{
    schedule::Shard,
    summary::{Model, Run, Step},
};

/// What each generator of a run, or of several, has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of the program: together they have sent it as often as they are many.
    All,
    /// A shard of it; of a closed model, what its own users asked for.
    Part,
}

impl Sent {
    pub(super) fn of(run: &Run) -> Self {
        match run.model {
            Model::Open if run.shards.iter().all(|shard| *shard == Shard::WHOLE) => Self::All,
            Model::Open | Model::Closed => Self::Part,
        }
    }
}

/// The rate that a step held, of which these are what each run has.
pub(super) fn rate_together(steps: &[(&Made<'_>, &Step)]) -> Option<f64> {
    let (made, first) = steps.first()?;
    match Sent::of(&made.source.summary.run) {
        Sent::All => steps.iter().map(|(_, step)| step.rate).sum(),
        Sent::Part => first.rate,
    }
}

/// The rate that the program has for `step` of `source`: generators that have sent
/// all of it held a multiple of that together. To a millionth, as a sum that is
/// divided again may be off in its last digits.
pub(super) fn rate_of_program(source: &Source, step: &Step) -> Option<f64> {
    let run = &source.summary.run;
    let times = match Sent::of(run) {
        Sent::All => u32::try_from(run.shards.len()).unwrap_or(u32::MAX).max(1),
        Sent::Part => 1,
    };
    Some((step.rate? / f64::from(times) * 1e6).round() / 1e6)
}

/// Whether no request of an open model was sent twice.
pub(super) fn check(sources: &[Source]) -> Result<(), MergeError> {
    let shards: Vec<_> = shards(sources).collect();
    for (index, (other, another)) in shards.iter().enumerate() {
        let before = &shards[..index];
        if let Some((first, one)) = before.iter().find(|(_, one)| one.of() != another.of()) {
            return Err(MergeError::Sharded {
                first: first.name.clone(),
                other: other.name.clone(),
                one: *one,
                another: *another,
            });
        }
        let same = before.iter().find(|(_, one)| one == another && *one != Shard::WHOLE);
        if let Some((first, shard)) = same {
            return Err(MergeError::SameShard {
                first: first.name.clone(),
                other: other.name.clone(),
                shard: *shard,
            });
        }
    }
    Ok(())
}

/// That some of the shards of an open model are not there, if it is so.
pub(super) fn missing(sources: &[Source]) -> Option<String> {
    let here: BTreeSet<_> = shards(sources).map(|(_, shard)| shard.index()).collect();
    let (_, any) = shards(sources).next()?;
    let of = any.of();
    let first = (0..of).find(|index| !here.contains(index))?;
    Some(format!(
        "only {} of {of} shards are here, and {first}/{of} is not: the sum is of a part of the \
         requests; merge all of them",
        here.len()
    ))
}

/// The shards of an open model, each with the run that has it.
fn shards(sources: &[Source]) -> impl Iterator<Item = (&Source, Shard)> {
    let open = sources.iter().filter(|source| source.summary.run.model == Model::Open);
    open.flat_map(|source| source.summary.run.shards.iter().map(move |shard| (source, *shard)))
}
