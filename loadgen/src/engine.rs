//! The threads together: they are started, given steps, and what they report
//! becomes one.

mod collect;

use std::{
    io,
    sync::{Arc, mpsc as blocking},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::thread::set_current_timer_slack;
use tokio::{
    runtime::{self, LocalOptions},
    sync::{mpsc, oneshot, watch},
    time::{Instant, interval, sleep_until},
};

use crate::{
    affinity::pin_to,
    dispatch::LatePolicy,
    health::{Activity, Sample, THREAD, Watchdog},
    record::Times,
    schedule::{Load, Shard},
    transport::{Failure, Transport},
    worker::{self, Control, Interval, Order, Ready, Report, Spec, Wires},
};
use collect::Collector;
pub(crate) use collect::{Collected, Measured};

/// Reports of a thread that may wait to be read, and intervals that wait to be
/// used again.
const WAITING: usize = 4;

/// How often it is looked whether all threads are there.
const LOOK: Duration = Duration::from_secs(1);

/// Intervals that each thread has: one to write into, one to be read, and one
/// for when reading takes long.
const BLANKS: usize = 3;

/// How long after the order a step begins: every thread has it by then.
const LEAD: Duration = Duration::from_millis(5);

/// What an engine is made of.
pub(crate) struct Setup {
    pub(crate) transport: Arc<Transport>,
    pub(crate) threads: usize,
    /// Connections of all threads: at least one for each.
    pub(crate) connections: usize,
    pub(crate) late: LatePolicy,
    /// Processors that threads are bound to, in turn; none = wherever the
    /// kernel puts them.
    pub(crate) pin: Vec<usize>,
    /// Which part of the load is this generator's.
    pub(crate) shard: Shard,
}

/// Threads that have their connections.
pub(crate) struct Engine {
    threads: Vec<Thread>,
    reports: mpsc::Receiver<(usize, Report)>,
    control: Arc<watch::Sender<Control>>,
    watchdog: Watchdog,
    shards: Vec<Shard>,
    /// What was found when it was started.
    pub(crate) about: About,
}

/// What was found when an engine was started.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) opened: u64,
    pub(crate) pacer: &'static str,
    pub(crate) self_test: Times,
}

struct Thread {
    orders: mpsc::Sender<Order>,
    blanks: blocking::SyncSender<Box<Interval>>,
    handle: JoinHandle<()>,
}

