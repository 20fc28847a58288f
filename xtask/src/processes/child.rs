//! A process that is started for a measurement, and ends with it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{ChildStdout, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::held::held;

/// How long a process may take to end when it is asked to, in steps of 10 ms.
const PATIENCE: u32 = 300;

/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Where a process runs, and where what it says goes to.
#[derive(Debug, Clone)]
pub struct Place {
    /// The processors that it may use.
    pub processors: Vec<usize>,
    /// The file for its standard error; none if nobody is to read it.
    pub log: Option<PathBuf>,
}

/// A running process that has said where it listens.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    program: String,
    /// What it has not been asked for yet.
    stdout: Option<BufReader<ChildStdout>>,
    addresses: Vec<String>,
    log: Option<PathBuf>,
}

impl Child {
    /// Starts `command` in its place by `holder`, this program, and reads a line
    /// of its stdout for each of `prefixes`: what comes after the prefix is an
    /// address.
    ///
    /// It ends with this value, and with the thread that starts it, even if that
    /// is killed.
    pub fn start(
        holder: &Path,
        command: &Command,
        place: &Place,
        prefixes: &[&str],
    ) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let process = held(holder, command, &place.processors)
            .stdin(Stdio::null())
            .stdout(if prefixes.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stderr(stderr(place)?)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        // From here on it is ended whatever happens.
        let log = place.log.clone();
        let mut child = Self { process, program, stdout: None, addresses: Vec::new(), log };
        child.read(prefixes)?;
        Ok(child)
    }

    fn read(&mut self, prefixes: &[&str]) -> anyhow::Result<()> {
        let Some(stdout) = self.process.stdout.take() else { return Ok(()) };
        let mut stdout = BufReader::new(stdout);
        for prefix in prefixes {
            let mut line = String::new();
            stdout.read_line(&mut line)?;
            let line = line.trim_end();
            let Some(address) = line.strip_prefix(prefix).filter(|rest| !rest.is_empty()) else {
                // What it says last, it says before it has ended.
                let _ = self.process.wait();
                bail!("{} did not start{}", self.program, self.said());
            };
            self.addresses.push(address.trim().to_owned());
        }
        self.stdout = Some(stdout);
        Ok(())
    }

    /// Ends it, and gives what it said on stdout after its addresses.
    pub fn end(mut self) -> anyhow::Result<String> {
        end(&mut self.process);
        let mut rest = String::new();
        if let Some(mut stdout) = self.stdout.take() {
            stdout.read_to_string(&mut rest)?;
        }
        Ok(rest)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Waits until it ends by itself with one of the exit codes that are `fine`,
    /// or `interrupted` is set, and looks at something meanwhile.
    pub fn finish(
        &mut self,
        fine: &[i32],
        interrupted: &AtomicBool,
        look: &mut dyn FnMut(),
    ) -> anyhow::Result<()> {
        loop {
            look();
            ensure!(!interrupted.load(Ordering::Relaxed), "interrupted");
            match self.ended()? {
                None => thread::sleep(LOOK),
                Some(status) if status.code().is_some_and(|code| fine.contains(&code)) => {
                    return Ok(());
                }
                Some(status) => bail!("{} ended with {status}{}", self.program, self.said()),
            }
        }
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it said in line `index`.
    pub fn address(&self, index: usize) -> &str {
        self.addresses.get(index).map_or("", String::as_str)
    }

    /// The last that it said on standard error and where the rest is, to be put
    /// behind what is wrong; nothing if it said nothing.
    pub fn said(&self) -> String {
        let text = self.log.as_ref().and_then(|log| Some((log, fs::read(log).ok()?)));
        let last = text.and_then(|(log, text)| Some((log, last_line(&text)?)));
        last.map_or_else(String::new, |(log, line)| format!(": {line} (see {})", log.display()))
    }
}

fn stderr(place: &Place) -> anyhow::Result<Stdio> {
    let Some(log) = &place.log else { return Ok(Stdio::null()) };
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok(file.into())
}

/// The last line that is not empty.
fn last_line(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        if matches!(self.process.try_wait(), Ok(None)) {
            end(&mut self.process);
        }
        // A log without a word is none.
        if let Some(log) = &self.log
            && fs::metadata(log).is_ok_and(|file| file.len() == 0)
        {
            let _ = fs::remove_file(log);
        }
    }
}

fn end(process: &mut std::process::Child) {
    let _ = kill_process(Pid::from_child(process), Signal::TERM);
    for _ in 0..PATIENCE {
        if !matches!(process.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = process.kill();
    let _ = process.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_was_said() {
        assert_eq!(last_line(b"one\ntwo \n\n").as_deref(), Some("two"));
        assert_eq!(last_line(b"\n"), None);
        assert_eq!(last_line(&[b'a', 0xff]).as_deref(), Some("a\u{fffd}"));
    }
}
