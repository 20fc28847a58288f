//! One thread of the generator: its connections, its part of the schedule, and
//! what it has recorded. It shares nothing with the others.
//!
//! Each slot is a task that carries one request at a time. Whoever has
//! something to do with the schedule asks the dispatcher: the task that waits
//! for the pacer, and each slot when it has its answer. So a request that was
//! waiting for a connection is sent by the task that has just freed one, and in
//! a closed model no task ever wakes another.

mod boundaries;
mod slot;
mod step;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, mpsc as blocking},
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    classify::Classifier,
    dispatch::{LatePolicy, Slot},
    pacer::Pacer,
    record::{Record, Times, Within},
    schedule::{Load, Shard},
    transport::{Failure, Http2Connection, Link, Protocol, Reuse, Sources, Transport},
};
use slot::SlotState;
use step::StepState;

/// How many connections a thread opens at a time.
const OPENING: usize = 64;

/// What a thread is made of.
pub(crate) struct Spec {
    pub(crate) transport: Arc<Transport>,
    /// How many connections are this thread's.
    pub(crate) connections: usize,
    pub(crate) late: LatePolicy,
}

/// What a thread is connected to its engine by.
pub(crate) struct Wires {
    /// Which of the threads it is.
    pub(crate) index: usize,
    pub(crate) ready: oneshot::Sender<Result<Ready, Failure>>,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) reports: mpsc::Sender<(usize, Report)>,
    /// Intervals that were read, to be used again.
    pub(crate) blanks: blocking::Receiver<Box<Interval>>,
    pub(crate) control: watch::Receiver<Control>,
}

/// A thread can be given orders.
pub(crate) struct Ready {
    /// Connections that are open.
    pub(crate) opened: u64,
    pub(crate) pacer: &'static str,
    /// How late its pacer is when there is nothing else to do.
    pub(crate) self_test: Times,
}

/// A step to be run.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) load: Load,
    pub(crate) shard: Shard,
    /// What is due before this is not judged.
    pub(crate) settle: Duration,
    /// How long after the schedule's end requests may still be under way.
    pub(crate) drain: Duration,
    /// How long what is recorded is kept before it is reported.
    pub(crate) interval: Duration,
    pub(crate) start: Instant,
}

/// How a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Control {
    Go,
    /// Nothing more is sent; what is under way may end.
    Stop,
    /// What is under way is given up too.
    GiveUp,
}

impl Control {
    /// Tells the threads, unless they know worse already.
    pub(crate) fn tell(self, threads: &watch::Sender<Self>) {
        threads.send_if_modified(|known| {
            let worse = *known < self;
            *known = self.max(*known);
            worse
        });
    }
}

/// What a thread tells of a step.
pub(crate) enum Report {
    Interval(Box<Interval>),
    /// The last one of a step.
    Ended(Ended),
}

/// Where a thread's reports go.
struct Reports {
    index: usize,
    sender: mpsc::Sender<(usize, Report)>,
}

/// What was recorded in some stretch of a step.
#[derive(Debug, Default)]
pub(crate) struct Interval {
    pub(crate) start: Duration,
    pub(crate) length: Duration,
    pub(crate) parts: Parts<Record>,
    /// The integral of the requests under way.
    pub(crate) busy: Duration,
}

impl Interval {
    /// One with its memory for what most requests need.
    pub(crate) fn prepared() -> Self {
        let parts = Parts { settle: Record::new(), hold: Record::prepared() };
        Self { parts, ..Self::default() }
    }

    /// Makes it fit to be used again.
    pub(crate) fn clear(&mut self) {
        self.parts.settle.clear();
        self.parts.hold.clear();
    }
}

/// How a step ended, in one thread.
pub(crate) struct Ended {
    /// What was recorded since the last report.
    pub(crate) last: Box<Interval>,
    /// What went on while it held.
    pub(crate) within: Within,
    pub(crate) planned: Parts<u64>,
    pub(crate) unsent: Parts<u64>,
    /// When the schedule was cut short, since the step's start.
    pub(crate) cut: Option<Duration>,
    /// The first failure of each kind.
    pub(crate) failures: Vec<Failure>,
}

