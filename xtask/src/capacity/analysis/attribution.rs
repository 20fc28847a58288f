//! What limits the throughput, by changing one thing at a time: what is in the
//! way moves the capacity when there is more or less of it, and by as much as it
//! should; all else does not.
//!
//! A resource that is busy at saturation is only a hint, as several are busy
//! together. It supports a finding and never makes one. Where nothing moved as
//! foretold the answer is that it is not known, with what was excluded.

use serde::Serialize;

use super::Interval;

/// A share of a resource in use from which on it counts as saturated.
const SATURATED: f64 = 0.9;

/// What may limit the throughput.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Suspect {
    /// The server's own code, on all processors.
    ProcessorUser,
    /// The kernel's, on behalf of the server.
    ProcessorSystem,
    /// Code that one thread runs at a time, or that a lock guards.
    SingleThread,
    /// Bytes and packets, over loopback as well.
    Network,
    /// Accepting and closing connections.
    Connections,
    /// What the server has to ask.
    Upstream,
    /// The load generator: then it is not the server that was measured.
    Generator,
    /// A quota on processor time (cgroup), which is used up before its period
    /// ends.
    Throttling,
    /// Processor time that the hypervisor gives to others.
    Steal,
    /// Writing logs.
    Logging,
}

impl Suspect {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ProcessorUser,
        Self::ProcessorSystem,
        Self::SingleThread,
        Self::Network,
        Self::Connections,
        Self::Upstream,
        Self::Generator,
        Self::Throttling,
        Self::Steal,
        Self::Logging,
    ];
}

/// A change of one thing, and how the capacity changed with it. Effects are
/// shares of the capacity before: 0.2 is a fifth more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Perturbation {
    /// What a report refers to it by.
    pub id: String,
    /// Whom it tests.
    pub suspect: Suspect,
    /// The effect if the suspect is what limits: a range that does not have 0
    /// in it, or else it cannot confirm anything.
    pub predicted: Interval,
    /// The effect that was measured.
    pub measured: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// How much of a resource was in use at saturation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Observation {
    /// Whose resource it is.
    pub suspect: Suspect,
    /// From 0 to 1. For throttling, the share of periods that were cut short.
    pub share: f64,
}

/// What a perturbation says of its suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Reading {
    /// The capacity moved, and by as much as foretold.
    Confirms,
    /// It moved in the foretold direction, and by less: there is something else
    /// besides.
    Partly,
    /// It did not move, or otherwise than foretold.
    Contradicts,
    /// The interval is too wide to tell.
    Inconclusive,
}

impl Perturbation {
    /// What it says of its suspect.
    pub fn reading(&self) -> Reading {
        let agrees = self.interval.overlaps(&self.predicted);
        // Turned so that it should go up.
        let (moved, more) = if 0.0 <= self.predicted.low {
            (0.0 < self.interval.low, self.predicted.high < self.interval.low)
        } else {
            (self.interval.high < 0.0, self.interval.high < self.predicted.low)
        };
        match (agrees, moved) {
            (true, true) if !self.predicted.contains(0.0) => Reading::Confirms,
            (true, _) => Reading::Inconclusive,
            (false, true) if !more => Reading::Partly,
            (false, _) => Reading::Contradicts,
        }
    }
}

/// What limits the throughput.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// This does.
    Limited {
        /// What it is.
        by: Suspect,
        /// How sure that is.
        confidence: Confidence,
    },
    /// Nothing moved as foretold.
    Unknown,
}

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Confidence {
    /// Two perturbations confirm it, or one does and the resource is
    /// saturated; nothing speaks against it, and no other suspect is confirmed.
    High,
    /// One perturbation confirms it; nothing speaks against it, and no other
    /// suspect is confirmed.
    Medium,
    /// Something speaks against it, or another suspect is confirmed too.
    Low,
}

/// A perturbation and what it says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// What was changed, and what came of it.
    pub perturbation: Perturbation,
    /// What it says of its suspect.
    pub reading: Reading,
}

/// What limits the throughput, and why that is said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// The answer.
    pub verdict: Verdict,
    /// Every perturbation, in the order given.
    pub evidence: Vec<Evidence>,
    /// Suspects that some perturbation contradicts and none confirms.
    pub excluded: Vec<Suspect>,
    /// Suspects of whom every perturbation left open what they are, or moved
    /// the capacity by less than foretold.
    pub undecided: Vec<Suspect>,
    /// Suspects that nothing was tried against.
    pub untested: Vec<Suspect>,
}

/// Names what limits the throughput: the suspect that most perturbations
/// confirm, less those that speak against it; among equals the one with the
/// largest effect that is certain.
pub fn attribute(perturbations: &[Perturbation], observations: &[Observation]) -> Attribution {
    let evidence: Vec<Evidence> = perturbations
        .iter()
        .map(|perturbation| Evidence {
            reading: perturbation.reading(),
            perturbation: perturbation.clone(),
        })
        .collect();
    let standings = Suspect::ALL.map(|suspect| Standing::of(suspect, &evidence));
    let confirmed = || standings.iter().filter(|standing| 0 < standing.confirms);
    let best = confirmed().max_by(|a, b| {
        (a.balance().cmp(&b.balance())).then(a.certain_effect.total_cmp(&b.certain_effect))
    });
    let verdict = best.map_or(Verdict::Unknown, |standing| Verdict::Limited {
        by: standing.suspect,
        confidence: standing.confidence(confirmed().count() - 1, observations),
    });
    let those = |wanted: fn(&Standing) -> bool| {
        standings.iter().filter(|standing| wanted(standing)).map(|found| found.suspect).collect()
    };
    Attribution {
        verdict,
        excluded: those(|standing| standing.confirms == 0 && 0 < standing.contradicts),
        undecided: those(|standing| {
            standing.confirms == 0 && standing.contradicts == 0 && 0 < standing.tested
        }),
        untested: those(|standing| standing.tested == 0),
        evidence,
    }
}

/// How a suspect stands after all perturbations.
#[derive(Debug, Clone, Copy)]
struct Standing {
    suspect: Suspect,
    tested: usize,
    confirms: usize,
    partly: usize,
    contradicts: usize,
    /// The largest effect that a confirming perturbation has at least.
    certain_effect: f64,
}

impl Standing {
    fn of(suspect: Suspect, evidence: &[Evidence]) -> Self {
        let own = || evidence.iter().filter(move |found| found.perturbation.suspect == suspect);
        let count = |reading| own().filter(|found| found.reading == reading).count();
        let certain = |found: &Evidence| {
            let Interval { low, high } = found.perturbation.interval;
            low.abs().min(high.abs())
        };
        let confirming = own().filter(|found| found.reading == Reading::Confirms);
        Self {
            suspect,
            tested: own().count(),
            confirms: count(Reading::Confirms),
            partly: count(Reading::Partly),
            contradicts: count(Reading::Contradicts),
            certain_effect: confirming.map(certain).fold(0.0, f64::max),
        }
    }

    fn balance(&self) -> isize {
        self.confirms.cast_signed() - (self.contradicts + self.partly).cast_signed()
    }

    fn confidence(&self, rivals: usize, observations: &[Observation]) -> Confidence {
        let saturated =
            observations.iter().any(|seen| seen.suspect == self.suspect && SATURATED <= seen.share);
        if 0 < rivals + self.partly + self.contradicts {
            Confidence::Low
        } else if 2 <= self.confirms + usize::from(saturated) {
            Confidence::High
        } else {
            Confidence::Medium
        }
    }
}

#[cfg(test)]
mod tests;
