//! A second in which the server, or the generator, stands still, over real
//! sockets. `simulated/freezes.rs` has the same without any, and says how the
//! times that are expected here are calculated.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use loadgen::{
    program::{Program, Step},
    record::{Clock, Record, Tag},
    run::{self, Event, Options},
    schedule::{Arrivals, Load, Profile, Rate},
    summary::Summary,
    verdict::Verdict,
};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
    sync::oneshot,
    time::Instant,
};

/// Both tests need the machine: one at a time.
static TURN: Mutex<()> = Mutex::new(());

const RATE: u32 = 1000;
const SECONDS: u32 = 4;
const CONNECTIONS: u64 = 64;
const SECOND: Duration = Duration::from_secs(1);

/// A server with one thread for everything, until it is dropped.
struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Its thread calls `seen` with the number of each request, counted from 0,
    /// before it does anything else.
    fn start(seen: impl Fn(u32) + Send + Sync + 'static) -> Self {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let seen: Arc<dyn Fn() + Send + Sync> = {
            let number = AtomicU32::new(0);
            Arc::new(move || seen(number.fetch_add(1, Ordering::Relaxed)))
        };
        thread::spawn(move || {
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer(stream, Arc::clone(&seen)));
                }
            });
            // It ends when nobody can stop it any more.
            let _ = runtime.block_on(stopped);
        });
        Self { address, _stop: stop }
    }
}

/// Answers request after request: what ends with an empty line is one.
async fn answer(mut stream: TcpStream, seen: Arc<dyn Fn() + Send + Sync>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    while 0 < stream.read_buf(&mut request).await? {
        if request.ends_with(b"\r\n\r\n") {
            seen();
            request.clear();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
        }
    }
    Ok(())
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a server that stands still says of it, by its own clock.
#[derive(Debug, Clone, Copy)]
struct Freeze {
    lasted: Duration,
    /// How long it took from its end until the request that is due a second
    /// after its beginning had its turn.
    making_up: Duration,
}

/// A server that stands still for a second when it has the request that is due
/// in second 1.
fn freezing() -> (Server, mpsc::Receiver<Freeze>) {
    let (tell, told) = mpsc::channel();
    let freeze = Mutex::new(None);
    let server = Server::start(move |number| {
        if number == RATE {
            let began = Instant::now();
            // Its only thread, so nothing is read and nothing is answered.
            thread::sleep(SECOND);
            *freeze.lock() = Some((began.elapsed(), Instant::now()));
        }
        if number == 2 * RATE
            && let Some((lasted, over)) = freeze.lock().take()
        {
            // Who asked for it may have given up.
            let _ = tell.send(Freeze { lasted, making_up: over.elapsed() });
        }
    });
    (server, told)
}

/// Four seconds of load, of which one is frozen: a quarter of the requests.
fn measure(address: SocketAddr) -> (Summary, Record) {
    let rate = Rate::new(f64::from(RATE)).unwrap();
    let profile = Profile::constant(rate, SECOND * SECONDS).unwrap();
    let load = Load::Open { profile, arrivals: Arrivals::Constant };
    let step = Step { rate: Some(rate), trial: 0, load, settle: Duration::ZERO };
    let target = format!("http://{address}/").parse().unwrap();
    let options = Options::new(target, Program::once(step));
    assert_eq!(u64::try_from(options.connections), Ok(CONNECTIONS));
    let (_signal, signals) = tokio::sync::mpsc::channel(1);
    let mut measured = Record::new();
    let observe = |event: Event<'_>| {
        if let Event::StepEnded(_, record) = event {
            measured.add(record);
        }
    };
    let summary = runtime().block_on(run::run(options, signals, observe)).unwrap();
    (summary, measured)
}

/// How long the k-th request that was due in the freeze has waited. What was
/// s/m is here what the server took for each of those it had to make up for.
fn response(freeze: Freeze, k: u32) -> f64 {
    let Freeze { lasted, making_up } = freeze;
    (lasted + making_up * k / RATE).saturating_sub(SECOND * k / RATE).as_secs_f64()
}

