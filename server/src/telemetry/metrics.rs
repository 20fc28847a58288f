//! Counters and gauges, in the text format of Prometheus.
//!
//! Every label is an enum or a rule's name, so nothing that a client or the
//! upstream sends can make a new series. Counting on the hot path is one relaxed addition: the
//! series are made once, at the start.

mod governor;
mod saved;
mod shared;

use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

pub use self::shared::SharedOutcome;
use self::{governor::GovernorCollector, saved::SavedCollector, shared::Shared};
use crate::{
    cache::{saved::Saved, status::Outcome},
    exchange::Failure,
    release,
    upstream::governor::ledger,
};

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that the relay counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: [[Counter; STATUS_CLASSES.len()]; Outcome::ALL.len()],
    upstream: [Counter; UpstreamOutcome::ALL.len()],
    received: Counter,
    retries: [Counter; Retry::ALL.len()],
    connections: Gauge,
    connections_total: Counter,
    refused: Counter,
    flights: Gauge,
    not_admitted: Counter,
    store: Arc<StoreCollector>,
    governor: Arc<GovernorCollector>,
    saved: Arc<SavedCollector>,
    shared: Shared,
}

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// How a request to the upstream went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamOutcome {
    /// It answered, with this class of status.
    Success,
    /// A redirect.
    Redirect,
    /// It found fault with the request.
    ClientError,
    /// It failed.
    ServerError,
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The exchange broke off, or never began.
    Broken,
    /// A pooled connection had been closed; sent again on another.
    Retried,
}

impl UpstreamOutcome {
    const ALL: [UpstreamOutcome; 8] = [
        UpstreamOutcome::Success,
        UpstreamOutcome::Redirect,
        UpstreamOutcome::ClientError,
        UpstreamOutcome::ServerError,
        UpstreamOutcome::Unreachable,
        UpstreamOutcome::TimedOut,
        UpstreamOutcome::Broken,
        UpstreamOutcome::Retried,
    ];

    /// The outcome of an answer.
    pub fn of(status: StatusCode) -> UpstreamOutcome {
        match status.as_u16() / 100 {
            0..=2 => UpstreamOutcome::Success,
            3 => UpstreamOutcome::Redirect,
            4 => UpstreamOutcome::ClientError,
            _ => UpstreamOutcome::ServerError,
        }
    }

    /// The outcome of a failure.
    pub fn failed(failure: &Failure) -> UpstreamOutcome {
        match failure {
            Failure::Unreachable(_) => UpstreamOutcome::Unreachable,
            Failure::TimedOut(_) | Failure::ConnectTimedOut(_) => UpstreamOutcome::TimedOut,
            Failure::Closed(_)
            | Failure::Broken(_)
            | Failure::RequestBroken(_)
            | Failure::Loop
            | Failure::Shed { .. }
            | Failure::Abandoned => UpstreamOutcome::Broken,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            UpstreamOutcome::Success => "success",
            UpstreamOutcome::Redirect => "redirect",
            UpstreamOutcome::ClientError => "client-error",
            UpstreamOutcome::ServerError => "server-error",
            UpstreamOutcome::Unreachable => "unreachable",
            UpstreamOutcome::TimedOut => "timed-out",
            UpstreamOutcome::Broken => "broken",
            UpstreamOutcome::Retried => "retried",
        }
    }
}

/// What became of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It brought an answer.
    Answered,
    /// It failed too.
    Failed,
    /// It was not sent: the governor said no.
    Shed,
    /// It was not sent: there had been too many.
    OverBudget,
}

impl Retry {
    const ALL: [Retry; 4] = [Retry::Answered, Retry::Failed, Retry::Shed, Retry::OverBudget];

