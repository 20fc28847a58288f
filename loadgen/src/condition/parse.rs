//! Conditions as they are typed.

use std::{str::FromStr, time::Duration};

use thiserror::Error;

use super::{Among, Comparison, Condition, Measure, Percent, Value};
use crate::{
    number::{self, NumberError},
    record::Tag,
};

/// A text that is no condition.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ConditionError {
    /// Nothing is compared.
    #[error("`{0}` compares nothing: write it as p99<20ms or errors>1%, with <, <=, > or >=")]
    Comparison(String),
    /// There is no such measure.
    #[error(
        "`{0}` is no measure: there are errors, dropped, rate, in_flight, and of times pNN \
         (above p0 and below p100), max and mean, which may follow a point and one of {tags}",
        tags = tags()
    )]
    Measure(String),
    /// The bound of a share is none.
    #[error("`{0}` is not a share such as 1% or 0.01, at most 100%")]
    Share(String),
    /// The bound, or for how long it has to hold, is no number or duration.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// It has to hold for no time.
    #[error("`for {0}`: a condition has to hold for more than 0")]
    ForNoTime(String),
    /// What follows `@` is no comparison with a rate.
    #[error("`@{0}` is not a comparison of the rate such as @rate<=2000")]
    Among(String),
}

fn tags() -> String {
    Tag::each().map(|tag| tag.to_string()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, among) = match text.split_once('@') {
            Some((head, among)) => (head, Some(Among::parse(among)?)),
            None => (text, None),
        };
        let (measure, comparison, rest) =
            split(head).ok_or_else(|| ConditionError::Comparison(text.trim().to_owned()))?;
        // No unit has an `f` in it.
        let (bound, lasting) = match rest.split_once("for") {
            Some((bound, lasting)) => (bound.trim(), Some(lasting.trim())),
            None => (rest, None),
        };
        let measure =
            Measure::parse(measure).ok_or_else(|| ConditionError::Measure(measure.to_owned()))?;
        let bound = Value::parse(measure, bound)?;
        let lasting = lasting.map(lasting_from).transpose()?;
        Ok(Self { measure, comparison, bound, lasting, among })
    }
}

fn lasting_from(text: &str) -> Result<Duration, ConditionError> {
    let lasting = number::duration(text)?;
    if lasting.is_zero() { Err(ConditionError::ForNoTime(text.to_owned())) } else { Ok(lasting) }
}

/// What is before the first sign of comparison, the sign, and what is after it.
fn split(text: &str) -> Option<(&str, Comparison, &str)> {
    let (before, from) = text.split_at(text.find(['<', '>'])?);
    let (comparison, after) = Comparison::ALL
        .into_iter()
        .find_map(|comparison| Some((comparison, from.strip_prefix(comparison.as_str())?)))?;
    Some((before.trim(), comparison, after.trim()))
}

impl Among {
    fn parse(text: &str) -> Result<Self, ConditionError> {
        match split(text) {
            Some(("rate", comparison, bound)) => {
                Ok(Self { comparison, bound: number::rate(bound)? })
            }
            _ => Err(ConditionError::Among(text.trim().to_owned())),
        }
    }
}

impl Value {
    fn parse(measure: Measure, text: &str) -> Result<Self, ConditionError> {
        match measure {
            Measure::Time(..) => Ok(Self::Time(number::duration(text)?)),
            Measure::Errors | Measure::Dropped => {
                let percent = match text.strip_suffix('%') {
                    Some(percent) => Percent::parse(percent.trim_end(), 0),
                    None => Percent::parse(text, 2),
                };
                let share = percent.filter(|percent| percent.share() <= 1.0);
                share.map(Self::Share).ok_or_else(|| ConditionError::Share(text.to_owned()))
            }
            Measure::Rate => Ok(Self::Rate(number::rate(text)?)),
            Measure::InFlight => Ok(Self::Number(number::number(text)?)),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}
