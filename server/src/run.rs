//! A relay from its sockets to its end.

mod signals;

use std::{
    ffi::OsString,
    future::Future,
    hash::{BuildHasher, RandomState},
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use futures_util::FutureExt;
use poem::EndpointExt;
use tokio::{net::TcpListener, signal::unix::Signal, sync::oneshot, task::JoinHandle};
use tracing_appender::non_blocking::WorkerGuard;

pub use self::signals::{Signals, hang_up};
use crate::{
    api::{lunch::LunchApi, upstream::UpstreamApi},
    app::{self, Operated, Parts},
    cache::{Cache, snapshot::Snapshot},
    clock::Clock,
    config::Config,
    console::Live,
    demo::{self, DemoConfig},
    menus::Menus,
    names::Names,
    operator::Guard,
    reload::{Reloader, Replaced},
    serve::{self, Drain, Limits, tls::Tls},
    shared::Valkey,
    telemetry::{
        TelemetryConfig,
        access_log::AccessLog,
        capacity, lag,
        latencies::{Latencies, Timed},
        ledger::Books,
        metrics::Metrics,
        spans::{Exporting, Spans},
        tracer::Tracer,
        watched::{Watch, Watched},
    },
    upstream::{
        self, Address, Base, Governed, Retried, Upstream,
        held::{ByHand, Holding},
    },
};

#[cfg(feature = "otlp")]
use crate::telemetry::otlp::Collector;

/// Connections that the operator's listener takes.
const ADMIN_CONNECTIONS: usize = 256;
/// How long the operator's last answers may take.
const OPERATOR_GRACE: Duration = Duration::from_secs(2);

/// What a relay reads its configuration anew by.
#[derive(Debug)]
pub struct Again {
    /// The arguments that it was started with.
    pub arguments: Vec<OsString>,
    /// When it does.
    pub signal: Signal,
}

/// Serves until `shutdown` resolves, then drains; `abort` ends the drain early.
///
/// The two addresses are the only lines on stdout, written once both ports are
/// bound. What is returned flushes the access log when it is dropped, which is
/// for when the last connection is gone.
pub async fn relay(
    config: Config,
    again: Again,
    shutdown: impl Future<Output = ()>,
    abort: impl Future<Output = ()>,
) -> anyhow::Result<Option<WorkerGuard>> {
    let (access_log, flushed) = AccessLog::open(&config.telemetry)?.unzip();
    let public = bind(config.listen, "--listen")?;
    let operator = bind(config.admin_listen, "--admin-listen")?;
    let base = match &config.upstream.upstream {
        Address::At(base) => base.clone(),
        Address::Demo => start_demo().await?,
    };
    let limits = config.serve.limits();
    let rules = config.warned_rules();

    let address = base.to_string();
    let clock = Clock::start();
    let tls = secure(&config, &limits, &clock)?;
    let metrics = Arc::new(Metrics::with(config.telemetry.metrics));
    let names = config.names();
    let upstream = Upstream::new(base, names, &config.upstream, Arc::clone(&metrics))
        .context("cannot read the system's certificates, which an https upstream needs")?;
    // A hold that begins while requests wait for their turn holds them too.
    let by_hand = ByHand::default();
    let upstream = Holding::new(by_hand.clone(), upstream);
    let upstream = Governed::new(upstream, &config.upstream, clock.clone(), seed());
    let (watch, bounds) = (upstream.watch().beside(&by_hand), upstream.bounds());
    let figures = watch.clone();
    metrics.watch_governor(move || figures.figures());
    let upstream = Holding::new(by_hand.clone(), upstream);
    let upstream = Retried::new(upstream, &config.upstream, Arc::clone(&metrics), seed());
    let cache =
        Cache::new(&config.cache, rules, clock.clone(), upstream.boxed(), Arc::clone(&metrics));
    let stored = Arc::clone(&cache);
    metrics.watch_store(move || stored.figures());
    metrics.watch_saved(cache.saved());
    let books =
        Arc::new(Books::open(address, watch.clone(), cache.saved(), &metrics, clock.clone()));
    tokio::spawn(Arc::clone(&books).keep());
    tokio::spawn(clock.clone().keep_true());
    look_at_load(&config.telemetry, &metrics)?;
    tokio::spawn(Arc::clone(&cache).maintain());

    let tier = share(&config, &cache, &watch, &metrics).await?;
    let snapshot = restored(&config, &cache, tier.as_ref()).await;

    let lunch = (names == Names::Lunch).then(|| LunchApi {
        menus: Arc::new(Menus::new(Arc::clone(&cache))),
        clock: clock.clone(),
    });
    let replaced = Replaced {
        cache: Arc::clone(&cache),
        bounds,
        tls: tls.clone(),
        metrics: Arc::clone(&metrics),
        clock: clock.clone(),
    };
    let reloader = Arc::new(Reloader::new(again.arguments, config.clone(), replaced));
    tokio::spawn(Arc::clone(&reloader).on(again.signal));
    let parts = Parts {
        cache,
        reloader,
        lunch,
        metrics: Arc::clone(&metrics),
        books: Arc::clone(&books),
        drain: Drain::default(),
    };
    let operator_drain = Drain::default();
    let operated = operated(&config, operator.local_addr()?, by_hand, &parts, &operator_drain)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    announce(scheme, public.local_addr()?, operator.local_addr()?)?;
    tracing::info!(upstream = %config.upstream.upstream, max_connections = limits.max_connections, "serving");

    let (observers, exporting) = observers(&config.telemetry, access_log, &metrics, clock)?;
    let serving = open_public(public, tls, &parts, (operated.live.latencies(), observers), limits);
    // The operator's connections are not counted among the clients'.
    let operating = tokio::spawn(serve::serve(
        operator,
        for_ever(app::admin(&parts, &operated)),
        Limits { max_connections: ADMIN_CONNECTIONS, ..limits },
        operator_drain.clone(),
        Arc::new(Metrics::new()),
    ));

    let (ended, end) = oneshot::channel::<()>();
    let every = config.cache.snapshot_every.into();
    let end = end.map(|_| ());
    let keeping = snapshot.map(|snapshot| tokio::spawn(snapshot.keep(every, end)));

    shutdown.await;
    tracing::info!(grace = %config.grace, "draining");
    parts.drain.begin();
    let abort = abort.shared();
    drained(serving, config.grace.into(), abort.clone()).await;
    // The operator sees the drain to its end.
    operator_drain.begin();
    drained(operating, OPERATOR_GRACE, abort.clone()).await;
    books.close();
    if let Some(exporting) = exporting {
        exporting.end().await;
    }
    if let Some(keeping) = keeping {
        tokio::select! {
            biased;
            () = abort => tracing::warn!("told twice: the last snapshot is as old as it is"),
            () = last(ended, keeping) => {}
        }
    }
    Ok(flushed)
}

/// Loads what a snapshot has carried over a restart, and ends of it what was
/// purged meanwhile.
async fn restored(
    config: &Config,
    cache: &Arc<Cache>,
    tier: Option<&Arc<Valkey>>,
) -> Option<Snapshot> {
    let source = config.upstream.upstream.to_string();
    let path = config.cache.snapshot.as_ref();
    let snapshot = path.map(|path| Snapshot::new(Arc::clone(cache), path, &source));
    if let Some(snapshot) = &snapshot {
        snapshot.load().await;
    }
    if let Some(tier) = tier {
        let cache = Arc::clone(cache);
        Box::pin(tier.follow(move |heard| cache.hear(heard))).await;
    }
    snapshot
}

/// Begins to look at how busy the relay is.
fn look_at_load(config: &TelemetryConfig, metrics: &Arc<Metrics>) -> anyhow::Result<()> {
    tokio::spawn(lag::watch(Arc::clone(metrics)));
    if let Some(capacity) = config.capacity()? {
        metrics.watch_capacity(capacity);
        tokio::spawn(capacity::watch(capacity, Arc::clone(metrics)));
    }
    Ok(())
}

/// What the operator's listener shows and changes. A token that had to be made is
/// logged, once, in the URL that lets a browser in.
fn operated(
    config: &Config,
    address: SocketAddr,
    by_hand: ByHand,
    parts: &Parts,
    drain: &Drain,
) -> anyhow::Result<Operated> {
    let guard = Guard::of(config.admin_token.as_ref(), address)?;
    if config.admin_token.is_none()
        && let Some(url) = guard.login_url(address)
    {
        tracing::warn!(url, "the operator's listener asks for a token: this URL has it");
    }
    let upstream = UpstreamApi { books: Arc::clone(&parts.books), by_hand: by_hand.clone() };
    let (cache, metrics) = (Arc::clone(&parts.cache), Arc::clone(&parts.metrics));
    let live = Arc::new(Live::new(cache, metrics, upstream, drain.clone()));
    tokio::spawn(Arc::clone(&live).keep());
    Ok(Operated { guard: Arc::new(guard), by_hand, names: config.names(), live })
}

/// Begins to export spans, where somebody collects them.
#[cfg(feature = "otlp")]
fn export(
    config: &TelemetryConfig,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Option<(Spans, Exporting)>> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let collector = Collector::new(endpoint.traces(), Arc::clone(metrics))
        .context("cannot read the system's certificates, which an https collector needs")?;
    Ok(Some(collector.start()))
}

#[cfg(not(feature = "otlp"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
fn export(_: &TelemetryConfig, _: &Arc<Metrics>) -> anyhow::Result<Option<(Spans, Exporting)>> {
    Ok(None)
}

/// Who wants to know of requests, and what sends spans to the last of them.
fn observers(
    config: &TelemetryConfig,
    access_log: Option<AccessLog>,
    metrics: &Arc<Metrics>,
    clock: Clock,
) -> anyhow::Result<(Watch, Option<Exporting>)> {
    let (spans, exporting) = export(config, metrics)?.unzip();
    if let Some(log) = &access_log {
        metrics.watch_access_log(log.lost());
    }
    let slow = config.slow_request.map(Duration::from);
    let tracer = config.traces().then(|| Tracer::new(config.trace_sample));
    Ok((Watch { access_log, slow, tracer, spans, clock }, exporting))
}

/// Serves the public listener.
fn open_public(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    parts: &Parts,
    (latencies, observers): (Arc<Latencies>, Watch),
    limits: Limits,
) -> JoinHandle<()> {
    let endpoint = for_ever(Watched::new(Timed::new(latencies, app::app(parts)), observers));
    let (drain, metrics) = (parts.drain.clone(), Arc::clone(&parts.metrics));
    match tls {
        None => tokio::spawn(serve::serve(listener, endpoint, limits, drain, metrics)),
        Some(tls) => {
            tokio::spawn(serve::serve_secured(listener, tls, endpoint, limits, drain, metrics))
        }
    }
}

/// TLS of the public listener, if it speaks that.
fn secure(config: &Config, limits: &Limits, clock: &Clock) -> anyhow::Result<Option<Arc<Tls>>> {
    let Some(identity) = config.tls.read()? else { return Ok(None) };
    identity.warn(clock.now());
    Ok(Some(Arc::new(Tls::new(identity, limits)?)))
}

/// Puts the shared tier behind the cache and the governor, if there is one.
async fn share(
    config: &Config,
    cache: &Cache,
    governor: &upstream::Watch,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Option<Arc<Valkey>>> {
    let Some(address) = &config.shared.shared else { return Ok(None) };
    let source = config.upstream.upstream.to_string();
    // The other half is for the upstream, where others bring nothing.
    let patience = Duration::from(config.upstream.upstream_timeout) / 2;
    let metrics = Arc::clone(metrics);
    let tier = Box::pin(Valkey::start(address, &config.shared, &source, patience, metrics)).await?;
    cache.share_through(Arc::<Valkey>::clone(&tier), &source);
    governor.share(tier.pool());
    Ok(Some(tier))
}

/// Serves the demo upstream until `shutdown` resolves; its base URL is the
/// first line on stdout.
pub async fn demo_upstream(
    listen: SocketAddr,
    demo: DemoConfig,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let listener = bind(listen, "--listen")?;
    writeln!(std::io::stdout(), "http://{}/api/", listener.local_addr()?)?;
    demo::run(listener, demo, shutdown).await.context("the demo upstream failed")
}

/// The demo upstream in this process, for as long as it lives.
async fn start_demo() -> anyhow::Result<Base> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .context("cannot bind a port on 127.0.0.1 for the demo upstream")?;
    let base = format!("http://{}/api/", listener.local_addr()?).parse()?;
    tokio::spawn(demo::run(listener, DemoConfig::standard(), std::future::pending()));
    Ok(base)
}

fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    serve::bind(address)
        .with_context(|| format!("cannot listen on {address}: choose another address with {flag}"))
}

/// What lives as long as the process.
fn for_ever<E>(endpoint: E) -> &'static E {
    Box::leak(Box::new(endpoint))
}

fn announce(scheme: &str, public: SocketAddr, operator: SocketAddr) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "relay {scheme}://{public}")?;
    writeln!(stdout, "admin http://{operator}")?;
    stdout.flush()
}

/// A number that another relay does not have.
fn seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Lets the snapshot be written for the last time.
async fn last(ended: oneshot::Sender<()>, keeping: JoinHandle<()>) {
    drop(ended);
    let _ = keeping.await;
}

/// Waits for a listener's connections to end, within limits.
async fn drained(mut serving: JoinHandle<()>, grace: Duration, abort: impl Future<Output = ()>) {
    tokio::select! {
        _ = &mut serving => return,
        () = tokio::time::sleep(grace) => tracing::warn!("grace is over: ending what is still open"),
        () = abort => tracing::warn!("told twice: ending what is still open"),
    }
    serving.abort();
}
