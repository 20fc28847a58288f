//! The processes: origin, servers, load generator.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use loadgen::summary::Summary;
use tempfile::TempDir;

use super::{
    load::Load,
    server::{self, Launch, Peers, Server, Site, Workload},
};
use crate::processes::{
    Child, Place, Programs, account,
    port::{self, with_free_port},
};

/// What every answer has, in bytes.
const BODY: usize = 1536;

/// What is asked for.
const PATH: &str = "/menu";

/// The load generator's codes that are no failure: all is well, or it was the
/// limit itself, which its verdict says.
const FINE: [i32; 2] = [0, 3];

/// What everything is measured with.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) programs: Programs,
    pub(super) peers: Peers,
    pub(super) layout: Layout,
    interrupted: Arc<AtomicBool>,
    client: reqwest::blocking::Client,
    folder: TempDir,
}

/// Who has which processors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The servers', one for all.
    pub(super) servers: usize,
    /// The load generator's and the origin's; the same one if there is no other.
    pub(super) clients: usize,
}

impl Layout {
    /// Of the processors that there are.
    pub(super) fn of(processors: &[usize]) -> anyhow::Result<Self> {
        let servers = *processors.first().context("which processors may be used is not known")?;
        Ok(Self { servers, clients: processors.get(1).copied().unwrap_or(servers) })
    }
}

/// A server that is running.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    pub(super) server: Server,
    url: String,
    /// Goes after the process that writes into it.
    _folder: TempDir,
}

impl Running {
    /// The processor time that it has used until now, in seconds.
    pub(super) fn cpu_seconds(&self) -> f64 {
        account::cpu_seconds(self.child.id())
    }

    /// The most memory that it has had until now, in bytes.
    pub(super) fn peak_bytes(&self) -> u64 {
        account::peak_bytes(self.child.id())
    }
}

/// What is behind the servers, and counts what reaches it.
#[derive(Debug)]
pub(super) struct Origin(Child);

impl Origin {
    /// Ends it, and gives how many requests there were.
    pub(super) fn requests(self) -> anyhow::Result<u64> {
        let said = self.0.end()?;
        let count = said.lines().find_map(|line| line.strip_prefix("requests "));
        Ok(count.context("the origin has not said how many requests there were")?.parse()?)
    }

    /// Where it is, as `127.0.0.1:9000`.
    fn authority(&self) -> &str {
        let url = self.0.address(0);
        url.strip_prefix("http://").unwrap_or(url)
    }
}

impl Bench {
    /// Nothing is started yet.
    pub(super) fn new(
        programs: Programs,
        peers: Peers,
        processors: &[usize],
        interrupted: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let folder = folder("compare-", &parent())?;
        fs::write(folder.path().join("body"), vec![b'x'; BODY])?;
        let client = reqwest::blocking::Client::builder().no_proxy().build()?;
        let layout = Layout::of(processors)?;
        Ok(Self { programs, peers, layout, interrupted, client, folder })
    }

    /// Leaves what was said for whoever wants to know what went wrong, and says
    /// where. Nothing is left if nothing was said, or all is as it was wanted.
    pub(super) fn keep(self) -> Option<PathBuf> {
        let logs = self.folder.path().join("log");
        let said = fs::read_dir(&logs).is_ok_and(|mut logs| logs.next().is_some());
        if !said || self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let _ = self.folder.keep();
        Some(logs)
    }

    /// Starts an origin that takes so long for each answer.
    pub(super) fn origin(&self, workload: Workload, latency: Duration) -> anyhow::Result<Origin> {
        let mut command = server::null(&self.programs, &self.body(), &[workload.field()]);
        command.args(["--latency", &format!("{}us", latency.as_micros())]);
        let place = self.place("origin", self.layout.clients);
        Ok(Origin(self.programs.start(&command, &place, &["null "])?))
    }

