//! What the threads report of a step, added up.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    fault::Fault,
    health::Activity,
    record::{Record, Within},
    worker::{Ended, Interval, Parts, Report},
};

/// What all threads recorded in some stretch of a step.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) start: Duration,
    pub(crate) length: Duration,
    pub(crate) parts: Parts<Record>,
    /// The integral of the requests under way.
    pub(crate) busy: Duration,
}

/// A step as it was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) parts: Parts<Record>,
    pub(crate) planned: Parts<u64>,
    pub(crate) unsent: Parts<u64>,
    /// What went on while it held.
    pub(crate) within: Within,
    /// How long it took until the last answer.
    pub(crate) lasted: Duration,
    /// When the schedule was cut short, since the step's start.
    pub(crate) cut: Option<Duration>,
    /// The first failure of each kind.
    pub(crate) failures: BTreeMap<Fault, String>,
    pub(crate) activity: Activity,
}

/// Adds up what threads report, in the order in which it was recorded.
pub(super) struct Collector {
    /// By when they end. Threads report at the same times, but not at once.
    open: BTreeMap<Duration, Collected>,
    /// What is recorded after the last of these times, until each has ended.
    last: Collected,
    /// Until when each thread has reported.
    reached: Vec<Duration>,
    ended: usize,
    measured: Measured,
}

impl Collector {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            last: Collected::default(),
            reached: vec![Duration::ZERO; threads],
            ended: 0,
            measured: Measured {
                parts: Parts { settle: Record::new(), hold: Record::prepared() },
                planned: Parts::default(),
                unsent: Parts::default(),
                within: Within::default(),
                lasted: Duration::ZERO,
                cut: None,
                failures: BTreeMap::new(),
                activity: Activity::default(),
            },
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.reached.len() <= self.ended
    }

    /// Adds a report; what can be used again is returned.
    pub(super) fn add(&mut self, thread: usize, report: Report) -> Box<Interval> {
        let (interval, into) = match report {
            Report::Interval(interval) => {
                let end = interval.start + interval.length;
                self.reached[thread] = end;
                (interval, self.open.entry(end).or_default())
            }
            Report::Ended(ended) => {
                let Ended { last, within, planned, unsent, cut, failures } = ended;
                self.measured.within.add(within);
                self.measured.cut = self.measured.cut.max(cut);
                self.reached[thread] = Duration::MAX;
                self.ended += 1;
                self.measured.planned.settle += planned.settle;
                self.measured.planned.hold += planned.hold;
                self.measured.unsent.settle += unsent.settle;
                self.measured.unsent.hold += unsent.hold;
                for failure in failures {
                    let first = || failure.to_string();
                    self.measured.failures.entry(failure.fault).or_insert_with(first);
                }
                (last, &mut self.last)
            }
        };
        into.add(&interval);
        let mut blank = interval;
        blank.clear();
        blank
    }

    /// Shows what every thread has reported.
    pub(super) fn passed(&mut self, observe: &mut impl FnMut(&Collected)) {
        let until = self.reached.iter().min().copied().unwrap_or_default();
        while let Some(entry) = self.open.first_entry() {
            if until < *entry.key() {
                break;
            }
            let collected = entry.remove();
            self.take(&collected, observe);
        }
    }

    /// Shows what came last.
    pub(super) fn rest(&mut self, observe: &mut impl FnMut(&Collected)) {
        self.passed(observe);
        let last = std::mem::take(&mut self.last);
        self.measured.lasted = last.end();
        // A step that ended with its schedule has nothing more to show.
        if !last.is_empty() {
            self.take(&last, observe);
        }
    }

    fn take(&mut self, collected: &Collected, observe: &mut impl FnMut(&Collected)) {
        self.measured.parts.settle.add(&collected.parts.settle);
        self.measured.parts.hold.add(&collected.parts.hold);
        observe(collected);
    }

    pub(super) fn measured(mut self, activity: Activity) -> Measured {
        self.measured.activity = activity;
        self.measured
    }
}

impl Collected {
    /// When it ended.
    pub(crate) fn end(&self) -> Duration {
        self.start + self.length
    }

    /// Whether nothing was under way.
    fn is_empty(&self) -> bool {
        let Self { parts: Parts { settle, hold }, busy, .. } = self;
        settle.is_empty() && hold.is_empty() && busy.is_zero()
    }

    /// The mean number of requests under way.
    pub(crate) fn in_flight(&self) -> f64 {
        if self.length.is_zero() { 0.0 } else { self.busy.div_duration_f64(self.length) }
    }

    fn add(&mut self, interval: &Interval) {
        if self.length.is_zero() {
            self.start = interval.start;
        }
        let end = self.end().max(interval.start + interval.length);
        self.start = self.start.min(interval.start);
        self.length = end.saturating_sub(self.start);
        self.parts.settle.add(&interval.parts.settle);
        self.parts.hold.add(&interval.parts.hold);
        self.busy += interval.busy;
    }
}
