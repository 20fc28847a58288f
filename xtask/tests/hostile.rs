//! What is missing, empty or no number: a report that says so, or an error
//! with the name of the file; never a panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod synthetic;

use std::{fs, path::Path};

use serde_json::{Value, json};
use synthetic::{Bench, write};
use xtask::capacity::{
    findings::{checks::Outcome, comparison::Measure},
    render::render,
};

/// Changes `run.json`.
fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let file = folder.join("run.json");
    let mut raw: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut raw);
    fs::write(file, raw.to_string()).unwrap();
}

/// Leaves only the trials of some experiments.
fn keep(folder: &Path, experiments: &[&str]) {
    edit(folder, |raw| {
        let trials = raw["trials"].as_array_mut().unwrap();
        trials.retain(|trial| experiments.contains(&trial["experiment"].as_str().unwrap()));
    });
}

#[test]
fn whatever_is_missing_is_said_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, &Bench::sound());
    let whole = fs::read(folder.join("run.json")).unwrap();
    let all = ["e1", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10", "e11"];
    for kept in all.iter().map(|one| vec![*one]).chain([Vec::new(), vec!["e1", "e3", "e8"]]) {
        fs::write(folder.join("run.json"), &whole).unwrap();
        keep(folder, &kept);
        let rendered = render(folder, None).unwrap();
        let text = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(text.contains("Not measured in this profile (default)"), "{kept:?}");
        assert!(!text.contains("NaN") && !text.contains("inf "), "{kept:?}:\n{text}");
        assert_eq!(rendered.findings.failures().count(), 0, "{kept:?}");
    }
}

#[test]
fn trials_without_samples_counters_or_steps_are_no_reason_to_fail() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, &Bench::sound());
    edit(folder, |raw| {
        for trial in raw["trials"].as_array_mut().unwrap() {
            trial["samples"] = json!([]);
            trial["counters"] = json!({});
        }
    });
    for name in
        ["e1-1", "e3-users-8-0", "e6-ablation-floor-0", "e7-0", "e8-scenario-cold-users-1000-0"]
    {
        let file = folder.join(name).join("summary.json");
        let mut summary: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        summary["steps"] = json!([]);
        fs::write(file, summary.to_string()).unwrap();
        fs::remove_file(folder.join(name).join("intervals.csv")).unwrap();
    }
    let rendered = render(folder, None).unwrap();
    assert!(rendered.findings.cost.points.is_empty());
    // A trial without its steps leaves the capacity unknown, and says whose they are.
    assert!(rendered.findings.capacity().is_err());
    let claim = rendered.report.answer.claim.to_string();
    assert!(claim.contains("cannot be said: trial 1"), "{claim}");
}

#[test]
fn what_is_no_measurement_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = || format!("{:#}", render(folder, None).unwrap_err());
    assert!(refused().contains("run.json"));
    write(folder, &Bench::sound());
    keep(folder, &["e3"]);
    // What a writer makes of NaN.
    edit(folder, |raw| raw["trials"][0]["samples"][0]["at_unix"] = Value::Null);
    assert!(refused().contains("run.json is not what this program writes"), "{}", refused());
    edit(folder, |raw| raw["trials"][0]["samples"][0]["at_unix"] = json!(1.0));
    fs::write(folder.join("e3-users-1-0/intervals.csv"), "start_s,length_s\nx,y\n").unwrap();
    assert!(refused().contains("intervals.csv is not what the load generator writes"));
    fs::remove_file(folder.join("e3-users-1-0/intervals.csv")).unwrap();
    fs::remove_file(folder.join("e3-users-2-0/run.hlog")).unwrap();
    assert!(refused().contains("run.hlog"), "{}", refused());
}

#[test]
fn a_measurement_that_contradicts_itself_is_told_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, &Bench::sound());
    let counter = "lunch_relay_requests_total{outcome=\"hit\",status=\"2xx\"}";
    edit(folder, |raw| raw["trials"][0]["counters"]["relay"]["after"][counter] = json!(5.0));
    let rendered = render(folder, None).unwrap();
    let failed: Vec<&str> = rendered.findings.failures().map(|check| check.name).collect();
    assert_eq!(
        failed,
        [
            "answers at the clients = answers of the relay",
            "requests = spared the upstream + asked of it"
        ]
    );
    assert!(rendered.findings.checks.iter().any(|check| check.outcome == Outcome::Passed));
    let text = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(text.contains("This measurement contradicts itself"));
}

#[test]
fn two_runs_side_by_side() {
    let [before, after] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    write(before.path(), &Bench::sound());
    write(after.path(), &Bench { own: 3e-6, ..Bench::sound() });
    let rendered = render(after.path(), Some(before.path())).unwrap();
    let found = rendered.comparison.unwrap();
    let of = |name: &str| found.differences.iter().find(|own| own.name == name).unwrap();
    let rate = of("rate within the objective");
    assert_eq!((rate.measure, rate.reading()), (Measure::Rate, "better"));
    assert!((rate.change.value - 1.0 / 3.0).abs() < 0.03, "{rate:?}");
    assert_eq!(of("processor time of a request").reading(), "better");
    assert_eq!(
        of("answers per second, upstream-limited").reading(),
        "no difference that is certain"
    );
    let text = fs::read_to_string(after.path().join("README.md")).unwrap();
    assert!(text.contains("Compared with another run"));
    assert!(after.path().join("fig-f15.svg").exists());
}
