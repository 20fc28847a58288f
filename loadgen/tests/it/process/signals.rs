//! A run that is told to stop.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

use super::{check_exit, files::read, loadgen, silent, text, wait_for};
use crate::{
    fault_server::{FaultServer, OK, answer},
    support::{json, ms},
};

/// Longer than any of these runs may take, and shorter than they would take if
/// nothing stopped them.
const PATIENCE: Duration = Duration::from_secs(30);

fn tell(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Waits until `server` has been asked.
async fn asked(server: &FaultServer) {
    let asked = async {
        while server.requests() == 0 {
            sleep(ms(5)).await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap();
}

/// What was measured until then is reported, in files too.
#[tokio::test]
async fn it_reports_what_it_has() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = FaultServer::always(answer(OK)).await;
        let folder = TempDir::new().unwrap();
        let arguments =
            format!("--rate 100 --duration 10m --print json --out {}", folder.path().display());
        let child = loadgen(&server.url(), &arguments).spawn().unwrap();
        asked(&server).await;
        tell(&child, signal);
        let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        check_exit(&output, 130);
        assert_eq!(text(&output.stderr), "");
        let (summary, lines) = read(folder.path());
        assert!(summary.totals.add_up() && 0 < summary.totals.completed, "{:?}", summary.totals);
        // What was still to come was not planned.
        assert!(summary.totals.planned < 60_000, "{:?}", summary.totals);
        assert!(0 < lines);
        let printed = json(&output.stdout);
        assert_eq!(printed["ended"]["how"], "interrupted");
        assert_eq!(printed["totals"]["completed"], summary.totals.completed);
    }
}

/// The first signal lets what is under way end; it never does here.
#[tokio::test]
async fn the_second_signal_ends_a_long_drain() {
    let server = silent().await;
    let arguments = "--rate 100 --duration 10m --drain 10m --header-timeout 10m --print json";
    let child = loadgen(&server.url(), arguments).spawn().unwrap();
    asked(&server).await;
    tell(&child, Signal::INT);
    // Two that come at once are one to the kernel.
    let sent = sent_at_last(&server).await;
    tell(&child, Signal::INT);
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    check_exit(&output, 130);
    let totals = &json(&output.stdout)["totals"];
    assert!(sent <= totals["sent"].as_u64().unwrap());
    assert_eq!(totals["sent"], totals["unfinished"]);
}

/// How many requests there were when no more came.
async fn sent_at_last(server: &FaultServer) -> u64 {
    let mut seen = (server.requests(), Instant::now());
    while seen.1.elapsed() < ms(300) {
        sleep(ms(20)).await;
        if seen.0 < server.requests() {
            seen = (server.requests(), Instant::now());
        }
    }
    seen.0
}

/// The countdown before another machine is loaded is there to be stopped.
#[tokio::test]
async fn a_countdown_can_be_stopped() {
    for signal in [Signal::INT, Signal::TERM] {
        // For examples only (RFC 5737): nobody is there.
        let mut child =
            loadgen("http://192.0.2.1/?key=1", "--rate 1 --i-may-load-this-host --duration 1s")
                .spawn()
                .unwrap();
        wait_for(&mut child, "1/s over 1s to http://192.0.2.1/?key=***; Ctrl-C").await;
        tell(&child, signal);
        let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(text(&output.stdout), "");
    }
}

/// A handshake that goes on for ever is not waited for.
#[tokio::test]
async fn a_run_that_cannot_begin_can_be_stopped() {
    let server = silent().await;
    let url = format!("https://{}/", server.address);
    let child = loadgen(&url, "--rate 1 --connect-timeout 10m --insecure").spawn().unwrap();
    let connected = async {
        while server.connections() == 0 {
            sleep(ms(5)).await;
        }
    };
    timeout(PATIENCE, connected).await.unwrap();
    tell(&child, Signal::INT);
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    check_exit(&output, 130);
    assert_eq!(text(&output.stderr), "Error: interrupted before the first request\n");
}
