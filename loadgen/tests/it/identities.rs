//! However servers, schedules and signals meet: each request is accounted for,
//! and so are the parts of what was recorded.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use loadgen::{
    dispatch::LatePolicy,
    program::{Order, Program, Step, Steps, StepsOptions, Sweep},
    record::{Record, Totals},
    run::{Event, Options, RunError, run},
    schedule::{Arrivals, Load, Profile},
    summary::{self, Summary},
};
use proptest::{prelude::*, test_runner::Config};
use tokio::{runtime, sync::mpsc, task::JoinSet, time::sleep};

use crate::{
    fault_server::{Act, FaultServer, OK, Turn, answer, cut},
    support::{ms, options, rate},
};

/// A run that was drawn.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    threads: usize,
    /// More than one for each thread.
    connections: usize,
    load: Drawn,
    late: LatePolicy,
    drain: Duration,
    /// When signals come, since the run began, one after the other.
    signals: Vec<Duration>,
}

#[derive(Debug, Clone)]
enum Drawn {
    Constant { rate: f64, settle: Duration },
    Poisson { rate: f64, settle: Duration },
    Steps { repeat: u32, settle: Duration },
    Closed { settle: Duration },
}

fn cases() -> impl Strategy<Value = Case> {
    let time = |most: u64| (0..most).prop_map(ms);
    let load = prop_oneof![
        (1.0..900.0, time(150)).prop_map(|(rate, settle)| Drawn::Constant { rate, settle }),
        (1.0..900.0, time(150)).prop_map(|(rate, settle)| Drawn::Poisson { rate, settle }),
        (1_u32..3, time(30)).prop_map(|(repeat, settle)| Drawn::Steps { repeat, settle }),
        time(150).prop_map(|settle| Drawn::Closed { settle }),
    ];
    let late = prop_oneof![
        Just(LatePolicy::Send),
        (1_u64..40).prop_map(|limit| LatePolicy::DropAfter(ms(limit))),
    ];
    let signals = prop::collection::vec(time(250), 0..3);
    (any::<u64>(), 1_usize..4, 0_usize..12, load, late, time(100), signals).prop_map(
        |(seed, threads, more, load, late, drain, signals)| Case {
            seed,
            threads,
            connections: threads + more,
            load,
            late,
            drain,
            signals,
        },
    )
}

impl Case {
    fn program(&self) -> Program {
        let poisson = Arrivals::Poisson { seed: self.seed };
        let open = |per_second: f64, arrivals| {
            let profile = Profile::constant(rate(per_second), ms(250)).unwrap();
            Load::Open { profile, arrivals }
        };
        let (load, settle) = match self.load {
            Drawn::Constant { rate, settle } => (open(rate, Arrivals::Constant), settle),
            Drawn::Poisson { rate, settle } => (open(rate, poisson), settle),
            Drawn::Closed { settle } => {
                let users = u32::try_from(self.connections).unwrap().try_into().unwrap();
                (Load::Closed { users, duration: ms(250) }, settle)
            }
            Drawn::Steps { repeat, settle } => {
                let steps = Steps::new(StepsOptions {
                    sweep: Sweep::list(vec![rate(50.0), rate(700.0)]).unwrap(),
                    hold: ms(60),
                    settle,
                    repeat: repeat.try_into().unwrap(),
                    order: Order::Random { seed: self.seed },
                    arrivals: poisson,
                });
                return Program::Steps(steps.unwrap());
            }
        };
        Program::once(Step { rate: None, trial: 0, load, settle })
    }

    fn options(&self, url: &str) -> Options {
        let mut options = options(url, self.program());
        options.threads = self.threads;
        options.connections = self.connections;
        options.late = self.late;
        options.drain = self.drain;
        options.interval = ms(20);
        options.timeouts.header = ms(30);
        options.timeouts.body = ms(30);
        options
    }
}

/// What a server does that misbehaves by chance, the same at each turn.
fn misbehave(seed: u64, turn: Turn) -> Vec<Act> {
    let mut hasher = DefaultHasher::new();
    (seed, turn.connection, turn.request).hash(&mut hasher);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n";
    match hasher.finish() % 16 {
        // Before the first request it would be a target that is not there.
        0 if 0 < turn.request => vec![Act::Reset],
        1 => vec![Act::Close],
        2 => cut("", Act::Reset),
        3 => cut("", Act::Close),
        4 => cut("HTTP/1.1 2", Act::Close),
        5 => cut("no HTTP at all\r\n\r\n", Act::Close),
        6 => cut(head, Act::Reset),
        7 => cut(head, Act::Close),
        8 => cut(head, Act::Hang),
        9 => cut("", Act::Hang),
        10 => cut("", Act::Wait(ms(15))),
        11 => answer("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno"),
        12 => {
            cut("HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye", Act::Close)
        }
        _ => answer(OK),
    }
}