/// Why there is no engine any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("cannot connect")]
    Unreachable(#[source] Failure),
    #[error("a thread of the generator failed")]
    Thread(#[source] io::Error),
    #[error("cannot bind a thread to processor {0}: choose others with --pin")]
    Pin(usize, #[source] io::Error),
}

/// A step, and for how long what is recorded is kept before it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) load: Load,
    pub(crate) settle: Duration,
    pub(crate) drain: Duration,
    pub(crate) interval: Duration,
}

impl Engine {
    /// Starts the threads, and opens their connections.
    pub(crate) async fn start(setup: Setup) -> Result<Self, EngineError> {
        let Setup { transport, threads: count, connections, late, pin, shard } = setup;
        let watchdog = Watchdog::start().map_err(EngineError::Thread)?;
        let (control, _) = watch::channel(Control::Go);
        let (report, reports) = mpsc::channel(WAITING * count);
        let mut threads = Vec::with_capacity(count);
        let mut starting = Vec::with_capacity(count);
        for index in 0..count {
            let spec = Spec {
                transport: Arc::clone(&transport),
                connections: share(connections, index, count),
                late,
            };
            let (ready, is_ready) = oneshot::channel();
            let (orders, to_do) = mpsc::channel(1);
            let (blanks, blank) = blocking::sync_channel(WAITING);
            for _ in 0..BLANKS {
                let _ = blanks.try_send(Box::new(Interval::prepared()));
            }
            let wires = Wires {
                index,
                ready,
                orders: to_do,
                reports: report.clone(),
                blanks: blank,
                control: control.subscribe(),
            };
            let processor = index.checked_rem(pin.len()).map(|turn| pin[turn]);
            let handle = spawn(index, processor, spec, wires)?;
            threads.push(Thread { orders, blanks, handle });
            starting.push(is_ready);
        }
        let about = ready(starting).await?;
        let shards = shards(shard, count);
        Ok(Self { threads, reports, control: Arc::new(control), watchdog, shards, about })
    }

    /// What stops it.
    pub(crate) fn control(&self) -> Arc<watch::Sender<Control>> {
        Arc::clone(&self.control)
    }

    /// How the run goes on.
    pub(crate) fn state(&self) -> Control {
        *self.control.borrow()
    }

    /// Runs a step. `observe` sees each interval when it has passed.
    pub(crate) async fn step(
        &mut self,
        task: &Task,
        mut observe: impl FnMut(&Collected),
    ) -> Result<Measured, EngineError> {
        let start = self.order(task).await;
        let mut collector = Collector::new(self.threads.len());
        let hold = start + task.settle;
        let end = start + task.load.length();
        let (mut before, mut load) = (None, None);
        let mut look = interval(LOOK);
        while !collector.is_complete() {
            tokio::select! {
                biased;
                () = sleep_until(hold), if before.is_none() => {
                    self.watchdog.take_gap();
                    before = Some(Sample::take());
                }
                () = sleep_until(end), if before.is_some() && load.is_none() => {
                    load = before.as_ref().map(|before| self.load_since(before));
                }
                report = self.reports.recv() => {
                    let Some((thread, report)) = report else { break };
                    // One blank too many is not needed.
                    let _ = self.threads[thread].blanks.try_send(collector.add(thread, report));
                    collector.passed(&mut observe);
                }
                // A thread that has panicked would be waited for for ever.
                _ = look.tick() => {
                    if self.threads.iter().any(|thread| thread.handle.is_finished()) {
                        return Err(EngineError::Thread(io::Error::other("it has ended too early")));
                    }
                }
            }
        }
        collector.rest(&mut observe);
        // A step that was cut short has ended before its end.
        let load = load.or_else(|| before.as_ref().map(|before| self.load_since(before)));
        Ok(collector.measured(load.unwrap_or_default()))
    }

    /// Orders a step of all threads; when it begins.
    async fn order(&self, task: &Task) -> Instant {
        let start = Instant::now() + LEAD;
        for (thread, shard) in self.threads.iter().zip(&self.shards) {
            let order = Order {
                load: task.load.clone(),
                shard: *shard,
                settle: task.settle,
                drain: task.drain,
                interval: task.interval,
                start,
            };
            // A thread that is gone is noticed while the step runs.
            let _ = thread.orders.send(order).await;
        }
        start
    }

    fn load_since(&self, before: &Sample) -> Activity {
        Sample::take().since(before, self.watchdog.take_gap())
    }

    /// Ends the threads, and their connections with them.
    pub(crate) fn end(self) {
        // Where one of them has failed the others are still at work.
        Control::GiveUp.tell(&self.control);
        for Thread { orders, handle, .. } in self.threads {
            drop(orders);
            // A thread that has panicked has said so.
            let _ = handle.join();
        }
    }
}

fn spawn(
    index: usize,
    processor: Option<usize>,
    spec: Spec,
    wires: Wires,
) -> Result<JoinHandle<()>, EngineError> {
    let (tell, told) = blocking::channel();
    let main = move || {
        if let Some(processor) = processor
            && let Err(error) = pin_to(processor, None)
        {
            let _ = tell.send(Err(EngineError::Pin(processor, error)));
            return;
        }
        // Without it timers of this thread may be 50 µs late on purpose.
        let _ = set_current_timer_slack(std::num::NonZeroU64::new(1));
        match runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
        {
            Ok(runtime) => {
                let _ = tell.send(Ok(()));
                runtime.block_on(worker::work(spec, wires));
            }
            Err(error) => {
                let _ = tell.send(Err(EngineError::Thread(error)));
            }
        }
    };
    let thread = thread::Builder::new().name(format!("{THREAD}{index}"));
    let handle = thread.spawn(main).map_err(EngineError::Thread)?;
    told.recv().unwrap_or_else(|_| Err(EngineError::Thread(io::Error::other("it has ended"))))?;
    Ok(handle)
}

async fn ready(
    starting: Vec<oneshot::Receiver<Result<Ready, Failure>>>,
) -> Result<About, EngineError> {
    let mut about = About { opened: 0, pacer: "", self_test: Times::default() };
    for thread in starting {
        let gone = |_| EngineError::Thread(io::Error::other("it has ended"));
        let Ready { opened, pacer, self_test } =
            thread.await.map_err(gone)?.map_err(EngineError::Unreachable)?;
        about.opened += opened;
        about.pacer = pacer;
        about.self_test.add(&self_test);
    }
    Ok(about)
}

/// The part `index` of `of` parts of `all`, which differ by one at most.
fn share(all: usize, index: usize, of: usize) -> usize {
    all / of + usize::from(index < all % of)
}

fn shards(whole: Shard, threads: usize) -> Vec<Shard> {
    let count = u32::try_from(threads).ok().and_then(std::num::NonZeroU32::new);
    let part = |index| whole.part(index, count?).ok();
    (0..count.map_or(0, std::num::NonZeroU32::get)).filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_evenly() {
        let shares = |all, of| (0..of).map(|index| share(all, index, of)).collect::<Vec<_>>();
        assert_eq!(shares(64, 3), [22, 21, 21]);
        assert_eq!(shares(2, 2), [1, 1]);
        assert_eq!(shards(Shard::WHOLE, 3).len(), 3);
    }
}
