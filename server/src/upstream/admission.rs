//! The governor at work: its state behind a lock, the clock, and those who
//! wait.
//!
//! Each waiter has a channel of its own for one word. While anybody waits, one
//! task has the one timer that is needed: for the next token, the end of a hold
//! or the next deadline, whichever is first.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::StatusCode;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    governor::{
        Came, Entry, Governor, Grant, Limits, Refusal,
        advice::Advice,
        ledger::Figures,
        queue::{Share, Ticket},
    },
    sharing,
};
use crate::exchange::{
    Bound, Purpose,
    budget::{Claim, Claimed, Pool},
};

/// The way in.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    started: Instant,
    state: Mutex<State>,
    /// Something has changed what the timer is set for.
    changed: Notify,
    /// Something has changed when a claim on the shared budget is due.
    stirred: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    governor: Governor,
    waiters: HashMap<Ticket, oneshot::Sender<Result<Permit, Refusal>>>,
    timer: Timer,
}

/// Whether there is a task with the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Running,
    None,
}

/// Words that are to be said once the lock is free.
type Words = Vec<(oneshot::Sender<Result<Permit, Refusal>>, Result<Permit, Refusal>)>;

impl Admission {
    /// With nobody admitted yet.
    pub(super) fn new(limits: Limits, seed: u64) -> Admission {
        Admission(Arc::new(Shared {
            started: Instant::now(),
            state: Mutex::new(State {
                governor: Governor::new(limits, seed),
                waiters: HashMap::new(),
                timer: Timer::None,
            }),
            changed: Notify::new(),
            stirred: Arc::default(),
        }))
    }

    /// Waits for a permit, until then at the latest. Dropped before there is
    /// one, it leaves nothing.
    pub(super) async fn admit(
        &self,
        purpose: Purpose,
        share: Share,
        until: Instant,
    ) -> Result<Permit, Refusal> {
        let mut waiting = {
            let now = self.0.now();
            let until = until.saturating_duration_since(self.0.started);
            let mut state = self.0.state.lock();
            let ticket = match state.governor.ask(purpose, share, until, now)? {
                Entry::Go(grant) => return Ok(Permit { shared: Arc::clone(&self.0), grant }),
                Entry::Wait(ticket) => ticket,
            };
            let (sender, word) = oneshot::channel();
            state.waiters.insert(ticket, sender);
            if state.timer == Timer::None {
                state.timer = Timer::Running;
                tokio::spawn(keep_time(Arc::clone(&self.0)));
            }
            self.0.stir();
            Waiting { shared: Arc::clone(&self.0), ticket, word }
        };
        // The sender goes only when it has said its word.
        (&mut waiting.word)
            .await
            .unwrap_or(Err(Refusal { bound: Bound::Queue, retry_after: Duration::ZERO }))
    }

    /// From now on claims on the budget are made in this pool.
    pub(super) fn share(&self, pool: Pool) {
        let now = self.0.now();
        self.0.state.lock().governor.share(now);
        let stirred = Arc::clone(&self.0.stirred);
        tokio::spawn(sharing::claim(Arc::downgrade(&self.0), pool, stirred));
    }

    /// Keeps to other limits from now on; who may go by them at once goes.
    pub(super) fn keep_to(&self, limits: Limits) {
        let now = self.0.now();
        let mut state = self.0.state.lock();
        state.governor.keep_to(limits, now);
        self.0.serve(state);
        self.0.changed.notify_one();
    }

    /// How things stand.
    pub(super) fn figures(&self) -> Figures {
        let now = self.0.now();
        self.0.state.lock().governor.figures(now)
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Something has happened.
    fn stir(&self) {
        self.changed.notify_one();
        self.stirred.notify_one();
    }

    /// When a claim is due.
    pub(super) fn claim_at(&self) -> Option<Instant> {
        let now = self.now();
        self.state.lock().governor.claim_at(now).map(|at| self.started + at)
    }

    /// The claim that is due.
    pub(super) fn claim(&self) -> Claim {
        let now = self.now();
        self.state.lock().governor.claim(now)
    }

    /// There may be news of other instances.
    pub(super) fn news(&self) {
        let now = self.now();
        self.state.lock().governor.news(now);
    }

    /// Lets those go whom a claim has brought a grant: how things stood before
    /// and stand now.
    pub(super) fn claimed(self: &Arc<Self>, claimed: Claimed) -> [Figures; 2] {
        let now = self.now();
        let mut state = self.state.lock();
        let before = state.governor.figures(now);
        state.governor.claimed(claimed, now);
        let words = self.words(&mut state);
        state.governor.lapse();
        let after = state.governor.figures(now);
        drop(state);
        say(words);
        self.changed.notify_one();
        [before, after]
    }

    /// Tells those whose waiting is over, with the lock released.
    fn serve(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let words = self.words(&mut state);
        drop(state);
        say(words);
    }

    /// What is to be said to those whose waiting is over.
    fn words(self: &Arc<Self>, state: &mut State) -> Words {
        let mut words: Words = Vec::new();
        while let Some((ticket, word)) = state.governor.next(self.now()) {
            let permit = word.map(|grant| Permit { shared: Arc::clone(self), grant });
            if let Some(sender) = state.waiters.remove(&ticket) {
                words.push((sender, permit));
            }
        }
        words
    }
}

/// Says it, with the lock released.
fn say(words: Words) {
    for (sender, word) in words {
        // A permit that nobody takes is dropped here, and gives its place back.
        let _ = sender.send(word);
    }
}

/// Wakes when time alone changes who may go; ends when nobody waits.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        shared.serve(shared.state.lock());
        // What stood in the way of a claim may be over.
        shared.stirred.notify_one();
        let wake_at = {
            let mut state = shared.state.lock();
            let now = shared.now();
            let Some(at) = state.governor.wake_at(now) else {
                state.timer = Timer::None;
                return;
            };
            shared.started + at
        };
        tokio::select! {
            () = sleep_until(wake_at) => {}
            () = shared.changed.notified() => {}
        }
    }
}

/// Someone in line; leaves it when dropped.
struct Waiting {
    shared: Arc<Shared>,
    ticket: Ticket,
    word: oneshot::Receiver<Result<Permit, Refusal>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if state.waiters.remove(&self.ticket).is_some() {
            state.governor.cancel(self.ticket);
            self.shared.stir();
        }
    }
}

/// Leave to have one exchange with the upstream, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    grant: Grant,
}

impl Permit {
    /// The upstream has answered with this head.
    pub(super) fn answered(&mut self, status: StatusCode, advice: &Advice) {
        self.came(Came::Answer(status, advice));
    }

    /// There was no answer, and it is the upstream's fault.
    pub(super) fn failed(&mut self) {
        self.came(Came::Failure);
    }

    fn came(&mut self, came: Came<'_>) {
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        let before = state.governor.figures(now).ledger.held;
        state.governor.came(&mut self.grant, came, now);
        let figures = state.governor.figures(now);
        self.shared.serve(state);
        self.shared.stir();
        if before < figures.ledger.held {
            tracing::warn!(
                seconds = figures.held_for(),
                rate = figures.rate,
                "the upstream is left alone for a time: it asked for that, or keeps failing"
            );
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = self.shared.now();
        let mut state = self.shared.state.lock();
        state.governor.release(&self.grant, now);
        self.shared.serve(state);
        self.shared.stir();
    }
}