/// What a run said on its way.
#[derive(Default)]
struct Told {
    /// What the intervals of the step had that is under way.
    settle: Record,
    hold: Record,
    settled: Totals,
    steps: Vec<(summary::Step, Record, Record)>,
}

impl Told {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Interval(interval) => {
                self.settle.add(interval.settle);
                self.hold.add(interval.hold);
            }
            Event::StepEnded(step, record) => {
                let counts = std::mem::take(&mut self.settle).counts;
                self.settled.sent += counts.sent;
                self.settled.completed += counts.completed();
                self.settled.failed += counts.failed();
                self.settled.unfinished += counts.unfinished;
                self.settled.dropped += counts.dropped;
                let hold = std::mem::take(&mut self.hold);
                self.steps.push(((*step).clone(), (*record).clone(), hold));
            }
            Event::Countdown(_) | Event::Begins(_) | Event::StepBegins(..) => {}
        }
    }
}

async fn measure(case: &Case) -> (Result<Summary, RunError>, Told, u64) {
    let seed = case.seed;
    let server = FaultServer::start(move |turn| misbehave(seed, turn)).await;
    let (stop, signals) = mpsc::channel(2);
    let mut told = Told::default();
    let mut stopping = JoinSet::new();
    let mut moments = Some(case.signals.clone());
    let summary = run(case.options(&server.url()), signals, |event| {
        if let (Event::Begins(_), Some(moments)) = (&event, moments.take()) {
            let stop = stop.clone();
            stopping.spawn(async move {
                for moment in moments {
                    sleep(moment).await;
                    // The run may be over by now.
                    let _ = stop.send(()).await;
                }
            });
        }
        told.hear(&event);
    });
    let summary = summary.await;
    (summary, told, server.requests())
}

fn check(case: &Case) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (summary, told, seen) = runtime.block_on(measure(case));
    // A run that contradicts itself says so instead of a summary.
    let summary = summary.unwrap();
    let Summary { totals, steps, measures, .. } = &summary;
    assert!(totals.add_up(), "{totals:?}");
    assert!(totals.completed <= seen, "{totals:?}, but {seen} requests were read");

    assert_eq!(told.steps.len(), steps.len());
    let mut sum = Totals::default();
    let (mut statuses, mut faults, mut reopened) = (0, 0, 0);
    for (step, (told, record, intervals)) in steps.iter().zip(&told.steps) {
        assert_eq!(step, told);
        assert!(step.totals.add_up(), "{:?}", step.totals);
        sum = sum.plus(step.totals);
        statuses += step.measures.statuses.values().sum::<u64>();
        faults += step.measures.faults.values().map(|fault| fault.count).sum::<u64>();
        reopened += step.measures.reopened;
        assert_eq!(record.counts, intervals.counts);
        let (whole, parts): (Vec<_>, Vec<_>) =
            (record.all_times().collect(), intervals.all_times().collect());
        assert_eq!(whole, parts);
        // Every request that went out has its service time.
        let service = step.measures.times.get("service").map_or(0, |times| times.count);
        assert_eq!(service, step.totals.sent);
    }
    assert_eq!(statuses, measures.statuses.values().sum::<u64>());
    assert_eq!(faults, measures.faults.values().map(|fault| fault.count).sum::<u64>());
    assert_eq!(reopened, measures.reopened);
    // What is left are the requests that were due while a step settled.
    let left = |all: u64, held: u64| all.checked_sub(held).unwrap();
    let settled = Totals {
        planned: left(totals.planned, sum.planned),
        sent: left(totals.sent, sum.sent),
        completed: left(totals.completed, sum.completed),
        failed: left(totals.failed, sum.failed),
        dropped: left(totals.dropped, sum.dropped),
        unsent: left(totals.unsent, sum.unsent),
        unfinished: left(totals.unfinished, sum.unfinished),
    };
    assert!(settled.add_up(), "{settled:?}");
    let Totals { planned, unsent, .. } = settled;
    assert_eq!(Totals { planned, unsent, ..told.settled }, settled);
}

proptest! {
    #![proptest_config(Config {
        cases: 30,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn every_request_is_accounted_for(case in cases()) {
        check(&case);
    }
}
