//! What a run tells the shell.

use super::{Ended, Model, Summary};
use crate::{fault::Fault, program::Ended as SearchEnd, verdict::Verdict};

impl Summary {
    /// The exit code: 130 interrupted, 4 aborted or the target could not be
    /// reached, 3 the generator did not sustain the rate, 1 what was demanded
    /// is not met, else 0. The first of these that is so, as what is behind it
    /// cannot be relied upon.
    pub fn exit_code(&self) -> u8 {
        match self.ended {
            Ended::Interrupted => return 130,
            Ended::Aborted(_) => return 4,
            Ended::Finished => {}
        }
        if self.is_unreachable() {
            4
        } else if self.is_generator_limited() {
            3
        } else {
            u8::from(self.thresholds.iter().any(|threshold| !threshold.findings.is_empty()))
        }
    }

    /// Whether no request found a connection, and this machine is not to blame.
    fn is_unreachable(&self) -> bool {
        let is_away = |fault: &Fault| fault.is_unconnected() && !fault.is_the_generators();
        0 < self.totals.sent
            && self.totals.completed == 0
            && !self.measures.faults.is_empty()
            && self.measures.faults.keys().all(is_away)
    }

    /// Whether a rate that was asked for was not kept. A search says itself
    /// whether it could go on, and a closed model asks for no rate.
    fn is_generator_limited(&self) -> bool {
        match &self.search {
            Some(search) => search.ended == SearchEnd::GeneratorLimited,
            None => self.run.model == Model::Open && self.verdict == Verdict::GeneratorLimited,
        }
    }
}
