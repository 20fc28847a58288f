//! The access log as files and pipes have it.

use std::{
    fs,
    io::{BufReader, Write},
    process::Command,
};

use serde_json::Value;

use super::storable;
use crate::support::{Origin, Relay, connect, nowhere, read_answer, until};

/// What a relay with these flags has written to its access log once it has
/// ended, having been asked for these paths.
fn logged(upstream: &str, flags: &[&str], paths: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.log");
    let to_file = ["--upstream", upstream, "--access-log-file", file.to_str().unwrap()];
    let relay = Relay::start(&[&to_file[..], flags].concat());
    for path in paths {
        relay.get(path);
    }
    let log = relay.end();
    assert!(!log.contains("\"access\""), "{log}");
    fs::read_to_string(file).unwrap_or_default()
}

#[test]
fn each_style_has_a_line_for_each_request() {
    let origin = storable();
    let logged = |style: &str| logged(&origin.url(), &["--access-log", style], &["/a?b", "/a?b"]);
    assert_eq!(logged("off"), "");

    let json = logged("json");
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{json}");
    for (line, cache) in lines.iter().zip(["lunch-relay; fwd=uri-miss", "lunch-relay; hit"]) {
        assert_eq!((&line["method"], &line["uri"]), (&"GET".into(), &"/a?b".into()));
        assert_eq!((&line["status"], &line["bytes"]), (&200.into(), &4.into()));
        assert_eq!(line["complete"], true, "{line}");
        assert!(line["cache"].as_str().unwrap().starts_with(cache), "{line}");
        assert!(line["first_byte_us"].as_u64() <= line["duration_us"].as_u64(), "{line}");
        assert!(line["remote"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    let logfmt = logged("logfmt");
    assert_eq!(logfmt.lines().filter(|line| line.contains(" uri=/a?b ")).count(), 2, "{logfmt}");
    for style in ["common", "combined"] {
        let text = logged(style);
        let request = "] \"GET /a?b HTTP/1.1\" 200 4";
        assert_eq!(text.lines().filter(|line| line.contains(request)).count(), 2, "{text}");
    }
}

#[test]
fn of_a_sample_what_failed_is_never_missing() {
    let nowhere = format!("http://{}", nowhere());
    let flags = ["--access-log=common", "--access-log-sample=0"];
    let text = logged(&nowhere, &flags, &["/healthz", "/menu", "/healthz"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("\"GET /menu HTTP/1.1\" 502"), "{text}");
}

#[test]
fn a_file_that_cannot_be_written_ends_it_before_a_port_is_bound() {
    let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
    let output = relay.args(["--access-log-file", "/nowhere/access.log"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("--access-log-file") && output.stdout.is_empty(), "{stderr}");
}

#[test]
fn slow_requests_are_warned_of_without_an_access_log() {
    let origin = Origin::echoing();
    let flags = ["--access-log=off", "--slow-request=0s"];
    let relay = Relay::start(&[&["--upstream", &origin.url()][..], &flags].concat());
    relay.get("/menu");
    let log = relay.end();
    let line = log.lines().find(|line| line.contains("\"target\":\"slow\"")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["uri"]), (&"WARN".into(), &"/menu".into()), "{line}");
    assert!(line["first_byte_ms"].is_u64(), "{line}");

    let relay = Relay::start(&["--upstream", &origin.url(), "--slow-request=1h"]);
    relay.get("/menu");
    assert!(!relay.end().contains("\"slow\""));
}

#[test]
fn who_does_not_read_the_log_holds_nobody_up() {
    // Nobody reads the pipe behind its stderr.
    let relay = Relay::start(&["--upstream=demo", "--access-log=json"]);
    let mut stream = BufReader::new(connect(relay.public));
    let batch = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n".repeat(200);
    let mut lost = 0;
    while lost == 0 {
        stream.get_mut().write_all(batch.as_bytes()).unwrap();
        for _ in 0..200 {
            assert_eq!(read_answer(&mut stream).status(), 200);
        }
        lost = relay.metric("lunch_relay_log_lines_dropped_total{log=\"access\"}");
    }
    // It goes on as if nothing was.
    assert_eq!(relay.get("/restaurant/").status(), 200);
    until(|| lost < relay.metric("lunch_relay_log_lines_dropped_total{log=\"access\"}"));
}
