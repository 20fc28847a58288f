//! The processes that are measured, and what they use.
//!
//! All of them are children on the loopback interface, bound to processors of
//! their own where there are enough, and end with the rig whatever happens
//! ([`processes`](crate::processes)).

mod machine;
mod quota;
mod sampler;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicBool,
    time::Duration,
};

use anyhow::{Context, ensure};

pub use quota::Quota;
pub use sampler::{Sampler, now_unix};

use tempfile::TempDir;

use super::experiment::{Planned, Subject, Tier, Upstream};
pub use crate::processes::{Child, Held, Place, Programs, list, processors};
use crate::processes::{
    installed,
    port::{self, with_free_port},
};

/// What is loaded, and what is behind it, started anew.
#[derive(Debug)]
pub struct Rig {
    /// Relays, or the one responder.
    subjects: Vec<Child>,
    /// Nothing is behind a responder, and nothing is left when it was taken away.
    upstream: Option<Child>,
    /// What they share.
    tier: Option<Child>,
    /// Ends after the processes that are in it.
    quota: Option<Quota>,
    /// What responders answer with.
    _bodies: TempDir,
    client: reqwest::blocking::Client,
    has_counters: bool,
}

/// How long the relay may take until it is ready.
const READY: Duration = Duration::from_secs(10);

/// A relay says where it serves, and where its operator's listener is.
const RELAY: [&str; 2] = ["relay ", "admin "];

/// A responder says where it serves.
const RESPONDER: [&str; 1] = ["null "];

impl Rig {
    /// Starts what `planned` loads. Logs are written into `folder`.
    pub fn start(programs: &Programs, planned: &Planned, folder: &Path) -> anyhow::Result<Self> {
        let bodies = tempfile::tempdir().context("cannot make a folder for bodies")?;
        let starts = Starts { programs, planned, folder, bodies: bodies.path() };
        let tier = (planned.tier == Tier::Shared).then(|| starts.tier()).transpose()?;
        let (subjects, upstream) = match &planned.subject {
            Subject::Responder => (vec![starts.responder()?], None),
            Subject::Relays { instances, arguments } => {
                let upstream = starts.upstream()?;
                let shared = tier.iter().flat_map(|(_, url)| ["--shared", url]);
                let arguments: Vec<&str> =
                    arguments.iter().map(String::as_str).chain(shared).collect();
                let start = |role: String| starts.relay(&role, &arguments, upstream.address(0));
                let roles = roles("relay", usize::try_from(instances.get())?);
                let relays = roles.into_iter().map(start).collect::<Result<_, _>>()?;
                (relays, Some(upstream))
            }
        };
        let quota = planned.share.map(|share| Quota::of(share, &subjects)).transpose()?;
        let client = reqwest::blocking::Client::builder().timeout(READY).build()?;
        let has_counters = planned.subject != Subject::Responder;
        let tier = tier.map(|(child, _)| child);
        let rig = Self { subjects, upstream, tier, quota, _bodies: bodies, client, has_counters };
        if has_counters {
            rig.until_ready()?;
        }
        Ok(rig)
    }

    fn until_ready(&self) -> anyhow::Result<()> {
        for url in self.urls() {
            let ready = self.client.get(format!("{url}/readyz")).send()?;
            ensure!(ready.status().is_success(), "the relay is not ready: {}", ready.status());
        }
        Ok(())
    }

    /// The base URLs of what is loaded, without a slash at their end.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(|child| child.address(0))
    }

    /// Asks for each of `paths` once, so that they are stored.
    pub fn store(&self, paths: &[&str]) -> anyhow::Result<()> {
        for url in self.urls() {
            for path in paths {
                let answer = self.client.get(format!("{url}{path}")).send()?;
                answer.error_for_status()?.bytes()?;
            }
        }
        Ok(())
    }

    /// Takes the upstream away.
    pub fn end_upstream(&mut self) {
        self.upstream = None;
    }

    /// The processes by role. What is loaded is the relay, whatever it is.
    pub fn processes(&self) -> BTreeMap<String, u32> {
        let upstream = self.upstream.iter().map(|child| ("upstream".to_owned(), child.id()));
        let tier = self.tier.iter().map(|child| ("tier".to_owned(), child.id()));
        let relays = self.relays().map(|(role, child)| (role, child.id()));
        relays.chain(upstream).chain(tier).collect()
    }

    /// The account of what a quota holds back, if there is one.
    pub fn throttling(&self) -> Option<PathBuf> {
        self.quota.as_ref().map(Quota::account)
    }

    /// The relays' own counters, by role.
    pub fn counters(&self) -> anyhow::Result<BTreeMap<String, BTreeMap<String, f64>>> {
        let counters = |(role, child): (String, &Child)| {
            let metrics = format!("{}/metrics", child.address(1));
            let text = self.client.get(metrics).send()?.error_for_status()?.text()?;
            Ok((role, parse_metrics(&text)))
        };
        self.relays().filter(|_| self.has_counters).map(counters).collect()
    }

    fn relays(&self) -> impl Iterator<Item = (String, &Child)> {
        let roles = roles("relay", self.subjects.len());
        roles.into_iter().zip(&self.subjects)
    }
}

