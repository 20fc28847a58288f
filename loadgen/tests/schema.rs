//! The schemas in this folder are what the types say, and what is written is
//! what they say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{env, fs, future::pending, num::NonZeroU32, path::Path, time::Duration};

use bytes::Bytes;
use jsonschema::Validator;
use loadgen::{
    calibrate::{self, Calibration},
    null,
    program::{Order, Program, Search, SearchOptions, Step, Steps, StepsOptions, Sweep},
    run::{Event, Options, run},
    schedule::{Arrivals, Load, Profile, Rate},
    summary::{Ended, Summary},
};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

/// What is written, rather than what is read: every field is there.
fn schema<T: JsonSchema>(file: &str, title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema: Schema = generator.into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), json!(format!("urn:x-loadgen:{file}:1")));
    schema.insert("title".to_owned(), json!(title));
    schema.to_value()
}

fn summary_schema() -> Value {
    schema::<Summary>("summary", "summary.json of loadgen")
}

fn calibration_schema() -> Value {
    schema::<Calibration>("calibration", "What loadgen calibrate --out writes")
}

/// With `UPDATE_SCHEMAS` set the file is written instead.
#[track_caller]
fn check_file(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let wanted = format!("{schema:#}\n");
    if env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} is not what the types say: look at what changed, see whether SCHEMA_VERSION has \
         to, and run UPDATE_SCHEMAS=1 cargo test -p loadgen --test schema"
    );
}

#[test]
fn the_files_are_what_the_types_say() {
    check_file("summary.schema.json", &summary_schema());
    check_file("calibration.schema.json", &calibration_schema());
}

fn validator(schema: &Value) -> Validator {
    assert!(jsonschema::meta::is_valid(schema));
    jsonschema::validator_for(schema).unwrap()
}

#[track_caller]
fn check_summary(summary: &Summary) -> Value {
    let json = serde_json::to_value(summary).unwrap();
    let validator = validator(&summary_schema());
    let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let text = serde_json::to_string(summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), *summary);
    json
}

async fn options(program: Program) -> Options {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(null::serve(listener, Bytes::from_static(b"body"), pending()));
    Options { connections: 4, ..Options::new(url.parse().unwrap(), program) }
}

async fn made(program: Program) -> Summary {
    let (_signals, receiver) = mpsc::channel(1);
    run(options(program).await, receiver, |_| {}).await.unwrap()
}

fn rate(per_second: f64) -> Rate {
    Rate::new(per_second).unwrap()
}

fn constant(per_second: f64, hold: Duration) -> Program {
    let profile = Profile::constant(rate(per_second), hold).unwrap();
    let load = Load::Open { profile, arrivals: Arrivals::Constant };
    Program::once(Step { rate: Some(rate(per_second)), trial: 0, load, settle: Duration::ZERO })
}

fn closed() -> Program {
    let users = NonZeroU32::new(4).unwrap();
    let load = Load::Closed { users, duration: Duration::from_millis(100) };
    Program::once(Step { rate: None, trial: 0, load, settle: Duration::ZERO })
}

fn search() -> Program {
    let options = SearchOptions {
        lowest: rate(100.0),
        highest: rate(200.0),
        precision: 0.5,
        trials: NonZeroU32::MIN,
        hold: Duration::from_millis(100),
        settle: Duration::ZERO,
        arrivals: Arrivals::Constant,
    };
    Program::Search(Search::new(options).unwrap())
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn an_open_run_is_as_the_schema_says() {
    check_summary(&made(constant(200.0, SHORT)).await);
}

#[tokio::test]
async fn steps_are_as_the_schema_says() {
    let options = StepsOptions {
        sweep: "100,200".parse::<Sweep>().unwrap(),
        hold: SHORT,
        settle: SHORT,
        repeat: NonZeroU32::MIN,
        order: Order::Up,
        arrivals: Arrivals::Poisson { seed: 1 },
    };
    let summary = made(Program::Steps(Steps::new(options).unwrap())).await;
    assert_eq!(summary.steps.len(), 2);
    check_summary(&summary);
}

#[tokio::test]
async fn a_search_and_a_closed_run_are_as_the_schema_says() {
    let (closed, searched) = (made(closed()).await, made(search()).await);
    assert!(searched.search.is_some());
    check_summary(&closed);
    check_summary(&searched);
    // On a busy machine there may be no ceiling to be found.
    if let Some(calibration) = Calibration::of(&closed, &searched) {
        let json = serde_json::to_value(&calibration).unwrap();
        validator(&calibration_schema()).validate(&json).unwrap();
    }
    assert!(calibrate::search(0.0, SHORT, 0.1).is_err());
}

#[tokio::test]
async fn an_interrupted_run_is_as_the_schema_says() {
    let mut options = options(constant(100.0, Duration::from_secs(20))).await;
    options.fail_if = vec!["p99>1us".parse().unwrap()];
    options.interval = SHORT;
    let (signals, receiver) = mpsc::channel(1);
    let stop = |event: Event<'_>| {
        if matches!(event, Event::Interval(_)) {
            let _ = signals.try_send(());
        }
    };
    let summary = run(options, receiver, stop).await.unwrap();
    assert_eq!(summary.ended, Ended::Interrupted);
    check_summary(&summary);
}

/// Failures are there too, and what was said of them.
#[tokio::test]
async fn failures_are_as_the_schema_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let program = constant(100.0, SHORT);
    let options = Options { connections: 2, ..Options::new(url.parse().unwrap(), program) };
    let (_signals, receiver) = mpsc::channel(1);
    let summary = run(options, receiver, |_| {}).await.unwrap();
    assert!(0 < summary.totals.failed, "{:?}", summary.totals);
    check_summary(&summary);
}

/// By both readers: whoever writes a field that is not known, or leaves out
/// one that is, wrote something else.
#[tokio::test]
async fn what_is_unknown_or_missing_is_refused() {
    let json = check_summary(&made(constant(200.0, SHORT)).await);
    let validator = validator(&summary_schema());
    let places = [
        "",
        "/run",
        "/run/shards/0",
        "/ended",
        "/totals",
        "/measures",
        "/steps/0",
        "/steps/0/measures",
        "/steps/0/health",
        "/steps/0/health/activity",
        "/self_test",
        "/provenance/0/machine",
    ];
    for place in places {
        let mut more = json.clone();
        let object = more.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("unheard_of".to_owned(), json!(1));
        assert!(!validator.is_valid(&more), "{place} takes anything");
        assert!(serde_json::from_value::<Summary>(more).is_err(), "{place} takes anything");
    }
    for (place, field) in [("", "totals"), ("/run", "url"), ("/steps/0", "errors")] {
        let mut less = json.clone();
        less.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        assert!(!validator.is_valid(&less), "{place} does not need {field}");
        assert!(serde_json::from_value::<Summary>(less).is_err(), "{place} does not need {field}");
    }
}