    /// Starts a server in front of `origin`, with nothing stored.
    pub(super) fn start(
        &self,
        server: Server,
        origin: &Origin,
        workload: Workload,
    ) -> anyhow::Result<Running> {
        let folder = folder(server.role(), self.folder.path())?;
        let origin = origin.authority();
        let site = |port| Site { origin, port, workload, folder: folder.path() };
        let ours = |command: Command, prefix: &str| {
            let place = self.place(server.role(), self.layout.servers);
            let child = self.programs.start(&command, &place, &[prefix])?;
            let url = child.address(0).to_owned();
            anyhow::Ok((child, url))
        };
        let theirs = |launch: &dyn Fn(Site<'_>) -> Launch| {
            with_free_port(|port| self.launch(server, &launch(site(port)), port))
        };
        let (child, url) = match server {
            Server::Relay => ours(server::relay(&self.programs, site(0)), "relay ")?,
            Server::Floor => {
                let fields = [workload.field()];
                ours(server::null(&self.programs, &self.body(), &fields), "null ")?
            }
            Server::Nginx => theirs(&|site| server::nginx(&self.peers.nginx, site))?,
            Server::Varnish => theirs(&|site| server::varnish(&self.peers.varnish, site))?,
        };
        Ok(Running { child, server, url: format!("{url}{PATH}"), _folder: folder })
    }

    /// Starts what does not say when it is ready, and waits until it is.
    fn launch(
        &self,
        server: Server,
        launch: &Launch,
        port: u16,
    ) -> anyhow::Result<(Child, String)> {
        fs::write(&launch.file, &launch.text)?;
        let place = self.place(server.role(), self.layout.servers);
        let mut child = self.programs.start(&launch.command, &place, &[])?;
        port::until_ready(&mut child, server.name(), port, &self.interrupted)?;
        Ok((child, format!("http://127.0.0.1:{port}")))
    }

    /// Asks for what will be asked for, so that it is stored where it can be.
    pub(super) fn warm(&self, running: &Running) -> anyhow::Result<()> {
        let name = running.server.name();
        let answer = self.client.get(&running.url).send()?.error_for_status()?;
        let body = answer.bytes().with_context(|| format!("{name} did not answer"))?;
        ensure!(*body == *vec![b'x'; BODY], "{name} answered something else");
        Ok(())
    }

    /// Loads a server.
    pub(super) fn load(&self, running: &Running, load: Load) -> anyhow::Result<Summary> {
        let out = self.folder.path().join("out");
        let mut command = Command::new(&self.programs.loadgen);
        command.args(["run", &running.url]).args(load.arguments());
        command.arg("--expect-body").arg(self.body()).arg("--out").arg(&out);
        let place = self.place("loadgen", self.layout.clients);
        let mut child = self.programs.start(&command, &place, &[])?;
        child.finish(&FINE, &self.interrupted, &mut || {})?;
        let summary = serde_json::from_slice(&fs::read(out.join("summary.json"))?)?;
        fs::remove_dir_all(&out)?;
        Ok(summary)
    }

    fn body(&self) -> PathBuf {
        self.folder.path().join("body")
    }

    fn place(&self, role: &str, processor: usize) -> Place {
        let log = self.folder.path().join("log").join(format!("{role}.log"));
        Place { processors: vec![processor], log: Some(log) }
    }
}

/// Where TMPDIR says, else in memory if that can be: Varnish writes its log all the
/// time, and is not to be compared by the disk.
fn parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match env::var_os("TMPDIR") {
        None if memory.is_dir() => memory.to_owned(),
        _ => env::temp_dir(),
    }
}

/// A folder in which also servers that give up their rights find their files.
fn folder(prefix: &str, parent: &Path) -> anyhow::Result<TempDir> {
    let permissions = fs::Permissions::from_mode(0o755);
    let made = tempfile::Builder::new().prefix(prefix).permissions(permissions).tempdir_in(parent);
    made.with_context(|| format!("cannot make a folder in {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_which_processors() {
        let layout = |processors: &[usize]| Layout::of(processors).ok();
        assert_eq!(layout(&[0, 1, 2]), Some(Layout { servers: 0, clients: 1 }));
        assert_eq!(layout(&[3]), Some(Layout { servers: 3, clients: 3 }));
        assert_eq!(layout(&[]), None);
    }
}
