//! A thread of the generator without the thread: the dispatcher is asked when
//! something happens, and what becomes of its requests is recorded, as the real
//! one does it (`worker/step.rs`).

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use loadgen::{
    dispatch::{Dispatcher, LatePolicy, Next, Slot},
    record::{Answer, Body, Due, Moments, Outcome, Record, Times, UnderWay},
    schedule::{Arrivals, Load, Profile, Rate, Shard},
};

use super::server::{Freeze, Server};

/// What is simulated.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) load: Load,
    pub(crate) shard: Shard,
    pub(crate) late: LatePolicy,
    pub(crate) slots: usize,
    pub(crate) server: Server,
    /// When the generator does nothing and hears nothing.
    pub(crate) frozen: Freeze,
    /// When the run is broken off, and for how long answers are still awaited.
    pub(crate) cut: Option<(Duration, Duration)>,
    /// How the requests end, by their number.
    pub(crate) outcome: fn(u64) -> Outcome,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Simulated {
    pub(crate) record: Record,
    /// In the order in which they ended.
    pub(crate) requests: Vec<Request>,
    /// How many the schedule has, by its own arithmetic.
    pub(crate) planned: u64,
    pub(crate) unsent: u64,
    /// The integral of the requests under way.
    pub(crate) busy: Duration,
    pub(crate) most_under_way: u64,
}

/// A request that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) moments: Moments,
    /// How long the server worked on it.
    pub(crate) work: Duration,
}

impl Request {
    pub(crate) fn service(&self) -> Duration {
        self.moments.done.saturating_sub(self.moments.sent)
    }

    /// From due to done; where there is no due time, from sent to done.
    pub(crate) fn response(&self) -> Duration {
        let Moments { due, sent, done, .. } = self.moments;
        done.saturating_sub(due.map_or(sent, |due| due.at))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Alarm,
    Answer(Slot),
    Cut,
    GiveUp,
}

struct State {
    dispatcher: Dispatcher,
    server: Server,
    /// The earliest first, and of those at the same time the one that was
    /// foreseen first.
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    foreseen: u64,
    alarm: Option<Duration>,
    /// By slot.
    under_way: Vec<Option<Sent>>,
    counted: UnderWay,
    result: Simulated,
}

/// A request that is under way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    due: Option<Due>,
    at: Duration,
    work: Duration,
}

/// Evenly spaced or random requests at `rate` for `length`.
pub(crate) fn open(rate: f64, length: Duration, arrivals: Arrivals) -> Load {
    let profile = Profile::constant(Rate::new(rate).unwrap(), length).unwrap();
    Load::Open { profile, arrivals }
}

/// What a histogram of `times` is.
pub(crate) fn times(times: impl IntoIterator<Item = Duration>) -> Times {
    let mut histogram = Times::default();
    times.into_iter().for_each(|time| histogram.record(time));
    histogram
}

fn completed(_: u64) -> Outcome {
    Outcome::Completed(Answer { status: 200, cache: None, bytes: 1, body: Body::Same })
}

impl World {
    /// All of `load` over `slots`, until the last answer.
    pub(crate) fn new(load: Load, slots: usize, server: Server) -> Self {
        Self {
            load,
            shard: Shard::WHOLE,
            late: LatePolicy::Send,
            slots,
            server,
            frozen: Freeze::NEVER,
            cut: None,
            outcome: completed,
        }
    }

    /// Lets it happen.
    pub(crate) fn run(self) -> Simulated {
        let Self { load, shard, late, slots, server, frozen, cut, outcome } = self;
        let every = (0..slots).map(Slot).collect();
        let mut state = State {
            dispatcher: Dispatcher::new(&load, shard, late, every),
            server,
            events: BinaryHeap::new(),
            foreseen: 0,
            alarm: None,
            under_way: vec![None; slots],
            counted: UnderWay::default(),
            result: Simulated::default(),
        };
        let mut end = load.length();
        if let Some((at, patience)) = cut {
            state.foresee(at, Event::Cut);
            state.foresee(at + patience, Event::GiveUp);
        }
        state.foresee(Duration::ZERO, Event::Alarm);
        let mut now = Duration::ZERO;
        while let Some(Reverse((at, _, event))) = state.events.pop() {
            now = frozen.noticed(at);
            match event {
                Event::Alarm => state.alarm = None,
                Event::Answer(slot) => {
                    state.ended(slot, now, outcome);
                    state.dispatcher.free(slot, now);
                }
                Event::Cut => {
                    // What is due now may have been taken.
                    end = end.min(now + Duration::from_nanos(1));
                    state.result.unsent +=
                        u64::try_from(state.dispatcher.cut(end).count()).unwrap();
                }
                Event::GiveUp => break,
            }
            state.pump(now);
        }
        for slot in 0..slots {
            state.ended(Slot(slot), now, |_| Outcome::Unfinished);
        }
        let State { mut result, mut counted, .. } = state;
        (result.busy, result.most_under_way) = counted.take(now);
        result.planned = match load {
            Load::Open { profile, arrivals } => arrivals.count_before(&profile, shard, end),
            Load::Closed { .. } => result.record.counts.sent,
        };
        result
    }
}

impl State {
    fn foresee(&mut self, at: Duration, event: Event) {
        self.foreseen += 1;
        self.events.push(Reverse((at, self.foreseen, event)));
    }

    /// Does what the dispatcher says.
    fn pump(&mut self, now: Duration) {
        let mut burst = 0;
        loop {
            match self.dispatcher.next(now) {
                Next::Send { slot, due } => {
                    burst += 1;
                    self.result.record.sent();
                    self.counted.begin(now);
                    let (work, done) = self.server.ask(now);
                    self.under_way[slot.0] = Some(Sent { due, at: now, work });
                    self.foresee(done, Event::Answer(slot));
                }
                Next::Drop(_) => self.result.record.counts.dropped += 1,
                Next::Wait(at) => {
                    if self.alarm.replace(at) != Some(at) {
                        self.foresee(at, Event::Alarm);
                    }
                    break;
                }
                Next::Busy | Next::Over => break,
            }
        }
        let largest = &mut self.result.record.counts.largest_burst;
        *largest = burst.max(*largest);
    }

    /// What `slot` has sent, if it has sent something, ended at `done`.
    fn ended(&mut self, slot: Slot, done: Duration, outcome: impl Fn(u64) -> Outcome) {
        let Some(Sent { due, at: sent, work }) = self.under_way[slot.0].take() else { return };
        let moments = Moments { due, sent, first_byte: Some(done), done };
        let number = u64::try_from(self.result.requests.len()).unwrap();
        self.result.record.ended(outcome(number), moments);
        self.result.requests.push(Request { moments, work });
        self.counted.end(done);
    }
}
