//! A Valkey, or Redis, of a test's own.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::{PATIENCE, Relay};

const PAUSE: Duration = Duration::from_millis(5);

/// A server on a unix socket, killed when dropped.
pub(super) struct Valkey {
    folder: TempDir,
    flags: Vec<String>,
    child: Option<Child>,
}

impl Valkey {
    pub(super) fn start(flags: &[&str]) -> Valkey {
        let mut valkey = Valkey::absent(flags);
        valkey.begin();
        valkey
    }

    /// One that is not there yet.
    pub(super) fn absent(flags: &[&str]) -> Valkey {
        let flags = flags.iter().map(ToString::to_string).collect();
        Valkey { folder: tempfile::tempdir().unwrap(), flags, child: None }
    }

    pub(super) fn begin(&mut self) {
        let _ = fs::remove_file(self.socket());
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--dir"])
            .arg(self.folder.path())
            .arg("--unixsocket")
            .arg(self.socket())
            .args(&self.flags)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is there: `cargo xtask ci` installs it");
        self.child = Some(child);
        eventually("a server", || UnixStream::connect(self.socket()).is_ok());
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// What the server says to a command.
    pub(super) fn say(&self, words: &[&str]) -> String {
        let socket = self.socket();
        let output = Command::new("redis-cli").arg("-s").arg(socket).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The full name of the one key that ends so.
    pub(super) fn key(&self, end: &str) -> String {
        let keys = self.say(&["KEYS", "*"]);
        let found = keys.lines().find(|key| key.ends_with(end));
        found.unwrap_or_else(|| panic!("no {end} in {keys}")).to_owned()
    }

    /// A relay that shares through this server, with so much time that a slow
    /// machine is not taken for a slow server.
    pub(super) fn relay(&self, upstream: &str, flags: &[&str]) -> Relay {
        let url = self.url();
        let own = ["--upstream", upstream, "--shared", &url, "--shared-timeout=20s"];
        Relay::start(&[&own[..], flags].concat())
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until something holds.
#[track_caller]
pub(super) fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if holds() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("{what} does not come");
}

/// How often the shared tier did so for a relay.
pub(super) fn count(relay: &Relay, outcome: &str) -> u64 {
    relay.metric(&format!("lunch_relay_shared_total{{outcome=\"{outcome}\"}}"))
}

/// Waits until the shared tier has done so as often.
#[track_caller]
pub(super) fn counts(relay: &Relay, outcome: &str, number: u64) {
    eventually(outcome, || number <= count(relay, outcome));
}

/// Waits until a relay sees the tier come or go.
#[track_caller]
pub(super) fn is_up(relay: &Relay, up: u64) {
    eventually("the change", || relay.metric("lunch_relay_shared_up") == up);
}
