//! The machine that a run was made on, as far as it tells.

use std::{fs, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::parse;

/// What can make the same run come out otherwise on another machine. What the
/// system does not say is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Name of the processor's model.
    pub cpu_model: Option<String>,
    /// CPUs that this process may run on.
    pub cpus_available: Option<u32>,
    /// CPUs that the system uses.
    pub cpus_online: Option<u32>,
    /// What decides how fast they run, of the first CPU.
    pub cpu_governor: Option<String>,
    /// CPUs' worth of time that control groups (version 2) grant; missing if
    /// none sets a bound.
    pub cgroup_cpus: Option<f64>,
    /// Memory there is, in bytes.
    pub memory_bytes: Option<u64>,
    /// Memory that control groups (version 2) grant, in bytes; missing if none
    /// sets a bound.
    pub cgroup_memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// What the kernel reads the time from.
    pub clock_source: Option<String>,
    /// How many files, connections among them, the process may have open; the
    /// soft limit.
    pub open_files: Option<u64>,
    /// Longest queue of connections that a listener can have.
    pub somaxconn: Option<u64>,
    /// Ports that connections go out from.
    pub local_ports: Option<Ports>,
    /// How many tasks ran or wanted to at the start, averaged over 1, 5 and 15
    /// minutes.
    pub load_average: Option<[f64; 3]>,
}

/// A range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// The first of them.
    pub first: u16,
    /// The last of them.
    pub last: u16,
}

impl Machine {
    /// Asks the kernel.
    pub(super) fn look() -> Self {
        let affinity = rustix::thread::sched_getaffinity(None).ok();
        let open_files = rlimit::Resource::NOFILE.get_soft().ok();
        let group = group();
        // Every group on the way to the root has a say.
        let bounds = |file: &str| -> Vec<String> {
            Path::new(&group)
                .ancestors()
                .filter_map(|group| text(Path::new("/sys/fs/cgroup").join(group).join(file)))
                .collect()
        };
        let cpu = bounds("cpu.max");
        let memory = bounds("memory.max");
        Self {
            cpu_model: text("/proc/cpuinfo")
                .and_then(|text| Some(parse::field(&text, "model name")?.to_owned())),
            cpus_available: affinity.map(|cpus| cpus.count()),
            cpus_online: text("/sys/devices/system/cpu/online")
                .and_then(|list| parse::cpus_in(&list)),
            cpu_governor: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            cgroup_cpus: cpu.iter().filter_map(|text| parse::quota(text)).reduce(f64::min),
            memory_bytes: text("/proc/meminfo").and_then(|text| parse::memory_bytes(&text)),
            cgroup_memory_bytes: memory.iter().filter_map(|text| parse::number(text)).min(),
            kernel: word("/proc/sys/kernel/osrelease"),
            clock_source: word("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            open_files,
            somaxconn: text("/proc/sys/net/core/somaxconn").and_then(|text| parse::number(&text)),
            local_ports: Ports::look(),
            load_average: text("/proc/loadavg").and_then(|text| parse::load_average(&text)),
        }
    }
}

impl Ports {
    /// Asks the kernel which ports it chooses from.
    pub(crate) fn look() -> Option<Self> {
        text("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| parse::ports(&text))
    }

    /// How many there are.
    pub(crate) fn count(self) -> u64 {
        (u64::from(self.last) + 1).saturating_sub(self.first.into())
    }
}

/// This process's control group, below the root of their tree.
fn group() -> String {
    text("/proc/self/cgroup")
        .and_then(|text| parse::cgroup(&text).map(str::to_owned))
        .unwrap_or_default()
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn word(path: &str) -> Option<String> {
    text(path).map(|text| text.trim().to_owned()).filter(|word| !word.is_empty())
}
