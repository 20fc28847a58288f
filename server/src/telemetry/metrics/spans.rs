//! What became of the spans of recorded requests.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanOutcome {
    /// The collector took it.
    Exported,
    /// As many waited to be sent as may.
    Dropped,
    /// The collector did not take it.
    Failed,
}

impl SpanOutcome {
    const ALL: [SpanOutcome; 3] =
        [SpanOutcome::Exported, SpanOutcome::Dropped, SpanOutcome::Failed];

    fn as_str(self) -> &'static str {
        match self {
            SpanOutcome::Exported => "exported",
            SpanOutcome::Dropped => "dropped",
            SpanOutcome::Failed => "failed",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct SpanCounts([AtomicU64; SpanOutcome::ALL.len()]);

impl SpanCounts {
    pub(super) fn add(&self, outcome: SpanOutcome, count: u64) {
        self.0[outcome as usize].fetch_add(count, Ordering::Relaxed);
    }
}

impl Collector for SpanCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Spans of recorded requests, by what became of them on the way to the collector";
        let counter = MetricType::Counter;
        let mut family = encoder.encode_descriptor("spans", help, None, counter)?;
        for outcome in SpanOutcome::ALL {
            let count = self.0[outcome as usize].load(Ordering::Relaxed);
            ConstCounter::new(count)
                .encode(family.encode_family(&[("outcome", outcome.as_str())])?)?;
        }
        Ok(())
    }
}
