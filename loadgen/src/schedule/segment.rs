//! A stretch of a profile whose rate follows one formula.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The highest rate that can be asked for, in requests per second.
///
/// Over [`MAX_LENGTH`](super::MAX_LENGTH) it comes to fewer than 2⁵³ arrivals,
/// up to which an `f64` counts without gaps.
pub const MAX_RATE: f64 = 1e8;

/// Requests per second: finite, at least 0, at most [`MAX_RATE`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Rate(f64);

/// A number that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} requests per second: a rate is a number from 0 to {MAX_RATE}")]
pub struct RateError(f64);

impl Rate {
    /// No requests.
    pub const ZERO: Self = Self(0.0);

    /// `per_second` requests per second; it may be a fraction.
    pub fn new(per_second: f64) -> Result<Self, RateError> {
        // NaN is in no range; adding 0 makes a zero of −0.
        if (0.0..=MAX_RATE).contains(&per_second) {
            Ok(Self(per_second + 0.0))
        } else {
            Err(RateError(per_second))
        }
    }

    /// Requests per second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = RateError;

    fn try_from(per_second: f64) -> Result<Self, RateError> {
        Self::new(per_second)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.per_second()
    }
}

/// How the rate gets from where a segment begins to where it ends.
///
/// Below, `t` is the time in seconds since the segment began, `T` its length,
/// and `a` and `b` the rates at its two ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// λ(t) = a.
    Constant(Rate),
    /// λ(t) = a + (b − a) t / T.
    Linear(Rate, Rate),
    /// λ(t) = a (b / a)^(t / T): equal ratios in equal times. Neither is 0.
    Geometric(Rate, Rate),
}

impl Shape {
    /// The higher of the rates at its ends: between them it has none above.
    pub(super) fn highest(self) -> Rate {
        match self {
            Self::Constant(a) => a,
            Self::Linear(a, b) | Self::Geometric(a, b) => {
                if a < b {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// ∫λ from 0 to `t`: how many arrivals are expected by then.
    pub(super) fn integral(self, t: f64, length: f64) -> f64 {
        match self {
            Self::Constant(Rate(a)) => a * t,
            Self::Linear(Rate(a), Rate(b)) => t * (a + (b - a) * t / length / 2.0),
            Self::Geometric(Rate(a), Rate(b)) => {
                let growth = growth(a, b, length);
                if growth == 0.0 { a * t } else { a * libm::expm1(growth * t) / growth }
            }
        }
    }

    /// The time at which the integral reaches `s`, within the segment.
    pub(super) fn inverse(self, s: f64, length: f64) -> f64 {
        // Also where nothing has to be reached: 0 / 0 is no time.
        if s <= 0.0 {
            return 0.0;
        }
        let t = match self {
            Self::Constant(Rate(a)) => s / a,
            // The root of k t² / 2 + a t − s in the form that does not subtract
            // numbers of like size, which is also right for k = 0. Rounding
            // may take the discriminant below 0 where a ramp down to 0 ends.
            Self::Linear(Rate(a), Rate(b)) => {
                let k = (b - a) / length;
                2.0 * s / (a + (a * a + 2.0 * k * s).max(0.0).sqrt())
            }
            Self::Geometric(Rate(a), Rate(b)) => {
                let growth = growth(a, b, length);
                if growth == 0.0 { s / a } else { libm::log1p(growth * s / a) / growth }
            }
        };
        // `min` also answers with `length` where rounding made `t` no number.
        t.min(length)
    }
}

/// ln(b / a) / T, without loss where the two are close.
fn growth(a: f64, b: f64, length: f64) -> f64 {
    libm::log1p((b - a) / a) / length
}