/// The names of `count` processes that do the same: numbered from 1 where there
/// are several.
pub fn roles(name: &str, count: usize) -> Vec<String> {
    match count {
        1 => vec![name.to_owned()],
        count => (1..=count).map(|number| format!("{name}-{number}")).collect(),
    }
}

/// Whose processors a process has.
#[derive(Debug, Clone, Copy)]
pub enum Processors {
    /// The relay's.
    Relay,
    /// The load generator's.
    Generator,
    /// The upstream's.
    Upstream,
}

/// The place of `role` in a trial, below the folder of the whole measurement.
pub fn place(planned: &Planned, folder: &Path, role: &str, whose: Processors) -> Place {
    let processors = match whose {
        Processors::Relay => &planned.layout.relay,
        Processors::Generator => &planned.layout.generator,
        Processors::Upstream => &planned.layout.upstream,
    };
    Place { processors: processors.clone(), log: Some(log(folder, &planned.folder(), role)) }
}

/// The file for what `role` says in `trial`.
pub fn log(folder: &Path, trial: &str, role: &str) -> PathBuf {
    folder.join("log").join(format!("{trial}-{role}.log"))
}

impl Programs {
    /// What instances share, if it is installed: Valkey, or Redis.
    pub fn tier() -> Option<PathBuf> {
        ["valkey-server", "redis-server"].into_iter().find_map(installed)
    }
}

/// How the processes of a trial are started.
#[derive(Debug)]
struct Starts<'a> {
    programs: &'a Programs,
    planned: &'a Planned,
    /// For logs.
    folder: &'a Path,
    /// For what responders answer with.
    bodies: &'a Path,
}

impl Starts<'_> {
    fn place(&self, role: &str, whose: Processors) -> Place {
        place(self.planned, self.folder, role, whose)
    }

    fn relay(&self, role: &str, arguments: &[&str], upstream: &str) -> anyhow::Result<Child> {
        let mut relay = Command::new(&self.programs.relay);
        relay.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        relay.args(["--upstream", upstream]).args(arguments).env("RELAY_LOG", "warn");
        let mut place = self.place(role, Processors::Relay);
        if logs(arguments) {
            // A line for each request is written as it is in service, and read by
            // nobody.
            place.log = None;
        }
        self.programs.start(&relay, &place, &RELAY)
    }

    fn upstream(&self) -> anyhow::Result<Child> {
        let place = self.place("upstream", Processors::Upstream);
        match &self.planned.upstream {
            Upstream::Demo(arguments) => {
                let mut demo = Command::new(&self.programs.relay);
                demo.args(["demo-upstream", "--listen", "127.0.0.1:0"]).args(arguments);
                demo.env("RELAY_LOG", "warn");
                self.programs.start(&demo, &place, &[""])
            }
            Upstream::Null { .. } => self.programs.start(&self.null()?, &place, &RESPONDER),
        }
    }

    fn responder(&self) -> anyhow::Result<Child> {
        let place = self.place("relay", Processors::Relay);
        self.programs.start(&self.null()?, &place, &RESPONDER)
    }

    /// A responder with the upstream's answer.
    fn null(&self) -> anyhow::Result<Command> {
        let mut null = Command::new(&self.programs.loadgen);
        null.args(["null", "--listen", "127.0.0.1:0"]);
        if let Upstream::Null { body, field } = &self.planned.upstream {
            let file = self.bodies.join(body.to_string());
            fs::write(&file, vec![b'x'; *body])
                .with_context(|| format!("cannot write {}", file.display()))?;
            null.arg("--body").arg(file);
            if let Some(field) = field {
                null.args(["--header", field]);
            }
        }
        Ok(null)
    }

    /// What the relays share, in memory alone, with its URL.
    fn tier(&self) -> anyhow::Result<(Child, String)> {
        let program = Programs::tier().context("neither valkey-server nor redis-server is here")?;
        with_free_port(|port| {
            let mut tier = Command::new(&program);
            tier.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
            tier.args(["--save", "", "--appendonly", "no"]);
            let mut child =
                self.programs.start(&tier, &self.place("tier", Processors::Upstream), &[])?;
            // It is ready at once, or never: nobody is there to interrupt that.
            let name = program.display().to_string();
            port::until_ready(&mut child, &name, port, &AtomicBool::new(false))?;
            Ok((child, format!("redis://127.0.0.1:{port}")))
        })
    }
}

/// Whether a line is logged for each request.
fn logs(arguments: &[&str]) -> bool {
    arguments.contains(&"--log")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_metrics() {
        let text = "# TYPE a counter\na_total{by=\"x y\"} 3\nb 1.5\nbroken\n";
        let metrics = parse_metrics(text);
        assert_eq!(metrics.get("a_total{by=\"x y\"}"), Some(&3.0));
        assert_eq!(metrics.get("b"), Some(&1.5));
        assert_eq!(metrics.len(), 2);
    }
}
