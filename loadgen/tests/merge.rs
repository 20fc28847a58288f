//! What several generators did together is what one would have done.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    future::pending,
    num::NonZeroU32,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use bytes::Bytes;
use loadgen::{
    merge::{self, Contents, Merged, Source},
    null,
    output::{
        Files,
        hlog::{self, Scope},
    },
    program::{Program, Step},
    record::{Record, Tag},
    run::{Options, run},
    schedule::{Arrivals, Load, Profile, Rate, Shard},
    summary::Summary,
};
use tokio::{net::TcpListener, sync::mpsc};

const SETTLE: Duration = Duration::from_millis(250);
const HOLD: Duration = Duration::from_secs(1);

fn program(arrivals: Arrivals) -> Program {
    let rate = Rate::new(400.0).unwrap();
    let profile = Profile::constant(rate, SETTLE + HOLD).unwrap();
    let load = Load::Open { profile, arrivals };
    Program::once(Step { rate: Some(rate), trial: 0, load, settle: SETTLE })
}

/// A run against the null responder, whose files go into `folder`.
async fn make(url: &str, arrivals: Arrivals, shard: Shard, folder: &Path) -> Summary {
    let mut files = Files::new(folder).unwrap();
    let options = Options {
        shard,
        connections: 4,
        interval: Duration::from_millis(100),
        // Both are on this machine and have the same commands otherwise.
        arguments: vec![format!("{shard:?}")],
        ..Options::new(url.parse().unwrap(), program(arrivals))
    };
    let (_signals, receiver) = mpsc::channel(1);
    let running = run(options, receiver, |event| files.observe(&event).unwrap());
    let summary = Box::pin(running).await.unwrap();
    files.finish(&summary).unwrap();
    summary
}

fn read(folder: &Path) -> Source {
    let [summary, log, intervals] = ["summary.json", "run.hlog", "intervals.csv"]
        .map(|name| fs::read(folder.join(name)).unwrap());
    let contents = Contents { summary: &summary, log: &log, intervals: &intervals };
    Source::read(&folder.display().to_string(), contents).unwrap()
}

async fn responder() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(null::serve(listener, Bytes::from_static(b"body"), pending()));
    url
}

async fn check(arrivals: Arrivals) -> (Summary, Merged) {
    let url = responder().await;
    let folder = tempfile::tempdir().unwrap();
    let two = NonZeroU32::new(2).unwrap();
    let [whole, first, second] = ["whole", "0", "1"].map(|name| folder.path().join(name));
    let whole = make(&url, arrivals, Shard::WHOLE, &whole).await;
    let shard = |index| Shard::new(index, two).unwrap();
    tokio::join!(make(&url, arrivals, shard(0), &first), make(&url, arrivals, shard(1), &second));
    let sources = [read(&first), read(&second)];
    let merged = merge::merge(sources.to_vec()).unwrap();
    assert!(merged.warnings.is_empty(), "{:?}", merged.warnings);
    assert_eq!(merged.summary.run.shards, [shard(0), shard(1)]);
    assert!(merged.summary.totals.add_up());
    let planned: u64 = sources.iter().map(|source| source.summary.totals.planned).sum();
    assert_eq!(merged.summary.totals.planned, planned);
    for (name, of) in [("settle", Scope::Settle), ("hold", Scope::Interval)] {
        check_times(&sources, &merged, of, name);
    }
    let text = serde_json::to_string(&merged.summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), merged.summary);
    check_command(&[first, second].map(|path| path.display().to_string()), &merged.summary);
    (whole, merged)
}

/// The sum of all lines of `scope` is that of the intervals; of what was held
/// it is the step's.
#[track_caller]
fn check_times(sources: &[Source], merged: &Merged, scope: Scope, name: &str) {
    let mut lines = Record::new();
    let all = sources.iter().flat_map(|source| &source.log.lines);
    for line in all.filter(|line| line.scope == scope) {
        lines.times_mut(line.tag).add(&line.times());
    }
    let mut cells = Record::new();
    for stretch in merged.stretches(0) {
        cells.add(if scope == Scope::Settle { &stretch.settle } else { &stretch.hold });
    }
    assert!(lines.all_times().count() != 0, "{name}: no times");
    for tag in Tag::each() {
        let of = |record: &Record| record.times(tag).map(|times| times.histogram().clone());
        assert_eq!(of(&lines), of(&cells), "{name} {tag}");
        if scope == Scope::Interval {
            assert_eq!(of(&lines), of(&merged.holds[0]), "{name} {tag}");
        }
    }
}

