//! The processes that are measured, and what they use.
//!
//! All of them are children on the loopback interface, bound to processors of
//! their own where there are enough, and end with the rig whatever happens.

mod child;
mod machine;
mod sampler;

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};

pub use child::Child;
pub use sampler::Sampler;

use super::raw::Layout;

/// The released programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The relay, and its stand-in upstream.
    pub relay: PathBuf,
    /// The load generator.
    pub loadgen: PathBuf,
}

impl Programs {
    /// Builds them.
    pub fn build() -> anyhow::Result<Self> {
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .args(["build", "--release", "--locked", "--package", "server", "--package", "loadgen"])
            .status()
            .context("cannot start cargo")?;
        ensure!(built.success(), "the release build failed");
        let folder = target_folder()?.join("release");
        Ok(Self { relay: folder.join("relay"), loadgen: folder.join("loadgen") })
    }

    /// What `relay --version` says.
    pub fn relay_version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.relay).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// Where this program was built to.
fn target_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("where is this program?")?;
    let folder = program.parent().and_then(Path::parent);
    Ok(folder.context("this program is in no target folder")?.to_owned())
}

/// A relay over a stand-in upstream, both started anew.
#[derive(Debug)]
pub struct Rig {
    relay: Child,
    upstream: Child,
    client: reqwest::blocking::Client,
}

/// What the relay is in front of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// The stand-in of the lunch API, with these arguments.
    Demo(Vec<String>),
    /// A responder that answers from memory, with the bytes of this file.
    Null(PathBuf),
}

impl Upstream {
    fn start(&self, programs: &Programs, processors: &[usize]) -> anyhow::Result<Child> {
        let (mut command, prefix) = match self {
            Self::Demo(arguments) => {
                let mut command = Command::new(&programs.relay);
                command.arg("demo-upstream").args(arguments);
                (command, "")
            }
            Self::Null(body) => {
                let mut command = Command::new(&programs.loadgen);
                command.arg("null").arg("--body").arg(body);
                (command, "null ")
            }
        };
        command.args(["--listen", "127.0.0.1:0"]);
        Child::start(command, processors, &[prefix])
    }
}

/// How long the relay may take until it is ready.
const READY: Duration = Duration::from_secs(10);

impl Rig {
    /// Starts both. `relay_arguments` are the relay's besides its addresses.
    pub fn start(
        programs: &Programs,
        layout: &Layout,
        relay_arguments: &[String],
        upstream: &Upstream,
    ) -> anyhow::Result<Self> {
        let upstream = upstream.start(programs, &layout.upstream)?;
        let mut relay = Command::new(&programs.relay);
        relay
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--log", "warn", "--upstream", upstream.address(0)])
            .args(relay_arguments);
        let relay = Child::start(relay, &layout.relay, &["relay ", "admin "])?;
        let client = reqwest::blocking::Client::builder().timeout(READY).build()?;
        let rig = Self { relay, upstream, client };
        let ready = rig.client.get(format!("{}/readyz", rig.relay_url())).send()?;
        ensure!(ready.status().is_success(), "the relay is not ready: {}", ready.status());
        Ok(rig)
    }

    /// The relay's base URL, without a slash at its end.
    pub fn relay_url(&self) -> &str {
        self.relay.address(0)
    }

    /// The processes by role.
    pub fn processes(&self) -> BTreeMap<String, u32> {
        [("relay", &self.relay), ("upstream", &self.upstream)]
            .map(|(role, child)| (role.to_owned(), child.id()))
            .into()
    }

    /// The relay's own counters.
    pub fn counters(&self) -> anyhow::Result<BTreeMap<String, f64>> {
        let metrics = format!("{}/metrics", self.relay.address(1));
        let text = self.client.get(metrics).send()?.error_for_status()?.text()?;
        Ok(parse_metrics(&text))
    }
}

/// The samples of a Prometheus text, by name and labels.
fn parse_metrics(text: &str) -> BTreeMap<String, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// The processors that this process may use.
pub fn processors() -> io::Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Ok(parse_list(list.unwrap_or_default()))
}

/// A list of the kernel's, as `0-2,5`.
fn parse_list(ranges: &str) -> Vec<usize> {
    let parsed = ranges.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    parsed.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors() {
        assert_eq!(parse_list("\t0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("3"), [3]);
        assert_eq!(parse_list(""), [0usize; 0]);
        assert!(!processors().unwrap().is_empty());
    }

    #[test]
    fn samples_of_metrics() {
        let text = "# TYPE a counter\na_total{by=\"x y\"} 3\nb 1.5\nbroken\n";
        let metrics = parse_metrics(text);
        assert_eq!(metrics.get("a_total{by=\"x y\"}"), Some(&3.0));
        assert_eq!(metrics.get("b"), Some(&1.5));
        assert_eq!(metrics.len(), 2);
    }
}
