//! What is going on, second by second: the last minutes are remembered, and
//! whoever looks is told the next seconds as they come (`/v1/live`, as
//! server-sent events).
//!
//! What is remembered and who may look is bounded. A reader that does not keep
//! up misses seconds, and nobody waits for it.

mod beat;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use poem::{Body, Response};
use serde::Serialize;
use tokio::{
    sync::{Semaphore, broadcast, broadcast::error::RecvError},
    time::{MissedTickBehavior, interval},
};

pub use self::beat::{Answered, Beat, Latency, Now, Reading, Standing};
use super::words::{self, Said};
use crate::{
    api::upstream::UpstreamApi,
    cache::Cache,
    problem::Problem,
    serve::Drain,
    telemetry::{latencies::Latencies, metrics::Metrics},
};

/// How often the counters are read.
const EVERY: Duration = Duration::from_secs(1);
/// Seconds that are remembered.
const REMEMBERED: usize = 180;
/// Those who may look at a time.
const WATCHERS: usize = 64;
/// Seconds that a reader may be behind.
const BEHIND: usize = 8;

/// What is going on, for all who look.
#[derive(Debug)]
pub struct Live {
    cache: Arc<Cache>,
    metrics: Arc<Metrics>,
    upstream: UpstreamApi,
    latencies: Arc<Latencies>,
    past: Mutex<VecDeque<Beat>>,
    beats: broadcast::Sender<Bytes>,
    places: Arc<Semaphore>,
    drain: Drain,
}

/// A second, and how the governor stands at its end.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(flatten)]
    beat: &'a Beat,
    governor: Said,
}

impl Live {
    /// Nothing has happened yet. Streams end when `drain` begins.
    pub fn new(
        cache: Arc<Cache>,
        metrics: Arc<Metrics>,
        upstream: UpstreamApi,
        drain: Drain,
    ) -> Live {
        let (beats, _) = broadcast::channel(BEHIND);
        Live {
            cache,
            metrics,
            upstream,
            latencies: Arc::default(),
            past: Mutex::default(),
            beats,
            places: Arc::new(Semaphore::new(WATCHERS)),
            drain,
        }
    }

    /// Where answers are to be timed.
    pub fn latencies(&self) -> Arc<Latencies> {
        Arc::clone(&self.latencies)
    }

    /// The last second; nothing before there was one.
    pub fn last(&self) -> Beat {
        self.past.lock().back().cloned().unwrap_or_default()
    }

    /// Reads the counters each second, for ever.
    pub async fn keep(self: Arc<Self>) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut before = self.reading();
        loop {
            ticks.tick().await;
            let after = self.reading();
            self.note(Beat::between(&before, &after), after.account.at);
            before = after;
        }
    }

    fn reading(&self) -> Reading {
        Reading {
            account: self.upstream.books.account(),
            counts: self.metrics.counts(),
            store: self.cache.figures(),
            latencies: self.latencies.buckets(),
        }
    }

    fn note(&self, beat: Beat, now: SystemTime) {
        // Where nobody looks, nothing is written.
        if 0 < self.beats.receiver_count() {
            let governor = words::governor(&self.upstream.standing(), now);
            let _ = self.beats.send(event("beat", &Event { beat: &beat, governor }));
        }
        let mut past = self.past.lock();
        if REMEMBERED <= past.len() {
            past.pop_front();
        }
        past.push_back(beat);
    }

    /// What has been going on, and then each second.
    pub fn stream(&self) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let detail = format!("{WATCHERS} look already: close some of them");
            return Problem {
                field: Some((header::RETRY_AFTER, HeaderValue::from_static("10"))),
                ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "proxy_internal_error", detail)
            }
            .response();
        };
        let beats = self.beats.subscribe();
        let past = event("past", &self.past.lock().iter().collect::<Vec<_>>());
        let held = (place, self.latencies.watch());
        let next = following(beats).inspect(move |_| {
            // Given back when the stream is dropped.
            let _ = &held;
        });
        let drain = self.drain.clone();
        let until = async move { drain.begun().await };
        let events =
            stream::iter([Bytes::from_static(RETRY), past]).chain(next).take_until(Box::pin(until));
        Response::builder()
            .content_type("text/event-stream")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .body(Body::from_bytes_stream(events.map(Ok::<_, std::io::Error>)))
    }
}

/// When a browser that has lost the stream comes back, in milliseconds.
const RETRY: &[u8] = b"retry: 2000\n\n";

/// The events to come.
fn following(beats: broadcast::Receiver<Bytes>) -> impl Stream<Item = Bytes> {
    stream::unfold(beats, |mut beats| async {
        loop {
            match beats.recv().await {
                Ok(event) => return Some((event, beats)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

/// An event as it is sent: JSON has no line breaks in it.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
