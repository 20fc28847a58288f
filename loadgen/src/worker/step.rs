//! A step in one thread.

use std::{collections::BTreeMap, pin::pin, rc::Rc, sync::mpsc as blocking, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Control, Ended, Interval, Order, Parts, Report, Reports, Worker, boundaries::Boundaries,
    slot::Sent,
};
use crate::{
    dispatch::{Dispatcher, Next, Slot},
    fault::Fault,
    record::{Due, Moments, Outcome, Record, UnderWay, Window},
    schedule::Load,
    transport::{Exchanged, Failure},
};

/// A request to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) due: Option<Due>,
}

/// What a thread knows of the step that it runs.
pub(super) struct StepState {
    order: Order,
    dispatcher: Dispatcher,
    /// How many slots have something to do.
    working: usize,
    under_way: UnderWay,
    /// While it holds.
    window: Window,
    interval: Box<Interval>,
    sent: Parts<u64>,
    unsent: Parts<u64>,
    /// When the schedule was cut short.
    cut: Option<Duration>,
    failures: BTreeMap<Fault, Failure>,
}

impl Order {
    fn boundaries(&self) -> Boundaries {
        Boundaries { settle: self.settle, length: self.load.length(), interval: self.interval }
    }
}

impl Control {
    /// How long what is under way may still take, if nothing more is sent.
    fn patience(self, drain: Duration) -> Option<Duration> {
        match self {
            Self::Go => None,
            Self::Stop => Some(drain),
            Self::GiveUp => Some(Duration::ZERO),
        }
    }
}

impl StepState {
    fn now(&self) -> Duration {
        self.order.start.elapsed()
    }

    /// What is recorded of what belongs to the part at `at`.
    fn record(&mut self, at: Duration) -> &mut Record {
        self.interval.parts.of(at, self.order.settle)
    }

    fn end(&mut self, sent: Sent, outcome: Outcome, first_byte: Option<Duration>, done: Duration) {
        let moments = Moments { due: sent.job.due, sent: sent.at, first_byte, done };
        self.record(sent.belongs_at()).ended(outcome, moments);
        self.under_way.end(done);
        self.window.end(done, u64::from(matches!(outcome, Outcome::Completed(_))));
    }

    /// Ends the schedule at `at`, and counts what was never sent.
    fn cut(&mut self, at: Duration, now: Duration) {
        for due in self.dispatcher.cut(at) {
            self.never_sent(due, now);
        }
    }

    /// What was due at `due` is not sent any more.
    fn never_sent(&mut self, due: Duration, now: Duration) {
        *self.unsent.of(due, self.order.settle) += 1;
        self.record(due).unsent(now.saturating_sub(due));
    }

    /// How many requests the schedule has until its end, by its own arithmetic.
    fn planned(&self) -> Parts<u64> {
        let Order { load, shard, settle, .. } = &self.order;
        match load {
            Load::Open { profile, arrivals } => {
                let end = self.cut.unwrap_or(profile.length());
                let settle = arrivals.count_before(profile, *shard, (*settle).min(end));
                Parts { settle, hold: arrivals.count_before(profile, *shard, end) - settle }
            }
            // Who waits for answers plans nothing.
            Load::Closed { .. } => self.sent,
        }
    }

    /// What was recorded until `at`; `blank` is for what comes next.
    fn close_interval(&mut self, at: Duration, mut blank: Box<Interval>) -> Box<Interval> {
        blank.start = at;
        let mut closed = std::mem::replace(&mut self.interval, blank);
        closed.length = at.saturating_sub(closed.start);
        (closed.busy, _) = self.under_way.take(at);
        closed
    }
}

impl Worker {
    /// Runs a step, and reports it.
    pub(super) async fn step(
        self: Rc<Self>,
        order: Order,
        reports: &Reports,
        blanks: &blocking::Receiver<Box<Interval>>,
        control: &mut watch::Receiver<Control>,
    ) {
        let Order { start, drain, .. } = order;
        let boundaries = order.boundaries();
        let mut stop = pin!(sleep_until(start + order.load.length() + drain));
        self.begin_step(order, blanks.try_recv().unwrap_or_default());
        self.wait_for(start).await;
        self.pump(start.elapsed(), None);
        let mut flush = pin!(sleep_until(start + boundaries.after(Duration::ZERO)));
        loop {
            tokio::select! {
                biased;
                () = self.pacer.alarm() => {
                    self.armed.set(None);
                    self.pump(start.elapsed(), None);
                }
                () = self.quiet.notified() => {
                    if self.is_over() {
                        break;
                    }
                }
                changed = control.changed() => {
                    // An engine that is gone wants nothing any more.
                    if changed.is_err() {
                        break;
                    }
                    let order = *control.borrow_and_update();
                    let Some(patience) = order.patience(drain) else { continue };
                    let at = stop.deadline().min(self.stop_sending() + patience);
                    stop.as_mut().reset(at);
                    self.pump(start.elapsed(), None);
                }
                () = flush.as_mut() => {
                    let at = flush.deadline() - start;
                    self.report(at, reports, blanks);
                    flush.as_mut().reset(start + boundaries.after(at));
                    if self.is_over() {
                        break;
                    }
                }
                () = stop.as_mut() => break,
            }
        }
        if let Some(ended) = self.end_step() {
            // The engine reads until the end, or is gone.
            let _ = reports.sender.send((reports.index, Report::Ended(ended))).await;
        }
    }

    /// The runtime's own timers are too coarse for the first request.
    async fn wait_for(&self, start: Instant) {
        self.pacer.arm(start.saturating_duration_since(Instant::now()));
        while Instant::now() < start {
            self.pacer.alarm().await;
        }
    }

