//! The configuration, read anew while the relay serves.

use std::{
    fs,
    io::{BufReader, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::support::{Answer, Origin, Relay, Then, connect, exchange, read_head, until};

/// A folder with a configuration file.
struct File(tempfile::TempDir);

impl File {
    fn saying(text: &str) -> File {
        let file = File(tempfile::tempdir().unwrap());
        file.say(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("relay.toml")
    }

    /// Replaces it as a whole, as editors do.
    fn say(&self, text: &str) {
        let new = self.0.path().join("new.toml");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    fn relay(&self, flags: &[&str]) -> Relay {
        let config = format!("--config={}", self.path().display());
        Relay::start(&[&[config.as_str()], flags].concat())
    }
}

/// An origin whose answers say nothing of their freshness.
fn origin() -> Origin {
    Origin::start(|_, stream| {
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmenu")?;
        Ok(Then::KeepOpen)
    })
}

fn reloads(relay: &Relay, outcome: &str) -> u64 {
    relay.metric(&format!("lunch_relay_reloads_total{{outcome=\"{outcome}\"}}"))
}

/// Tells the relay to reload, and waits for what comes of it.
fn hang_up(relay: &Relay, outcome: &str) {
    let before = reloads(relay, outcome);
    relay.signal("HUP");
    until(|| before < reloads(relay, outcome));
}

fn post(relay: &Relay) -> Answer {
    let request = "POST /v1/reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    Answer::parse(&exchange(relay.admin, request))
}

/// Gets a path of the operator's listener, which answers to its own names alone.
fn asked(relay: &Relay, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    Answer::parse(&exchange(relay.admin, request))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// The freshness left of a hit, in seconds.
fn ttl(relay: &Relay) -> i64 {
    let answer = relay.get("/menu");
    let status = answer.field("cache-status").unwrap();
    let (_, ttl) = status.split_once("; hit; ttl=").unwrap_or_else(|| panic!("{status}"));
    ttl.parse().unwrap()
}

/// Asks on one connection until it is told to stop: how often, or what was lost.
fn ask(relay: std::net::SocketAddr, is_over: &AtomicBool) -> Result<u64, String> {
    let mut stream = BufReader::new(connect(relay));
    let mut asked = 0;
    while !is_over.load(Ordering::Relaxed) {
        let request = b"GET /menu HTTP/1.1\r\nhost: h\r\n\r\n";
        stream.get_mut().write_all(request).map_err(|error| error.to_string())?;
        let head = read_head(&mut stream).map_err(|error| error.to_string())?;
        let head = head.ok_or("closed")?;
        let mut menu = [0; 4];
        std::io::Read::read_exact(&mut stream, &mut menu).map_err(|error| error.to_string())?;
        if !head.starts_with("HTTP/1.1 200 ") || &menu != b"menu" {
            return Err(head);
        }
        asked += 1;
    }
    Ok(asked)
}

#[test]
fn under_load_no_request_is_lost_and_a_broken_file_changes_nothing() {
    let origin = origin();
    let file = File::saying("default-ttl = '1h'");
    let relay = file.relay(&["--upstream", &origin.url(), "--log=info,access=off"]);
    relay.get("/menu");
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let (address, is_over) = (relay.public, Arc::clone(&is_over));
            thread::spawn(move || ask(address, &is_over))
        })
        .collect();
    let hits = || relay.metric("lunch_relay_requests_total{outcome=\"hit\",status=\"2xx\"}");
    let a_thousand_more = || {
        let before = hits();
        until(|| before + 1000 < hits());
    };

    a_thousand_more();
    file.say("default-ttl = 'soon'");
    hang_up(&relay, "refused");
    a_thousand_more();
    assert!(600 < ttl(&relay));
    assert_eq!(relay.metric("lunch_relay_reload_last_successful"), 0);

    file.say("default-ttl = '5m'\n[[rule]]\npath = '/other'\nttl = '1s'");
    hang_up(&relay, "applied");
    // What is stored is judged behind the reload.
    until(|| ttl(&relay) <= 300);
    a_thousand_more();
    assert_eq!(relay.metric("lunch_relay_reload_last_successful"), 1);

    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(0 < client.join().unwrap().unwrap());
    }
    // The cache was not lost either.
    assert_eq!(origin.heads().len(), 1);
    let log = relay.end();
    assert!(log.contains("reload refused, nothing has changed: in "), "{log}");
    assert!(log.contains("write it like 10m"), "{log}");
}

#[test]
fn the_operator_is_told_what_has_changed() {
    let file = File::saying("default-ttl = '1h'");
    let relay = file.relay(&["--upstream=demo", "--negative-ttl=3s"]);
    assert_eq!(body(&post(&relay)), json!({ "changes": [] }));
    // The flag is before the file, as at the start.
    file.say("default-ttl = '2h'\nnegative-ttl = '4s'\ncache-size = '1MiB'\nupstream-rate = '7/s'");
    let answer = post(&relay);
    assert_eq!(answer.status(), 200);
    let expected = json!({ "changes": [
        { "setting": "default-ttl", "before": "1h", "after": "2h", "effect": "now" },
        { "setting": "cache-size", "before": "256MiB", "after": "1MiB", "effect": "restart" },
    ]});
    assert_eq!(body(&answer), expected);
    assert_eq!((reloads(&relay, "unchanged"), reloads(&relay, "applied")), (1, 1));

    let in_force = body(&asked(&relay, "/v1/config"));
    assert_eq!(in_force["default-ttl"], "2h");
    assert_eq!(in_force["cache-size"], "256MiB");

    // What waits for a restart is said again.
    let again = body(&post(&relay));
    assert_eq!(again["changes"][0]["setting"], "cache-size", "{again}");
    let log = relay.end();
    let line = log.lines().find(|line| line.contains("cannot change at run time")).unwrap();
    assert!(line.contains("\"setting\":\"cache-size\"") && line.contains("WARN"), "{line}");
}

#[test]
fn the_operator_is_told_why_nothing_has_changed() {
    let file = File::saying("");
    let relay = file.relay(&["--upstream=demo"]);
    file.say("[[rule]]\npath = '/a'\nttll = '1s'");
    let answer = post(&relay);
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    assert!(body(&answer)["detail"].as_str().unwrap().contains("ttll"), "{}", answer.text());
    let only_read = asked(&relay, "/v1/reload");
    assert_eq!((only_read.status(), only_read.field("allow")), (405, Some("POST")));
}

#[test]
fn the_governor_and_the_log_follow() {
    let origin = origin();
    let file = File::saying("");
    let config = format!("--config={}", file.path().display());
    let flags = ["--upstream", &origin.url(), &config];
    let relay = Relay::start_plain(&flags);
    relay.get("/before");
    file.say("log = 'warn'\nupstream-rate = '7/s'\nupstream-burst = 3\nupstream-concurrency = 2");
    hang_up(&relay, "applied");
    relay.get("/after");
    let standing = body(&asked(&relay, "/v1/upstream"));
    let bounds = json!({ "requests_per_second": 7.0, "burst": 3, "concurrency": 2 });
    assert_eq!((&standing["configured"], &standing["in_force"]), (&bounds, &bounds));
    let log = relay.end();
    assert!(log.contains("/before") && !log.contains("/after"), "{log}");
}

#[test]
fn a_file_that_is_gone_or_no_file_changes_nothing() {
    let file = File::saying("default-ttl = '1h'");
    let relay = file.relay(&["--upstream=demo"]);
    fs::remove_file(file.path()).unwrap();
    let answer = post(&relay);
    assert_eq!(answer.status(), 422);
    assert!(answer.text().contains("relay.toml"), "{}", answer.text());
    fs::create_dir(file.path()).unwrap();
    let answer = post(&relay);
    assert_eq!(answer.status(), 422);
    assert!(answer.text().contains("it is a directory"), "{}", answer.text());
    fs::remove_dir(file.path()).unwrap();
    file.say("default-ttl = '2h'");
    assert_eq!(body(&post(&relay))["changes"][0]["before"], "1h");
}

/// Points `..data` to another folder, as the kubelet does with a `ConfigMap`.
fn swap(mount: &Path, folder: &str) {
    symlink(folder, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
}

#[test]
fn a_config_map_is_followed() {
    let mount = tempfile::tempdir().unwrap();
    for (folder, text) in [("one", "default-ttl = '1h'"), ("two", "default-ttl = '2h'")] {
        fs::create_dir(mount.path().join(folder)).unwrap();
        fs::write(mount.path().join(folder).join("relay.toml"), text).unwrap();
    }
    swap(mount.path(), "one");
    symlink("..data/relay.toml", mount.path().join("relay.toml")).unwrap();
    let config = format!("--config={}", mount.path().join("relay.toml").display());
    let relay = Relay::start(&["--upstream=demo", &config]);
    swap(mount.path(), "two");
    fs::remove_dir_all(mount.path().join("one")).unwrap();
    let changes = body(&post(&relay));
    assert_eq!(changes["changes"][0]["after"], "2h", "{changes}");
}

#[test]
fn reloads_at_once_are_one_after_the_other() {
    let file = File::saying("default-ttl = '1h'");
    let relay = file.relay(&["--upstream=demo"]);
    file.say("default-ttl = '2h'");
    let answers: Vec<Answer> = thread::scope(|scope| {
        let posts: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&relay))).collect();
        relay.signal("HUP");
        relay.signal("HUP");
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status() == 200), "{answers:?}");
    // One of them found the change, whoever asked for it.
    until(|| 9 <= reloads(&relay, "applied") + reloads(&relay, "unchanged"));
    assert_eq!((reloads(&relay, "applied"), reloads(&relay, "refused")), (1, 0));
}

#[test]
fn without_a_file_there_is_nothing_to_change() {
    let relay = Relay::start(&["--upstream=demo"]);
    hang_up(&relay, "unchanged");
    assert_eq!(body(&post(&relay)), json!({ "changes": [] }));
}
