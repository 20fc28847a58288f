//! The process itself, read from the kernel at each scrape.

use std::time::Duration;

use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::counter::ConstCounter,
    registry::Unit,
};

use super::{counter, gauge};

/// The process itself, read from the kernel at each scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = Usage::now() else { return Ok(()) };
        let bytes = Some(&Unit::Bytes);
        gauge(&mut encoder, "process_resident_memory", "Memory in RAM", bytes, usage.resident)?;
        gauge(&mut encoder, "process_open_fds", "Open descriptors", None, usage.descriptors)?;
        let help = "Address space in use";
        gauge(&mut encoder, "process_virtual_memory", help, bytes, usage.virtual_memory)?;
        if let Some(started) = usage.started {
            let help = "When the process began, in seconds since the epoch";
            let seconds = Some(&Unit::Seconds);
            gauge(&mut encoder, "process_start_time", help, seconds, started)?;
        }
        let help = "Processor time used, user and system";
        let cpu = ConstCounter::new(usage.cpu.as_secs_f64());
        counter(&mut encoder, "process_cpu", help, Some(&Unit::Seconds), &cpu)
    }
}

/// What the process uses.
struct Usage {
    resident: u64,
    virtual_memory: u64,
    /// Seconds since the epoch.
    started: Option<u64>,
    descriptors: u64,
    cpu: Duration,
}

impl Usage {
    /// Now, `None` where the kernel does not say.
    #[cfg(target_os = "linux")]
    fn now() -> Option<Usage> {
        let process = procfs::process::Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = stat.utime + stat.stime;
        Some(Usage {
            virtual_memory: stat.vsize,
            started: procfs::boot_time_secs()
                .ok()
                .map(|boot| boot + stat.starttime / procfs::ticks_per_second()),
            resident: stat.rss * procfs::page_size(),
            descriptors: process.fd_count().ok()?.try_into().ok()?,
            cpu: Duration::from_millis(ticks * 1000 / procfs::ticks_per_second()),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn now() -> Option<Usage> {
        None
    }
}
