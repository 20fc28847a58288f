//! Intervals and steps as CSV (RFC 4180), after comments that begin with `#`.

mod intervals;
mod steps;

use std::{fmt, io};

use serde::Serialize;

pub use intervals::{IntervalRow, Part, Place, read_intervals};
pub use steps::{StepRow, step_row};

use crate::summary::Quantiles;

/// Rows under the names of their columns.
pub struct Table<W: io::Write>(csv::Writer<W>);

impl<W: io::Write> fmt::Debug for Table<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").finish_non_exhaustive()
    }
}

impl<W: io::Write> Table<W> {
    /// An empty table under `comments`.
    pub fn new(mut w: W, comments: &[String]) -> io::Result<Self> {
        for comment in comments {
            // A comment is one line, whatever is in it.
            writeln!(w, "# {}", comment.replace(['\r', '\n'], " "))?;
        }
        Ok(Self(csv::Writer::from_writer(w)))
    }

    /// Adds a row, and the names of the columns before the first.
    pub fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        self.0.serialize(row)?;
        // A run that is killed leaves what was measured until then.
        self.0.flush()
    }
}

fn ms(quantiles: Option<&Quantiles>, value: fn(&Quantiles) -> Option<f64>) -> Option<f64> {
    quantiles.and_then(value).map(|us| rounded(us / 1000.0))
}

/// To six digits after the point: more would say what was not measured.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
