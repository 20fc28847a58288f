//! `cargo xtask compare` with real processes, for as short as it goes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod programs;

use std::{
    fs,
    io::{BufRead, BufReader},
    num::NonZeroU32,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, atomic::AtomicBool},
    thread,
    time::Duration,
};

use procfs::process::Process;
use tokio::time::Instant;
use xtask::{
    compare::{Question, Server, Table, Task, compare},
    processes::Programs,
};

/// In turn: they are measured on the same processors.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn task(question: Question, beside: &[Server]) -> Task {
    let hold = Duration::from_millis(200);
    Task { question, beside: beside.to_vec(), rounds: NonZeroU32::MIN, hold }
}

fn table(question: Question, beside: &[Server]) -> Table {
    let _one = ONE_AT_A_TIME.lock();
    let interrupted = Arc::new(AtomicBool::new(false));
    let build = || Ok(programs::programs());
    compare(&task(question, beside), build, interrupted, |_| {}).unwrap()
}

/// Whether there is a whole row for each, and nothing failed.
#[track_caller]
fn check_steady(table: &Table, names: &[&str]) {
    let found: Vec<_> = table.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(found, names, "{table:?}");
    for row in &table.rows {
        assert_eq!(row.len(), table.head.len(), "{table:?}");
        assert!(row[1].parse::<f64>().is_ok(), "no processor time: {table:?}");
        assert_ne!(row[3], "0", "no request: {table:?}");
    }
    let failed = table.notes.iter().find(|note| note.contains("failed"));
    assert_eq!(failed, None, "{table:?}");
}

#[test]
fn the_relay_beside_the_floor() {
    let table = table(Question::Hit, &[Server::Floor]);
    check_steady(&table, &["lunch-relay", "`loadgen null` (the floor)"]);
    assert!(table.rows[1][2].contains(" to "), "{table:?}");
    let conditions = &table.notes[1];
    for said in ["`cargo xtask compare hit`, 1 round: lunch-relay ", "Linux "] {
        assert!(conditions.contains(said), "{conditions}");
    }
}

#[test]
fn hits_beside_others() {
    let table = table(Question::Hit, &[Server::Nginx, Server::Varnish]);
    check_steady(&table, &["lunch-relay", "nginx", "Varnish"]);
    assert!(table.notes[1].contains("nginx 1."), "{table:?}");
}

#[test]
fn misses_beside_others() {
    let table = table(Question::Miss, &[Server::Floor, Server::Nginx, Server::Varnish]);
    check_steady(&table, &["lunch-relay", "nginx", "Varnish"]);
}

/// Of a crowd one request reaches the origin.
#[test]
fn a_crowd_beside_others() {
    let clients = NonZeroU32::new(20).unwrap();
    let table = table(Question::Burst { clients }, &[Server::Nginx, Server::Varnish]);
    let found: Vec<_> = table.rows.iter().map(|row| &row[..4]).collect();
    let expected =
        [["20", "lunch-relay", "1", "0"], ["", "nginx", "1", "0"], ["", "Varnish", "1", "0"]];
    assert_eq!(found, expected, "{table:?}");
}

/// Whoever interrupts it does not wait.
#[test]
fn an_interruption_ends_it() {
    let interrupted = Arc::new(AtomicBool::new(true));
    let build = || Ok(programs::programs());
    let task = task(Question::Hit, &[Server::Floor]);
    let error = format!("{:#}", compare(&task, build, interrupted, |_| {}).unwrap_err());
    assert_eq!(error, "interrupted");
}

/// Even if whoever compares is killed, no server is left running.
#[test]
fn servers_end_with_who_compares() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = tempfile::tempdir().unwrap();
    let mut comparing = installed_at(folder.path())
        .args(["compare", "hit", "--hold", "10m", "--beside", "floor,nginx,varnish"])
        // Its folder is left.
        .env("TMPDIR", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(comparing.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("as fast as they can"), "{line}");
    let all = descendants(comparing.id());
    // The relay, the floor, nginx, both of Varnish's, and the origin.
    assert!(6 <= all.len(), "{all:?}");
    comparing.kill().unwrap();
    comparing.wait().unwrap();
    let started = Instant::now();
    while all.iter().any(Process::is_alive) {
        assert!(started.elapsed() < Duration::from_mins(2), "{all:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// `xtask` where it finds the programs of a test as released ones, and builds
/// nothing.
fn installed_at(folder: &Path) -> Command {
    let Programs { relay, loadgen, holder } = programs::programs();
    let (own, released) = (folder.join("own"), folder.join("release"));
    fs::create_dir(&own).unwrap();
    fs::create_dir(&released).unwrap();
    symlink(relay, released.join("relay")).unwrap();
    symlink(loadgen, released.join("loadgen")).unwrap();
    // What is still open for writing here cannot be run.
    assert!(Command::new("cp").arg(holder).arg(&own).status().unwrap().success());
    let mut xtask = Command::new(own.join("xtask"));
    xtask.env("CARGO", "true");
    xtask
}

fn descendants(pid: u32) -> Vec<Process> {
    let process = Process::new(pid.cast_signed()).unwrap();
    let tasks = process.tasks().unwrap().flatten();
    let children = tasks.flat_map(|task| task.children().unwrap());
    children
        .flat_map(|pid| [vec![Process::new(pid.cast_signed()).unwrap()], descendants(pid)])
        .flatten()
        .collect()
}
