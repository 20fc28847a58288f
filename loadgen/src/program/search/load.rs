//! A load that was tried, and what its trials come to.

use std::num::NonZeroU32;

use super::Judgement;
use crate::schedule::Rate;

/// A load and how its trials were judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct TriedLoad {
    pub(super) rate: Rate,
    met: u32,
    missed: u32,
    invalid: u32,
    unknown: u32,
}

/// What the trials of a load come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// More trials have to decide.
    Open,
    /// More than half of the trials there can be were met.
    Met,
    /// So many were missed that at most half can be met.
    Missed,
    /// The generator could not make it.
    Limited,
    /// It cannot be told, even if more trials were made.
    Unclear,
}

impl TriedLoad {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, met: 0, missed: 0, invalid: 0, unknown: 0 }
    }

    pub(super) fn count(&mut self, judgement: Judgement) {
        match judgement {
            Judgement::Met => self.met += 1,
            Judgement::Missed => self.missed += 1,
            Judgement::Invalid => self.invalid += 1,
            Judgement::Unknown => self.unknown += 1,
        }
    }

    pub(super) fn trials(&self) -> u32 {
        self.met + self.missed + self.invalid + self.unknown
    }

    /// What it comes to when there are to be `of` trials. Half is not enough
    /// to be met: what is claimed of a target has to hold more often than not.
    pub(super) fn class(&self, of: NonZeroU32) -> Class {
        let majority = of.get() / 2 + 1;
        let prevents = of.get() - majority + 1;
        let left = of.get().saturating_sub(self.trials());
        if majority <= self.met {
            Class::Met
        } else if prevents <= self.missed {
            Class::Missed
        } else if prevents <= self.invalid {
            Class::Limited
        } else if majority <= self.met + left || prevents <= self.missed.max(self.invalid) + left {
            Class::Open
        } else if 0 < self.invalid {
            // Without them it might have been decided.
            Class::Limited
        } else {
            Class::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials as letters: m(et), x (missed), i(nvalid), u(nknown).
    #[track_caller]
    fn check(of: u32, trials: &str, expected: Class) {
        let mut load = TriedLoad::new(Rate::ZERO);
        let of = NonZeroU32::new(of).unwrap();
        for letter in trials.chars() {
            assert_eq!(load.class(of), Class::Open, "{trials} is more than decides");
            load.count(match letter {
                'm' => Judgement::Met,
                'x' => Judgement::Missed,
                'i' => Judgement::Invalid,
                _ => Judgement::Unknown,
            });
        }
        assert_eq!(load.class(of), expected, "{trials} of {of}");
    }

    #[test]
    fn a_load_goes_by_the_majority() {
        check(1, "", Class::Open);
        check(1, "m", Class::Met);
        check(1, "x", Class::Missed);
        check(1, "i", Class::Limited);
        check(1, "u", Class::Unclear);
        check(2, "mm", Class::Met);
        check(2, "x", Class::Missed);
        check(2, "mx", Class::Missed);
        check(2, "mu", Class::Unclear);
        check(3, "mm", Class::Met);
        check(3, "xmm", Class::Met);
        check(3, "xmx", Class::Missed);
        check(3, "imm", Class::Met);
        check(3, "ixx", Class::Missed);
        check(3, "ixm", Class::Limited);
        check(3, "ixu", Class::Limited);
        check(3, "mii", Class::Limited);
        check(3, "uxm", Class::Unclear);
        check(3, "uu", Class::Unclear);
        check(5, "umuu", Class::Unclear);
        check(5, "mxmxm", Class::Met);
        check(5, "xxx", Class::Missed);
    }
}
