//! The clients: who asks for what, and what comes of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{BoxFuture, Either, Ready};
use parking_lot::Mutex;
use poem::{Addr, Body, Request, Response, web::RemoteAddr};
use server::{cache::Cache, exchange::RequestHead};

use super::{
    Wrong,
    chance::Chance,
    plain::Plain,
    upstream::{PATHS, Simulated},
    variable,
};

/// How many clients there are.
const CLIENTS: u64 = 50;
/// The steps in which a path is drawn.
const STEPS: usize = 1 << 14;

/// What the clients ask.
#[derive(Clone)]
pub(super) enum Front {
    /// The relay's cache.
    Cache(&'static Arc<Cache>),
    /// One that does not collapse.
    Plain(Arc<Plain>),
}

impl Front {
    fn answer(&self, head: RequestHead) -> Either<Ready<Response>, BoxFuture<'static, Response>> {
        match self {
            Front::Cache(cache) => cache.answer(head, Body::empty()),
            Front::Plain(plain) => plain.answer(head),
        }
    }
}

/// What came of the requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) asked: u64,
    pub(super) answered: u64,
    /// Answers that are errors: 429 and from 500 on.
    pub(super) errors: u64,
    /// Errors that a stored answer could have served, and when.
    pub(super) needless: Wrong,
}

/// All clients.
pub(super) struct Clients {
    front: Front,
    upstream: Simulated,
    chance: Chance,
    /// Which path each step of the draw means.
    steps: Vec<u8>,
    heads: Vec<RequestHead>,
    remotes: Vec<RemoteAddr>,
    /// In which second each path was last answered from memory.
    remembered: Vec<Option<u64>>,
    whole: Whole,
    tally: Arc<Mutex<Tally>>,
}

/// Whether the relay gets each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Each,
    /// Not those whose answer is known.
    New,
}

/// A request under way.
struct Asked {
    path: usize,
    at: Duration,
}

impl Clients {
    pub(super) fn new(front: Front, upstream: Simulated, seed: u64) -> Clients {
        let head = |path| {
            let request = Request::builder()
                .uri_str(format!("/restaurant/{path}"))
                .header("host", "relay.example")
                .header("accept", "application/json")
                .finish();
            RequestHead::split(request).unwrap().0
        };
        let remote = |client| {
            let address = Ipv4Addr::from_bits(Ipv4Addr::new(192, 0, 2, 0).to_bits() + client);
            RemoteAddr(Addr::SocketAddr(SocketAddr::from((address, 4000))))
        };
        Clients {
            front,
            upstream,
            chance: Chance::new(seed),
            steps: zipf(),
            heads: (0..PATHS).map(head).collect(),
            remotes: (0..CLIENTS).map(|client| remote(u32::try_from(client).unwrap())).collect(),
            remembered: vec![None; PATHS],
            whole: if variable("SIMULATION_WHOLE") == Some(1) { Whole::Each } else { Whole::New },
            tally: Arc::default(),
        }
    }

    /// One of the clients asks for one of the paths.
    pub(super) fn ask(&mut self) {
        let drawn = self.chance.draw();
        let path = usize::from(self.steps[usize::try_from(drawn).unwrap() % STEPS]);
        let client = usize::try_from((drawn >> 32) % CLIENTS).unwrap();
        self.ask_for(path, client);
    }

    /// This client asks for this path.
    pub(super) fn ask_for(&mut self, path: usize, client: usize) {
        let asked = Asked { path, at: self.upstream.now() };
        let second = Some(asked.at.as_secs());
        let is_known = self.whole == Whole::New && self.remembered[path] == second;
        {
            let mut tally = self.tally.lock();
            tally.asked += 1;
            tally.answered += u64::from(is_known);
        }
        if is_known {
            return;
        }
        let head = RequestHead { remote: self.remotes[client].clone(), ..self.heads[path].clone() };
        match self.front.answer(head) {
            Either::Left(answer) => {
                note(&self.tally, &self.upstream, &asked, &answer.into_inner());
                self.remembered[path] = second;
            }
            Either::Right(answer) => {
                let (tally, upstream) = (Arc::clone(&self.tally), self.upstream.clone());
                tokio::spawn(async move {
                    let answer = answer.await;
                    note(&tally, &upstream, &asked, &answer);
                    answer.into_body().into_bytes().await.unwrap();
                });
            }
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// How many have no answer yet.
    pub(super) fn waiting(&self) -> u64 {
        let tally = self.tally.lock();
        tally.asked - tally.answered
    }
}

fn note(tally: &Mutex<Tally>, upstream: &Simulated, asked: &Asked, answer: &Response) {
    let mut tally = tally.lock();
    tally.answered += 1;
    let status = answer.status().as_u16();
    if status != 429 && status < 500 {
        return;
    }
    tally.errors += 1;
    // A day of stale-if-error is longer than any simulation.
    let could = upstream.read(|log| log.delivered[asked.path]).filter(|stored| *stored <= asked.at);
    if let Some(stored) = could {
        let Asked { path, at } = asked;
        tally
            .needless
            .note(format!("{at:?}: {status} for {path}, which is stored since {stored:?}"));
    }
}

/// Path n is asked for 1/n as often as the first.
fn zipf() -> Vec<u8> {
    let path = |number: usize| u32::try_from(number).map(|number| 1.0 / f64::from(number)).unwrap();
    let whole: f64 = (1..=PATHS).map(path).sum();
    let mut steps = Vec::with_capacity(STEPS);
    let mut sum = 0.0;
    for number in 1..=PATHS {
        sum += path(number) / whole;
        let until = u32::try_from(STEPS).map(|steps| sum * f64::from(steps)).unwrap();
        while steps.len() < STEPS && f64::from(u32::try_from(steps.len()).unwrap()) < until {
            steps.push(u8::try_from(number - 1).unwrap());
        }
    }
    steps
}
