//! What carries one request at a time.

use std::{
    cell::Cell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use tokio::{
    task::{AbortHandle, spawn_local},
    time::sleep,
};

use super::{Worker, step::Job};
use crate::{dispatch::Slot, record::Outcome, transport::Link};

/// How long a user of a closed model waits where there was no connection: who
/// asks again at once only spins.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A slot as the rest of its thread sees it.
#[derive(Default)]
pub(super) struct SlotState {
    /// Whether it has something to do: a job, an answer to wait for, or to see
    /// to its connection.
    pub(super) working: Cell<bool>,
    /// What it is to send next.
    job: Cell<Option<Job>>,
    /// Its task, while that waits for a job.
    waiting: Cell<Option<Waker>>,
    /// What it has sent, while there is no answer.
    pub(super) under_way: Cell<Option<Sent>>,
    task: Cell<Option<AbortHandle>>,
}

/// A request that is under way, since the step's start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) job: Job,
    pub(super) at: Duration,
}

impl Sent {
    /// By what it belongs to a part of the step: when it was due, and where
    /// that is not said, when it was sent.
    pub(super) fn belongs_at(self) -> Duration {
        self.job.due.map_or(self.at, |due| due.at)
    }
}

impl SlotState {
    pub(super) fn give(&self, job: Job) {
        self.job.set(Some(job));
        if let Some(task) = self.waiting.take() {
            task.wake();
        }
    }

    async fn job(&self) -> Job {
        poll_fn(|cx| {
            if let Some(job) = self.job.take() {
                return Poll::Ready(job);
            }
            self.waiting.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

impl Worker {
    pub(super) fn spawn(self: &Rc<Self>, slot: Slot, link: Link) {
        let task = spawn_local(carry(Rc::clone(self), slot, link));
        self.slots[slot.0].task.set(Some(task.abort_handle()));
    }

    /// Gives up whatever `slot` is doing, with its connection, and lets it
    /// begin anew. The job that it had not begun with, if it had one.
    pub(super) fn replace(self: &Rc<Self>, slot: Slot) -> Option<Job> {
        let state = &self.slots[slot.0];
        if let Some(task) = state.task.take() {
            task.abort();
        }
        state.waiting.take();
        state.under_way.take();
        state.working.set(false);
        let job = state.job.take();
        self.spawn(slot, self.link(slot));
        job
    }
}

/// Carries one request after another.
async fn carry(worker: Rc<Worker>, slot: Slot, mut link: Link) {
    let state = &worker.slots[slot.0];
    loop {
        let mut next = Some(state.job().await);
        while let Some(job) = next {
            let sent = worker.begin(slot, job);
            let Worker { transport, sources, classifier, .. } = &*worker;
            let exchanged = link.exchange(transport, sources, classifier, sent).await;
            let outcome = exchanged.outcome;
            worker.ended(slot, exchanged);
            link.recover(transport, outcome).await;
            if job.due.is_none() && is_unconnected(outcome) {
                sleep(BACK_OFF).await;
            }
            next = worker.freed(slot);
        }
    }
}

fn is_unconnected(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed(fault) if fault.is_unconnected())
}
