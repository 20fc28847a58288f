//! Arguments that are wrong, and what is said of them.

use std::collections::BTreeSet;

use tokio::process::Command;

use super::{check_exit, ran, text};
use crate::fault_server::{FaultServer, OK, answer};

/// Refused before anything is sent, with words that say what to do.
#[tokio::test]
async fn wrong_ones_are_refused_with_a_way_out() {
    let server = FaultServer::always(answer(OK)).await;
    let url = server.url();
    for (arguments, says) in [
        // What is to be sent.
        ("", "--rate <R>|"),
        ("--rate 10 --closed 2", "cannot be used with"),
        ("--rate fast", "such as 1500, 0.5, 1.5k or 2M"),
        ("--rate -1", "--rate"),
        ("--rate 200M", "a rate is a number from 0 to 100000000"),
        ("--rate 10 --duration 5", "its units are ns, us, ms, s, m and h"),
        ("--rate 10 --duration 0s", "a duration of more than 0"),
        ("--ramp 10", "such as 100..20k"),
        ("--ramp 0..10 --shape geometric", "cannot begin or end at 0"),
        ("--stages 1k", "such as 1k:30s"),
        ("--stages 1k:1s --duration 1s", "cannot be used with"),
        ("--spike 500", "such as 100..20k"),
        ("--steps 10..", "100..20k:x1.25"),
        ("--steps 10..5:x2", "--order down"),
        ("--steps 10,20 --duration 1s", "cannot be used with"),
        ("--search p99<20ms", "--between"),
        ("--search p99<20ms --between 10..5", "above the highest"),
        ("--search p99<20ms --between 0..5", "more than 0"),
        ("--search nonsense --between 1..5", "write it as p99<20ms"),
        ("--closed 0", "--closed"),
        ("--ramp 0..10 --duration 1s --settle 1s", "cannot be used with"),
        ("--closed 1 --duration 0s", "nothing to be judged"),
        // What says something of another program.
        ("--rate 10 --hold 1s", "cannot be used with"),
        ("--ramp 0..10 --repeat 2", "cannot be used with"),
        ("--rate 10 --over 1s", "cannot be used with"),
        ("--rate 10 --order down", "cannot be used with"),
        ("--rate 10 --between 1..5", "cannot be used with"),
        ("--steps 10 --precision 0.1", "cannot be used with"),
        ("--rate 10 --shape linear", "cannot be used with"),
        ("--rate 10 --from 5", "cannot be used with"),
        ("--rate 10 --late-policy never", "drop-after=50ms"),
        ("--rate 10 --shard 2/2", "counted from 0"),
        ("--rate 10 --seed x", "--seed"),
        // Over what.
        ("--closed 3 --connections 2", "leave --connections out"),
        ("--closed 3 --connections 2 --http2", "a divisor of --closed"),
        ("--rate 10 --http2 --new-connections", "--new-connections is for HTTP/1.1"),
        ("--rate 10 --source 192.0.2.1", "cannot open the connections (addr_not_available"),
        ("--rate 10 --connections 0", "--connections"),
        ("--rate 10 --threads 3 --connections 2", "raise --connections"),
        ("--rate 10 --pin 9999", "choose others with --pin"),
        ("--rate 10 --cacert /nowhere --insecure", "cannot be used with"),
        ("--rate 10 --cacert /nowhere/ca.pem", "cannot read --cacert /nowhere/ca.pem"),
        ("--rate 10 --resolve localhost", "example.org:443:127.0.0.1"),
        ("--rate 100k --duration 2m --new-connections", "for which a closed one keeps its port"),
        (
            "--rate 100k --duration 2m --new-connections --source 127.0.0.2",
            "add --source addresses",
        ),
        ("--rate 10 --connections 100000000", "ulimit -n"),
        // What is asked for, and what is demanded.
        ("--rate 10 --header accept", "name: value"),
        ("--rate 10 --body @/nowhere/body", "cannot read --body /nowhere/body"),
        ("--rate 10 --expect-body /nowhere/body", "cannot read --expect-body"),
        ("--rate 10 --fail-if p99", "write it as p99<20ms"),
        ("--rate 10 --fail-if errors>1%for3s", "which --abort-if has"),
        ("--ramp 1..10 --fail-if errors>1%@rate<5", "leave out @rate"),
        ("--closed 4 --abort-if p99>1s", "ask for service times"),
        ("--rate 10 --abort-if errors>x", "a share such as 1% or 0.01"),
        ("--rate 10 --calibration /nowhere/c.json", "cannot read --calibration"),
        ("--rate 10 --interval 9ms", "10ms at least"),
    ] {
        let output = ran(&url, arguments).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        // Help is wrapped.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{arguments}: {said}");
        assert_eq!(text(&output.stdout), "", "{arguments}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn only_urls_can_be_requested() {
    for (url, says) in [
        ("127.0.0.1:80", "only http:// and https://"),
        ("ftp://127.0.0.1/", "only http:// and https://"),
        ("http://me@127.0.0.1/", "authorization"),
        ("", "it looks like http://127.0.0.1:8080/path"),
    ] {
        let output = ran(url, "--rate 1").await;
        check_exit(&output, 2);
        assert!(text(&output.stderr).contains(says), "{url}: {}", text(&output.stderr));
    }
}

/// Who asks a command for help is told of each flag, once.
#[tokio::test]
async fn help_has_each_flag() {
    let run = "rate ramp shape stages from spike over steps search between precision closed \
               duration hold settle repeat order arrivals seed late-policy shard connections \
               threads pin http2 streams new-connections unix-socket resolve source cacert \
               insecure method header body expect-body connect-timeout header-timeout \
               body-timeout drain fail-if abort-if calibration out print interval \
               i-may-load-this-host max-rate help";
    check_help("run", run).await;
    check_help("null", "listen body header latency threads help").await;
    let calibrate = "connections threads pin null-pin body hold precision out help";
    check_help("calibrate", calibrate).await;
}

async fn check_help(command: &str, flags: &str) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let output = program.args([command, "--help"]).output().await.unwrap();
    check_exit(&output, 0);
    let help = text(&output.stdout);
    let is_flag = |line: &&str| line.starts_with('-');
    let told: Vec<_> = help
        .lines()
        .map(str::trim_start)
        .filter(is_flag)
        .filter_map(|line| Some(line.split_once("--")?.1))
        .filter_map(|name| name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next())
        .collect();
    let once: BTreeSet<_> = told.iter().copied().collect();
    assert_eq!(once.len(), told.len(), "{help}");
    assert_eq!(once, flags.split_whitespace().collect(), "{help}");
}
