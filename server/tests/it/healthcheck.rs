//! `relay healthcheck`, as a container's engine runs it.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
    sync::mpsc,
};

use crate::support::{Origin, Relay, Then, connect, get, nowhere, until};

fn healthcheck(arguments: &[&str]) -> Output {
    let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
    relay.arg("healthcheck").args(arguments).output().unwrap()
}

#[track_caller]
fn check_not_ready(listen: SocketAddr, reason: &str) {
    let output = healthcheck(&["--listen", &listen.to_string()]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
}

#[test]
fn a_relay_that_takes_requests_is_healthy() {
    let relay = Relay::before(&format!("http://{}", nowhere()));
    let listen = relay.public.to_string();
    assert_eq!(healthcheck(&["--listen", &listen]).status.code(), Some(0));
    // In a container, the environment says where.
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    let output = command.arg("healthcheck").env("RELAY_LISTEN", &listen).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    // Nobody but the relay asks the upstream.
    assert_eq!(relay.metric("lunch_relay_requests_total{outcome=\"own\",status=\"2xx\"}"), 2);
}

#[test]
fn a_relay_on_all_addresses_is_asked_over_the_loopback() {
    for all in ["0.0.0.0", "[::]"] {
        let relay = Relay::start(&["--upstream=demo", "--listen", &format!("{all}:0")]);
        let listen = format!("{all}:{}", relay.public.port());
        let output = healthcheck(&["--listen", &listen]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn the_configuration_file_counts_and_what_only_a_server_needs_does_not() {
    let relay = Relay::before("demo");
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    write!(file, "listen = '{}'\nsnapshot = '/no-such/directory/snapshot'", relay.public).unwrap();
    let output = healthcheck(&["--config", file.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn where_nothing_listens_it_says_what_to_look_at() {
    check_not_ready(nowhere(), "is the relay running, with the same --listen?");
    check_not_ready("127.0.0.1:0".parse().unwrap(), "port 0");
}

#[test]
fn what_is_no_relay_is_not_healthy() {
    let origin = Origin::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    check_not_ready(origin.address(), "/readyz answered 404");
    let origin = Origin::answering("SSH-2.0-OpenSSH_9.2\r\n");
    check_not_ready(origin.address(), "does not speak HTTP");
    // The system takes the connection, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    check_not_ready(silent.local_addr().unwrap(), "did not answer within 5 s");
}

#[test]
fn a_relay_that_comes_to_its_end_is_not_healthy() {
    let (open, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let origin = Origin::start(move |_, stream| {
        let _ = gate.lock().unwrap().recv();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmenu")?;
        Ok(Then::Close)
    });
    let relay = Relay::before(&origin.url());
    let mut slow = connect(relay.public);
    slow.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    until(|| !origin.heads().is_empty());
    relay.signal("TERM");
    until(|| get(relay.admin, "/readyz", "").status() == 503);
    // Refused as long as the port is open, and then not reached.
    let output = healthcheck(&["--listen", &relay.public.to_string()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    drop(open);
}

#[test]
fn bad_configuration_is_told_from_a_relay_that_is_not_ready() {
    assert_eq!(healthcheck(&["--listen", "everywhere"]).status.code(), Some(2));
}
