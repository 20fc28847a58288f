//! Trials with real processes: relays, their upstream and load generators.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixtures;
mod programs;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicBool, mpsc},
    thread,
    time::Duration,
};

use fixtures::calibration;
use loadgen::{provenance::Provenance, summary::Summary};
use programs::programs;
use serde_json::Value;
use xtask::capacity::{
    experiment::{self, Known, Planned, Profile},
    measure::{Bench, Target},
    raw::{Layout, RawRun, SCHEMA_VERSION, Sample},
    rig::{Programs, Quota, processors},
};

fn bench(folder: &Path, target: Option<Target>) -> (Bench, RawRun) {
    let provenance = Provenance::collect(std::time::UNIX_EPOCH, &["xtask".to_owned()], None);
    let calibration = calibration(provenance.clone());
    let json = serde_json::to_vec(&calibration).unwrap();
    fs::write(folder.join("calibration.json"), json).unwrap();
    let interrupted = Arc::new(AtomicBool::new(false));
    let bench = Bench { programs: programs(), folder: folder.to_owned(), target, interrupted };
    let raw = RawRun {
        schema_version: SCHEMA_VERSION,
        provenance,
        relay_version: bench.programs.relay_version().unwrap(),
        profile: "quick".to_owned(),
        layout: layout(),
        calibration,
        trials: Vec::new(),
    };
    (bench, raw)
}

fn layout() -> Layout {
    Layout::of(&processors().unwrap())
}

/// The first planned trial of an experiment with these levels, and half a
/// second of it, or as long as it takes to begin.
fn planned(id: &str, levels: &[(&str, &str)]) -> Planned {
    let known = Known { highest: 1000.0, ceiling: 1000.0 };
    let mut trials = experiment::first(Profile::Default, &layout());
    trials.extend(experiment::rest(Profile::Default, &layout(), known));
    let has = |planned: &Planned, (name, level): &(&str, &str)| {
        planned.factors.get(*name).is_some_and(|found| found == level)
    };
    let is_it = |planned: &Planned| {
        planned.experiment.id() == id
            && planned.factors.len() == levels.len()
            && levels.iter().all(|level| has(planned, level))
    };
    let mut planned = trials.into_iter().find(is_it).unwrap();
    // Relays that share a budget begin with none of it.
    let length = if levels.contains(&("tier", "shared")) { "3s" } else { "500ms" };
    for (flag, value) in [("--settle", "0s"), ("--duration", length)] {
        let at = planned.load.iter().position(|argument| argument == flag).unwrap();
        value.clone_into(&mut planned.load[at + 1]);
    }
    planned
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// After each trial what was measured is whole, and as the schema says.
#[test]
fn trials_are_kept_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (bench, mut raw) = bench(folder, None);
    let schema = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("run.schema.json"));
    let schema = jsonschema::validator_for(&schema).unwrap();
    let trials = [
        planned("e6", &[("ablation", "floor")]),
        planned("e6", &[("ablation", "stale")]),
        planned("e5", &[("instances", "2"), ("tier", "shared")]),
    ];
    for (index, planned) in trials.iter().enumerate() {
        assert!(0.0 < bench.keep(planned, &mut raw).unwrap(), "{planned:?}");
        let json = json(&folder.join("run.json"));
        let errors: Vec<_> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let written: RawRun = serde_json::from_value(json).unwrap();
        assert_eq!(written.trials.len(), index + 1);
    }
    let [floor, stale, two] = raw.trials.as_slice() else { panic!("{raw:?}") };
    assert!(floor.counters.is_empty() && floor.events.is_empty());
    let what: Vec<_> = stale.events.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(what, ["the upstream is gone"]);
    let roles: Vec<_> = two.counters.keys().map(String::as_str).collect();
    assert_eq!(roles, ["relay-1", "relay-2"]);
    let roles: Vec<_> = two.samples[0].processes.keys().map(String::as_str).collect();
    assert_eq!(roles, ["generator-1", "generator-2", "relay-1", "relay-2", "tier", "upstream"]);
}

/// What is left is what the report is made of, and logs if there are any.
#[test]
fn nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut raw) = bench(folder.path(), None);
    let planned = planned("e6", &[("ablation", "miss")]);
    bench.keep(&planned, &mut raw).unwrap();
    let names = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names.retain(|name| name != "log");
    assert_eq!(names, ["calibration.json", &planned.folder(), "run.json"]);
}

/// What is computed is an answer, not an error.
#[test]
fn a_worker_computes_answers() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut raw) = bench(folder.path(), None);
    let planned = planned("e6", &[("ablation", "workers-1")]);
    bench.keep(&planned, &mut raw).unwrap();
    let summary = json(&folder.path().join(planned.folder()).join("summary.json"));
    let summary: Summary = serde_json::from_value(summary).unwrap();
    let errors: u64 = summary.steps.iter().map(|step| step.errors).sum();
    assert!(0 < summary.totals.completed && errors == 0, "{:?}", summary.totals);
}

/// The account is that of the relay's own group, not of whoever measures.
#[test]
fn what_a_quota_takes_is_seen() {
    if !Quota::is_possible() {
        println!("no quota can be set here: nothing to see");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut raw) = bench(folder.path(), None);
    bench.keep(&planned("e6", &[("ablation", "quota")]), &mut raw).unwrap();
    let samples = &raw.trials[0].samples;
    let throttled = |sample: &Sample| sample.machine.throttled_seconds.unwrap();
    assert!(throttled(&samples[0]) < throttled(samples.last().unwrap()), "{samples:#?}");
}

