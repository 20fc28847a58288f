//! Under which conditions it was measured.

use std::{path::Path, process::Command};

use anyhow::Context;
use loadgen::provenance::Provenance;

use super::{
    Question, Server, Task,
    bench::{Bench, Layout},
};

/// What is needed to understand the numbers, and to repeat them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The servers with their versions.
    pub(super) versions: Vec<String>,
    /// The release of the kernel, if it is known.
    pub(super) kernel: Option<String>,
    /// The processors' model, if it is known.
    pub(super) processor: Option<String>,
    /// Who has which of them.
    pub(super) layout: Layout,
    /// How often every server had its turn.
    pub(super) rounds: u32,
    /// What was measured, as a command.
    pub(super) command: &'static str,
}

impl Bench {
    /// Asks the system and the servers.
    pub(super) fn conditions(&self, task: &Task) -> anyhow::Result<Conditions> {
        #[expect(clippy::disallowed_methods, reason = "the machine is asked for, not the time")]
        let now = std::time::SystemTime::now();
        let machine = Provenance::collect(now, &[], None).machine;
        let versions = task.servers().into_iter().filter_map(|server| self.version(server));
        Ok(Conditions {
            versions: versions.collect::<Result<_, _>>()?,
            kernel: machine.kernel,
            processor: machine.cpu_model,
            layout: self.layout.clone(),
            rounds: task.rounds.get(),
            command: match task.question {
                Question::Hit => "cargo xtask compare hit",
                Question::Miss => "cargo xtask compare miss",
                Question::Burst { .. } => "cargo xtask compare burst",
            },
        })
    }

    /// The floor is of the same version as the relay.
    fn version(&self, server: Server) -> Option<anyhow::Result<String>> {
        let (program, flag) = match server {
            Server::Relay => (&self.programs.relay, "--version"),
            Server::Floor => return None,
            Server::Nginx => (&self.peers.nginx, "-v"),
            Server::Varnish => (&self.peers.varnish, "-V"),
        };
        let version = |text: String| {
            format!("{} {}", server.name(), number(&text).unwrap_or("of unknown version"))
        };
        Some(said(program, flag).map(version))
    }
}

/// What `program` says to `flag`.
fn said(program: &Path, flag: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg(flag).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The first number with a point in it.
fn number(text: &str) -> Option<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    words.map(|word| word.trim_matches('.')).find(|word| word.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, found) in [
            ("relay 0.1.0\n", Some("0.1.0")),
            ("nginx version: nginx/1.22.1\n", Some("1.22.1")),
            ("nginx version: nginx/1.24.0 (Ubuntu)\n", Some("1.24.0")),
            ("varnishd (varnish-7.1.1 revision 7cee1c5)\nCopyright (c) 2006\n", Some("7.1.1")),
            ("It ends here. Really", None),
        ] {
            assert_eq!(number(text), found);
        }
    }
}
