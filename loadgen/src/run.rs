//! A run: the steps of a program, one after the other, and what they come to.

mod budget;
mod contradiction;
mod error;
mod event;
mod judge;
mod options;
mod reach;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::{
    condition::Sustained,
    engine::{self, Engine, EngineError, Task},
    program::Program,
    provenance::Provenance,
    record::{Record, Totals},
    summary::{Ended, Measures, Model, Quantiles, Run, SCHEMA_VERSION, Step, Summary, Threshold},
    target::Place,
    transport::{Protocol, Reuse},
    verdict::Verdict,
    worker::Control,
};
pub use budget::BudgetError;
pub use contradiction::Contradiction;
pub use error::RunError;
pub use event::{Begins, Event, Interval};
pub(crate) use judge::{finding, per_second};
pub use options::{Goal, Options};

/// How long a run against another machine waits before it begins.
const COUNTDOWN: u32 = 5;

/// Runs all steps and says what they came to; `observe` sees what happens on
/// the way. The first message on `signals` ends the schedule and lets what is
/// under way end, the second gives that up too: what was measured until then is
/// reported all the same.
pub async fn run(
    options: Options,
    mut signals: mpsc::Receiver<()>,
    mut observe: impl FnMut(Event<'_>),
) -> Result<Summary, RunError> {
    contradiction::check(&options)?;
    let (mut transport, place) = unstopped(&mut signals, reach::transport(&options)).await??;
    budget::check(&options, &transport, place)?;
    if place == Place::Elsewhere {
        unstopped(&mut signals, countdown(&mut observe)).await?;
    }
    let settled = unstopped(&mut signals, transport.settle()).await?;
    settled.map_err(EngineError::Unreachable)?;
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
            order.tell(&control);
        }
    });
    let measured = Running::new(options, &engine).steps(&mut engine, &mut observe).await;
    listener.abort();
    engine.end();
    measured
}

async fn countdown(observe: &mut impl FnMut(Event<'_>)) {
    for left in (1..=COUNTDOWN).rev() {
        observe(Event::Countdown(left));
        sleep(Duration::from_secs(1)).await;
    }
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
        let about = Run {
            url: options.target.without_secrets(),
            method: options.method.to_string(),
            protocol: match options.protocol {
                Protocol::Http1 => "HTTP/1.1".to_owned(),
                Protocol::Http2 { .. } => "HTTP/2".to_owned(),
            },
            program: options.program.to_string(),
            model: match options.program.users() {
                Some(_) => Model::Closed,
                None => Model::Open,
            },
            shards: vec![options.shard],
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
            let Options { ceiling, shard, .. } = self.options;
            let share = ceiling.and_then(|it| judge::share_of_ceiling(&step, shard, it));
            let numbers = judge::numbers(index, &step, began, &measured, share)?;
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
            // What is said while a step settles or is left to end says nothing
            // of its rate; who is interrupted is not aborted too.
            let holds = step.settle <= collected.start && collected.end() <= step.length();
            if !holds || *control.borrow() != Control::Go {
                return;
            }
            let followed = abort_if.iter().zip(&mut sustained);
            let broken = followed
                .filter_map(|(abort_if, it)| judge::broken(abort_if, it, step.rate, &interval));
            // All of them are followed.
            if let Some(why) = broken.collect::<Vec<_>>().into_iter().next() {
                *ended = Ended::Aborted(why);
                Control::Stop.tell(&control);
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