    fn as_str(self) -> &'static str {
        match self {
            Retry::Answered => "answered",
            Retry::Failed => "failed",
            Retry::Shed => "shed",
            Retry::OverBudget => "over-budget",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    outcome: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    outcome: &'static str,
}

impl Metrics {
    /// All series, at zero.
    pub fn new() -> Metrics {
        let mut all = Registry::default();
        // The process's own figures have the names that they have everywhere.
        all.register_collector(Box::new(Process));
        let registry = all.sub_registry_with_prefix("lunch_relay");
        let build = Info::new(vec![("version", release::VERSION), ("revision", release::REVISION)]);
        registry.register("build", "What is running", build);

        let requests = Family::<RequestLabels, Counter>::default();
        registry.register(
            "requests",
            "Requests answered, by how (the words of Cache-Status, RFC 9211; own = not relayed) and class of status",
            requests.clone(),
        );
        let upstream = Family::<UpstreamLabels, Counter>::default();
        registry.register(
            "upstream_requests",
            "Requests to the upstream, by how they went",
            upstream.clone(),
        );
        let retries = Family::<UpstreamLabels, Counter>::default();
        registry.register(
            "upstream_retries",
            "Requests that failed and were to be put to the upstream anew, by what became of that",
            retries.clone(),
        );

        let received = Counter::default();
        let help = "Bytes of bodies that came from the upstream";
        registry.register_with_unit("upstream_received", help, Unit::Bytes, received.clone());

        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let connections_total = counter("connections", "Client connections accepted");
        let refused = counter("connections_refused", "Client connections answered 503: too many");
        let not_admitted =
            counter("store_refusals", "Responses not stored because memory was in use");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections = gauge("connections_open", "Client connections open now");
        let flights = gauge("flights", "Fills under way: one for each key that is being fetched");
        let store = Arc::new(StoreCollector::default());
        registry.register_collector(Box::new(Arc::clone(&store)));
        let governor = Arc::new(GovernorCollector::default());
        registry.register_collector(Box::new(Arc::clone(&governor)));
        let saved = Arc::new(SavedCollector::default());
        registry.register_collector(Box::new(Arc::clone(&saved)));

        let shared = Shared::new(registry);

        Metrics {
            requests: Outcome::ALL.map(|outcome| {
                STATUS_CLASSES.map(|status| {
                    requests
                        .get_or_create_owned(&RequestLabels { outcome: outcome.as_str(), status })
                })
            }),
            upstream: UpstreamOutcome::ALL.map(|outcome| {
                upstream.get_or_create_owned(&UpstreamLabels { outcome: outcome.as_str() })
            }),
            retries: Retry::ALL.map(|retry| {
                retries.get_or_create_owned(&UpstreamLabels { outcome: retry.as_str() })
            }),
            registry: all,
            received,
            connections,
            connections_total,
            refused,
            flights,
            not_admitted,
            store,
            governor,
            saved,
            shared,
        }
    }

    /// Adds the store's figures, read at each scrape; the first call counts.
    pub fn watch_store(&self, figures: impl Fn() -> StoreFigures + Send + Sync + 'static) {
        let _ = self.store.0.set(Box::new(figures));
    }

    /// Adds the governor's figures, read at each scrape; the first call counts.
    pub fn watch_governor(&self, figures: impl Fn() -> ledger::Figures + Send + Sync + 'static) {
        self.governor.watch(Box::new(figures));
    }

    /// Adds what the cache has saved, read at each scrape; the first call counts.
    pub fn watch_saved(&self, saved: Arc<Saved>) {
        self.saved.watch(saved);
    }

    /// Counts an answered request.
    pub fn request(&self, outcome: Outcome, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUS_CLASSES.len()) - 1;
        self.requests[outcome.index()][class].inc();
    }

    /// Counts a request to the upstream.
    pub fn upstream(&self, outcome: UpstreamOutcome) {
        self.upstream[outcome as usize].inc();
    }

    /// The bytes of bodies that came from the upstream.
    pub fn received(&self) -> &Counter {
        &self.received
    }

    /// Counts a retry.
    pub fn retry(&self, retry: Retry) {
        self.retries[retry as usize].inc();
    }

