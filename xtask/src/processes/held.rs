//! A program that ends with the one that started it.
//!
//! Only a process itself can ask the kernel to be ended with its parent, and
//! only before it has threads does binding it to processors bind all of them.
//! So this program is started instead of the one that is wanted: it does both,
//! and then becomes the other.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use clap::Args;
use rustix::{
    process::{Pid, Signal, getppid, set_parent_process_death_signal},
    thread::{CpuSet, sched_setaffinity},
};

/// The name of the subcommand that does [`Held::become_it`].
const SUBCOMMAND: &str = "held";

/// What is to be started so.
#[derive(Debug, Args)]
pub struct Held {
    /// The process number of whoever starts it
    #[arg(long)]
    parent: u32,

    /// Processors to bind it to
    #[arg(long, value_delimiter = ',', required = true)]
    processors: Vec<usize>,

    /// The program, and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Held {
    /// Becomes the program; returns only if that cannot be. The kernel ends it
    /// when the thread that started it ends.
    pub fn become_it(self) -> anyhow::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let parent = i32::try_from(self.parent).ok().and_then(Pid::from_raw);
        // If it ended before it was asked for, nobody is told.
        ensure!(getppid() == parent, "who started this has ended");
        let processors = &self.processors;
        bind(processors)
            .with_context(|| format!("cannot bind a process to processors {processors:?}"))?;
        let (program, arguments) = self.command.split_first().context("no program")?;
        let error = Command::new(program).args(arguments).exec();
        Err(error).with_context(|| format!("cannot start {}", PathBuf::from(program).display()))
    }
}

fn bind(processors: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for processor in processors.iter().filter(|processor| **processor < CpuSet::MAX_CPU) {
        set.set(*processor);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// `command` on `processors` by `holder`, which is this program.
pub(super) fn held(holder: &Path, command: &Command, processors: &[usize]) -> Command {
    let mut held = Command::new(holder);
    held.args([SUBCOMMAND, "--parent", &std::process::id().to_string()]);
    held.args(["--processors", &super::list(processors), "--"]);
    held.arg(command.get_program()).args(command.get_args());
    held.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Ctrl-C is for whoever started it, who ends it in turn.
    held.process_group(0);
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_handed_on_whole() {
        let mut command = Command::new("relay");
        command.args(["--upstream", "demo"]).env("RELAY_LOG", "warn");
        let held = held(Path::new("/x/xtask"), &command, &[0, 2]);
        assert_eq!(held.get_program(), "/x/xtask");
        let own = std::process::id().to_string();
        let arguments: Vec<_> = held.get_args().collect();
        assert_eq!(
            arguments,
            ["held", "--parent", &own, "--processors", "0,2", "--", "relay", "--upstream", "demo"]
        );
        let environment: Vec<_> = held.get_envs().collect();
        assert_eq!(environment, [("RELAY_LOG".as_ref(), Some("warn".as_ref()))]);
    }
}
