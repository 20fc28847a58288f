//! `loadgen calibrate`, and what a run makes of it.

use std::{path::Path, time::UNIX_EPOCH};

use loadgen::{calibrate::Calibration, provenance::Provenance, summary::Summary};
use tokio::process::Command;

use super::{ran, text};
use crate::fault_server::{FaultServer, OK, answer};

/// As if the generator had been found to be good for `ceiling_rate`.
fn calibration(ceiling_rate: f64, threads: usize) -> Calibration {
    Calibration {
        ceiling_rate,
        limited_rate: None,
        closed_rate: 90_000.0,
        cpu_us_per_request: 9.0,
        lateness: None,
        threads,
        connections: 64,
        provenance: vec![Provenance::collect(UNIX_EPOCH, &[], None)],
    }
}

fn write(folder: &Path, calibration: &Calibration) -> String {
    let path = folder.join("calibration.json");
    std::fs::write(&path, serde_json::to_vec(calibration).unwrap()).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_rate_above_the_ceiling_measures_the_generator() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &calibration(100.0, 1));
    let run = |load: &'static str| {
        let arguments = format!("{load} --calibration {file} --print json");
        let url = server.url();
        async move { ran(&url, &arguments).await }
    };
    let output = run("--rate 95 --duration 200ms").await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let summary: Summary = serde_json::from_slice(&output.stdout).unwrap();
    let health = &summary.steps[0].health;
    assert!((health.ceiling_share.unwrap() - 0.95).abs() < 1e-9);
    let says = "the rate is 95 % of what the generator can send";
    assert!(health.reasons.iter().any(|reason| reason == says), "{:?}", health.reasons);
    // What counts is the peak, not the mean, and of several generators the part
    // that this one sends.
    let share = async |load| {
        let summary: Summary = serde_json::from_slice(&run(load).await.stdout).unwrap();
        summary.steps[0].health.ceiling_share
    };
    assert_eq!(share("--ramp 0..80 --duration 200ms").await, Some(0.8));
    assert_eq!(share("--rate 80 --duration 200ms --shard 1/2").await, Some(0.4));
    assert_eq!(share("--closed 2 --duration 50ms").await, None);
}

#[tokio::test]
async fn another_generators_ceiling_says_nothing() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &calibration(100.0, 2));
    let output = ran(&server.url(), &format!("--rate 10 --calibration {file}")).await;
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("is of 2 threads, and this run has 1 thread"), "{said}");
    assert!(said.contains("calibrate again with --threads 1"), "{said}");
    assert_eq!(server.connections(), 0);
}

/// On a busy machine there may be no rate at which it is on time; then it says
/// so, and leaves no file.
#[tokio::test]
async fn a_ceiling_is_found_or_it_is_said_that_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calibration.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(["calibrate", "--hold", "50ms", "--precision", "0.5", "--connections", "4"]);
    let output = command.arg("--out").arg(&file).output().await.unwrap();
    match output.status.code() {
        Some(0) => {
            let found: Calibration =
                serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert!(0.0 < found.ceiling_rate && found.ceiling_rate <= found.closed_rate);
            assert_eq!((found.threads, found.connections), (1, 4));
            assert!(text(&output.stdout).starts_with("ceiling: "), "{}", text(&output.stdout));
        }
        Some(3) => {
            assert!(text(&output.stderr).contains("is the machine busy?"));
            assert!(!file.exists());
        }
        other => panic!("{other:?}: {}", text(&output.stderr)),
    }
}
