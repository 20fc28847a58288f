//! Whether the generator kept its promises: what it was doing while a step ran,
//! by the kernel's account of it.

mod watchdog;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub(crate) use watchdog::Watchdog;

/// The names of the threads that send begin with this.
pub(crate) const THREAD: &str = "loadgen-";

/// What the kernel has counted until some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    at: Option<Instant>,
    threads: Vec<ThreadSample>,
    machine: Option<MachineSample>,
    descriptors: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ThreadSample {
    name: String,
    /// On a processor.
    ran: Duration,
    /// Fit to run, and waiting for a processor.
    waited: Duration,
}

/// Processor time of the whole machine, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MachineSample {
    stolen: u64,
    all: u64,
}

/// What the machine did in some stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The threads that send; of several generators, after its number.
    pub threads: Vec<ThreadActivity>,
    /// The part of the machine's processor time that a hypervisor gave to
    /// others; missing where the kernel does not say.
    pub steal_share: Option<f64>,
    /// The longest time for which a thread that wakes every 10 ms did not:
    /// how long the whole process may have stood still.
    pub watchdog_gap_ms: f64,
    /// Descriptors that are open.
    pub descriptors: Option<u64>,
}

/// What a thread did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadActivity {
    /// Its name: `loadgen-0`, or `1/loadgen-0` of the second of several generators.
    pub name: String,
    /// The part of the time for which it was on a processor.
    pub cpu_share: f64,
    /// The part of the time for which it could have run, but no processor was
    /// free: run-queue delay, from `/proc/PID/task/TID/schedstat`.
    pub run_delay_share: f64,
}

impl Activity {
    /// The thread that has the most of something.
    pub(crate) fn most(&self, of: fn(&ThreadActivity) -> f64) -> Option<&ThreadActivity> {
        self.threads.iter().max_by(|one, other| of(one).total_cmp(&of(other)))
    }
}

impl Sample {
    /// What the kernel says now. What it does not say is left out.
    pub(crate) fn take() -> Self {
        Self {
            at: Some(Instant::now()),
            threads: threads().unwrap_or_default(),
            machine: machine(),
            descriptors: procfs::process::Process::myself()
                .and_then(|process| process.fd_count())
                .ok()
                .and_then(|count| u64::try_from(count).ok()),
        }
    }

    /// What happened between `before` and this.
    pub(crate) fn since(&self, before: &Self, watchdog_gap: Duration) -> Activity {
        let elapsed = match (self.at, before.at) {
            (Some(at), Some(then)) => at.saturating_duration_since(then).as_secs_f64(),
            _ => 0.0,
        };
        let share = |part: Duration| if 0.0 < elapsed { part.as_secs_f64() / elapsed } else { 0.0 };
        let threads = self.threads.iter().filter_map(|thread| {
            let then = before.threads.iter().find(|then| then.name == thread.name)?;
            Some(ThreadActivity {
                name: thread.name.clone(),
                cpu_share: share(thread.ran.saturating_sub(then.ran)),
                run_delay_share: share(thread.waited.saturating_sub(then.waited)),
            })
        });
        Activity {
            threads: threads.collect(),
            steal_share: steal(before.machine, self.machine),
            watchdog_gap_ms: watchdog_gap.as_secs_f64() * 1000.0,
            descriptors: self.descriptors,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn steal(before: Option<MachineSample>, after: Option<MachineSample>) -> Option<f64> {
    let (before, after) = (before?, after?);
    let all = after.all.checked_sub(before.all).filter(|all| 0 < *all)?;
    Some(after.stolen.saturating_sub(before.stolen) as f64 / all as f64)
}

fn threads() -> procfs::ProcResult<Vec<ThreadSample>> {
    let tasks = procfs::process::Process::myself()?.tasks()?;
    let sample = |task: procfs::process::Task| {
        let name = task.stat().ok()?.comm;
        let times = task.schedstat().ok().filter(|_| name.starts_with(THREAD))?;
        Some(ThreadSample {
            name,
            ran: Duration::from_nanos(times.sum_exec_runtime),
            waited: Duration::from_nanos(times.run_delay),
        })
    };
    let mut threads: Vec<_> = tasks.flatten().filter_map(sample).collect();
    threads.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(threads)
}

fn machine() -> Option<MachineSample> {
    use procfs::CurrentSI;
    let cpu = procfs::KernelStats::current().ok()?.total;
    let stolen = cpu.steal?;
    let idle = cpu.idle + cpu.iowait.unwrap_or(0);
    let busy = cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
    Some(MachineSample { stolen, all: idle + busy + stolen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_time_between_two_samples() {
        let start = Instant::now();
        let sample = |seconds, ran, waited, stolen, all| Sample {
            at: Some(start + Duration::from_secs(seconds)),
            threads: vec![ThreadSample {
                name: "loadgen-0".to_owned(),
                ran: Duration::from_millis(ran),
                waited: Duration::from_millis(waited),
            }],
            machine: Some(MachineSample { stolen, all }),
            descriptors: Some(9),
        };
        let gap = Duration::from_millis(12);
        let load = sample(4, 3500, 700, 30, 1000).since(&sample(2, 2000, 300, 10, 600), gap);
        assert!((load.threads[0].cpu_share - 0.75).abs() < 1e-9);
        assert!((load.threads[0].run_delay_share - 0.2).abs() < 1e-9);
        assert_eq!(load.steal_share, Some(0.05));
        assert_eq!((load.watchdog_gap_ms, load.descriptors), (12.0, Some(9)));
        // Nothing is said of what was not there before.
        assert_eq!(sample(1, 1, 1, 1, 1).since(&Sample::default(), gap).threads, []);
        assert_eq!(steal(None, Some(MachineSample { stolen: 1, all: 2 })), None);
    }

    #[test]
    fn this_process_can_be_sampled() {
        let name = format!("{THREAD}test");
        let sample = std::thread::Builder::new().name(name.clone()).spawn(Sample::take);
        let sample = sample.unwrap().join().unwrap();
        assert!(sample.threads.iter().any(|thread| thread.name == name));
        assert!(sample.descriptors.is_some_and(|open| 2 < open));
    }
}
