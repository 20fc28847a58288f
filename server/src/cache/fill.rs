//! A fill: one answer of the upstream's, read by everyone who asked for it.
//!
//! The fill's task writes, readers read from the first byte, each at its own
//! pace. A fill begins **whole**: it keeps every piece, can be joined until it
//! ends, and never waits for a reader. When it grows past its limit, or past
//! the memory that all fills share, it becomes **passing**: it keeps what its
//! readers have not had yet, cannot be joined any more, and goes on at the pace
//! of its fastest reader; who falls further behind than the limit is cut off.
//!
//! This module knows nothing of HTTP but what a body's frames are.

mod pool;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;

pub use self::pool::{Charge, Pool};

/// How far a passing fill reads ahead of its fastest reader.
const READ_AHEAD: usize = 256 * 1024;
/// Memory that a piece takes besides its bytes.
const PIECE_OVERHEAD: usize = 64;

/// How a fill's head came out: `H` for an answer that may be shared, `F` for
/// none at all.
#[derive(Clone, Debug)]
pub enum Landing<H, F> {
    /// An answer for everyone; its body follows.
    Shared(H),
    /// An answer for the leader alone: each other reader has to ask for itself.
    Private,
    /// No answer.
    Failed(F),
}

/// A fill under way.
#[derive(Debug)]
pub struct Fill<H, F> {
    state: Mutex<State<H, F>>,
    /// A reader has moved on or left: a passing fill may go on.
    moved: Notify,
    pool: Arc<Pool>,
    limits: Limits,
}

/// What a fill may grow to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes up to which it stays whole.
    pub whole: usize,
    /// Readers at a time.
    pub readers: usize,
}

/// Why there is no reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The first byte is gone.
    Passing,
    /// It has as many readers as it may.
    Crowded,
}

#[derive(Debug)]
struct State<H, F> {
    landing: Option<Landing<H, F>>,
    keeping: Keeping,
    /// The pieces not yet let go of, the first of which has this number.
    pieces: VecDeque<Piece>,
    first: usize,
    retained: usize,
    end: Option<End>,
    readers: Slab<Position>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Whole,
    Passing,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// What was taken from the pool for it.
    charge: usize,
}

#[derive(Clone, Debug)]
enum End {
    Complete(Option<HeaderMap>),
    Broken,
}

#[derive(Debug)]
struct Position {
    next: usize,
    waker: Option<Waker>,
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is kept: the fill is whole.
    Kept,
    /// It is on its way to the readers: the fill is passing.
    Passing,
    /// Nobody is left to read a passing fill.
    Deserted,
}

impl<H: Clone, F: Clone> Fill<H, F> {
    /// A fill within these limits, its memory taken from `pool`.
    pub fn new(pool: &Arc<Pool>, limits: Limits) -> Fill<H, F> {
        Fill {
            state: Mutex::new(State {
                landing: None,
                keeping: Keeping::Whole,
                pieces: VecDeque::new(),
                first: 0,
                retained: 0,
                end: None,
                readers: Slab::new(),
            }),
            moved: Notify::new(),
            pool: Arc::clone(pool),
            limits,
        }
    }

    /// A reader from the first byte.
    pub fn read(self: &Arc<Self>) -> Result<Reader<H, F>, Unreadable> {
        let mut state = self.state.lock();
        if state.keeping == Keeping::Passing {
            return Err(Unreadable::Passing);
        }
        if self.limits.readers <= state.readers.len() {
            return Err(Unreadable::Crowded);
        }
        let id = state.readers.insert(Position { next: 0, waker: None });
        Ok(Reader { fill: Arc::clone(self), id })
    }

    /// How the head came out, if that is known.
    pub fn landed(&self) -> Option<Landing<H, F>> {
        self.state.lock().landing.clone()
    }

    /// The one writer.
    pub fn write(self: Arc<Self>) -> Writer<H, F> {
        Writer { fill: self }
    }
}

impl<H, F> Drop for Fill<H, F> {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let charged = state.pieces.iter().map(|piece| piece.charge).sum();
        self.pool.give_back(charged);
    }
}

impl<H, F> State<H, F> {
    fn next(&self) -> usize {
        self.first + self.pieces.len()
    }

    /// Bytes that the fastest reader has not had.
    fn ahead_of_fastest(&self) -> usize {
        let fastest = self.readers.iter().map(|(_, position)| position.next).max();
        let had = fastest.unwrap_or_default().saturating_sub(self.first);
        self.pieces.iter().skip(had).map(|piece| piece.bytes.len()).sum()
    }

    fn append(&mut self, bytes: Bytes, charge: usize) {
        self.retained += bytes.len();
        self.pieces.push_back(Piece { bytes, charge });
    }

    fn let_go_of_first(&mut self, pool: &Pool) {
        if let Some(piece) = self.pieces.pop_front() {
            self.first += 1;
            self.retained -= piece.bytes.len();
            pool.give_back(piece.charge);
        }
    }

    /// Lets go of what every reader has had.
    fn trim(&mut self, pool: &Pool) {
        let slowest = self.readers.iter().map(|(_, position)| position.next).min();
        let keep_from = slowest.unwrap_or_else(|| self.next());
        while self.first < keep_from && !self.pieces.is_empty() {
            self.let_go_of_first(pool);
        }
    }

    fn wakers(&mut self) -> Vec<Waker> {
        self.readers.iter_mut().filter_map(|(_, position)| position.waker.take()).collect()
    }
}

