//! What the cache has spared the upstream, rule by rule.
//!
//! The counters are an array with room for the rules that reloads bring; what
//! is stored knows the place of its rule in it, so a hit is counted by two
//! relaxed additions.

use std::{
    io,
    ops::{AddAssign, Sub},
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::Response;

use super::{
    Cache,
    fill::Reader,
    flight::{Brought, content_length},
    rules::{RuleName, Rules},
    status::Outcome,
    stored::Prepared,
};
use crate::exchange::{Failure, RequestHead};

/// How the upstream was spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A fresh response answered.
    Hit,
    /// A stale one answered: while it was validated, or in the place of an error.
    Stale,
    /// The answer to another client's request answered.
    Collapsed,
    /// A request was spent, but its answer was a 304: only the body was spared.
    Validated,
}

impl By {
    /// All of them.
    pub const ALL: [By; 4] = [By::Hit, By::Stale, By::Collapsed, By::Validated];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            By::Hit => "hit",
            By::Stale => "stale",
            By::Collapsed => "collapsed",
            By::Validated => "validated",
        }
    }

    /// How a request that was answered so spared the upstream another.
    fn of(outcome: Outcome) -> Option<By> {
        match outcome {
            Outcome::Hit | Outcome::Shared => Some(By::Hit),
            Outcome::Stale => Some(By::Stale),
            Outcome::Collapsed => Some(By::Collapsed),
            Outcome::Forwarded(_) | Outcome::Unsatisfiable | Outcome::Own => None,
        }
    }
}

/// What was spared in one way, or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spared {
    /// Requests.
    pub requests: u64,
    /// Bytes of bodies.
    pub bytes: u64,
}

impl AddAssign for Spared {
    fn add_assign(&mut self, other: Spared) {
        self.requests += other.requests;
        self.bytes += other.bytes;
    }
}

impl Sub for Spared {
    type Output = Spared;

    fn sub(self, before: Spared) -> Spared {
        Spared {
            requests: self.requests.saturating_sub(before.requests),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }
}

/// What was spared, by how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures([Spared; By::ALL.len()]);

impl Figures {
    /// What was spared in this way.
    pub fn by(&self, by: By) -> Spared {
        self.0[by as usize]
    }

    /// Client requests that were answered without a request of their own.
    pub fn requests(&self) -> u64 {
        [By::Hit, By::Stale, By::Collapsed].iter().map(|by| self.by(*by).requests).sum()
    }

    /// Bytes of bodies that the upstream did not send.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|spared| spared.bytes).sum()
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Figures) {
        for (all, other) in self.0.iter_mut().zip(other.0) {
            *all += other;
        }
    }
}

impl Sub for Figures {
    type Output = Figures;

    fn sub(self, before: Figures) -> Figures {
        Figures(By::ALL.map(|by| self.by(by) - before.by(by)))
    }
}

/// The counters.
#[derive(Debug)]
pub struct Saved {
    rules: Box<[OnceLock<Tally>]>,
}

/// Places for the rules that reloads bring; for those after them there is one.
const SPARE: usize = 256;
/// What the rules are called that have no place of their own.
const OTHERS: &str = "others";

/// Those of one rule.
#[derive(Debug)]
struct Tally {
    rule: String,
    by: [Pair; By::ALL.len()],
}

impl Tally {
    fn of(rule: String) -> Tally {
        Tally { rule, by: Default::default() }
    }
}

#[derive(Debug, Default)]
struct Pair {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Saved {
    /// All at zero.
    pub fn new(rules: &Rules) -> Arc<Saved> {
        let places = rules.names().map(|name| Tally::of(name.to_string()).into());
        let spare = std::iter::repeat_with(OnceLock::new).take(SPARE);
        Arc::new(Saved { rules: places.chain(spare).collect() })
    }

