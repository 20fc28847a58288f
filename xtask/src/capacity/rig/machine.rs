//! What the kernel counts for the whole machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use procfs::CurrentSI;

use crate::capacity::raw::MachineSample;

/// What it has counted until now; what a quota took, by this account, or else by
/// that of our own control group. What it does not say is left out.
pub(super) fn sample(throttling: Option<&Path>) -> MachineSample {
    let read = |path: &str| fs::read_to_string(path).ok();
    MachineSample {
        listen_overflows: read("/proc/net/netstat")
            .and_then(|table| counter(&table, "TcpExt:", "ListenOverflows")),
        retransmitted: read("/proc/net/snmp")
            .and_then(|table| counter(&table, "Tcp:", "RetransSegs")),
        steal_seconds: stolen(),
        throttled_seconds: throttling
            .map(Path::to_owned)
            .or_else(cpu_stat)
            .and_then(|file| fs::read_to_string(file).ok())
            .and_then(|stat| throttled(&stat)),
    }
}

/// The counter `name` out of a table that has a line of names and one of
/// values, each after `prefix`.
fn counter(table: &str, prefix: &str, name: &str) -> Option<u64> {
    let mut lines = table.lines().filter(|line| line.starts_with(prefix));
    let (names, values) = (lines.next()?, lines.next()?);
    let index = names.split_whitespace().position(|found| found == name)?;
    values.split_whitespace().nth(index)?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "ticks of years")]
fn stolen() -> Option<f64> {
    let ticks = procfs::KernelStats::current().ok()?.total.steal?;
    Some(ticks as f64 / procfs::ticks_per_second() as f64)
}

/// The account of this process's control group (version 2), or of the nearest
/// above it that has one.
fn cpu_stat() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let group = PathBuf::from("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    group.ancestors().map(|folder| folder.join("cpu.stat")).find(|file| file.exists())
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of years")]
fn throttled(stat: &str) -> Option<f64> {
    let value = |name: &str| {
        let value = stat.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().parse::<u64>().ok()
    };
    // Version 2 counts microseconds, version 1 nanoseconds.
    let seconds = value("throttled_usec ").map(|micros| micros as f64 / 1e6);
    seconds.or_else(|| value("throttled_time ").map(|nanos| nanos as f64 / 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_among_others() {
        let table = "TcpExt: SyncookiesSent ListenOverflows X\nTcpExt: 1 27 3\nIpExt: A\n";
        assert_eq!(counter(table, "TcpExt:", "ListenOverflows"), Some(27));
        assert_eq!(counter(table, "TcpExt:", "Y"), None);
        assert_eq!(counter("IpExt: A\n", "TcpExt:", "ListenOverflows"), None);
    }

    #[test]
    fn how_long_a_quota_kept_it_from_running() {
        let stat = "usage_usec 12\nnr_periods 3\nthrottled_usec 2500000\n";
        assert_eq!(throttled(stat), Some(2.5));
        assert_eq!(throttled("nr_throttled 2\nthrottled_time 2500000000\n"), Some(2.5));
        assert_eq!(throttled("usage_usec 12\n"), None);
    }

    /// Where it runs under Linux, the tables of TCP are there.
    #[test]
    fn this_machine_has_counters() {
        let sample = sample(None);
        assert!(sample.listen_overflows.is_some() && sample.retransmitted.is_some());
    }
}
