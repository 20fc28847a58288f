//! The files of `--out`.

use std::{fs, path::Path};

use loadgen::{output::hlog, summary::Summary};
use tempfile::TempDir;

use super::{check_exit, loadgen, ran, text};
use crate::fault_server::{FaultServer, OK, answer};

/// The names in `folder`, sorted.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(name).map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// The summary and the number of lines in the log of `folder`, each whole.
pub(super) fn read(folder: &Path) -> (Summary, usize) {
    let summary = fs::read(folder.join("summary.json")).unwrap();
    let log = fs::read(folder.join("run.hlog")).unwrap();
    (serde_json::from_slice(&summary).unwrap(), hlog::read(&log).unwrap().lines.len())
}

#[tokio::test]
async fn those_of_a_run_are_there_and_no_others() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("of/a/run");
    let arguments = format!("--steps 50,100 --hold 100ms --out {}", out.display());
    let output = ran(&server.url(), &arguments).await;
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
    let all = [
        "intervals.csv",
        "run.hlog",
        "step-000.hgrm",
        "step-001.hgrm",
        "steps.csv",
        "summary.json",
    ];
    assert_eq!(names(&out), all);
    let (summary, lines) = read(&out);
    assert_eq!(summary.totals.completed, 15);
    assert_eq!(summary.steps.len(), 2);
    assert!(4 < lines, "{lines}");
    for table in ["intervals.csv", "steps.csv"] {
        let table = fs::read_to_string(out.join(table)).unwrap();
        let rows = table.lines().filter(|line| !line.starts_with('#')).count();
        assert!(2 < rows, "{table}");
    }

    // What a run with fewer steps does not write is not left from the one before.
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let arguments = format!("--closed 1 --duration 50ms --out {}", out.display());
    check_exit(&ran(&server.url(), &arguments).await, 0);
    let all =
        ["intervals.csv", "notes.txt", "run.hlog", "step-000.hgrm", "steps.csv", "summary.json"];
    assert_eq!(names(&out), all);
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
    assert_eq!(read(&out).0.steps.len(), 1);
}

/// What they and the table say can be shown to anybody.
#[tokio::test]
async fn they_tell_no_secrets() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = TempDir::new().unwrap();
    let url = format!("http://{}/?token=hush", server.address);
    let arguments = format!(
        "--closed 1 --duration 50ms --method POST --header x-tenant:hush -Hcookie:hush \
         --body=hush --out {}",
        folder.path().display()
    );
    let output = ran(&url, &arguments).await;
    check_exit(&output, 0);
    // Who is asked is told them.
    let head = server.heads().swap_remove(0);
    for line in ["POST /?token=hush HTTP/1.1", "x-tenant: hush", "cookie: hush"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(text(&output.stdout).contains("/?token=***"), "{}", text(&output.stdout));
    let files = names(folder.path()).into_iter().map(|name| fs::read(folder.path().join(name)));
    let files = files.map(|file| String::from_utf8(file.unwrap()).unwrap());
    for file in files.chain([text(&output.stdout).to_owned()]) {
        assert!(!file.contains("hush"), "{file}");
    }
}

/// Whoever runs it may be root, who may write anywhere but into a file.
#[tokio::test]
async fn nothing_is_sent_where_nothing_can_be_written() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    fs::create_dir_all(folder.path().join("taken/summary.json")).unwrap();
    for out in [file.clone(), file.join("below"), folder.path().join("taken"), "/proc/1".into()] {
        let arguments = format!("--rate 10 --duration 100ms --out {}", out.display());
        let output = loadgen(&server.url(), &arguments).output().await.unwrap();
        check_exit(&output, 2);
        assert!(text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

/// A disk that is full takes the files, but not the table.
#[tokio::test]
async fn what_was_measured_is_told_though_it_cannot_be_written() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = TempDir::new().unwrap();
    // No file may be longer than a block, and who writes more is told so
    // instead of being killed.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} run {} --rate 100 --duration 200ms --out {}",
        env!("CARGO_BIN_EXE_loadgen"),
        server.url(),
        folder.path().display()
    );
    let output = tokio::process::Command::new("sh").arg("-c").arg(script).output().await.unwrap();
    check_exit(&output, 70);
    assert!(text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("planned 20 = sent 20"), "{}", text(&output.stdout));
}

/// A run that is refused, or finds nobody, has nothing to put in their place.
#[tokio::test]
async fn those_of_the_run_before_stay_until_one_begins() {
    let server = FaultServer::always(answer(OK)).await;
    let folder = TempDir::new().unwrap();
    let out = format!("--closed 1 --duration 50ms --out {}", folder.path().display());
    check_exit(&ran(&server.url(), &out).await, 0);
    let (before, all) = (read(folder.path()), names(folder.path()));
    check_exit(&ran("http://192.0.2.1/", &out).await, 2);
    check_exit(&ran("http://nobody.invalid/", &out).await, 4);
    assert_eq!(names(folder.path()), all);
    assert_eq!(read(folder.path()), before);
}
