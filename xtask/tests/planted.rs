//! Whether the report names what is known to limit: runs with a bottleneck that
//! was put there, through the whole path from files to words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod synthetic;

use synthetic::{Bench, write};
use xtask::capacity::{
    analysis::attribution::Suspect,
    render::{Rendered, render},
};

fn rendered(bench: &Bench) -> Rendered {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), bench);
    render(folder.path(), None).unwrap()
}

#[track_caller]
fn check(bench: &Bench, expected: Suspect, said: &str) -> Rendered {
    let rendered = rendered(bench);
    let limit = &rendered.findings.limit;
    assert_eq!(limit.by.map(|(by, _)| by), Some(expected), "{limit:#?}");
    let fact = rendered.report.answer.facts.iter().find(|fact| fact.name == "limited by").unwrap();
    assert_eq!(fact.value, said);
    rendered
}

#[test]
fn processor_time_and_everything_that_was_planted_on_it() {
    let rendered = check(&Bench::sound(), Suspect::ProcessorUser, "processor (user)");
    for planted in &rendered.findings.planted {
        assert!(planted.is_found(), "{planted:#?}");
    }
    let names: Vec<&str> = rendered.findings.planted.iter().map(|planted| planted.name).collect();
    let all = [
        "workers-1",
        "generator-throttled",
        "log-debug",
        "upstream-limited",
        "one-connection",
        "new-connections",
        "quota",
    ];
    assert_eq!(names, all);
    let failed: Vec<_> = rendered.findings.failures().collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn one_worker_where_there_are_processors_for_more() {
    let bench = Bench { processors: vec![0, 1, 2], workers: 1, ..Bench::sound() };
    check(&bench, Suspect::SingleThread, "one thread");
}

#[test]
fn a_generator_that_can_do_less_than_the_relay() {
    let rendered =
        check(&Bench { generator: 30_000.0, ..Bench::sound() }, Suspect::Generator, "generator");
    let claim = rendered.report.answer.claim.to_string();
    assert!(claim.contains("at least"), "{claim}");
}

#[test]
fn a_network_that_carries_less_than_the_relay_sends() {
    check(&Bench { network: 5e7, ..Bench::sound() }, Suspect::Network, "network");
}

#[test]
fn one_connection_only() {
    let bench = Bench { connections: 1.0, ..Bench::sound() };
    check(&bench, Suspect::Connections, "connections");
}

#[test]
fn a_quota_on_the_relay() {
    check(&Bench { quota: 0.5, ..Bench::sound() }, Suspect::Throttling, "quota");
}
