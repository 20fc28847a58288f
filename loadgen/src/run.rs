//! A run: the steps of a program, one after the other, and what they come to.

mod budget;
mod judge;
mod reach;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use thiserror::Error;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::{
    condition::{Condition, Slo, Sustained},
    dispatch::LatePolicy,
    engine::{self, Engine, EngineError, Task},
    program::Program,
    provenance::Provenance,
    record::{Miscounted, Record, Totals},
    schedule::Shard,
    summary::{Ended, Measures, Model, Quantiles, Run, SCHEMA_VERSION, Step, Summary, Threshold},
    target::{Permission, Place, Refused, Resolve, Target},
    transport::{Expected, Failure, Protocol, Reuse, Timeouts, TlsError, Trust},
    verdict::Verdict,
    worker::Control,
};
pub use budget::BudgetError;
pub(crate) use judge::{finding, per_second};

/// How long a run against another machine waits before it begins.
const COUNTDOWN: u32 = 5;

/// What a run does.
#[derive(Debug)]
pub struct Options {
    /// What is requested.
    pub target: Target,
    /// Whether it may be on another machine, and at which rate.
    pub permission: Permission,
    /// Names that are looked up by hand.
    pub resolve: Vec<Resolve>,
    /// Connections go to this socket, whatever the target's host.
    pub unix_socket: Option<PathBuf>,
    /// The method of the requests.
    pub method: Method,
    /// Fields of the requests; `Host` where it is not the target's.
    pub headers: HeaderMap,
    /// Their body.
    pub body: Bytes,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    /// What becomes of a connection after an answer.
    pub reuse: Reuse,
    /// Addresses of this machine that connections come from.
    pub sources: Vec<std::net::IpAddr>,
    /// How long each phase of a request may take.
    pub timeouts: Timeouts,
    /// Whose certificates are good.
    pub trust: Trust,
    /// What bodies are compared with.
    pub expected: Expected,
    /// Which steps are run.
    pub program: Program,
    /// What a search, or a calibration, looks for.
    pub goal: Goal,
    /// What becomes of requests that are late.
    pub late: LatePolicy,
    /// Which part of the requests this generator sends.
    pub shard: Shard,
    /// How many threads send.
    pub threads: usize,
    /// How many connections they have together.
    pub connections: usize,
    /// Processors that the threads are bound to.
    pub pin: Vec<usize>,
    /// How long after a step's end requests may still be under way.
    pub drain: Duration,
    /// How long intervals are.
    pub interval: Duration,
    /// What makes the run fail.
    pub fail_if: Vec<Condition>,
    /// What ends it early.
    pub abort_if: Vec<Condition>,
    /// The highest rate that the generator was found to be good for.
    pub ceiling: Option<f64>,
    /// The command line, to be written down.
    pub arguments: Vec<String>,
    /// What random arrivals are drawn from, to be written down.
    pub seed: Option<u64>,
}

impl Options {
    /// `program` against `target` on this machine: over 64 connections of one
    /// thread, with nothing demanded.
    pub fn new(target: Target, program: Program) -> Self {
        Self {
            target,
            permission: Permission::LoopbackOnly,
            resolve: Vec::new(),
            unix_socket: None,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            protocol: Protocol::Http1,
            reuse: Reuse::KeepAlive,
            sources: Vec::new(),
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                header: Duration::from_secs(30),
                body: Duration::from_secs(30),
            },
            trust: Trust::System,
            expected: Expected::first(),
            program,
            goal: Goal::OwnCeiling,
            late: LatePolicy::Send,
            shard: Shard::WHOLE,
            threads: 1,
            connections: 64,
            pin: Vec::new(),
            drain: Duration::from_secs(10),
            interval: Duration::from_secs(1),
            fail_if: Vec::new(),
            abort_if: Vec::new(),
            ceiling: None,
            arguments: Vec::new(),
            seed: None,
        }
    }
}

/// What a search looks for: the highest rate at which this is so.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// The target does what is demanded.
    Slo(Slo),
    /// The generator is not the limit.
    OwnCeiling,
}

