//! `/metrics`, as scrapers, a linter and its documentation see it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use poem::{EndpointExt, Response, endpoint::make_sync};
use server::{
    cache::{Cache, rules::Rules},
    clock::Clock,
    exchange::RequestHead,
    telemetry::metrics::Metrics,
};

use super::{scrape, storable};
use crate::{
    scenarios::config,
    support::{Origin, Relay, get, until},
};

fn capacity(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// A relay that has every series there is.
fn relay_with_all(capacity: &Path) -> Relay {
    let capacity = capacity.to_str().unwrap();
    Relay::start(&["--upstream=demo", "--upstream-rate=10/s", "--capacity-file", capacity])
}

/// The value of a sample that need not be whole.
fn value(relay: &Relay, name: &str) -> Option<f64> {
    let text = get(relay.admin, "/metrics", "").text();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn the_linter_of_prometheus_finds_nothing() {
    let capacity = capacity("{\"requests_per_second\": 1000}");
    let relay = relay_with_all(capacity.path());
    relay.get("/restaurant/");
    relay.get("/restaurant/");
    let mut linter = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: `cargo xtask ci` installs it with prometheus");
    let text = get(relay.admin, "/metrics", "").body;
    linter.stdin.take().unwrap().write_all(&text).unwrap();
    let output = linter.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn open_metrics_is_for_whoever_names_it() {
    let relay = Relay::before("demo");
    let open = scrape(&relay, "application/openmetrics-text; version=1.0.0, text/plain; q=0.5");
    assert_eq!(
        open.field("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text().ends_with("# EOF\n"));
    for answer in [get(relay.admin, "/metrics", ""), scrape(&relay, "*/*")] {
        assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert_eq!(answer.field("vary"), Some("accept"));
        let text = answer.text();
        assert!(text.contains("# TYPE lunch_relay_requests_total counter\n"), "{text}");
        assert!(!text.contains("# EOF"), "{text}");
    }
}

#[test]
fn each_way_has_its_times() {
    let origin = storable();
    let relay = Relay::before(&origin.url());
    for path in ["/a", "/a", "/a", "/b"] {
        assert_eq!(relay.get(path).status(), 200);
    }
    relay.get("/healthz");
    let times = |way: &str| {
        let name = "lunch_relay_request_duration_seconds";
        let buckets = format!("{name}_bucket{{le=\"+Inf\",way=\"{way}\"}}");
        let count = relay.metric(&format!("{name}_count{{way=\"{way}\"}}"));
        assert_eq!(relay.metric(&buckets), count);
        count
    };
    assert_eq!(["hit", "miss", "stale", "collapsed", "own"].map(times), [2, 2, 0, 0, 1]);
    assert_eq!(relay.metric("lunch_relay_upstream_duration_seconds_count"), 2);
    let took = value(&relay, "lunch_relay_request_duration_seconds_sum{way=\"miss\"}").unwrap();
    let upstream = value(&relay, "lunch_relay_upstream_duration_seconds_sum").unwrap();
    assert!(0.0 < upstream && upstream <= took, "{upstream} of {took} seconds");
}

#[test]
fn what_is_not_counted_is_not_said_to_be_zero() {
    let relay = Relay::start(&["--upstream=demo", "--metrics=off"]);
    relay.get("/restaurant/");
    let text = get(relay.admin, "/metrics", "").text();
    assert!(text.contains("lunch_relay_store_entries 1\n"), "{text}");
    for absent in ["lunch_relay_requests_total", "lunch_relay_request_duration_seconds"] {
        assert!(!text.contains(absent), "{text}");
    }
    let file = capacity("requests_per_second = 1");
    let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
    let output =
        relay.args(["--metrics=off", "--capacity-file"]).arg(file.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn the_event_loop_is_looked_at() {
    let relay = Relay::before("demo");
    until(|| 0 < relay.metric("lunch_relay_event_loop_lag_seconds_count"));
}

#[test]
fn what_has_to_make_room_is_counted() {
    let body = "x".repeat(64 << 10);
    let length = body.len();
    let origin = Origin::answering(format!(
        "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
    let relay = Relay::start(&["--upstream", &origin.url(), "--cache-size=1MiB"]);
    let stored = 40;
    for number in 0..stored {
        assert_eq!(relay.get(&format!("/{number}")).status(), 200);
    }
    // What is stored is stored when its answer has been sent.
    until(|| {
        let [entries, evicted, refused] = ["entries", "evictions_total", "refusals_total"]
            .map(|name| relay.metric(&format!("lunch_relay_store_{name}")));
        assert!(entries + evicted + refused <= stored);
        0 < evicted
    });
}

#[test]
fn the_saturation_is_what_is_asked_for_of_what_was_measured() {
    let enough = capacity("requests_per_second = 1e9");
    let relay = relay_with_all(enough.path());
    assert_eq!(value(&relay, "lunch_relay_capacity_rate"), Some(1e9));
    until(|| {
        relay.get("/healthz");
        let saturation = value(&relay, "lunch_relay_saturation_ratio").unwrap();
        0.0 < saturation && saturation < 1.0
    });

    let little = capacity("{\"requests_per_second\": 0.001}");
    let relay = relay_with_all(little.path());
    until(|| {
        relay.get("/healthz");
        value(&relay, "lunch_relay_saturation_ratio") == Some(1.0)
    });

    let relay = Relay::before("demo");
    assert_eq!(value(&relay, "lunch_relay_saturation_ratio"), None);
}

#[test]
fn a_file_that_tells_no_capacity_is_refused_before_a_port_is_bound() {
    let file = capacity("{}");
    for (file, why) in [
        (file.path().to_owned(), "requests_per_second"),
        (PathBuf::from("/nowhere/capacity.json"), "/nowhere/capacity.json"),
    ] {
        let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
        let output = relay.arg("--capacity-file").arg(&file).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
}

/// Numbers as good as chance, the same each time (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_client_makes_up_makes_a_series() {
    let metrics = Arc::new(Metrics::new());
    let upstream = make_sync(|_| Response::builder().body("menu")).boxed();
    let rules = Rules::new(Vec::new(), config(&[]).fallback_rule());
    let cache = Cache::new(&config(&[]), rules, Clock::start(), upstream, Arc::clone(&metrics));
    let series = || -> BTreeSet<String> {
        let text = metrics.text();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    let before = series();
    let mut chance = Chance(1);
    for number in 0..100_000 {
        let [path, method, value] = [(); 3].map(|()| chance.next());
        let method = match method % 4 {
            0 => format!("M{method}"),
            1 => "HEAD".to_owned(),
            _ => "GET".to_owned(),
        };
        let request = poem::Request::builder()
            .method(method.parse().unwrap())
            .uri(format!("/{path:x}?{value:x}").parse().unwrap())
            .header("x-chance", format!("{value:x}"))
            .header("traceparent", format!("00-{path:032x}-{value:016x}-01"))
            .finish();
        let (head, body) = RequestHead::split(request).unwrap();
        let answer = cache.answer(head, body).await;
        assert_eq!(answer.status(), 200, "{number}");
    }
    assert_eq!(metrics.requests(), 100_000);
    assert_eq!(series(), before);
    assert!(before.len() < 1000, "{}", before.len());
}

/// A family: its type, its labels and what it means.
type Family = (String, BTreeSet<String>, String);

/// The families of a Prometheus text by their names.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut help = "";
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap().1;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            name.clone_into(&mut family);
            let meaning = help.trim_end_matches('.').to_owned();
            families.insert(family.clone(), (kind.to_owned(), BTreeSet::new(), meaning));
        } else if let Some((_, labels)) = line.split_once('{') {
            let names = labels.split("=\"").filter_map(|part| {
                let name = part.rsplit([',', '{']).next()?;
                (!name.contains('"') && !name.contains('}') && name != "le").then_some(name)
            });
            let of = &mut families.get_mut(&family).unwrap().1;
            of.extend(names.map(str::to_owned));
        }
    }
    families
}

#[test]
fn each_metric_is_documented_as_it_is() {
    let capacity = capacity("requests_per_second = 1000");
    let relay = relay_with_all(capacity.path());
    relay.get("/restaurant/");
    let text = get(relay.admin, "/metrics", "").text();
    let rows: Vec<String> = families(&text)
        .into_iter()
        .map(|(name, (kind, labels, meaning))| {
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {kind} | {} | {meaning} |\n", labels.join(", "))
        })
        .collect();
    let table = rows.concat();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains(&format!("| --- | --- | --- | --- |\n{table}\n")),
        "docs/operations.md has to have this table:\n{table}"
    );
}
