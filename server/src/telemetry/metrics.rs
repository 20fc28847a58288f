//! Counters, gauges and histograms for Prometheus.
//!
//! Every label is an enum or a rule's name, so nothing that a client or the
//! upstream sends can make a new series. Counting on the hot path is a few
//! relaxed additions in a place that is the thread's own: all series are there
//! from the start, and put together at each scrape.

mod connections;
mod counts;
mod exemplars;
mod exposition;
mod governor;
mod process;
mod reload;
mod requests;
mod runtime;
mod saturation;
mod saved;
mod shared;
mod spans;
mod store;
mod timings;
mod upstream;

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::Counter, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};
use tracing_appender::non_blocking::ErrorCounter;

use self::{
    connections::Connections, governor::GovernorCollector, process::Process, reload::Reloads,
    requests::Requests, runtime::Runtime, saturation::SaturationCollector, saved::SavedCollector,
    shared::Shared, spans::SpanCounts, store::StoreCollector, upstream::Exchanges,
};
pub use self::{
    connections::Open,
    counts::Counts,
    exposition::answer,
    reload::{HandshakeFailure, ReloadOutcome},
    shared::SharedOutcome,
    spans::SpanOutcome,
    store::StoreFigures,
    upstream::{Retry, UpstreamOutcome},
};
use crate::{
    cache::{saved::Saved, status::Outcome},
    exchange::{Arrival, Fwd},
    release,
    telemetry::capacity::Capacity,
    upstream::governor::ledger,
};

/// Whether requests are counted and timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Counting {
    /// They are
    On,
    /// They are not: for measuring what it costs
    Off,
}

/// All that the relay counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    counting: Counting,
    requests: Arc<Requests>,
    exchanges: Arc<Exchanges>,
    received: Counter,
    connections: Connections,
    not_admitted: Counter,
    runtime: Arc<Runtime>,
    store: Arc<StoreCollector>,
    governor: Arc<GovernorCollector>,
    saved: Arc<SavedCollector>,
    saturation: Arc<SaturationCollector>,
    spans: Arc<SpanCounts>,
    shared: Shared,
    reloads: Reloads,
}

impl Metrics {
    /// All series, at zero.
    pub fn new() -> Metrics {
        Metrics::with(Counting::On)
    }

    /// The series that there are where requests are counted, or are not.
    pub fn with(counting: Counting) -> Metrics {
        let mut all = Registry::default();
        // The process's own figures have the names that they have everywhere.
        all.register_collector(Box::new(Process));
        let registry = all.sub_registry_with_prefix("lunch_relay");
        let build = Info::new(vec![("version", release::VERSION), ("revision", release::REVISION)]);
        registry.register("build", "What is running", build);
        let received = Counter::default();
        let help = "Bytes of bodies that came from the upstream";
        registry.register_with_unit("upstream_received", help, Unit::Bytes, received.clone());
        let not_admitted = Counter::default();
        let help = "Responses not stored because memory was in use";
        registry.register("store_refusals", help, not_admitted.clone());

        Metrics {
            counting,
            requests: match counting {
                Counting::On => collected(registry),
                // What is not counted is not said to be zero.
                Counting::Off => Arc::default(),
            },
            exchanges: collected(registry),
            received,
            connections: Connections::new(registry),
            not_admitted,
            runtime: collected(registry),
            store: collected(registry),
            governor: collected(registry),
            saved: collected(registry),
            saturation: collected(registry),
            spans: collected(registry),
            shared: Shared::new(registry),
            reloads: Reloads::new(registry),
            registry: all,
        }
    }

    /// Adds the store's figures, read at each scrape; the first call counts.
    pub fn watch_store(&self, figures: impl Fn() -> StoreFigures + Send + Sync + 'static) {
        self.store.watch(Box::new(figures));
    }

    /// Adds the governor's figures, read at each scrape; the first call counts.
    pub fn watch_governor(&self, figures: impl Fn() -> ledger::Figures + Send + Sync + 'static) {
        self.governor.watch(Box::new(figures));
    }

    /// Adds what the cache has saved, read at each scrape; the first call counts.
    pub fn watch_saved(&self, saved: Arc<Saved>) {
        self.saved.watch(saved);
    }

    /// Adds what the relay can serve; the first call counts.
    pub fn watch_capacity(&self, capacity: Capacity) {
        self.saturation.watch(capacity);
    }

    /// Notes what part of that it is asked for.
    pub fn saturation(&self, ratio: f64) {
        self.saturation.note(ratio);
    }

    /// Adds what the access log loses; the first call counts.
    pub fn watch_access_log(&self, lost: ErrorCounter) {
        let _ = self.runtime.access_log.set(lost);
    }

    /// Counts a request whose answer begins now.
    pub fn request(&self, outcome: Outcome, status: StatusCode, arrival: &Arrival) {
        if self.counting == Counting::Off {
            return;
        }
        self.requests.note(outcome, status, arrival.at.elapsed(), arrival.trace.as_deref());
    }

    /// Counts a request to the upstream.
    pub fn upstream(&self, outcome: UpstreamOutcome, fwd: Fwd) {
        self.exchanges.note(outcome, fwd);
    }

    /// Notes how long the upstream's answer took to begin.
    pub fn upstream_took(&self, time: Duration) {
        self.exchanges.took(time);
    }

    /// The bytes of bodies that came from the upstream.
    pub fn received(&self) -> &Counter {
        &self.received
    }

    /// Counts a retry.
    pub fn retry(&self, retry: Retry) {
        self.exchanges.retried(retry);
    }

    /// How many retries came out so.
    pub fn retries(&self, retry: Retry) -> u64 {
        self.exchanges.retries(retry)
    }

    /// Notes how late a timer rang.
    pub fn lag(&self, time: Duration) {
        self.runtime.lag.note(time);
    }

    /// Counts a client connection, open until the guard is dropped.
    pub fn connection_opened(&self) -> Open {
        self.connections.accepted.inc();
        Open::of(&self.connections.open)
    }

    /// Counts a connection that was told that there are too many.
    pub fn connection_refused(&self) {
        self.connections.refused.inc();
    }

    /// Counts a fill, under way until the guard is dropped.
    pub fn flight_begun(&self) -> Open {
        Open::of(&self.connections.flights)
    }

    /// Counts a response that found no place in the store.
    pub fn not_admitted(&self) {
        self.not_admitted.inc();
    }

    /// Counts what became of spans.
    pub fn spans(&self, outcome: SpanOutcome, count: u64) {
        self.spans.add(outcome, count);
    }

    /// Counts what came of asking the shared tier, or of telling it something.
    pub fn shared(&self, outcome: SharedOutcome) {
        self.shared.count(outcome);
    }

    /// Notes whether the shared tier is there.
    pub fn shared_is_there(&self, is_there: bool) {
        self.shared.is_there(is_there);
    }

    /// Requests answered so far.
    pub fn requests(&self) -> u64 {
        self.requests.total()
    }

    /// All series in the text format of `OpenMetrics`.
    pub fn text(&self) -> String {
        self.requests.with_exemplars(&self.series())
    }

    fn series(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// What is read at each scrape, registered.
fn collected<C: Collector + Default>(registry: &mut Registry) -> Arc<C> {
    let collector = Arc::<C>::default();
    registry.register_collector(Box::new(Arc::clone(&collector)));
    collector
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> Result<(), std::fmt::Error> {
    let gauge = ConstGauge::<i64>::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    counter: &impl EncodeMetric,
) -> Result<(), std::fmt::Error> {
    counter.encode(encoder.encode_descriptor(name, help, unit, counter.metric_type())?)
}