/// What can be told while a run goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The target is another machine; in so many seconds it is loaded.
    Countdown(u32),
    /// The connections are open.
    Begins(&'a Begins),
    /// A step begins.
    StepBegins(u32, &'a crate::program::Step),
    /// A part of it has passed.
    Interval(&'a Interval<'a>),
    /// A step has ended.
    StepEnded(&'a Step, &'a Record),
}

/// What is known when a run begins.
#[derive(Debug)]
pub struct Begins {
    /// When it began.
    pub started: SystemTime,
    /// What is needed to repeat it.
    pub provenance: Provenance,
    /// How long its steps are together, if that is known.
    pub length: Option<Duration>,
}

/// What was recorded in some stretch of a run.
#[derive(Debug)]
pub struct Interval<'a> {
    /// The number of the step.
    pub step: u32,
    /// Its rate, where it has one.
    pub rate: Option<f64>,
    /// When it began, since the run did.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
    /// What was due while the step settled.
    pub settle: &'a Record,
    /// What was due while it held.
    pub hold: &'a Record,
    /// The mean number of requests under way.
    pub in_flight: f64,
}

/// Why there is nothing to report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The target may not be loaded.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// This machine has too little for it.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// What was asked for cannot be a request.
    #[error("not a request: {0}")]
    Request(#[from] hyper::http::Error),
    /// There can be no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The arguments contradict each other.
    #[error("{0}")]
    Arguments(&'static str),
    /// A thread cannot be bound to a processor.
    #[error("{0}: choose others with --pin")]
    Pin(String, #[source] std::io::Error),
    /// The target's name has no answer, or it takes no connection.
    #[error("cannot reach the target ({0}): is it up, and is that its address?")]
    Unreachable(Failure),
    /// This machine has no address, port or descriptor for the connections.
    #[error("this machine cannot open the connections ({0}): are --source and ulimit -n right?")]
    Unopened(Failure),
    /// A signal came before the first request.
    #[error("interrupted before the first request")]
    Interrupted,
    /// The generator contradicts itself.
    #[error(transparent)]
    Miscounted(#[from] Miscounted),
    /// A thread cannot be started, or has ended too early.
    #[error("a thread of the generator failed")]
    Thread(#[source] std::io::Error),
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Unreachable(failure) if failure.fault.is_the_generators() => {
                Self::Unopened(failure)
            }
            EngineError::Unreachable(failure) => Self::Unreachable(failure),
            EngineError::Thread(error) => Self::Thread(error),
            EngineError::Pin(processor, error) => {
                Self::Pin(format!("cannot bind a thread to processor {processor}"), error)
            }
        }
    }
}

/// Runs all steps and says what they came to; `observe` sees what happens on
/// the way. The first message on `signals` ends the schedule and lets what is
/// under way end, the second gives that up too: what was measured until then is
/// reported all the same.
pub async fn run(
    options: Options,
    mut signals: mpsc::Receiver<()>,
    mut observe: impl FnMut(Event<'_>),
) -> Result<Summary, RunError> {
    let (transport, place) = unstopped(&mut signals, reach::transport(&options)).await??;
    budget::check(&options, &transport)?;
    if place == Place::Elsewhere {
        for left in (1..=COUNTDOWN).rev() {
            observe(Event::Countdown(left));
            unstopped(&mut signals, sleep(Duration::from_secs(1))).await?;
        }
    }
    let starting = Engine::start(engine::Setup {
        transport: Arc::new(transport),
        threads: options.threads,
        connections: options.connections,
        late: options.late,
        pin: options.pin.clone(),
        shard: options.shard,
    });
    let mut engine = unstopped(&mut signals, starting).await??;
    let control = engine.control();
    let listener = tokio::spawn(async move {
        let mut orders = [Control::Stop, Control::GiveUp].into_iter();
        while let (Some(()), Some(order)) = (signals.recv().await, orders.next()) {
            control.send_replace(order);
        }
    });
    let measured = Running::new(options, &engine).steps(&mut engine, &mut observe).await;
    listener.abort();
    engine.end();
    measured
}

/// The output of `beginning`, unless a signal comes first: until the first
/// request there is nothing to report.
async fn unstopped<T>(
    signals: &mut mpsc::Receiver<()>,
    beginning: impl Future<Output = T>,
) -> Result<T, RunError> {
    tokio::select! {
        biased;
        Some(()) = signals.recv() => Err(RunError::Interrupted),
        output = beginning => Ok(output),
    }
}

/// A run that is under way.
struct Running {
    options: Options,
    started: Instant,
    begins: Begins,
    about: Run,
    self_test: Quantiles,
    /// All requests, those sent while a step settled among them.
    totals: Totals,
    record: Record,
    failures: BTreeMap<crate::fault::Fault, String>,
    steps: Vec<Step>,
    thresholds: Vec<Threshold>,
    ended: Ended,
}

impl Running {
    fn new(options: Options, engine: &Engine) -> Self {
        #[expect(clippy::disallowed_methods, reason = "all that the time of day is needed for")]
        let started = SystemTime::now();
        let provenance = Provenance::collect(started, &options.arguments, options.seed);
        let unix = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let closed = options.program.highest_rate().is_none();
        let about = Run {
            url: options.target.to_string(),
            method: options.method.to_string(),
            protocol: match options.protocol {
                Protocol::Http1 => "HTTP/1.1".to_owned(),
                Protocol::Http2 { .. } => "HTTP/2".to_owned(),
            },
            program: options.program.to_string(),
            model: if closed { Model::Closed } else { Model::Open },
            threads: options.threads,
            connections: engine.about.opened,
            pacer: engine.about.pacer.to_owned(),
            started_unix: unix.as_secs_f64(),
            lasted_seconds: 0.0,
        };
        let thresholds = options.fail_if.iter().cloned();
        Self {
            started: Instant::now(),
            begins: Begins { started, provenance, length: options.program.length() },
            about,
            self_test: Quantiles::of(&engine.about.self_test),
            totals: Totals::default(),
            record: Record::prepared(),
            failures: BTreeMap::new(),
            steps: Vec::new(),
            thresholds: thresholds
                .map(|fail_if| Threshold { fail_if, findings: Vec::new() })
                .collect(),
            ended: Ended::Finished,
            options,
        }
    }

    async fn steps(
        mut self,
        engine: &mut Engine,
        observe: &mut impl FnMut(Event<'_>),
    ) -> Result<Summary, RunError> {
        observe(Event::Begins(&self.begins));
        let mut judgement = None;
        while let Some(step) = self.options.program.next(judgement) {
            let index = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
            observe(Event::StepBegins(index, &step));
            let (began, measured) = self.step(engine, index, &step, observe).await?;
            let numbers = judge::numbers(index, &step, began, &measured, self.options.ceiling)?;
            self.totals = self.totals.plus(numbers.totals);
            self.totals = self.totals.plus(judge::settled(&measured)?);
            let reading = judge::reading(&step, &measured, &numbers);
            for threshold in &mut self.thresholds {
                threshold.findings.extend(judge::finding(&threshold.fail_if, &reading, index));
            }
            judgement = Some(judge::judge(&self.options.goal, &reading, numbers.health.verdict));
            observe(Event::StepEnded(&numbers, &measured.parts.hold));
            self.record.add(&measured.parts.hold);
            for (fault, first) in measured.failures {
                self.failures.entry(fault).or_insert(first);
            }
            self.steps.push(numbers);
            if engine.state() != Control::Go {
                if self.ended == Ended::Finished {
                    self.ended = Ended::Interrupted;
                }
                break;
            }
        }
        self.about.lasted_seconds = self.started.elapsed().as_secs_f64();
        Ok(self.summary())
    }

    async fn step(
        &mut self,
        engine: &mut Engine,
        index: u32,
        step: &crate::program::Step,
        observe: &mut impl FnMut(Event<'_>),
    ) -> Result<(Duration, engine::Measured), RunError> {
        let task = Task {
            load: step.load.clone(),
            settle: step.settle,
            drain: self.options.drain,
            interval: self.options.interval,
        };
        let mut sustained: Vec<_> = self.options.abort_if.iter().map(Sustained::of).collect();
        let began = self.started.elapsed();
        let control = engine.control();
        let (abort_if, ended) = (&self.options.abort_if, &mut self.ended);
        let rate = step.rate.map(f64::from);
        let measured = engine.step(&task, |collected| {
            let interval = Interval {
                step: index,
                rate,
                start: began + collected.start,
                length: collected.length,
                settle: &collected.parts.settle,
                hold: &collected.parts.hold,
                in_flight: collected.in_flight(),
            };
            observe(Event::Interval(&interval));
            for (condition, sustained) in abort_if.iter().zip(&mut sustained) {
                let broken = judge::broken(condition, sustained, step.rate, &interval);
                if let Some(why) = broken.filter(|_| *ended == Ended::Finished) {
                    *ended = Ended::Aborted(why);
                    control.send_replace(Control::Stop);
                }
            }
        });
        Ok((began, measured.await?))
    }

    fn summary(self) -> Summary {
        let search = match &self.options.program {
            Program::Search(search) => Some(search.result()),
            Program::Once(_) | Program::Steps(_) => None,
        };
        let worst = self.steps.iter().map(|step| step.health.verdict).max();
        Summary {
            schema_version: SCHEMA_VERSION,
            provenance: vec![self.begins.provenance],
            run: self.about,
            ended: self.ended,
            totals: self.totals,
            measures: Measures::of(&self.record, &self.failures),
            steps: self.steps,
            search,
            thresholds: self.thresholds,
            verdict: worst.unwrap_or(Verdict::Valid),
            self_test: self.self_test,
        }
    }
}
