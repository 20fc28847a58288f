use std::{fs, time::UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use poem::{Body, EndpointExt, endpoint::make_sync, web::RemoteAddr};
use tempfile::TempDir;

use super::*;
use crate::{
    cache::{
        policy::{storing::Times, tests::fields},
        range::ContentRange,
        vary::Selecting,
    },
    clock::Clock,
    config::Cli,
    exchange::{Arrival, RequestHead},
    target::Target,
    telemetry::metrics::Metrics,
};

/// A cache with these flags and rules, in front of nothing.
fn cache(flags: &[&str], rules: &str) -> Arc<Cache> {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::io::Write::write_all(&mut file, rules.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let own = ["relay", "--upstream=http://h/", "--config", path];
    let args = own.iter().chain(flags).map(Into::into);
    let config = Cli::load(args).unwrap().config;
    let upstream = make_sync(|_| Response::builder().status(StatusCode::BAD_GATEWAY).finish());
    let metrics = Arc::new(Metrics::new());
    Cache::new(&config.cache, config.rules(), Clock::start(), upstream.boxed(), metrics)
}

/// A response to a request for `target` with the fields `asked`, received so
/// many seconds ago.
fn record(cache: &Cache, target: &str, asked: &str, text: &str, ago: i64) -> Record {
    let distance = Duration::from_secs(ago.unsigned_abs());
    let now = cache.clock.now();
    let received = if ago < 0 { now + distance } else { now - distance };
    let headers = fields(text);
    let part = ContentRange::parse(&headers);
    let response = StoredResponse {
        status: if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK },
        fields: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        selecting: Selecting::of(&headers, &fields(asked)).unwrap(),
        part,
        times: Times { request_time: received, response_time: received },
        body: Bytes::from_static(b"menu"),
    };
    Record { target: Target::new(target.parse().unwrap()).unwrap(), response }
}

fn take_back(cache: &Cache, record: Record) -> bool {
    let epoch = cache.store.epoch(&CacheKey::of(&record.target));
    cache.take_back(record, epoch, cache.clock.now()).is_some()
}

async fn ask(cache: &Arc<Cache>, target: &str, asked: &str) -> (u16, String, Option<String>) {
    let request = RequestHead {
        method: Method::GET,
        target: Target::new(target.parse().unwrap()).unwrap(),
        version: Version::HTTP_11,
        headers: fields(asked),
        remote: RemoteAddr::default(),
        arrival: Arrival::now(),
    };
    let answer = cache.answer(request, Body::empty()).await;
    let status = answer.header("cache-status").unwrap().to_owned();
    (answer.status().as_u16(), status, answer.header("age").map(str::to_owned))
}

fn snapshot(cache: &Arc<Cache>) -> (TempDir, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = Snapshot::new(Arc::clone(cache), &folder.path().join("a"), "http://h/");
    (folder, snapshot)
}

fn again(snapshot: &Snapshot, cache: &Arc<Cache>) -> Snapshot {
    Snapshot { cache: Arc::clone(cache), ..snapshot.clone() }
}

const HOUR: &str = "cache-control: max-age=3600";

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_stored_again() {
    let before = cache(&[], "");
    let (_folder, written) = snapshot(&before);
    // Of one date, so that their order is that of their coming.
    let date = httpdate::fmt_http_date(before.clock.now() - Duration::from_secs(200));
    let vary = format!("{HOUR}\nvary: x\ndate: {date}");
    let part = format!("{HOUR}\netag: \"a\"\ncontent-range: bytes 0-3/9");
    for record in [
        record(&before, "/a?b", "", HOUR, 100),
        record(&before, "/vary", "x: 1", &vary, 100),
        record(&before, "/vary", "x: 2", &vary, 200),
        record(&before, "/part", "", &part, 100),
    ] {
        assert!(take_back(&before, record));
    }
    written.write();

    let after = cache(&[], "");
    again(&written, &after).load().await;
    let hit = |age: u64| (format!("lunch-relay; hit; ttl={}", 3600 - age), Some(age.to_string()));
    for (target, asked, status, age) in [
        ("/a?b", "", 200, 100),
        ("/vary", "x: 1", 200, 200),
        ("/vary", "x: 2", 200, 200),
        ("/part", "range: bytes=1-2", 206, 100),
    ] {
        let (expected, age) = hit(age);
        assert_eq!(ask(&after, target, asked).await, (status, expected, age), "{target} {asked}");
    }
    let order = |cache: &Cache| {
        let key = CacheKey::of(&Target::new("/vary".parse().unwrap()).unwrap());
        let variants = cache.store.variants(&key);
        variants.iter().map(|stored| stored.response.times.response_time).collect::<Vec<_>>()
    };
    assert_eq!(order(&after), order(&before));
    assert_eq!(after.figures().bytes, before.figures().bytes);
}

#[tokio::test(start_paused = true)]
async fn a_file_cut_or_flipped_at_any_byte_loads_nothing() {
    let cache = cache(&[], "");
    let (_folder, snapshot) = snapshot(&cache);
    take_back(&cache, record(&cache, "/a", "", HOUR, 1));
    take_back(&cache, record(&cache, "/b", "", HOUR, 1));
    snapshot.write();
    for path in ["/a", "/b"] {
        cache.purge_target(&Target::new(path.parse().unwrap()).unwrap());
    }
    let whole = fs::read(snapshot.file.path()).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        for bytes in [&whole[..at], &flipped] {
            fs::write(snapshot.file.path(), bytes).unwrap();
            snapshot.read();
            assert_eq!(cache.store.all().len(), 0, "{at}");
        }
    }
    fs::write(snapshot.file.path(), whole).unwrap();
    snapshot.read();
    assert_eq!(cache.store.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_intervals_it_is_written_at_the_end_alone() {
    let cache = cache(&[], "");
    let (_folder, snapshot) = snapshot(&cache);
    let path = snapshot.file.path().to_owned();
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let keeping = tokio::spawn(snapshot.keep(Duration::ZERO, async { end.await.unwrap() }));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(!path.exists());
    ended.send(()).unwrap();
    keeping.await.unwrap();
    assert!(path.exists());
}

/// Whether a response for `/a?b` is taken back under these flags and rules.
#[track_caller]
fn check(flags: &[&str], rules: &str, asked: &str, text: &str, expected: bool) {
    let cache = cache(flags, rules);
    let taken = take_back(&cache, record(&cache, "/a?b", asked, text, 100));
    assert_eq!(taken, expected, "{flags:?} {rules} {text}");
}

#[tokio::test]
async fn the_rules_of_this_run_count() {
    check(&[], "", "", "", true);
    check(&["--default-ttl=0s"], "", "", "", false);
    check(&["--default-ttl=0s"], "", "", HOUR, true);
    check(&[], "[[rule]]\npath = '/a'\nbypass = true", "", HOUR, false);
    check(&[], "[[rule]]\npath = '/a'\nquery = 'ignore'", "", HOUR, false);
    check(&[], "[[rule]]\npath = '/b'\nquery = 'ignore'", "", HOUR, true);
    let vary = format!("{HOUR}\nvary: x");
    check(&[], "", "x: 1", &vary, true);
    check(&[], "[[rule]]\npath = '/a'\nrequest-fields = ['x']", "x: 1", &vary, true);
    check(&[], "[[rule]]\npath = '/a'\nrequest-fields = ['y']", "x: 1", &vary, false);
    check(&["--max-object-size=3"], "", "", HOUR, false);
    check(&["--cache-size=512"], "", "", HOUR, false);
    // Freshness is what it is said to be now, not what it was said to be.
    let strict = ["--default-ttl=10s", "--stale-while-revalidate=0s", "--stale-if-error=0s"];
    check(&strict, "", "", "", false);
}

#[tokio::test]
async fn what_was_for_some_is_for_those_alone() {
    let cache = cache(&[], "");
    let text = format!("{HOUR}, s-maxage=3600");
    assert!(take_back(&cache, record(&cache, "/all", "", &text, 1)));
    assert!(take_back(&cache, record(&cache, "/some", "", HOUR, 1)));
    let asked = "authorization: x";
    assert!(ask(&cache, "/all", asked).await.1.starts_with("lunch-relay; hit"));
    assert!(ask(&cache, "/some", asked).await.1.starts_with("lunch-relay; fwd"));
}

#[tokio::test]
async fn what_is_of_no_use_or_from_the_future_is_left_out() {
    let cache = cache(&[], "");
    let strict = "cache-control: max-age=60, must-revalidate";
    for (text, ago, expected) in [
        (strict, 50, true),
        (strict, 70, false),
        (HOUR, -30, true),
        (HOUR, -90, false),
        ("cache-control: max-age=60", 1000, true),
        ("cache-control: max-age=60", 100_000, false),
    ] {
        let record = record(&cache, "/a", "", text, ago);
        assert_eq!(take_back(&cache, record), expected, "{text} {ago}");
    }
    let mut asked_late = record(&cache, "/a", "", HOUR, 1);
    asked_late.response.times.request_time += Duration::from_hours(1);
    assert!(!take_back(&cache, asked_late));
    let mut ages_ago = record(&cache, "/a", "", HOUR, 1);
    ages_ago.response.times = Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH };
    assert!(!take_back(&cache, ages_ago));
}

#[tokio::test]
async fn a_part_that_is_not_as_long_as_it_says_is_left_out() {
    let cache = cache(&[], "");
    let text = format!("{HOUR}\ncontent-range: bytes 0-4/9");
    assert!(!take_back(&cache, record(&cache, "/a", "range: bytes=0-4", &text, 1)));
}

#[tokio::test]
async fn a_snapshot_of_another_upstream_or_version_is_ignored_and_replaced() {
    let before = cache(&[], "");
    let (_folder, written) = snapshot(&before);
    take_back(&before, record(&before, "/a", "", HOUR, 1));
    written.write();
    let after = cache(&[], "");
    let other = Snapshot { source: "http://other/".into(), ..again(&written, &after) };
    other.read();
    assert_eq!(after.store.all().len(), 0);
    let mut newer = fs::read(written.file.path()).unwrap();
    newer[format::MAGIC.len()] += 1;
    fs::write(written.file.path(), newer).unwrap();
    let same = again(&written, &after);
    same.read();
    assert_eq!(after.store.all().len(), 0);
    written.write();
    same.read();
    assert_eq!(after.store.all().len(), 1);
}

#[tokio::test]
async fn a_file_of_any_cache_is_no_larger_than_the_cache() {
    let cache = cache(&["--cache-size=64KiB"], "");
    let (_folder, snapshot) = snapshot(&cache);
    for number in 0..500 {
        take_back(&cache, record(&cache, &format!("/{number}"), "", HOUR, 1));
    }
    snapshot.write();
    let size = fs::metadata(snapshot.file.path()).unwrap().len();
    assert!(1000 < size && size <= cache.figures().bytes, "{size}");
}
