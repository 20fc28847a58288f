//! What can be told while a run goes on.

use std::time::{Duration, SystemTime};

use crate::{program, provenance::Provenance, record::Record, summary::Step};

/// What can be told while a run goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The target is another machine; in so many seconds it is loaded.
    Countdown(u32),
    /// The connections are open.
    Begins(&'a Begins),
    /// A step begins.
    StepBegins(u32, &'a program::Step),
    /// A part of it has passed.
    Interval(&'a Interval<'a>),
    /// A step has ended.
    StepEnded(&'a Step, &'a Record),
}

/// What is known when a run begins.
#[derive(Debug)]
pub struct Begins {
    /// When it began.
    pub started: SystemTime,
    /// What is needed to repeat it.
    pub provenance: Provenance,
    /// How long its steps are together, if that is known.
    pub length: Option<Duration>,
}

/// What was recorded in some stretch of a run.
#[derive(Debug)]
pub struct Interval<'a> {
    /// The number of the step.
    pub step: u32,
    /// Its rate, where it has one.
    pub rate: Option<f64>,
    /// When it began, since the run did.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
    /// What was due while the step settled.
    pub settle: &'a Record,
    /// What was due while it held.
    pub hold: &'a Record,
    /// The mean number of requests under way.
    pub in_flight: f64,
}

impl Interval<'_> {
    /// Whole answers per second, whenever they had been due.
    pub fn throughput(&self) -> f64 {
        let answered = self.settle.counts.completed() + self.hold.counts.completed();
        super::per_second(answered, self.length)
    }
}
