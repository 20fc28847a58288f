//! Rates that are tried one after the other, as they are typed.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::MAX_STEPS;
use crate::{
    number::{self, NumberError},
    schedule::Rate,
};

/// How close to its end, relatively, a sweep has reached it: far less than two
/// rates differ that are told apart, far more than rounding does.
const REACHED: f64 = 1e-9;

/// Rates that go up: `100..20k:x1.25`, `100..1000:+100` or `100,200,400`.
///
/// There is at least one, each is more than the one before and more than 0, and
/// there are at most [`MAX_STEPS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    rates: Vec<Rate>,
    form: Form,
}

/// How it was typed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    List,
    /// Each rate is so many times the one before.
    Times(f64),
    /// Each rate is so much more than the one before.
    Plus(f64),
}

/// A text that is no sweep.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// It has none of the forms.
    #[error("`{0}` is no sweep: write it as 100..20k:x1.25, 100..1000:+100 or 100,200,400")]
    Form(String),
    /// A rate, a factor or a difference is no number.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// No target has to be asked to find out what it does at 0.
    #[error("a step needs a rate of more than 0")]
    Zero,
    /// It does not go up all the way.
    #[error("rates go up, but {next} follows {rate}: `--order down` tries the highest first")]
    Falls {
        /// The rate before.
        rate: f64,
        /// The one that is not more.
        next: f64,
    },
    /// Multiplied by this no rate grows.
    #[error("x{0}: the factor has to be more than 1")]
    Factor(f64),
    /// With this added no rate grows.
    #[error("+{0}: the difference has to be more than 0")]
    Difference(f64),
    /// It has more than [`MAX_STEPS`].
    #[error("that is more than {MAX_STEPS} rates")]
    TooMany,
}

impl Sweep {
    /// From `from` to `to`, each rate `factor` times the one before, and the
    /// last one `to` wherever that falls.
    pub fn geometric(from: Rate, to: Rate, factor: f64) -> Result<Self, SweepError> {
        if !(1.0 < factor && factor.is_finite()) {
            return Err(SweepError::Factor(factor));
        }
        // Powers, as errors would add up in a product.
        let rate = |step| from.per_second() * libm::pow(factor, step);
        Self::between(from, to, rate, Form::Times(factor))
    }

    /// From `from` to `to`, each rate `difference` more than the one before,
    /// and the last one `to` wherever that falls.
    pub fn arithmetic(from: Rate, to: Rate, difference: f64) -> Result<Self, SweepError> {
        if !(0.0 < difference && difference.is_finite()) {
            return Err(SweepError::Difference(difference));
        }
        let rate = |step| from.per_second() + difference * step;
        Self::between(from, to, rate, Form::Plus(difference))
    }

    /// These rates.
    pub fn list(rates: Vec<Rate>) -> Result<Self, SweepError> {
        if MAX_STEPS < rates.len() {
            return Err(SweepError::TooMany);
        }
        if let Some([rate, next]) = rates.array_windows().find(|[rate, next]| next <= rate) {
            return Err(falls(*rate, *next));
        }
        match rates.first() {
            None => Err(SweepError::Form(String::new())),
            Some(&Rate::ZERO) => Err(SweepError::Zero),
            Some(_) => Ok(Self { rates, form: Form::List }),
        }
    }

    fn between(
        from: Rate,
        to: Rate,
        rate: impl Fn(f64) -> f64,
        form: Form,
    ) -> Result<Self, SweepError> {
        if from == Rate::ZERO {
            return Err(SweepError::Zero);
        }
        if to < from {
            return Err(falls(from, to));
        }
        let mut rates = Vec::new();
        let below = (0_u32..).map(|step| rate(f64::from(step)));
        for rate in below.take_while(|rate| *rate < to.per_second() * (1.0 - REACHED)) {
            if rates.len() + 1 == MAX_STEPS {
                return Err(SweepError::TooMany);
            }
            rates.push(Rate::new(rate).map_err(NumberError::from)?);
        }
        rates.push(to);
        Ok(Self { rates, form })
    }

    /// The rates, from the lowest to the highest.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }
}

fn falls(rate: Rate, next: Rate) -> SweepError {
    SweepError::Falls { rate: rate.per_second(), next: next.per_second() }
}

impl FromStr for Sweep {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || SweepError::Form(text.trim().to_owned());
        let Some((from, rest)) = text.split_once("..") else {
            if text.contains(':') || text.trim().is_empty() {
                return Err(form());
            }
            return Self::list(text.split(',').map(number::rate).collect::<Result<_, _>>()?);
        };
        let (to, by) = rest.split_once(':').ok_or_else(form)?;
        let (from, to, by) = (number::rate(from)?, number::rate(to)?, by.trim());
        if let Some(factor) = by.strip_prefix('x') {
            Self::geometric(from, to, number::number(factor)?)
        } else if let Some(difference) = by.strip_prefix('+') {
            Self::arithmetic(from, to, number::number(difference)?)
        } else {
            Err(form())
        }
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = self.rates.first().zip(self.rates.last());
        let (from, to) = ends.map_or((0.0, 0.0), |(a, b)| (a.per_second(), b.per_second()));
        match self.form {
            Form::Times(factor) => write!(f, "{from}..{to}:x{factor}"),
            Form::Plus(difference) => write!(f, "{from}..{to}:+{difference}"),
            Form::List => {
                for (index, rate) in self.rates.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}", rate.per_second())?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
