//! What is stored outlives the process.

use std::{
    fs,
    io::{BufReader, Write},
    net::TcpListener,
    path::PathBuf,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::{Origin, PATIENCE, Relay, nowhere, read_head};

/// A place for a snapshot.
struct Place {
    folder: TempDir,
    upstream: String,
}

impl Place {
    /// Beside an upstream whose name outlives it.
    fn new(upstream: &str) -> Place {
        Place { folder: tempfile::tempdir().unwrap(), upstream: upstream.to_owned() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("snapshot")
    }

    fn start(&self, flags: &[&str]) -> Relay {
        let file = self.file();
        let own = ["--upstream", &self.upstream, "--snapshot", file.to_str().unwrap()];
        Relay::start(&[&own[..], flags].concat())
    }

    /// Waits until the file is there.
    fn written(&self) {
        const PAUSE: Duration = Duration::from_millis(5);
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if self.file().exists() {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("no snapshot");
    }
}

const MENU: &str =
    "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\nage: 100\r\ncontent-length: 4\r\n\r\nmenu";

/// The URL of an upstream that answers once, and then is gone.
fn one_menu() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        drop(listener);
        read_head(&mut stream).unwrap();
        stream.get_mut().write_all(MENU.as_bytes()).unwrap();
    });
    url
}

/// The first answer is a hit, as old as it is.
#[track_caller]
fn check_hit(relay: &Relay) {
    let answer = relay.get("/menu");
    let status = answer.field("cache-status").unwrap();
    assert!(status.starts_with("lunch-relay; hit; ttl="), "{status}");
    let age: u64 = answer.field("age").unwrap().parse().unwrap();
    assert!((100..600).contains(&age), "{age}");
    assert_eq!(answer.text(), "menu");
}

#[test]
fn what_was_stored_before_a_kill_is_a_hit_after_it() {
    let place = Place::new(&one_menu());
    let mut relay = place.start(&["--snapshot-every=200ms"]);
    assert_eq!(relay.get("/menu").text(), "menu");
    check_hit(&relay);
    // The first may have been begun before there was something to write.
    for _ in 0..2 {
        place.written();
        fs::remove_file(place.file()).unwrap();
    }
    place.written();
    relay.signal("KILL");
    assert!(!relay.wait().success());

    let relay = place.start(&[]);
    check_hit(&relay);
    // Nobody is there to be asked.
    assert_eq!(relay.get("/other").status(), 502);
    let log = relay.end();
    assert!(log.contains("\"restored\":1"), "{log}");
}

#[test]
fn what_was_stored_before_the_end_is_a_hit_after_it() {
    let place = Place::new(&one_menu());
    let relay = place.start(&[]);
    assert_eq!(relay.get("/menu").text(), "menu");
    let log = relay.end();
    assert!(log.contains("no snapshot yet") && log.contains("snapshot written"), "{log}");
    check_hit(&place.start(&[]));
}

#[test]
fn the_demo_is_the_same_upstream_on_another_port() {
    let place = Place::new("demo");
    let relay = place.start(&[]);
    let list = relay.get("/restaurant/");
    relay.end();
    let again = place.start(&[]).get("/restaurant/");
    assert!(again.field("cache-status").unwrap().starts_with("lunch-relay; hit"));
    assert_eq!(again.body, list.body);
}

#[test]
fn what_one_upstream_said_does_not_answer_for_another() {
    let place = Place::new(&one_menu());
    let relay = place.start(&[]);
    assert_eq!(relay.get("/menu").text(), "menu");
    relay.end();
    let other = Place { upstream: format!("http://{}/", nowhere()), ..place };
    let relay = other.start(&["--log=warn"]);
    assert_eq!(relay.get("/menu").status(), 502);
    let log = relay.end();
    assert!(log.contains("of another upstream"), "{log}");
}

#[test]
fn a_damaged_snapshot_is_reported_ignored_and_replaced() {
    let origin = Origin::answering(MENU);
    let place = Place::new(&origin.url());
    let relay = place.start(&[]);
    relay.get("/menu");
    relay.end();
    let whole = fs::read(place.file()).unwrap();
    fs::write(place.file(), &whole[..whole.len() - 1]).unwrap();

    let relay = place.start(&["--log=warn"]);
    let answer = relay.get("/menu");
    assert!(answer.field("cache-status").unwrap().contains("fwd=uri-miss"));
    let log = relay.end();
    assert!(log.contains("starting without the snapshot: it is cut off"), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    check_hit(&place.start(&[]));
}

#[test]
fn a_file_that_is_none_of_ours_is_reported_and_left_alone() {
    let origin = Origin::answering(MENU);
    let place = Place::new(&origin.url());
    fs::write(place.file(), "mine").unwrap();
    let relay = place.start(&["--log=warn"]);
    assert_eq!(relay.get("/menu").status(), 200);
    let log = relay.end();
    for part in
        ["starting without the snapshot", "will not be replaced", "cannot write the snapshot"]
    {
        assert!(log.contains(part), "{log}");
    }
    assert_eq!(fs::read_to_string(place.file()).unwrap(), "mine");
}

#[test]
fn a_folder_that_goes_away_ends_nothing() {
    let origin = Origin::answering(MENU);
    let place = Place::new(&origin.url());
    let relay = place.start(&["--log=warn"]);
    assert_eq!(relay.get("/menu").status(), 200);
    fs::remove_dir_all(place.folder.path()).unwrap();
    let log = relay.end();
    assert!(log.contains("cannot write the snapshot"), "{log}");
}
