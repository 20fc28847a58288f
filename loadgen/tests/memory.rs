//! What a run takes does not depend on how long it is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    convert::Infallible,
    env, fs,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::Notify};

/// From here on nothing more is needed.
const SETTLED: u64 = 100_000;

/// How many requests there are; ten million are too many for every day:
/// `MEMORY_REQUESTS=10000000 cargo test --release -p loadgen --test memory`.
fn requests() -> u64 {
    env::var("MEMORY_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(250_000)
}

/// Answers every request, and tells when there were [`SETTLED`] and all.
struct Counter {
    seen: AtomicU64,
    settled: Notify,
    all: Notify,
}

impl Counter {
    fn count(&self) {
        let seen = 1 + self.seen.fetch_add(1, Ordering::Relaxed);
        if seen == SETTLED {
            self.settled.notify_one();
        } else if seen == requests() {
            self.all.notify_one();
        }
    }
}

async fn serve(listener: TcpListener, counter: Arc<Counter>) {
    while let Ok((stream, _)) = listener.accept().await {
        let counter = Arc::clone(&counter);
        tokio::spawn(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                counter.count();
                async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"body")))) }
            });
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
        });
    }
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn resident_memory_is_flat_after_the_first_hundred_thousand() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let counter =
        Arc::new(Counter { seen: AtomicU64::new(0), settled: Notify::new(), all: Notify::new() });
    tokio::spawn(serve(listener, Arc::clone(&counter)));
    let folder = tempfile::tempdir().unwrap();
    // A closed model is as fast as this machine is: the generator is ended when
    // there were enough.
    let mut generator = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", &url, "--closed", "16", "--duration", "1h", "--interval", "100ms", "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    counter.settled.notified().await;
    let before = resident(generator.id());
    let mut most = before;
    loop {
        tokio::select! {
            () = counter.all.notified() => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                most = most.max(resident(generator.id()));
            }
        }
    }
    most = most.max(resident(generator.id()));
    let pid = rustix::process::Pid::from_child(&generator);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(generator.wait().unwrap().code(), Some(130));
    println!("{before} KiB after {SETTLED} requests, at most {most} KiB until {}", requests());
    assert!(most <= before + 1024, "{before} KiB grew to {most} KiB");
}
