//! A process that is started for a measurement, and ends with it.

use std::{
    io::{BufRead, BufReader},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_setaffinity},
};

/// How long a process may take to end when it is asked to, in steps of 10 ms.
const PATIENCE: u32 = 300;

/// A running process that has said where it listens.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    addresses: Vec<String>,
}

impl Child {
    /// Starts `command` on `processors`, and reads a line of its stdout for
    /// each of `prefixes`: what comes after the prefix is an address.
    pub fn start(
        mut command: Command,
        processors: &[usize],
        prefixes: &[&str],
    ) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let process = command
            .stdin(Stdio::null())
            .stdout(if prefixes.is_empty() { Stdio::null() } else { Stdio::piped() })
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        // From here on it is ended whatever happens.
        let mut child = Self { process, addresses: Vec::new() };
        child.bind(processors)?;
        if prefixes.is_empty() {
            return Ok(child);
        }
        let mut lines = BufReader::new(child.process.stdout.take().context("no output")?).lines();
        for prefix in prefixes {
            let line = lines.next().transpose()?.unwrap_or_default();
            let Some(address) = line.strip_prefix(prefix).filter(|rest| !rest.is_empty()) else {
                bail!("{program} did not start: see what it says above");
            };
            child.addresses.push(address.trim().to_owned());
        }
        Ok(child)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it said in line `index`.
    pub fn address(&self, index: usize) -> &str {
        self.addresses.get(index).map_or("", String::as_str)
    }

    fn bind(&self, processors: &[usize]) -> anyhow::Result<()> {
        let mut set = CpuSet::new();
        for processor in processors.iter().filter(|processor| **processor < CpuSet::MAX_CPU) {
            set.set(*processor);
        }
        let pid = Pid::from_child(&self.process);
        sched_setaffinity(Some(pid), &set)
            .with_context(|| format!("cannot bind a process to processors {processors:?}"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        for _ in 0..PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
