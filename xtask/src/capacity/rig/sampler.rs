//! What processes use, about once a second.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::Context;

use crate::capacity::raw::{ProcessSample, Sample};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// A thread that looks at processes until it is asked for what it has seen.
#[derive(Debug)]
pub struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<Sample>>,
}

impl Sampler {
    /// Begins to look at `processes`, by role.
    pub fn start(processes: BTreeMap<String, u32>) -> anyhow::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let look = move || {
            let mut samples = vec![sample(&processes)];
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                samples.push(sample(&processes));
            }
            samples.push(sample(&processes));
            samples
        };
        let thread = thread::Builder::new().name("sampler".to_owned()).spawn(look)?;
        Ok(Self { stop, thread })
    }

    /// What it has seen, to this moment.
    pub fn finish(self) -> anyhow::Result<Vec<Sample>> {
        drop(self.stop);
        self.thread.join().ok().context("the sampler failed")
    }
}

fn sample(processes: &BTreeMap<String, u32>) -> Sample {
    #[expect(
        clippy::disallowed_methods,
        reason = "files of several processes are put side by side"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let process = |(role, pid): (&String, &u32)| Some((role.clone(), process(*pid)?));
    Sample {
        at_unix: now.as_secs_f64(),
        processes: processes.iter().filter_map(process).collect(),
        listen_overflows: listen_overflows(),
    }
}

/// Nothing of a process that has ended.
#[expect(clippy::cast_precision_loss, reason = "ticks and nanoseconds of hours")]
fn process(pid: u32) -> Option<ProcessSample> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let status = process.status().ok()?;
    let tick = procfs::ticks_per_second() as f64;
    let (mut delay, mut busiest) = (0, 0);
    for task in process.tasks().ok()?.flatten() {
        if let Ok(times) = task.schedstat() {
            delay += times.run_delay;
            busiest = busiest.max(times.sum_exec_runtime);
        }
    }
    Some(ProcessSample {
        user_seconds: stat.utime as f64 / tick,
        system_seconds: stat.stime as f64 / tick,
        run_delay_seconds: delay as f64 / 1e9,
        busiest_thread_seconds: busiest as f64 / 1e9,
        resident_bytes: stat.rss * procfs::page_size(),
        descriptors: process.fd_count().ok().and_then(|count| u64::try_from(count).ok())?,
        voluntary_switches: status.voluntary_ctxt_switches?,
        involuntary_switches: status.nonvoluntary_ctxt_switches?,
    })
}

fn listen_overflows() -> Option<u64> {
    overflows(&std::fs::read_to_string("/proc/net/netstat").ok()?)
}

/// The counter out of a table that has a line of names and one of values.
fn overflows(netstat: &str) -> Option<u64> {
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let index = names.split_whitespace().position(|name| name == "ListenOverflows")?;
    values.split_whitespace().nth(index)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_among_others() {
        let netstat = "TcpExt: SyncookiesSent ListenOverflows X\nTcpExt: 1 27 3\nIpExt: A\n";
        assert_eq!(overflows(netstat), Some(27));
        assert_eq!(overflows("IpExt: A\n"), None);
    }

    #[test]
    fn this_process_is_seen_until_it_is_asked() {
        let processes = BTreeMap::from([("own".to_owned(), std::process::id())]);
        let samples = Sampler::start(processes).unwrap().finish().unwrap();
        assert_eq!(samples.len(), 2);
        let own = &samples[0].processes["own"];
        assert!(0 < own.resident_bytes && 0 < own.descriptors);
    }
}
