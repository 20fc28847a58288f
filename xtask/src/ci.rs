//! All that has to hold before a change lands.

mod deploy;

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, bail, ensure};
use xtask::processes::installed;

/// Programs that tests start, and the Debian packages that bring them.
const NEEDED: [(&str, &str); 10] = [
    ("chromedriver", "chromium-driver"),
    ("chromium", "chromium"),
    ("kubectl", "kubernetes-client"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("prometheus", "prometheus"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("varnishd", "varnish"),
];

/// Installs what is missing, then checks format, lints, docs and tests:
/// what takes longest comes last.
pub(crate) fn run() -> anyhow::Result<()> {
    install(&missing())?;
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])?;
    let with_otlp = ["clippy", "--package", "server", "--features", "otlp", "--all-targets"];
    cargo(&[&with_otlp[..], &["--locked", "--", "-D", "warnings"]].concat(), &[])?;
    cargo(
        &["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    deploy::check()?;
    let mut totals = test(&["--workspace"])?;
    // The rest of what the feature touches is the same without it.
    totals.add_all(test(&["--package", "server", "--features", "otlp", "--test", "it", "traces"])?);
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    ensure!(0 < totals.passed, "no test ran");
    // A test that is skipped proves nothing.
    ensure!(totals.skipped == 0, "tests were skipped: run them or delete them");
    Ok(())
}

/// What `cargo test` says at the end of each of its binaries, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Totals {
    /// Adds those of other tests.
    fn add_all(&mut self, other: Totals) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds a line's numbers if it is one that has them.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let (_, counts) = result.split_once(". ").unwrap_or_default();
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.skipped += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// Runs the tests that arguments of `cargo test` select.
fn test(selected: &[&str]) -> anyhow::Result<Totals> {
    let arguments = [&["test", "--locked", "--no-fail-fast"], selected].concat();
    announce("cargo", &arguments);
    let mut child = Command::new(cargo_path())
        .args(arguments)
        // As many as the claims are made for; a test by hand takes a quarter.
        .env("SIMULATION_SEEDS", "20")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child.stdout.take().context("no output to read")?;
    let reader = thread::spawn(move || {
        let mut totals = Totals::default();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("{line}");
            totals.add(&line);
        }
        totals
    });
    let status = child.wait()?;
    let Ok(totals) = reader.join() else { bail!("reading the tests' output failed") };
    if !status.success() {
        println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
        bail!("tests failed");
    }
    Ok(totals)
}

fn missing() -> Vec<&'static str> {
    NEEDED
        .iter()
        .filter(|(program, _)| installed(program).is_none())
        .map(|(_, package)| *package)
        .collect()
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let wait_for_lock = "DPkg::Lock::Timeout=300";
    apt(&["-qq", "-o", wait_for_lock, "update"])?;
    let mut arguments =
        vec!["-qq", "-o", wait_for_lock, "install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
        .with_context(|| format!("the tests need {}: install it by hand", packages.join(", ")))
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    run_command("apt-get", arguments, &[("DEBIAN_FRONTEND", "noninteractive")])
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    run_command(&cargo_path(), arguments, environment)
}

/// The cargo that runs this task.
fn cargo_path() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn run_command(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> anyhow::Result<()> {
    announce(program, arguments);
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} {} failed", arguments.join(" "));
    Ok(())
}

fn announce(program: &str, arguments: &[&str]) {
    let name = program.rsplit('/').next().unwrap_or(program);
    println!("\n» {name} {}", arguments.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test result: ok. 67 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.03s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { passed: 68, failed: 2, skipped: 1 });
        totals.add_all(Totals { passed: 2, failed: 0, skipped: 1 });
        assert_eq!(totals, Totals { passed: 70, failed: 2, skipped: 2 });
    }
}
