//! The servers, and how each is started: pure but for what is installed.

mod nginx;
mod varnish;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;
use thiserror::Error;

use crate::processes::Programs;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Server {
    /// Ours.
    #[value(skip)]
    Relay,
    /// `loadgen null`, which answers from memory and knows nothing of caches: what
    /// HTTP alone costs.
    Floor,
    /// nginx with `proxy_cache`.
    Nginx,
    /// Varnish.
    Varnish,
}

impl Server {
    /// What it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "lunch-relay",
            Self::Floor => "`loadgen null` (the floor)",
            Self::Nginx => "nginx",
            Self::Varnish => "Varnish",
        }
    }

    /// What its files are called.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Floor => "floor",
            Self::Nginx => "nginx",
            Self::Varnish => "varnish",
        }
    }
}

/// What the origin's answers permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    /// To be kept for longer than any measurement lasts.
    Hit,
    /// Not to be kept.
    Miss,
}

impl Workload {
    /// The field that says so.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Hit => "cache-control: max-age=86400",
            Self::Miss => "cache-control: no-store",
        }
    }
}

/// Where a server is, and what is behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// The origin, as `127.0.0.1:9000`.
    pub(super) origin: &'a str,
    /// The port that it listens on, where it cannot say which it was given.
    pub(super) port: u16,
    /// What the origin's answers permit.
    pub(super) workload: Workload,
    /// A folder of its own.
    pub(super) folder: &'a Path,
}

/// Servers of others that are not installed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{programs} cannot be found: install what is missing (Debian: `apt-get install {packages}`), \
     or leave it out, as with `--beside floor`"
)]
pub struct Missing {
    programs: String,
    packages: String,
}

/// Servers of others; an empty path where one is not needed.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers {
    pub(super) nginx: PathBuf,
    pub(super) varnish: PathBuf,
}

impl Peers {
    /// Those among `servers`, where `installed` says.
    pub(super) fn find(
        servers: &[Server],
        installed: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<Self, Missing> {
        let (mut peers, mut lacking) = (Self::default(), Vec::new());
        for (server, path, program, package) in [
            (Server::Nginx, &mut peers.nginx, "nginx", "nginx"),
            (Server::Varnish, &mut peers.varnish, "varnishd", "varnish"),
        ] {
            if servers.contains(&server) {
                match installed(program) {
                    Some(found) => *path = found,
                    None => lacking.push((program, package)),
                }
            }
        }
        if lacking.is_empty() {
            return Ok(peers);
        }
        let (programs, packages): (Vec<_>, Vec<_>) = lacking.into_iter().unzip();
        Err(Missing { programs: programs.join(" and "), packages: packages.join(" ") })
    }
}

/// What starts a server, and the file that it reads then.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) command: Command,
    pub(super) file: PathBuf,
    pub(super) text: String,
}

/// The relay, with one worker as all others.
pub(super) fn relay(programs: &Programs, site: Site<'_>) -> Command {
    let mut command = Command::new(&programs.relay);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.args(["--upstream", &format!("http://{}", site.origin)]);
    command.args(["--workers", "1", "--log", "warn"]);
    if site.workload == Workload::Miss {
        // The others have no governor.
        command.args(["--upstream-rate", "unlimited", "--upstream-concurrency", "unlimited"]);
    }
    command
}

/// What answers everything with `body`.
pub(super) fn null(programs: &Programs, body: &Path, fields: &[&str]) -> Command {
    let mut command = Command::new(&programs.loadgen);
    command.args(["null", "--listen", "127.0.0.1:0", "--body"]).arg(body);
    for field in fields {
        command.args(["--header", field]);
    }
    command
}

/// nginx.
pub(super) fn nginx(program: &Path, site: Site<'_>) -> Launch {
    let file = site.folder.join("nginx.conf");
    let mut command = Command::new(program);
    // Without the first, it writes to a file of the system's until it has read the second.
    command.args(["-e", "stderr", "-p"]).arg(site.folder).arg("-c").arg(&file);
    Launch { command, file, text: nginx::configuration(site) }
}

/// Varnish.
pub(super) fn varnish(program: &Path, site: Site<'_>) -> Launch {
    let file = site.folder.join("varnish.vcl");
    let mut command = Command::new(program);
    // A process that gives up rights is not ended any more with the one that started
    // it; this comes first or not at all.
    command.args(["-j", "none"]);
    command.args(["-F", "-n"]).arg(site.folder.join("varnish"));
    command.args(["-a", &format!("127.0.0.1:{}", site.port)]).arg("-f").arg(&file);
    command.args(varnish::ARGUMENTS);
    Launch { command, file, text: varnish::configuration(site.origin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(workload: Workload) -> Site<'static> {
        Site { origin: "127.0.0.1:9000", port: 9001, workload, folder: Path::new("/x y") }
    }

    fn line(command: &Command) -> String {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    fn programs() -> Programs {
        let [relay, loadgen, holder] = ["relay", "loadgen", "xtask"].map(PathBuf::from);
        Programs { relay, loadgen, holder }
    }

    /// What keeps a relay from asking its upstream is off where nothing is stored,
    /// and as it is where it is not in the way.
    #[test]
    fn ours() {
        let hit = line(&relay(&programs(), site(Workload::Hit)));
        assert_eq!(
            hit,
            "relay --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --upstream \
             http://127.0.0.1:9000 --workers 1 --log warn"
        );
        let miss = line(&relay(&programs(), site(Workload::Miss)));
        let more = " --upstream-rate unlimited --upstream-concurrency unlimited";
        assert_eq!(miss.strip_prefix(&hit), Some(more));
        assert_eq!(
            line(&null(&programs(), Path::new("body"), &[Workload::Miss.field()])),
            "loadgen null --listen 127.0.0.1:0 --body body --header cache-control: no-store"
        );
    }

    #[test]
    fn theirs() {
        let Launch { command, file, .. } = nginx(Path::new("/sbin/nginx"), site(Workload::Hit));
        assert_eq!(line(&command), "/sbin/nginx -e stderr -p /x y -c /x y/nginx.conf");
        assert_eq!(file, Path::new("/x y/nginx.conf"));
        let Launch { command, file, .. } = varnish(Path::new("varnishd"), site(Workload::Hit));
        assert_eq!(
            line(&command),
            "varnishd -j none -F -n /x y/varnish -a 127.0.0.1:9001 -f /x y/varnish.vcl -T none \
             -s malloc,256m -p thread_pools=1"
        );
        assert_eq!(file, Path::new("/x y/varnish.vcl"));
    }

    #[test]
    fn what_is_missing_is_named() {
        use Server::{Floor, Nginx, Relay, Varnish};
        let all = [Relay, Floor, Nginx, Varnish];
        let error = Peers::find(&all, |_| None).unwrap_err().to_string();
        assert!(error.starts_with("nginx and varnishd cannot be found"), "{error}");
        assert!(error.contains("`apt-get install nginx varnish`"), "{error}");
        let nginx = |program: &str| (program == "nginx").then(|| PathBuf::from("/x"));
        let error = Peers::find(&all, nginx).unwrap_err().to_string();
        assert!(error.starts_with("varnishd cannot be found"), "{error}");
        assert!(error.contains("`apt-get install varnish`"), "{error}");
        // Nobody asks for what is not needed.
        assert_eq!(Peers::find(&[Relay, Nginx], nginx).unwrap().nginx, Path::new("/x"));
        assert!(Peers::find(&[Relay, Floor], |_| None).is_ok());
    }
}