    /// How many retries came out so.
    pub fn retries(&self, retry: Retry) -> u64 {
        self.retries[retry as usize].get()
    }

    /// Counts a client connection, open until the guard is dropped.
    pub fn connection_opened(&self) -> Open {
        self.connections_total.inc();
        Open::of(&self.connections)
    }

    /// Counts a connection that was told that there are too many.
    pub fn connection_refused(&self) {
        self.refused.inc();
    }

    /// Counts a fill, under way until the guard is dropped.
    pub fn flight_begun(&self) -> Open {
        Open::of(&self.flights)
    }

    /// Counts a response that found no place in the store.
    pub fn not_admitted(&self) {
        self.not_admitted.inc();
    }

    /// Counts what came of asking the shared tier, or of telling it something.
    pub fn shared(&self, outcome: SharedOutcome) {
        self.shared.count(outcome);
    }

    /// Notes whether the shared tier is there.
    pub fn shared_is_there(&self, is_there: bool) {
        self.shared.is_there(is_there);
    }

    /// All series in the text format of `OpenMetrics`, which Prometheus reads.
    pub fn text(&self) -> String {
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

/// Something counted by a gauge for as long as it lives.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    fn of(gauge: &Gauge) -> Open {
        gauge.inc();
        Open(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// Keys with a stored response.
    pub entries: u64,
    /// Bytes of stored responses, overhead included, also of those that were
    /// replaced and are still being sent.
    pub bytes: u64,
    /// The most that `bytes` may be.
    pub bound: u64,
    /// Bytes of the fills under way.
    pub in_flight: u64,
    /// Readers that fell too far behind their fill, so far.
    pub cut_off: u64,
}

type Figures = Box<dyn Fn() -> StoreFigures + Send + Sync>;

/// Asks the store, once there is one.
#[derive(Default)]
struct StoreCollector(OnceLock<Figures>);

impl Debug for StoreCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreCollector")
    }
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(figures) = self.0.get() else { return Ok(()) };
        let StoreFigures { entries, bytes, bound, in_flight, cut_off } = figures();
        gauge(&mut encoder, "store_entries", "Keys with a stored response", None, entries)?;
        let unit = Some(&Unit::Bytes);
        gauge(&mut encoder, "store_used", "Memory of stored responses", unit, bytes)?;
        gauge(&mut encoder, "store_bound", "Memory that stored responses may use", unit, bound)?;
        gauge(&mut encoder, "fill_buffers", "Memory of the fills under way", unit, in_flight)?;
        let help = "Answers aborted because the client fell too far behind";
        counter(&mut encoder, "readers_cut_off", help, None, &ConstCounter::new(cut_off))
    }
}

/// The process itself, read from the kernel at each scrape.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = Usage::now() else { return Ok(()) };
        let bytes = Some(&Unit::Bytes);
        gauge(&mut encoder, "process_resident_memory", "Memory in RAM", bytes, usage.resident)?;
        gauge(&mut encoder, "process_open_fds", "Open descriptors", None, usage.descriptors)?;
        let help = "Processor time used, user and system";
        let cpu = ConstCounter::new(usage.cpu.as_secs_f64());
        counter(&mut encoder, "process_cpu", help, Some(&Unit::Seconds), &cpu)
    }
}

/// What the process uses.
struct Usage {
    resident: u64,
    descriptors: u64,
    cpu: Duration,
}

impl Usage {
    /// Now, `None` where the kernel does not say.
    #[cfg(target_os = "linux")]
    fn now() -> Option<Usage> {
        let process = procfs::process::Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = stat.utime + stat.stime;
        Some(Usage {
            resident: stat.rss * procfs::page_size(),
            descriptors: process.fd_count().ok()?.try_into().ok()?,
            cpu: Duration::from_millis(ticks * 1000 / procfs::ticks_per_second()),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Option<Usage> {
        None
    }
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
