//! How far a measurement is: pure but for the clock.

use std::{
    fmt,
    time::{Duration, Instant},
};

use crate::capacity::experiment::{OVERHEAD, Planned};

/// How far a measurement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// What is done before the first trial.
    Stage(&'static str),
    /// A trial begins.
    Trial {
        /// Counted from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// What it is.
        name: String,
        /// How long it is until the end of all.
        left: Duration,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(stage) => f.write_str(stage),
            Self::Trial { number, of, name, left } => {
                let seconds = left.as_secs();
                write!(f, "{number}/{of}, {}:{:02} left: {name}", seconds / 60, seconds % 60)
            }
        }
    }
}

/// Counts trials, and learns how long they really take.
pub(super) struct Clock {
    started: Instant,
    /// Of the trials to come.
    left: Duration,
    all: Duration,
    done: usize,
    of: usize,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "there is no runtime here")]
    pub(super) fn new<'a>(trials: impl Iterator<Item = &'a Planned>) -> Self {
        let (mut all, mut of) = (Duration::ZERO, 0);
        for planned in trials {
            all += expected(planned);
            of += 1;
        }
        Self { started: Instant::now(), left: all, all, done: 0, of }
    }

    /// `planned` begins now.
    pub(super) fn begins(&mut self, planned: &Planned) -> Progress {
        let left = left(self.all, self.left, self.started.elapsed());
        self.left = self.left.saturating_sub(expected(planned));
        self.done += 1;
        Progress::Trial { number: self.done, of: self.of, name: planned.folder(), left }
    }
}

fn expected(planned: &Planned) -> Duration {
    planned.length + OVERHEAD
}

/// How long what is `left` of `all` will take, when the rest took `passed`.
fn left(all: Duration, left: Duration, passed: Duration) -> Duration {
    let expected = all.saturating_sub(left);
    if expected < Duration::from_secs(5) {
        return left;
    }
    left.mul_f64(passed.div_duration_f64(expected).clamp(0.5, 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_the_beginning_took() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(100), seconds(100), seconds(0)), seconds(100));
        assert_eq!(left(seconds(100), seconds(60), seconds(50)), seconds(75));
        assert_eq!(left(seconds(100), seconds(60), seconds(4000)), seconds(120));
    }

    #[test]
    fn what_is_told() {
        let name = "e3-users-8-0".to_owned();
        let trial = Progress::Trial { number: 3, of: 40, name, left: Duration::from_secs(187) };
        assert_eq!(trial.to_string(), "3/40, 3:07 left: e3-users-8-0");
    }
}
