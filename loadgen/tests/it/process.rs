//! The program as the shell sees it: exit codes, what it prints, its files, and
//! what it does when it is told to stop.

mod arguments;
mod calibration;
mod files;
mod null;
mod signals;

use std::process::{Output, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    fault_server::{Act, FaultServer, OK, answer},
    support::json,
};

/// `loadgen run` with `arguments`, as they are typed between spaces.
fn loadgen(url: &str, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.arg("run").arg(url).args(arguments.split_whitespace());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn ran(url: &str, arguments: &str) -> Output {
    loadgen(url, arguments).output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn check_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
}

/// Its exit code, and all of what it says on stderr in order.
#[tokio::test]
async fn exit_codes() {
    let server = FaultServer::always(answer(OK)).await;
    let url = server.url();
    let few = "--rate 50 --duration 200ms --connections 2";
    let fine = ran(&url, few).await;
    assert!(matches!(fine.status.code(), Some(0 | 3)), "{}", text(&fine.stderr));
    // Nobody looks at a live line that is not on a terminal.
    assert_eq!(text(&fine.stderr), "");
    assert!(text(&fine.stdout).contains("response"), "{}", text(&fine.stdout));

    // A closed model asks for no rate that the generator could fail to keep.
    let closed = "--closed 2 --duration 100ms --print json";
    check_exit(&ran(&url, closed).await, 0);
    check_exit(&ran(&url, &format!("{closed} --fail-if service.max>0s")).await, 1);
    let aborted = ran(&url, &format!("{closed} --abort-if service.max>0s --interval 10ms")).await;
    check_exit(&aborted, 4);
    assert_eq!(json(&aborted.stdout)["ended"]["how"], "aborted");

    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let unreachable = ran(&format!("http://{nobody}/"), few).await;
    check_exit(&unreachable, 4);
    assert!(text(&unreachable.stderr).starts_with("Error: cannot reach the target"));
    assert_eq!(text(&unreachable.stdout), "");

    // No address of this machine: it is not the target that is missing.
    let nowhere = "--rate 50 --duration 100ms --new-connections --source 192.0.2.1";
    let limited = ran(&url, nowhere).await;
    check_exit(&limited, 3);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let server = FaultServer::always(answer(OK)).await;
    for print in ["table", "json"] {
        let mut child =
            loadgen(&server.url(), &format!("--closed 1 --duration 100ms --print {print}"))
                .spawn()
                .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        check_exit(&output, 0);
        assert_eq!(text(&output.stderr), "");
    }
}

#[tokio::test]
async fn another_machine_is_not_loaded_unless_it_is_permitted() {
    // For examples only (RFC 5737): should it be asked, nobody answers.
    let url = "http://192.0.2.1/";
    let refused = ran(url, "--rate 10").await;
    check_exit(&refused, 2);
    assert!(text(&refused.stderr).contains("--i-may-load-this-host"));
    let fast = ran(url, "--rate 101 --i-may-load-this-host").await;
    check_exit(&fast, 2);
    assert!(text(&fast.stderr).contains("permit more with --max-rate"));
    let unbounded = ran(url, "--closed 1 --i-may-load-this-host").await;
    check_exit(&unbounded, 2);
    assert!(text(&unbounded.stderr).contains("--max-rate unlimited"));
}

/// A server that keeps silent, and who has asked it.
async fn silent() -> FaultServer {
    FaultServer::always(vec![Act::Read, Act::Hang]).await
}

/// Reads lines of `child`'s stderr until one has `part` in it.
async fn wait_for(child: &mut Child, part: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap();
        if line.unwrap().contains(part) {
            return;
        }
    }
}