/// Each relay is asked for each of many URIs, and what all generators did is
/// one run.
#[test]
fn several_relays_keep_many_uris() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut raw) = bench(folder.path(), None);
    let planned = planned("e5", &[("instances", "2"), ("load", "keys"), ("tier", "private")]);
    bench.keep(&planned, &mut raw).unwrap();
    let summary = json(&folder.path().join(planned.folder()).join("summary.json"));
    let summary: Summary = serde_json::from_value(summary).unwrap();
    // 2 relays, 8 URIs, 50 a second for half a second.
    assert_eq!((summary.totals.planned, summary.totals.failed), (2 * 8 * 25, 0));
    assert_eq!(summary.run.shards.len(), 16);
}

/// A signal ends a trial, and leaves what was measured before it.
#[test]
fn what_is_interrupted_says_where_the_rest_is() {
    let folder = tempfile::tempdir().unwrap();
    let (bench, mut raw) = bench(folder.path(), None);
    let one = planned("e3", &[("users", "1")]);
    bench.keep(&one, &mut raw).unwrap();
    let before = fs::read(folder.path().join("run.json")).unwrap();
    let (file, planned) = (folder.path().join("run.json"), planned("e3", &[("users", "8")]));
    let interrupted = Bench { interrupted: Arc::new(AtomicBool::new(true)), ..bench };
    let error = format!("{:#}", interrupted.keep(&planned, &mut raw).unwrap_err());
    for said in ["e3-users-8-0 did not come to its end", "capacity --from", ": interrupted"] {
        assert!(error.contains(said), "no {said:?} in {error}");
    }
    assert_eq!(fs::read(file).unwrap(), before);
}

/// Where the generator itself is the limit, there is no calibration to go on
/// with.
#[test]
fn a_generator_that_cannot_be_calibrated_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let [text, program] = ["text", "loadgen"].map(|name| folder.path().join(name));
    fs::write(&text, "#!/bin/sh\necho far too busy >&2\nexit 3\n").unwrap();
    // What is still open for writing here cannot be run.
    let install = Command::new("install").args(["-m", "755"]).arg(text).arg(&program).status();
    assert!(install.unwrap().success());
    let (bench, _) = bench(folder.path(), None);
    let bench = Bench { programs: Programs { loadgen: program, ..bench.programs }, ..bench };
    let error = format!("{:#}", bench.calibrate(&layout()).unwrap_err());
    for said in ["is the machine busy?", "exit status: 3: far too busy (see "] {
        assert!(error.contains(said), "no {said:?} in {error}");
    }
}

/// Another machine is not loaded unless the user says so, and that is said.
#[test]
fn a_target_is_loaded_by_permission() {
    let folder = tempfile::tempdir().unwrap();
    // An address for documentation, which nobody has.
    let target = Target { url: "http://192.0.2.1/".to_owned(), permission: Vec::new() };
    let (bench, mut raw) = bench(folder.path(), Some(target));
    let planned = planned("e3", &[("users", "1")]);
    let error = format!("{:#}", bench.keep(&planned, &mut raw).unwrap_err());
    let log = folder.path().join("log/e3-users-1-0-generator.log");
    for said in ["exit status: 2", "--i-may-load-this-host", &log.display().to_string()] {
        assert!(error.contains(said), "no {said:?} in {error}");
    }
}

#[test]
fn a_running_instance_is_measured_as_a_client_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let programs = programs();
    let mut null = Command::new(&programs.loadgen);
    null.args(["null", "--listen", "127.0.0.1:0"]);
    let mut null = null.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(null.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("null ").unwrap().to_owned();
    let target = Target { url, permission: Vec::new() };
    let (bench, mut raw) = bench(folder.path(), Some(target));
    let kept = bench.keep(&planned("e3", &[("users", "8")]), &mut raw);
    null.kill().unwrap();
    null.wait().unwrap();
    assert!(0.0 < kept.unwrap());
    let trial = &raw.trials[0];
    assert!(trial.counters.is_empty() && trial.relay_arguments.is_empty());
    assert!(trial.samples[0].processes.keys().eq(["generator"]));
}

/// Even if whoever started them is killed, nothing is left running.
#[test]
fn children_end_with_their_parent() {
    let processor = processors().unwrap()[0].to_string();
    let script = "\"$0\" held --parent $$ --processors \"$1\" -- \
                  sh -c 'echo is running; exec sleep 1000' & wait";
    let mut parent = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_xtask"), &processor])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "is running\n");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The pipe ends with the last who could write into it.
    let (said, ended) = mpsc::channel();
    thread::spawn(move || said.send(stdout.read_to_end(&mut Vec::new()).unwrap()));
    let rest = ended.recv_timeout(Duration::from_mins(2)).expect("it still runs");
    assert_eq!(rest, 0);
}

/// Nobody would end what is started by one that has ended already.
#[test]
fn nothing_is_held_for_another() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["held", "--parent", "1", "--processors", "0", "--", "echo", "ran"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{stderr}");
    assert!(stderr.contains("who started this has ended"), "{stderr}");
}

/// Before anything is built or measured.
#[test]
fn an_experiment_that_there_is_not_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["capacity", "--only", "e6,e66"])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("'e66'") && stderr.contains("e10, e11"), "{stderr}");
}
