//! What a target is to achieve.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Answer, Condition, ConditionError, Finding, Reading};

/// A service level objective: conditions that have to hold together, such as
/// `p99<20ms,errors<0.1%`.
///
/// It is asked of whole steps of any rate, so its conditions say neither for
/// how long nor at which rates. It is written as that in files too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Slo {
    conditions: Vec<Condition>,
}

/// A text that is no objective.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SloError {
    /// One of its conditions is none.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// One of its conditions is limited.
    #[error("`{0}`: an objective is for all of a step at any rate, without `for` and `@rate`")]
    Limited(Condition),
}

impl Slo {
    /// What has to hold, at least one condition.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether all of it holds of `reading`: what fails decides, even where
    /// something else is not known.
    pub fn met(&self, reading: &Reading) -> Answer {
        self.findings(reading).map(|(_, finding)| finding.answer).fold(Answer::Holds, Answer::and)
    }

    /// What `reading` says of each condition.
    pub fn findings(&self, reading: &Reading) -> impl Iterator<Item = (&Condition, Finding)> {
        self.conditions
            .iter()
            .filter_map(move |condition| Some((condition, condition.of(reading)?)))
    }
}

impl FromStr for Slo {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let conditions = text
            .split(',')
            .map(|part| {
                let condition: Condition = part.parse()?;
                if condition.lasting().is_some() || !condition.is_of_any_rate() {
                    return Err(SloError::Limited(condition));
                }
                Ok(condition)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{condition}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Slo {
    type Error = SloError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Slo> for String {
    fn from(slo: Slo) -> Self {
        slo.to_string()
    }
}
