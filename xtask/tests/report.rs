//! From raw files to a report: the whole path, on a small measurement of the
//! null responder that is made here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fixtures;

use std::{
    collections::BTreeMap, fs, future::pending, num::NonZeroU32, path::Path, time::Duration,
};

use fixtures::calibration;
use loadgen::{
    null,
    output::Files,
    program::{Order, Program, Steps, StepsOptions},
    run::{Options, run},
    schedule::{Arrivals, Load},
};
use tokio::{net::TcpListener, sync::mpsc};
use xtask::capacity::{
    raw::{Counters, Layout, RawRun, SCHEMA_VERSION, Trial},
    render::render,
};

/// Three steps of 400 requests: enough for a 99th percentile.
fn ramp() -> Program {
    let steps = Steps::new(StepsOptions {
        sweep: "1000,1500,2000".parse().unwrap(),
        hold: Duration::from_millis(400),
        settle: Duration::ZERO,
        repeat: NonZeroU32::MIN,
        order: Order::Up,
        arrivals: Arrivals::Constant,
    });
    Program::Steps(steps.unwrap())
}

fn users(users: u32) -> Program {
    let users = NonZeroU32::new(users).unwrap();
    let load = Load::Closed { users, duration: Duration::from_millis(200) };
    Program::once(loadgen::program::Step { rate: None, trial: 0, load, settle: Duration::ZERO })
}

/// Runs `program` and leaves its files in `name` below `folder`.
async fn measure(url: &str, program: Program, folder: &Path, name: &str) -> Trial {
    let mut options = Options::new(url.parse().unwrap(), program);
    options.connections = options.program.users().map_or(8, |users| users.get() as usize);
    options.interval = Duration::from_millis(100);
    let mut files = Files::new(&folder.join(name)).unwrap();
    let (_stop, signals) = mpsc::channel(1);
    let summary = run(options, signals, |event| files.observe(&event).unwrap()).await.unwrap();
    files.finish(&summary).unwrap();
    let (experiment, number) = name.split_once('-').unwrap();
    Trial {
        experiment: experiment.to_owned(),
        factors: BTreeMap::from([("users".to_owned(), number.to_owned())]),
        trial: 0,
        folder: name.to_owned(),
        relay_arguments: Vec::new(),
        upstream_arguments: Vec::new(),
        load_arguments: Vec::new(),
        layout: Layout::of(&[0, 1]),
        samples: Vec::new(),
        counters: BTreeMap::from([("relay".to_owned(), Counters::default())]),
        events: Vec::new(),
    }
}

#[tokio::test]
async fn a_report_is_a_function_of_its_raw_files() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(null::serve(listener, "body".into(), pending()));
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut trials = Vec::new();
    for trial in 0..3 {
        trials.push(measure(&url, ramp(), folder, &format!("e1-{trial}")).await);
    }
    for level in [1, 8] {
        trials.push(measure(&url, users(level), folder, &format!("e3-{level}")).await);
    }
    trials.push(measure(&url, users(8), folder, "e8-8").await);
    let provenance = loadgen::provenance::Provenance::collect(
        std::time::UNIX_EPOCH,
        &["cargo".to_owned(), "xtask".to_owned()],
        None,
    );
    let raw = RawRun {
        schema_version: SCHEMA_VERSION,
        provenance: provenance.clone(),
        relay_version: "relay 0".to_owned(),
        profile: "quick".to_owned(),
        layout: Layout::of(&[0, 1]),
        calibration: calibration(provenance),
        trials,
    };
    fs::write(folder.join("run.json"), serde_json::to_vec(&raw).unwrap()).unwrap();

    let report = render(folder, None).unwrap().report;
    let names =
        ["report.html", "README.md", "fig-f1.svg", "fig-f2.svg", "fig-f9a.svg", "fig-f2.csv"];
    let read = || names.map(|name| fs::read(folder.join(name)).unwrap());
    let first = read();
    assert_eq!(render(folder, None).unwrap().report, report);
    assert_eq!(read(), first);
    let text = String::from_utf8(first[1].clone()).unwrap();
    // On a busy machine it may be that no rate counts: then it is said that nothing can be.
    for said in [
        "ne instance on *this machine*",
        "8 users came at once",
        "1,500",
        "a law needs 5 different loads",
    ] {
        assert!(text.contains(said), "nothing of {said:?} in:\n{text}");
    }
    // What is not a measurement is refused with its name.
    fs::write(folder.join("e1-1/summary.json"), "{}").unwrap();
    let refused = format!("{:#}", render(folder, None).unwrap_err());
    assert!(refused.contains("summary.json is not what this program writes"), "{refused}");
}
