//! A histogram in a handful of numbers.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Quantile, Times};

/// Times in microseconds. A quantile is missing where there are too few
/// requests to tell it from the maximum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// How many were recorded.
    pub count: u64,
    /// How many of them are lower bounds: they were given up, or took more than
    /// a minute.
    pub censored: u64,
    /// The least of those: from here on, a quantile is a lower bound as well.
    pub censored_from_us: Option<f64>,
    /// The mean.
    pub mean_us: f64,
    /// The median.
    pub p50_us: Option<f64>,
    /// Nine of ten are at most this.
    pub p90_us: Option<f64>,
    /// 99 of 100 are.
    pub p99_us: Option<f64>,
    /// 999 of 1000 are.
    pub p999_us: Option<f64>,
    /// 9999 of 10,000 are.
    pub p9999_us: Option<f64>,
    /// The longest.
    pub max_us: Option<f64>,
}

impl Quantiles {
    /// The numbers of `times`.
    pub fn of(times: &Times) -> Self {
        let at = |q: f64| times.quantile(q).map(|quantile| micros(quantile.seen()));
        Self {
            count: times.len(),
            censored: times.censored(),
            censored_from_us: times.least_censored().map(micros),
            mean_us: micros(times.mean()),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            p9999_us: at(0.9999),
            max_us: times.longest().map(Quantile::seen).map(micros),
        }
    }

    /// Whether `us` lies among times that are lower bounds.
    pub fn is_censored(&self, us: f64) -> bool {
        // A histogram may say a little more than the time that it was told.
        self.censored_from_us.is_some_and(|from| from <= us)
    }
}

/// Microseconds, to the nanosecond.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a minute fit")]
pub(crate) fn micros(time: Duration) -> f64 {
    // A quotient is rounded once, so that no digits follow that mean nothing.
    time.as_nanos() as f64 / 1e3
}