/// A step's two parts: what was due while it settled, and what is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parts<T> {
    pub(crate) settle: T,
    pub(crate) hold: T,
}

impl<T> Parts<T> {
    pub(crate) fn of(&mut self, at: Duration, settle: Duration) -> &mut T {
        if at < settle { &mut self.settle } else { &mut self.hold }
    }
}

/// The state of a thread.
struct Worker {
    transport: Arc<Transport>,
    late: LatePolicy,
    pacer: Pacer,
    /// What the pacer is set to, since the step's start.
    armed: Cell<Option<Duration>>,
    /// HTTP/2 connections, each of which several slots share.
    connections: Vec<Rc<Http2Connection>>,
    sources: Sources,
    classifier: Classifier,
    slots: Vec<SlotState>,
    step: RefCell<Option<StepState>>,
    /// The step has nothing left to do.
    quiet: Notify,
}

/// What a thread does: opens its connections, and runs steps while there are
/// orders. To be run in a local runtime.
pub(crate) async fn work(spec: Spec, wires: Wires) {
    let Wires { index, ready, mut orders, reports, blanks, mut control } = wires;
    let reports = Reports { index, sender: reports };
    let worker = match open(spec).await {
        Ok((worker, about)) => {
            // Whoever does not want to know does not want steps either.
            let _ = ready.send(Ok(about));
            worker
        }
        Err(failure) => {
            let _ = ready.send(Err(failure));
            return;
        }
    };
    while let Some(order) = orders.recv().await {
        Rc::clone(&worker).step(order, &reports, &blanks, &mut control).await;
    }
}

async fn open(spec: Spec) -> Result<(Rc<Worker>, Ready), Failure> {
    let Spec { transport, connections, late } = spec;
    let pacer = Pacer::new().map_err(Failure::of_opening)?;
    let self_test = pacer.self_test().await;
    let about = pacer.as_str();
    let (slots, connections) = match transport.protocol {
        Protocol::Http1 => (connections, Vec::new()),
        Protocol::Http2 { streams } => {
            let shared = (0..connections).map(|_| Rc::default()).collect();
            (connections * streams, shared)
        }
    };
    let worker = Rc::new(Worker {
        transport,
        late,
        pacer,
        armed: Cell::new(None),
        connections,
        sources: Sources::default(),
        classifier: Classifier::default(),
        slots: (0..slots).map(|_| SlotState::default()).collect(),
        step: RefCell::new(None),
        quiet: Notify::new(),
    });
    let mut links: Vec<_> = (0..slots).map(|slot| worker.link(Slot(slot))).collect();
    let opened = match worker.transport.reuse {
        Reuse::KeepAlive => worker.open_all(&mut links).await?,
        Reuse::PerRequest => 0,
    };
    for (slot, link) in links.into_iter().enumerate() {
        worker.spawn(Slot(slot), link);
    }
    Ok((worker, Ready { opened, pacer: about, self_test }))
}

impl Worker {
    /// A way for `slot` that is not open yet; slots of one HTTP/2 connection
    /// share it.
    fn link(&self, slot: Slot) -> Link {
        match self.transport.protocol {
            Protocol::Http1 => Link::http1(),
            Protocol::Http2 { streams } => {
                Link::http2(Rc::clone(&self.connections[slot.0 / streams]))
            }
        }
    }

    async fn open_all(&self, links: &mut [Link]) -> Result<u64, Failure> {
        let permits = Semaphore::new(OPENING);
        let opening = links.iter_mut().map(|link| async {
            let _permit = permits.acquire().await;
            link.open(&self.transport, &self.sources).await
        });
        let opened = try_join_all(opening).await?;
        Ok(opened.into_iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_only_get_worse() {
        let (threads, mut thread) = watch::channel(Control::Go);
        Control::GiveUp.tell(&threads);
        assert_eq!(*thread.borrow_and_update(), Control::GiveUp);
        Control::Stop.tell(&threads);
        assert_eq!(*thread.borrow(), Control::GiveUp);
        assert!(!thread.has_changed().unwrap());
    }
}
