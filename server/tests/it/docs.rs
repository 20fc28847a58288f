//! The documentation, read as a program and as a person in a browser.

use std::{io::Write, process::Command};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::{Relay, get, nowhere};

fn relay() -> Relay {
    Relay::before(&format!("http://{}", nowhere()))
}

/// A relay of the lunch API, which has more to document.
fn relay_of_lunch() -> Relay {
    Relay::start(&["--upstream=demo"])
}

fn unzipped(body: &[u8]) -> String {
    std::io::read_to_string(GzDecoder::new(body)).unwrap()
}

#[test]
fn the_description_has_the_relays_own_paths_and_the_relayed_ones() {
    let relay = relay();
    let answer = relay.get("/openapi.json");
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let description: Value = serde_json::from_slice(&answer.body).unwrap();
    for path in ["/healthz", "/readyz", "/{path}", "/relay_anything/{path}"] {
        let operation = &description["paths"][path]["get"];
        assert!(operation["summary"].is_string(), "{path}: {operation}");
    }
    // Every operation has a name of its own.
    let mut names: Vec<&str> = description["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((all, names.len()), (16, 16), "{names:?}");
}

#[test]
fn the_description_of_a_relay_of_the_lunch_api_has_its_menus() {
    let answer = relay_of_lunch().get("/openapi.json");
    let description: Value = serde_json::from_slice(&answer.body).unwrap();
    for path in ["/v1/restaurants", "/v1/restaurants/{id}", "/v1/dishes"] {
        let operation = &description["paths"][path]["get"];
        assert!(operation["summary"].is_string(), "{path}: {operation}");
        let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["200", "304", "400", "404", "500", "502", "503", "504"], "{path}");
    }
    for path in ["/lunch", "/lunch/{restaurant}"] {
        assert!(description["paths"][path]["get"]["summary"].is_string(), "{path}");
    }
    let schema = &description["components"]["schemas"]["Restaurants"];
    assert!(schema["example"]["restaurants"][0]["menu"]["dishes"][0]["text"].is_string());
    let q = &description["paths"]["/v1/dishes"]["get"]["parameters"][0];
    assert_eq!((&q["name"], &q["example"]), (&"q".into(), &"fisk".into()));
}

#[test]
fn the_page_is_compressed_tagged_and_guarded() {
    let relay = relay();
    let answer = get(relay.public, "/docs", "accept-encoding: gzip\r\n");
    assert_eq!(answer.field("content-encoding"), Some("gzip"));
    assert!(answer.body.len() < 700_000, "{}", answer.body.len());
    assert!(unzipped(&answer.body).contains("SwaggerUIBundle"));
    let policy = answer.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");

    let tag = format!("if-none-match: {}\r\n", answer.field("etag").unwrap());
    let again = get(relay.public, "/docs", &tag);
    assert_eq!((again.status(), again.body.len()), (304, 0));
}

#[test]
fn a_browser_shows_the_page_and_finds_nothing_forbidden() {
    let relay = relay_of_lunch();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--no-first-run", "--disable-component-update", "--disable-sync", "--disable-quic"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{}/docs", relay.public))
        .output()
        .expect("chromium is there: `cargo xtask ci` installs it");
    let page = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    for part in [
        "/healthz",
        "/readyz",
        "Relay GET to the upstream",
        "Is the process alive?",
        "The dishes of today that match, and where to go for them",
        "What there is to eat, to read",
    ] {
        assert!(page.contains(part), "{part} is not on the page: {log}");
    }
    assert!(!log.contains("Content Security Policy"), "{log}");
    // All that the page asked for came from the relay.
    assert_eq!(relay.metric("lunch_relay_requests_total{outcome=\"uri-miss\",status=\"5xx\"}"), 0);
}

#[test]
fn help_and_readme_agree() {
    let output = Command::new(env!("CARGO_BIN_EXE_relay")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // It is wrapped.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();

    let flags: Vec<&str> = help
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("--"))
        .filter(|flag| flag.chars().all(|char| char.is_ascii_lowercase() || char == '-'))
        .filter(|flag| !["help", "version"].contains(flag))
        .collect();
    assert!(15 < flags.len(), "{help}");
    for flag in flags {
        assert!(readme.contains(&format!("| `--{flag}` |")), "the README has no row for --{flag}");
    }
    for row in readme.lines().filter_map(|line| line.strip_prefix("| `--")) {
        let (flag, rest) = row.split_once('`').unwrap();
        assert!(help.contains(&format!("--{flag}")), "relay has no --{flag}");
        let default = rest.split('|').nth(1).unwrap().trim().trim_matches('`');
        if default.starts_with(|char: char| char.is_ascii_digit() || char == 'h' || char == 'i') {
            assert!(help.contains(&format!("[default: {default}]")), "--{flag} {default}");
        }
    }
}

#[test]
fn the_rules_in_the_readme_are_good() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("### Rules").unwrap();
    let (_, block) = section.split_once("```toml\n").unwrap();
    let (example, after) = block.split_once("```").unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(example.as_bytes()).unwrap();

    let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
    let output = relay.args(["check", "--config"]).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Whatever the example says has its row in the table.
    for line in example.lines().filter(|line| !line.starts_with(['#', '[', 'd'])) {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        assert!(after.contains(&format!("`{key}`")), "no row for {key}");
    }
}
