//! What loadgen writes, read by a library that is not loadgen's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, SystemTime},
};

use loadgen::{
    output::{
        hgrm,
        hlog::{self, HlogWriter, Scope},
    },
    record::{Answer, Body, CacheClass, Clock, Due, Moments, Outcome, Record, Tag, Times},
};
use serde::Deserialize;

/// What `readers/read.mjs` says of a line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    tag: String,
    start_ms: u128,
    length_ms: u128,
    count: u64,
    percentiles: [u64; 6],
    hgrm: String,
}

const QUANTILES: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

#[test]
fn another_library_reads_the_same() {
    let folder = reader();
    let log = log();
    let file = folder.join("run.hlog");
    fs::write(&file, &log).unwrap();
    let output = run(Command::new("node").arg("read.mjs").arg(&file).current_dir(&folder));
    let said: Vec<Said> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    let lines = hlog::read(&log).unwrap().lines;
    assert_eq!(lines.len(), said.len());
    assert!(30 < lines.len(), "a log of {} lines shows little", lines.len());
    for (line, said) in lines.iter().zip(said) {
        let name = format!("{}{}", line.scope, line.tag);
        assert_eq!(name, said.tag);
        assert_eq!(
            (line.start.as_millis(), line.length.as_millis()),
            (said.start_ms, said.length_ms)
        );
        assert_eq!(line.times.len(), said.count, "{name}");
        let quantiles = QUANTILES.map(|q| line.times.histogram().value_at_quantile(q));
        assert_eq!(quantiles, said.percentiles, "{name}");
        check_text(&name, &line.times, &said.hgrm);
    }
}

/// The text has the same lines, but for two. The library does not align the
/// head with the columns. And to the maximum it adds what its finest buckets
/// have in them, where the format's first implementation only fills in the
/// lowest bits, which are set already.
#[track_caller]
fn check_text(name: &str, times: &Times, theirs: &str) {
    let mut ours = Vec::new();
    hgrm::write(&mut ours, times, "{}").unwrap();
    let ours = String::from_utf8(ours).unwrap();
    let ours = ours.lines().skip(1).filter(|line| !line.starts_with("#[loadgen:"));
    let max = |max: Duration| format!("#[Max     = {:>12.3}", max.as_secs_f64() * 1e3);
    let [exact, more] = [times.max(), times.max() + FINEST].map(max);
    let ours: Vec<_> = ours.map(|line| line.replace(&exact, &more)).collect();
    assert!(ours.iter().any(|line| line.starts_with(&more)), "{name}: no {more}");
    assert_eq!(ours, theirs.lines().skip(1).collect::<Vec<_>>(), "{name}");
}

/// From the first to the last of the times that the finest buckets do not tell
/// apart: the lowest time is a microsecond, and buckets are powers of two.
const FINEST: Duration = Duration::from_nanos(511);

/// Intervals of a few and of many requests, and what they come to.
fn log() -> Vec<u8> {
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let mut log = Vec::new();
    let mut writer = HlogWriter::new(&mut log, start, &["kernel: 6.1, or so".to_owned()]).unwrap();
    let mut random = Random(7);
    let mut total = Record::new();
    let second = Duration::from_secs(1);
    for (index, requests) in (0..).zip([1, 2, 3, 10, 1_000, 100_000, 12_345]) {
        let interval = interval(&mut random, requests);
        let scope = if index == 0 { Scope::Settle } else { Scope::Interval };
        writer.write(&scope, second * index, second, &interval).unwrap();
        total.add(&interval);
    }
    writer.write(&Scope::Step(7), second, 6 * second, &total).unwrap();
    // The end of a distribution that takes long to measure.
    total.times_mut(Tag::all(Clock::Lag)).add(&tail());
    writer.write(&Scope::Total, Duration::from_millis(1_500), 6 * second, &total).unwrap();
    log
}

fn interval(random: &mut Random, requests: u32) -> Record {
    let mut record = Record::new();
    for _ in 0..requests {
        let late = random.heavy(20_000.0);
        let at = Duration::from_secs(1);
        let sent = at + late;
        let first_byte = sent + random.heavy(300_000.0);
        let moments = Moments {
            due: Some(Due { at, ready: at + late / 2 }),
            sent,
            first_byte: Some(first_byte),
            done: first_byte + Duration::from_nanos(random.next() % 5_000_000),
        };
        let cache = (!random.next().is_multiple_of(3)).then_some(CacheClass::Hit);
        let status = if random.next().is_multiple_of(50) { 503 } else { 200 };
        record.sent();
        let answer = Answer { status, cache, bytes: 7, body: Body::Same };
        record.ended(Outcome::Completed(answer), moments);
    }
    record
}

/// Counts that halve while times grow: the deepest percentiles.
fn tail() -> Times {
    let mut times = Times::default();
    for halvings in 0..22 {
        for _ in 0..1 << (21 - halvings) {
            times.record(Duration::from_millis(1 << halvings.min(15)));
        }
    }
    times
}

/// The reader with what it needs, installed from its lock file.
fn reader() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readers");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    fs::create_dir_all(&folder).unwrap();
    for name in [".npmrc", "package.json", "package-lock.json", "read.mjs"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    run(Command::new("npm").args(["ci", "--prefix"]).arg(&folder).current_dir(&folder));
    folder
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(Output { status, stdout, .. }) if status.success() => String::from_utf8(stdout).unwrap(),
        Ok(Output { status, stderr, .. }) => {
            panic!("{program} failed: {status}\n{}", String::from_utf8_lossy(&stderr))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("{program} is not here: install the packages nodejs and npm")
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Numbers that look random, the same ones each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // Weyl's sequence, its bits mixed.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }

    /// A time of a Pareto distribution whose variance is infinite, from
    /// `least` nanoseconds on.
    fn heavy(&mut self, least: f64) -> Duration {
        let uniform =
            f64::from(u32::try_from(self.next() >> 33).unwrap() + 1) / f64::from(1_u32 << 31);
        Duration::from_secs_f64(least * uniform.powf(-1.0 / 1.2) / 1e9)
    }
}
