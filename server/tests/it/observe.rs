//! What is deployed to observe relays, tried on a real Prometheus that scrapes
//! a real relay: each panel of the dashboard shows something, and each series
//! that an alert is about exists.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::support::{Answer, Relay, connect, read_answer, until};

/// A panel that shows nothing after this time never will.
const LONG: Duration = Duration::from_mins(5);

/// A running Prometheus with the deployed rules, killed when dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes `relay`, more often than anybody would.
    fn scraping(relay: &Relay) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}']\n\
             scrape_configs: [{{job_name: relay, static_configs: [{{targets: ['{}']}}]}}]\n",
            deployed("prometheus/rules/relay.yml").display(),
            relay.admin,
        );
        fs::write(&configuration, text).unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is there: `cargo xtask ci` installs it");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = log
            .by_ref()
            .find_map(|line| {
                let (_, address) = line.split_once("msg=\"Listening on\" address=")?;
                address.split(' ').next()?.parse().ok()
            })
            .expect("its log tells the port");
        // Its log does not fill the pipe.
        thread::spawn(move || log.for_each(drop));
        Prometheus { child, address, _folder: folder }
    }

    /// The series that a query brings now.
    fn query(&self, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/v1/query?query={}", encoded(query)));
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // While it starts it answers 503.
        assert!(answer.status() != 400, "{query}: {body}");
        body["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    fn get(&self, path: &str) -> Answer {
        let mut stream = connect(self.address);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        read_answer(&mut BufReader::new(stream))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").canonicalize().unwrap().join(path)
}

/// A text fit for a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"))
}

/// The dashboard's queries, each with the title of its panel.
fn queries() -> Vec<(String, String)> {
    let text = fs::read_to_string(deployed("grafana/dashboards/relay.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| {
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| (title, target["expr"].as_str().unwrap()))
    });
    // As Grafana puts in what was chosen.
    targets
        .map(|(title, query)| {
            let query = query.replace("$__rate_interval", "1m").replace("$instance", ".*");
            assert!(!query.contains('$'), "{title}: {query}");
            (title.to_owned(), query)
        })
        .collect()
}

/// The names of the relay's series in a text.
fn series(text: &str) -> BTreeSet<&str> {
    text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
        .filter(|word| word.starts_with("lunch_relay_"))
        .collect()
}

#[test]
fn every_panel_shows_something_and_every_alert_is_about_something() {
    // Where the rate has no bound there is none to show.
    let relay = Relay::start(&["--upstream=demo", "--upstream-rate=10/s"]);
    let prometheus = Prometheus::scraping(&relay);
    let queries = queries();
    assert!(20 < queries.len(), "{queries:?}");
    let begun = Instant::now();
    for (title, query) in &queries {
        until(|| {
            assert!(begun.elapsed() < LONG, "nothing for {title}: {query}");
            relay.get("/restaurant/");
            // A share of nothing is NaN until somebody has asked for something.
            prometheus.query(query).iter().any(|series| series["value"][1] != "NaN")
        });
    }
    let rules = fs::read_to_string(deployed("prometheus/rules/relay.yml")).unwrap();
    for name in series(&rules) {
        assert!(!prometheus.query(name).is_empty(), "an alert is about {name}");
    }
}

#[test]
fn the_rules_are_evaluated_and_a_relay_that_is_well_sets_off_none() {
    let relay = Relay::before("demo");
    let prometheus = Prometheus::scraping(&relay);
    let rules = || -> Vec<Value> {
        let body: Value =
            serde_json::from_slice(&prometheus.get("/api/v1/rules").body).unwrap_or_default();
        body["data"]["groups"][0]["rules"].as_array().cloned().unwrap_or_default()
    };
    until(|| prometheus.query("up{job=\"relay\"}").iter().any(|up| up["value"][1] == "1"));
    let begun = Instant::now();
    until(|| {
        let rules = rules();
        assert!(begun.elapsed() < LONG, "{rules:?}");
        // A machine that took minutes to get here may have set one off.
        let well = |rule: &Value| rule["health"] == "ok" && rule["state"] == "inactive";
        !rules.is_empty() && rules.iter().all(well)
    });
}