/// Where what was measured is not what was calculated.
fn differences(record: &Record, freeze: Freeze) -> Vec<String> {
    let times = |clock| record.times(Tag::all(clock)).unwrap();
    let (responses, services) = (times(Clock::Response), times(Clock::Service));
    let mut differences = Vec::new();
    for permille in [850, 900, 950, 990, 999] {
        let q = f64::from(permille) / 1000.0;
        // So many waited longer.
        let k = RATE * SECONDS / 1000 * (1000 - permille);
        let (expected, found) = (response(freeze, k), responses.rough_quantile(q).as_secs_f64());
        if 0.05 < (found / expected - 1.0).abs() {
            differences.push(format!("response {q}: {found:.3} s instead of {expected:.3} s"));
        }
    }
    let mut demand = |what: &str, time: Duration, is_so: bool| {
        if !is_so {
            differences.push(format!("{what}: {time:?}"));
        }
    };
    let (median, usual) = (responses.rough_quantile(0.5), services.rough_quantile(0.9));
    demand("response 0.5", median, median < SECOND / 10);
    demand("service 0.9", usual, usual < SECOND / 10);
    demand("service max", services.max(), SECOND * 9 / 10 < services.max());
    let slow = services.longer_than(SECOND / 2);
    if CONNECTIONS < slow {
        differences.push(format!("{slow} slow answers over {CONNECTIONS} connections"));
    }
    differences
}

/// On a machine that is busy with other things the generator may be held up as
/// well, but then it has to say so: a run whose verdict is that it is valid has
/// to be right, and only others may be repeated.
#[test]
fn a_frozen_server_is_measured_within_5_percent() {
    let _turn = TURN.lock();
    let mut attempts = Vec::new();
    for _ in 0..5 {
        let (server, told) = freezing();
        let (summary, record) = measure(server.address);
        let planned = u64::from(RATE * SECONDS);
        assert_eq!((summary.totals.planned, summary.totals.completed), (planned, planned));
        let freeze = told.recv().unwrap();
        let differences = differences(&record, freeze);
        if differences.is_empty() {
            return;
        }
        let reasons = summary.steps[0].health.reasons.clone();
        let attempt = format!("{freeze:?}: {differences:?}, {:?}: {reasons:?}", summary.verdict);
        assert_ne!(summary.verdict, Verdict::Valid, "{attempt}");
        attempts.push(attempt);
    }
    panic!("no run came near, and this is what they say of themselves: {attempts:#?}");
}

#[test]
fn a_frozen_generator_says_that_it_was_the_limit() {
    let _turn = TURN.lock();
    let (tell, told) = mpsc::channel();
    let server = Server::start(move |number| {
        if number == RATE / 2 {
            tell.send(()).unwrap();
        }
    });
    let generator = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", "--rate", "1000", "--duration", "5s", "--print", "json"])
        .arg(format!("http://{}/", server.address))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    told.recv_timeout(SECOND * 30).unwrap();
    let process = Pid::from_child(&generator);
    kill_process(process, Signal::STOP).unwrap();
    thread::sleep(SECOND);
    kill_process(process, Signal::CONT).unwrap();
    let Output { status, stdout, .. } = generator.wait_with_output().unwrap();

    let summary: Summary = serde_json::from_slice(&stdout).unwrap();
    let health = &summary.steps[0].health;
    assert_eq!((status.code(), summary.verdict), (Some(3), Verdict::GeneratorLimited));
    assert!(900.0 <= health.activity.watchdog_gap_ms, "{health:?}");
    assert!(health.reasons.iter().any(|reason| reason.contains("stood still")), "{health:?}");

    let totals = summary.totals;
    assert!(totals.add_up(), "{totals:?}");
    assert_eq!((totals.planned, totals.completed), (5 * u64::from(RATE), 5 * u64::from(RATE)));

    // A second is 20 % of the requests, and the server has no part in it.
    let times = |clock: Clock| &summary.measures.times[clock.as_str()];
    let longest = |clock| times(clock).max_us.unwrap();
    assert!(900_000.0 <= longest(Clock::Lag), "{:?}", times(Clock::Lag));
    assert!(900_000.0 <= longest(Clock::Lateness), "{:?}", times(Clock::Lateness));
    assert!(900_000.0 <= times(Clock::Response).p99_us.unwrap(), "{:?}", times(Clock::Response));
    assert!(times(Clock::Service).p99_us.unwrap() < 500_000.0, "{:?}", times(Clock::Service));
}
