//! How much of what it can serve the relay is asked for, where that was measured.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};

use crate::telemetry::capacity::Capacity;

/// The figures; there are none where nobody says what the relay can serve.
#[derive(Debug, Default)]
pub(super) struct SaturationCollector {
    capacity: OnceLock<Capacity>,
    /// A float's bits.
    ratio: AtomicU64,
}

impl SaturationCollector {
    /// The first call counts.
    pub(super) fn watch(&self, capacity: Capacity) {
        let _ = self.capacity.set(capacity);
    }

    pub(super) fn note(&self, ratio: f64) {
        self.ratio.store(ratio.to_bits(), Ordering::Relaxed);
    }
}

impl Collector for SaturationCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(capacity) = self.capacity.get() else { return Ok(()) };
        let mut gauge = |name, help, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
        };
        let help = "Requests a second that this relay can serve, as --capacity-file has it";
        gauge("capacity_rate", help, None, capacity.requests_per_second)?;
        let help = "The part of lunch_relay_capacity_rate that was asked for in the last 15 seconds, at most 1";
        let ratio = f64::from_bits(self.ratio.load(Ordering::Relaxed));
        gauge("saturation", help, Some(&Unit::Other("ratio".to_owned())), ratio)
    }
}
