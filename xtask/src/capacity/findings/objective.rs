//! What is demanded: a share of the answers within a time.

use std::{fmt, str::FromStr, time::Duration};

use loadgen::number;
use thiserror::Error;

/// As `p99<20ms` has it; fewer than [`MOST_ERRORS`] is demanded with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Which quantile: 0.99.
    pub quantile: f64,
    /// How long it may be.
    pub limit: Duration,
}

/// The share of errors from which on a rate does not meet any objective.
pub const MOST_ERRORS: f64 = 0.001;

/// What a report is about unless another objective is asked for.
pub const USUAL: Objective = Objective { quantile: 0.99, limit: Duration::from_millis(20) };

/// What it also says.
pub const OTHERS: [Objective; 3] = [
    Objective { quantile: 0.99, limit: Duration::from_millis(5) },
    Objective { quantile: 0.99, limit: Duration::from_millis(50) },
    Objective { quantile: 0.9, limit: Duration::from_millis(20) },
];

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no objective: write one such as p99<20ms")]
pub struct NoObjective(String);

impl FromStr for Objective {
    type Err = NoObjective;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (quantile, limit) = text.split_once('<')?;
            let percent: f64 = quantile.trim().strip_prefix('p')?.parse().ok()?;
            let limit = number::duration(limit.trim().trim_start_matches('=')).ok()?;
            let fits = 0.0 < percent && percent < 100.0 && !limit.is_zero();
            fits.then_some(Self { quantile: percent / 100.0, limit })
        };
        parse().ok_or_else(|| NoObjective(text.to_owned()))
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 0.999 · 100 is not 99.9 in binary.
        let percent = (self.quantile * 1e6).round() / 1e4;
        let ms = self.limit.as_secs_f64() * 1e3;
        write!(f, "p{percent} ≤ {} ms", (ms * 1e3).round() / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_and_written() {
        let rows = [
            ("p99<20ms", "p99 ≤ 20 ms"),
            ("p99.9 <= 0.5s", "p99.9 ≤ 500 ms"),
            ("p50<1ms", "p50 ≤ 1 ms"),
        ];
        for (text, written) in rows {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), written);
        }
        for hostile in
            ["", "p99", "p0<1s", "p100<1s", "99<1s", "p99<", "p99<0s", "pNaN<1s", "p99>1s"]
        {
            assert!(hostile.parse::<Objective>().is_err(), "{hostile}");
        }
        assert_eq!("p99<20ms".parse(), Ok(USUAL));
    }
}