    fn begin_step(&self, order: Order, mut interval: Box<Interval>) {
        interval.start = Duration::ZERO;
        let slots = (0..self.slots.len()).map(Slot).collect();
        let dispatcher = Dispatcher::new(&order.load, order.shard, self.late, slots);
        let window = Window::new(order.settle, order.load.length());
        self.armed.set(None);
        *self.step.borrow_mut() = Some(StepState {
            order,
            dispatcher,
            working: 0,
            under_way: UnderWay::default(),
            window,
            interval,
            sent: Parts::default(),
            unsent: Parts::default(),
            cut: None,
            failures: BTreeMap::new(),
        });
    }

    /// Hands out what is to be sent now. What falls to `me` is returned.
    fn pump(&self, now: Duration, me: Option<Slot>) -> Option<Job> {
        let mut state = self.step.borrow_mut();
        let step = state.as_mut()?;
        let (mut mine, mut burst) = (None, 0);
        loop {
            match step.dispatcher.next(now) {
                Next::Send { slot, due } => {
                    burst += 1;
                    step.working += 1;
                    self.slots[slot.0].working.set(true);
                    if me == Some(slot) {
                        mine = Some(Job { due });
                    } else {
                        self.slots[slot.0].give(Job { due });
                    }
                }
                Next::Drop(due) => step.record(due).counts.dropped += 1,
                Next::Wait(at) => {
                    if self.armed.replace(Some(at)) != Some(at) {
                        self.pacer.arm(at.saturating_sub(now));
                    }
                    break;
                }
                Next::Busy => break,
                Next::Over => {
                    if step.working == 0 {
                        self.quiet.notify_one();
                    }
                    break;
                }
            }
        }
        let counts = &mut step.record(now).counts;
        counts.largest_burst = counts.largest_burst.max(burst);
        mine
    }

    /// Whether nothing is under way and nothing will be. A step lasts until its
    /// schedule's end, though its last request may have ended long before.
    fn is_over(&self) -> bool {
        let mut state = self.step.borrow_mut();
        state.as_mut().is_none_or(|step| {
            let now = step.now();
            let ended = step.cut.is_some() || step.order.load.length() <= now;
            ended && step.working == 0 && step.dispatcher.is_over(now)
        })
    }

    /// `slot` sends its request; when that is.
    pub(super) fn begin(&self, slot: Slot, job: Job) -> Instant {
        let now = Instant::now();
        if let Some(step) = self.step.borrow_mut().as_mut() {
            let sent = Sent { job, at: now.saturating_duration_since(step.order.start) };
            step.record(sent.belongs_at()).sent();
            *step.sent.of(sent.belongs_at(), step.order.settle) += 1;
            step.under_way.begin(sent.at);
            step.window.begin(sent.at);
            self.slots[slot.0].under_way.set(Some(sent));
        }
        now
    }

    /// `slot` has its answer, or will have none.
    pub(super) fn ended(&self, slot: Slot, exchanged: Exchanged) {
        let mut state = self.step.borrow_mut();
        let (Some(step), Some(sent)) = (state.as_mut(), self.slots[slot.0].under_way.take()) else {
            return;
        };
        let Exchanged { outcome, first_byte, done, opened, failure } = exchanged;
        let start = step.order.start;
        let since = |at: Instant| at.saturating_duration_since(start);
        step.record(sent.belongs_at()).counts.reopened += opened;
        step.end(sent, outcome, first_byte.map(since), since(done));
        if let Some(failure) = failure {
            step.failures.entry(failure.fault).or_insert(failure);
        }
    }

    /// `slot` can carry the next request; what that is, if it is its turn.
    pub(super) fn freed(&self, slot: Slot) -> Option<Job> {
        let now = {
            let mut state = self.step.borrow_mut();
            let step = state.as_mut()?;
            let now = step.now();
            step.working -= 1;
            self.slots[slot.0].working.set(false);
            step.dispatcher.free(slot, now);
            now
        };
        self.pump(now, Some(slot))
    }

    /// Sends nothing more; says when that was.
    fn stop_sending(&self) -> Instant {
        let now = Instant::now();
        if let Some(step) = self.step.borrow_mut().as_mut()
            && step.cut.is_none()
        {
            // What is due now may have been taken.
            let passed = now.saturating_duration_since(step.order.start);
            let at = (passed + Duration::from_nanos(1)).min(step.order.load.length());
            step.cut(at, passed);
            step.window.cut(at);
            step.cut = Some(at);
        }
        now
    }

    /// Reports what was recorded until `at`, if there is a blank to go on with;
    /// else it is reported with what comes next.
    fn report(&self, at: Duration, reports: &Reports, blanks: &blocking::Receiver<Box<Interval>>) {
        if let Some(step) = self.step.borrow_mut().as_mut()
            && let Ok(permit) = reports.sender.try_reserve()
            && let Ok(blank) = blanks.try_recv()
        {
            permit.send((reports.index, Report::Interval(step.close_interval(at, blank))));
        }
    }

    /// Gives up what is still under way, and closes the books.
    fn end_step(self: &Rc<Self>) -> Option<Ended> {
        let mut step = self.step.borrow_mut().take()?;
        let now = step.now();
        step.cut(step.order.load.length(), now);
        let working = self.slots.iter().enumerate().filter(|(_, slot)| slot.working.get());
        for (index, slot) in working {
            if let Some(sent) = slot.under_way.take() {
                step.end(sent, Outcome::Unfinished, None, now);
            }
            if let Some(Job { due: Some(due) }) = self.replace(Slot(index)) {
                step.never_sent(due.at, now);
            }
        }
        Some(Ended {
            last: step.close_interval(now, Box::default()),
            within: step.window.close(),
            planned: step.planned(),
            unsent: step.unsent,
            cut: step.cut,
            failures: step.failures.into_values().collect(),
        })
    }
}