    /// The place of a rule: that of the one of the same name, so that what was
    /// counted goes on, or a new one. The last is for all that find none.
    pub fn place_of(&self, name: &RuleName) -> usize {
        let name = name.to_string();
        let last = self.rules.len().saturating_sub(1);
        let own = self.rules[..last]
            .iter()
            .position(|place| place.get_or_init(|| Tally::of(name.clone())).rule == name);
        own.unwrap_or_else(|| {
            self.rules[last].get_or_init(|| Tally::of(OTHERS.to_owned()));
            last
        })
    }

    /// Counts a request, and the bytes of its answer as far as they are known,
    /// to the rule at this place.
    pub fn note(&self, rule: usize, by: By, bytes: u64) {
        if let Some(pair) = self.pair(rule, by) {
            pair.requests.fetch_add(1, Ordering::Relaxed);
            pair.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// The figures of each rule by its name: what the flags say, then the rules
    /// in their order, then those that reloads have brought.
    pub fn figures(&self) -> Vec<(String, Figures)> {
        let of = |tally: &Tally| {
            let spared = |by: By| {
                let Pair { requests, bytes } = &tally.by[by as usize];
                Spared {
                    requests: requests.load(Ordering::Relaxed),
                    bytes: bytes.load(Ordering::Relaxed),
                }
            };
            (tally.rule.clone(), Figures(By::ALL.map(spared)))
        };
        self.rules.iter().filter_map(OnceLock::get).map(of).collect()
    }

    fn pair(&self, rule: usize, by: By) -> Option<&Pair> {
        Some(&self.rules.get(rule)?.get()?.by[by as usize])
    }
}

impl Cache {
    /// What has been saved.
    pub fn saved(&self) -> Arc<Saved> {
        Arc::clone(&self.saved)
    }

    /// Counts an answer that is made of what is stored.
    pub(super) fn count_stored(
        &self,
        outcome: Outcome,
        stored: &Prepared,
        request: &RequestHead,
        answer: &Response,
    ) {
        self.metrics.request(outcome, answer.status(), &request.arrival);
        if let Some(by) = By::of(outcome) {
            stored.count_hit();
            self.saved.note(stored.terms.rule, by, bytes_of(stored, &request.method, answer));
        }
    }

    /// Counts an answer that is on its way from the upstream; its bytes are
    /// counted by [`Cache::pass_on`].
    pub(super) fn count_new(
        &self,
        outcome: Outcome,
        rule: usize,
        request: &RequestHead,
        status: StatusCode,
    ) {
        self.metrics.request(outcome, status, &request.arrival);
        if let Some(by) = By::of(outcome) {
            self.saved.note(rule, by, 0);
        }
    }

    /// The body of an answer that is on its way, counted as it is read where
    /// another client's request brought it.
    pub(super) fn pass_on(
        &self,
        outcome: Outcome,
        rule: usize,
        body: Reader<Brought, Failure>,
    ) -> BoxBody<Bytes, io::Error> {
        match By::of(outcome) {
            Some(by) => BoxBody::new(Counted { body, saved: Arc::clone(&self.saved), rule, by }),
            None => BoxBody::new(body),
        }
    }

    /// Counts a validation that found a stored response to be still good.
    pub(super) fn count_validated(&self, stored: &Prepared) {
        let bytes = stored.response.body.len() as u64;
        self.saved.note(stored.terms.rule, By::Validated, bytes);
    }
}

/// The bytes of an answer that is made of what is stored.
fn bytes_of(stored: &Prepared, method: &Method, answer: &Response) -> u64 {
    if *method == Method::HEAD || answer.status() == StatusCode::NOT_MODIFIED {
        0
    } else if answer.status() == stored.response.status && stored.response.part.is_none() {
        stored.response.body.len() as u64
    } else {
        // A range of it.
        content_length(answer.headers()).unwrap_or_default() as u64
    }
}

/// A body whose bytes are counted as they pass.
struct Counted {
    body: Reader<Brought, Failure>,
    saved: Arc<Saved>,
    rule: usize,
    by: By,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(pair) = self.saved.pair(self.rule, self.by)
        {
            let length = frame.data_ref().map_or(0, Bytes::len);
            pair.bytes.fetch_add(length as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