/// The command writes what the library says, in files that are read back and
/// merged alone come to the same.
#[track_caller]
fn check_command(folders: &[String], expected: &Summary) {
    let out = tempfile::tempdir().unwrap();
    let Output { stdout, stderr, status } = loadgen(folders, out.path());
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(expected.exit_code().into()), "{stderr}");
    assert_eq!(serde_json::from_slice::<Summary>(&stdout).unwrap(), *expected);
    let source = read(out.path());
    assert_eq!(source.summary, *expected);
    let total = |tag: Tag| {
        let mut lines = source.log.lines.iter();
        lines.find(|line| (line.scope, line.tag) == (Scope::Total, tag)).unwrap().count()
    };
    for tag in Tag::each() {
        if let Some(times) = expected.measures.times.get(&tag.to_string()) {
            assert_eq!(total(tag), times.count, "{tag}");
        }
    }
    let again = merge::merge(vec![source.clone()]).unwrap();
    assert_eq!(again.summary.measures, expected.measures);
    let rows = again.stretches(0).flat_map(|stretch| stretch.rows);
    assert_eq!(rows.collect::<Vec<_>>(), source.intervals);
    for name in ["steps.csv", "step-000.hgrm"] {
        assert!(out.path().join(name).exists(), "no {name}");
    }
}

fn loadgen(folders: &[String], out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.arg("merge").args(folders).arg("--out").arg(out).args(["--print", "json"]);
    command.output().unwrap()
}

#[tokio::test]
async fn shards_of_even_arrivals_are_all_of_them() {
    let (whole, merged) = check(Arrivals::Constant).await;
    assert_eq!(merged.summary.totals.planned, 500);
    assert_eq!(merged.summary.totals, whole.totals);
    let [was, is] = [&whole.steps[0], &merged.summary.steps[0]];
    assert_eq!((is.totals, is.rate), (was.totals, was.rate));
    assert!((is.offered_rate - 400.0).abs() < 1e-9, "{}", is.offered_rate);
}

/// Each shard's process is its own, so there are as many but for chance: the
/// difference of two counts whose mean is 500 has a deviation of √1000.
#[tokio::test]
async fn shards_of_random_arrivals_are_as_many() {
    let (whole, merged) = check(Arrivals::Poisson { seed: 7 }).await;
    let [one, other] = [&whole, &merged.summary].map(|summary| summary.totals.planned);
    assert!(one.abs_diff(other) < 6 * 32, "{one} and {other}");
}

/// What would be lost is not touched.
#[tokio::test]
async fn a_run_is_not_replaced_by_its_sum() {
    let folder = tempfile::tempdir().unwrap();
    let url = responder().await;
    make(&url, Arrivals::Constant, Shard::WHOLE, folder.path()).await;
    let before = fs::read(folder.path().join("run.hlog")).unwrap();
    let name = folder.path().display().to_string();
    let check = |folders: &[&str], out: &Path, message: &str| {
        let folders: Vec<_> = folders.iter().map(|&name| name.to_owned()).collect();
        let Output { status, stderr, .. } = loadgen(&folders, out);
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        assert_eq!(status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    };
    let elsewhere = folder.path().join("elsewhere");
    check(&[&name], &folder.path().join("."), "is one of the runs to merge");
    check(&[&name, &name], &elsewhere, "are the same run: give it once");
    let missing = "nowhere/summary.json: give a folder that `loadgen run --out` wrote";
    check(&[&name, "nowhere"], &elsewhere, missing);
    assert!(!elsewhere.exists());
    assert_eq!(fs::read(folder.path().join("run.hlog")).unwrap(), before);
    assert!(!hlog::read(&before).unwrap().truncated);
}

/// Generators with a target each are added if it is said what all of them are.
#[tokio::test]
async fn several_instances_have_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let folders = ["one", "other"].map(|name| folder.path().join(name));
    for (number, folder) in (0..).zip(&folders) {
        let shard = Shard::new(number, NonZeroU32::new(2).unwrap()).unwrap();
        make(&responder().await, Arrivals::Constant, shard, folder).await;
    }
    let folders = folders.map(|folder| folder.display().to_string());
    let out = folder.path().join("out");
    let refused = loadgen(&folders, &out);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!out.exists());
    let mut named = folders.to_vec();
    named.push("--url=http://instances.test/".to_owned());
    let Output { stdout, stderr, .. } = loadgen(&named, &out);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!stdout.is_empty(), "{stderr}");
    let summary = serde_json::from_slice::<Summary>(&stdout).unwrap();
    assert_eq!(summary.run.url, "http://instances.test/");
    assert_eq!(summary.totals.planned, 500);
}
