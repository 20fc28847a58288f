//! What processes use, about once a second.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::Context;

use super::machine;
use crate::capacity::raw::{ProcessSample, Sample};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// So many threads' names are kept.
const THREADS: usize = 16;

/// A thread that looks at processes until it is asked for what it has seen.
#[derive(Debug)]
pub struct Sampler {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<Sample>>,
}

impl Sampler {
    /// Begins to look at `processes`, by role, and at the account of what a quota
    /// holds back, if there is one of their own.
    pub fn start(
        processes: BTreeMap<String, u32>,
        throttling: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let look = move || {
            let look_at = || sample(&processes, throttling.as_deref());
            let mut samples = vec![look_at()];
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                samples.push(look_at());
            }
            samples.push(look_at());
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

/// Now, in seconds since the Unix epoch.
pub fn now_unix() -> f64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "files of several processes are put side by side"
    )]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn sample(processes: &BTreeMap<String, u32>, throttling: Option<&Path>) -> Sample {
    let process = |(role, pid): (&String, &u32)| Some((role.clone(), process(*pid)?));
    Sample {
        at_unix: now_unix(),
        processes: processes.iter().filter_map(process).collect(),
        machine: machine::sample(throttling),
    }
}

/// Nothing of a process that has ended.
#[expect(clippy::cast_precision_loss, reason = "ticks and nanoseconds of hours")]
fn process(pid: u32) -> Option<ProcessSample> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let status = process.status().ok()?;
    let tick = procfs::ticks_per_second() as f64;
    let (mut delay, mut longest, mut threads) = (0, 0, BTreeMap::new());
    for task in process.tasks().ok()?.flatten() {
        if let (Ok(times), Ok(stat)) = (task.schedstat(), task.stat()) {
            delay += times.run_delay;
            longest = longest.max(times.sum_exec_runtime);
            *threads.entry(stat.comm).or_default() += times.sum_exec_runtime as f64 / 1e9;
        }
    }
    Some(ProcessSample {
        user_seconds: stat.utime as f64 / tick,
        system_seconds: stat.stime as f64 / tick,
        run_delay_seconds: delay as f64 / 1e9,
        busiest_thread_seconds: longest as f64 / 1e9,
        threads: busiest(threads),
        resident_bytes: stat.rss * procfs::page_size(),
        descriptors: process.fd_count().ok().and_then(|count| u64::try_from(count).ok())?,
        voluntary_switches: status.voluntary_ctxt_switches?,
        involuntary_switches: status.nonvoluntary_ctxt_switches?,
    })
}

/// The names whose threads used most.
fn busiest(threads: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let mut by_time: Vec<_> = threads.into_iter().collect();
    by_time.sort_by(|one, other| other.1.total_cmp(&one.1));
    by_time.truncate(THREADS);
    by_time.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_until_it_is_asked() {
        let processes = BTreeMap::from([("own".to_owned(), std::process::id())]);
        let samples = Sampler::start(processes, None).unwrap().finish().unwrap();
        assert_eq!(samples.len(), 2);
        let own = &samples[0].processes["own"];
        assert!(0 < own.resident_bytes && 0 < own.descriptors);
        assert!((1..=THREADS).contains(&own.threads.len()));
    }

    #[test]
    fn the_busiest_threads_are_kept() {
        let threads = (0..100).map(|number| (format!("thread {number}"), f64::from(number)));
        let kept = busiest(threads.collect());
        assert_eq!(kept.len(), THREADS);
        assert!(kept.values().all(|seconds| 84.0 <= *seconds));
    }
}
