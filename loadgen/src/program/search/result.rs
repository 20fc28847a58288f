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
    #[serde(with = "per_second::option")]
    #[schemars(with = "Option<f64>")]
    pub lower: Option<Rate>,
    /// The relevant upper bound: the lowest load that was missed, in requests
    /// per second.
    #[serde(with = "per_second::option")]
    #[schemars(with = "Option<f64>")]
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
    #[serde(with = "per_second")]
    #[schemars(with = "f64")]
    pub rate: Rate,
    /// What became of it.
    pub judgement: Judgement,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

/// Rates as the numbers that they are.
mod per_second {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::schedule::Rate;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(super) fn serialize<S: Serializer>(rate: &Rate, to: S) -> Result<S::Ok, S::Error> {
        rate.per_second().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rate, D::Error> {
        Rate::new(f64::deserialize(from)?).map_err(D::Error::custom)
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, Error, Rate, Serialize, Serializer};

        #[expect(clippy::ref_option, reason = "serde passes references")]
        pub(in super::super) fn serialize<S: Serializer>(
            rate: &Option<Rate>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            rate.map(Rate::per_second).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Rate>, D::Error> {
            Option::<f64>::deserialize(from)?.map(Rate::new).transpose().map_err(D::Error::custom)
        }
    }
}
