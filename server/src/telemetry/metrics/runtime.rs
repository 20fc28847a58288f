//! How the program itself fares: whether its loop keeps up, and what went wrong.

use std::sync::OnceLock;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};
use tracing_appender::non_blocking::ErrorCounter;

use super::{
    counter,
    timings::{Histogram, Timings},
};
use crate::telemetry::{log, panics};

/// The figures.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    /// How late a timer rang.
    pub(super) lag: Timings,
    /// What the access log has lost, once there is one.
    pub(super) access_log: OnceLock<ErrorCounter>,
}

impl Collector for Runtime {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "How late a timer rings that is set for each 100 ms: what a request may wait for a thread";
        let histogram = Histogram::of([&self.lag]);
        let unit = Some(&Unit::Seconds);
        histogram.encode(encoder.encode_descriptor(
            "event_loop_lag",
            help,
            unit,
            MetricType::Histogram,
        )?)?;
        let help = "Panics: errors in the program, of which the log has the place";
        counter(&mut encoder, "panics", help, None, &ConstCounter::new(panics::count()))?;
        let help = "Lines lost because whoever reads the log does not keep up; requests go on";
        let counter = MetricType::Counter;
        let mut family = encoder.encode_descriptor("log_lines_dropped", help, None, counter)?;
        let access = self.access_log.get().map_or(0, ErrorCounter::dropped_lines);
        for (log, lost) in [("process", log::lost()), ("access", access)] {
            ConstCounter::new(lost as u64).encode(family.encode_family(&[("log", log)])?)?;
        }
        Ok(())
    }
}