/// Writes a fill. Dropped before the end, it breaks the fill off.
#[derive(Debug)]
pub struct Writer<H: Clone, F: Clone> {
    fill: Arc<Fill<H, F>>,
}

impl<H: Clone, F: Clone> Writer<H, F> {
    /// Tells all readers how the head came out.
    pub fn land(&self, landing: Landing<H, F>) {
        self.change(|state| state.landing = Some(landing));
    }

    /// Adds a piece of the body; a passing fill waits for its fastest reader.
    pub async fn write(&self, bytes: Bytes) -> Written {
        loop {
            let moved = self.fill.moved.notified();
            let (written, wakers) = {
                let mut state = self.fill.state.lock();
                let written = self.try_write(&mut state, &bytes);
                (written, state.wakers())
            };
            wakers.into_iter().for_each(Waker::wake);
            match written {
                Some(written) => return written,
                None => moved.await,
            }
        }
    }

    /// Ends the body.
    pub fn finish(&self, trailers: Option<HeaderMap>) {
        self.change(|state| state.end = Some(End::Complete(trailers)));
    }

    /// The pieces so far, if the fill is whole.
    pub fn whole(&self) -> Option<Vec<Bytes>> {
        let state = self.fill.state.lock();
        (state.keeping == Keeping::Whole)
            .then(|| state.pieces.iter().map(|piece| piece.bytes.clone()).collect())
    }

    /// `None` where the piece has to wait.
    fn try_write(&self, state: &mut State<H, F>, bytes: &Bytes) -> Option<Written> {
        let pool = &*self.fill.pool;
        let limit = self.fill.limits.whole;
        let charge = bytes.len() + PIECE_OVERHEAD;
        if state.keeping == Keeping::Whole {
            if state.retained + bytes.len() <= limit && pool.take(charge) {
                state.append(bytes.clone(), charge);
                return Some(Written::Kept);
            }
            state.keeping = Keeping::Passing;
            state.trim(pool);
        }

        if state.readers.is_empty() {
            return Some(Written::Deserted);
        }
        if READ_AHEAD < state.ahead_of_fastest() {
            return None;
        }
        // The slowest readers are cut off where they would hold too much.
        let lag = limit.max(READ_AHEAD);
        while lag < state.retained {
            state.let_go_of_first(pool);
        }
        let mut charged = pool.take(charge);
        while !charged && READ_AHEAD < state.retained {
            state.let_go_of_first(pool);
            charged = pool.take(charge);
        }
        state.append(bytes.clone(), if charged { charge } else { 0 });
        Some(Written::Passing)
    }

    fn change(&self, change: impl FnOnce(&mut State<H, F>)) {
        let wakers = {
            let mut state = self.fill.state.lock();
            change(&mut state);
            state.wakers()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<H: Clone, F: Clone> Drop for Writer<H, F> {
    fn drop(&mut self) {
        self.change(|state| {
            state.end.get_or_insert(End::Broken);
        });
    }
}

/// Reads a fill from its first byte.
#[derive(Debug)]
pub struct Reader<H, F> {
    fill: Arc<Fill<H, F>>,
    id: usize,
}

impl<H: Clone, F: Clone> Reader<H, F> {
    /// How the head came out; `None` where the writer left without a word.
    pub async fn landing(&self) -> Option<Landing<H, F>> {
        poll_fn(|cx| {
            let mut state = self.fill.state.lock();
            match &state.landing {
                Some(landing) => Poll::Ready(Some(landing.clone())),
                None if state.end.is_some() => Poll::Ready(None),
                None => {
                    state.readers[self.id].waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn poll_piece(&self, cx: &Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut state = self.fill.state.lock();
        let next = state.readers[self.id].next;
        let Some(at) = next.checked_sub(state.first) else {
            self.fill.pool.note_cut_off();
            return Poll::Ready(Some(Err(io::Error::other(
                "cut off: the client reads too slowly for an answer that is not stored",
            ))));
        };
        if let Some(piece) = state.pieces.get(at) {
            let bytes = piece.bytes.clone();
            state.readers[self.id].next += 1;
            if state.keeping == Keeping::Passing {
                state.trim(&self.fill.pool);
                self.fill.moved.notify_one();
            }
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &state.end {
            None => {
                state.readers[self.id].waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Some(End::Broken) => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the upstream broke its answer off",
            )))),
            Some(End::Complete(trailers)) => {
                let trailers = trailers.clone();
                // Trailers are said once: the next piece is beyond the end.
                let said = std::mem::replace(&mut state.readers[self.id].next, usize::MAX);
                Poll::Ready(trailers.filter(|_| said != usize::MAX).map(Frame::trailers).map(Ok))
            }
        }
    }
}

impl<H, F> Drop for Reader<H, F> {
    fn drop(&mut self) {
        let mut state = self.fill.state.lock();
        state.readers.remove(self.id);
        if state.keeping == Keeping::Passing {
            state.trim(&self.fill.pool);
        }
        self.fill.moved.notify_one();
    }
}

impl<H: Clone, F: Clone> Body for Reader<H, F> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.poll_piece(cx)
    }

    fn is_end_stream(&self) -> bool {
        let state = self.fill.state.lock();
        matches!(state.end, Some(End::Complete(None)))
            && state.next() <= state.readers[self.id].next
    }
}
