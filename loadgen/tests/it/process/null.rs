//! `loadgen null`.

use std::{process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
    time::Instant,
};

/// It says where it listens, each answer has what it was told, and takes as long;
/// in the end it says how many requests there were.
#[tokio::test]
async fn it_answers_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body");
    std::fs::write(&body, "the menu").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(["null", "--listen", "127.0.0.1:0", "-H", "cache-control: no-store"]);
    command
        .args(["-H", "x-day: one", "-H", "x-day: two", "--latency", "50ms", "--body"])
        .arg(&body);
    let mut null = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut says = BufReader::new(null.stdout.take().unwrap()).lines();
    let line = says.next_line().await.unwrap().unwrap();
    let address = line.strip_prefix("null http://").unwrap();
    for _ in 0..2 {
        let asked = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: null\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(Duration::from_millis(50) <= asked.elapsed());
        for said in ["cache-control: no-store\r\n", "x-day: one\r\n", "x-day: two\r\n"] {
            assert_eq!(answer.matches(said).count(), 1, "{answer}");
        }
        assert!(answer.ends_with("\r\n\r\nthe menu"), "{answer}");
    }
    let own = Pid::from_raw(i32::try_from(null.id().unwrap()).unwrap()).unwrap();
    kill_process(own, Signal::TERM).unwrap();
    assert_eq!(says.next_line().await.unwrap().unwrap(), "requests 2");
    assert!(null.wait().await.unwrap().success());
}
