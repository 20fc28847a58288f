//! What a search has found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Judgement;
use crate::schedule::Rate;

/// What a search has found, or has found until it was broken off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchResult {
    /// The relevant lower bound: the highest load that was met below
    /// `upper`, in requests per second.
    pub lower: Option<Rate>,
    /// The relevant upper bound: the lowest load that was missed, in requests
    /// per second.
    pub upper: Option<Rate>,
    /// How it came to its end.
    pub ended: Ended,
    /// All trials, in order.
    pub trials: Vec<TrialRecord>,
    /// Whether trials contradict each other: one was met at a rate at which,
    /// or below which, another one was missed.
    pub inconsistent: bool,
}

/// A trial that was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Requests per second.
    pub rate: Rate,
    /// What became of it.
    pub judgement: Judgement,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SearchEnded")]
pub enum Ended {
    /// The bounds are as close as was asked for.
    Converged,
    /// The lowest load was missed.
    LowestMissed,
    /// The highest load was met.
    HighestMet,
    /// There are loads that the generator could not make, and above the lower
    /// bound nothing is known of the target.
    GeneratorLimited,
    /// Of the loads between the bounds, or of all, it could not be told
    /// whether they are met.
    Inconclusive,
    /// As many trials as there can be did not suffice.
    OutOfTrials,
    /// It was broken off.
    Interrupted,
}

pub(super) fn contradict(trials: &[TrialRecord]) -> bool {
    let rates = |judgement| {
        trials.iter().filter(move |trial| trial.judgement == judgement).map(|trial| trial.rate)
    };
    rates(Judgement::Met).any(|met| rates(Judgement::Missed).any(|missed| missed <= met))
}
