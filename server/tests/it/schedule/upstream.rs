//! An upstream that answers in every way it can.

use std::{
    collections::{HashMap, HashSet},
    io,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use parking_lot::Mutex;
use poem::{
    Body, Request, Response,
    http::{Method, StatusCode},
};
use server::exchange::{Failure, Purpose};
use tokio::time::{Instant, sleep};

use super::Random;

/// What a client can compare its answer with: all exchanges, and when keys were
/// purged, in one order of events.
#[derive(Debug, Default)]
pub(super) struct World {
    events: AtomicUsize,
    exchanges: Mutex<Vec<Exchange>>,
    purges: Mutex<HashMap<u64, usize>>,
    /// Requests for everyone under way, until their heads.
    asking: Mutex<HashSet<String>>,
    /// When flights were detached from their paths last.
    detached_at: Mutex<HashMap<String, Instant>>,
    /// What went wrong: a panic in a flight is part of the schedule.
    wrong: Mutex<Vec<String>>,
    is_calm: AtomicBool,
}

/// One exchange with the upstream.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) path: String,
    /// The event that it began with.
    pub(super) began: usize,
    /// The bytes that its body has.
    pub(super) length: usize,
    pub(super) breaks_off: bool,
}

impl World {
    pub(super) fn event(&self) -> usize {
        self.events.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn purged(&self, key: u64) {
        self.purges.lock().insert(key, self.event());
        self.detached(&super::path(key));
    }

    /// What was on its way may go on beside what is asked for anew.
    fn detached(&self, path: &str) {
        self.asking.lock().remove(path);
        self.detached_at.lock().insert(path.to_owned(), Instant::now());
    }

    /// The last purge of a key.
    pub(super) fn purge_of(&self, key: u64) -> usize {
        self.purges.lock().get(&key).copied().unwrap_or_default()
    }

    pub(super) fn exchange(&self, number: usize) -> Exchange {
        self.exchanges.lock()[number].clone()
    }

    /// What went wrong so far.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    /// From now on all goes well.
    pub(super) fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }
}

/// The body of an exchange: its number, over and over.
pub(super) fn content(number: usize, length: usize) -> Vec<u8> {
    let mut content = format!("{number:08};").repeat(length / 9 + 1).into_bytes();
    content.truncate(length);
    content
}

#[derive(Debug)]
pub(super) struct Upstream {
    random: Mutex<Random>,
    world: Arc<World>,
}

impl Upstream {
    pub(super) fn new(seed: u64, world: Arc<World>) -> Upstream {
        Upstream { random: Mutex::new(Random(seed)), world }
    }

    pub(super) async fn answer(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        let mut random = Random(self.random.lock().next());
        if self.world.is_calm.load(Ordering::Relaxed) || path.starts_with("/fill") {
            return Ok(Response::builder()
                .header("cache-control", "max-age=9")
                .body("x".repeat(900)));
        }
        let is_for_all = request.extensions().get() != Some(&Purpose::PassThrough);
        let asking = is_for_all.then(|| Asking::begin(&self.world, &path));
        for _ in 0..random.below(4) {
            sleep(random.pause()).await;
        }
        if random.one_in(20) {
            sleep(Duration::from_mins(1)).await;
        }
        drop(asking);
        match random.below(12) {
            0 => return Err(Failure::Unreachable("refused".to_owned()).into()),
            1 if is_for_all => resume_unwind(Box::new("upstream")),
            2 | 3 if request.headers().contains_key("if-none-match") => {
                return Ok(StatusCode::NOT_MODIFIED.into());
            }
            _ => {}
        }
        Ok(self.response(&request, &path, &mut random))
    }

    fn response(&self, request: &Request, path: &str, random: &mut Random) -> Response {
        let length = match random.below(40) {
            0 => 500_000,
            1..=4 => 0,
            5..=10 => 5000,
            _ => usize::try_from(random.below(3000)).unwrap() + 9,
        };
        let breaks_off = random.one_in(6);
        let number = {
            let mut exchanges = self.world.exchanges.lock();
            let began = self.world.event();
            exchanges.push(Exchange { path: path.to_owned(), began, length, breaks_off });
            exchanges.len() - 1
        };
        let mut response = Response::builder();
        if request.method() != Method::HEAD {
            // What HEAD says becomes part of what is stored, whose body it did not bring.
            response = response.header("x-exchange", number.to_string());
        }
        let fields: &[(&str, &str)] = match random.below(12) {
            0 => &[("cache-control", "no-store")],
            1 => &[("cache-control", "private")],
            2 => &[("cache-control", "max-age=0")],
            3 => &[("cache-control", "no-cache"), ("etag", "\"e\"")],
            4 => &[("cache-control", "max-age=2"), ("vary", "x-kind")],
            5 => &[("vary", "*")],
            6 | 7 => &[("cache-control", "max-age=1"), ("etag", "\"e\"")],
            8 => &[("cache-control", "max-age=1, stale-while-revalidate=3")],
            _ => &[("cache-control", "max-age=3")],
        };
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let status = match random.below(12) {
            0 => 500,
            1 => 503,
            2 => 429,
            3 => 404,
            _ => 200,
        };
        if random.one_in(2) {
            response = response.header("content-length", length);
        }
        if request.method() == Method::HEAD && status == 200 {
            // It may show that what is stored is outdated (RFC 9111 §4.3.5).
            self.world.detached(path);
        }
        if request.method() == Method::DELETE && status == 200 {
            // By this the cache ends what is stored, before anything else happens.
            self.world.purged(path[1..].parse().unwrap());
        }
        let body = body(number, length, breaks_off, random.clone());
        response.status(StatusCode::from_u16(status).unwrap()).body(body)
    }
}

/// A body in pieces, each after a while.
fn body(number: usize, length: usize, breaks_off: bool, random: Random) -> Body {
    let size = length / 3 + 1;
    let whole = content(number, length);
    let mut pieces: Vec<io::Result<Bytes>> =
        whole.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    if breaks_off {
        pieces.pop();
        pieces.push(Err(io::Error::other("broken off")));
    }
    let pieces = stream::unfold((pieces.into_iter(), random), |(mut pieces, mut random)| async {
        sleep(random.pause()).await;
        Some((pieces.next()?, (pieces, random)))
    });
    Body::from_bytes_stream(pieces)
}

/// One request for everyone, until its head is there.
struct Asking<'a> {
    world: &'a World,
    path: String,
}

impl<'a> Asking<'a> {
    fn begin(world: &'a World, path: &str) -> Option<Asking<'a>> {
        // One that took off before it was detached, at this moment, is not counted.
        if world.detached_at.lock().get(path) == Some(&Instant::now()) {
            return None;
        }
        if !world.asking.lock().insert(path.to_owned()) {
            world.wrong.lock().push(format!("two requests for {path} at a time"));
        }
        Some(Asking { world, path: path.to_owned() })
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // A purge has made it forgotten, perhaps.
        self.world.asking.lock().remove(&self.path);
    }
}
