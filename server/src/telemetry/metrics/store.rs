//! What the store holds, read at each scrape.

use std::{fmt::Debug, sync::OnceLock};

use prometheus_client::{
    collector::Collector, encoding::DescriptorEncoder, metrics::counter::ConstCounter,
    registry::Unit,
};

use super::{counter, gauge};

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// Keys with a stored response.
    pub entries: u64,
    /// Bytes of stored responses, overhead included, also of those that were
    /// replaced and are still being sent.
    pub bytes: u64,
    /// The most that `bytes` may be.
    pub bound: u64,
    /// Keys that were evicted so far, or not let in, to keep what is asked for more.
    pub evicted: u64,
    /// Bytes of the fills under way.
    pub in_flight: u64,
    /// Clients that wait for an answer that is being fetched.
    pub waiting: u64,
    /// Readers that fell too far behind their fill, so far.
    pub cut_off: u64,
}

pub(super) type Figures = Box<dyn Fn() -> StoreFigures + Send + Sync>;

/// Asks the store, once there is one.
#[derive(Default)]
pub(super) struct StoreCollector(OnceLock<Figures>);

impl StoreCollector {
    /// The first call counts.
    pub(super) fn watch(&self, figures: Figures) {
        let _ = self.0.set(figures);
    }
}

impl Debug for StoreCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreCollector")
    }
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(figures) = self.0.get() else { return Ok(()) };
        let StoreFigures { entries, bytes, bound, evicted, in_flight, waiting, cut_off } =
            figures();
        gauge(&mut encoder, "store_entries", "Keys with a stored response", None, entries)?;
        let unit = Some(&Unit::Bytes);
        gauge(&mut encoder, "store_used", "Memory of stored responses", unit, bytes)?;
        gauge(&mut encoder, "store_bound", "Memory that stored responses may use", unit, bound)?;
        gauge(&mut encoder, "fill_buffers", "Memory of the fills under way", unit, in_flight)?;
        let help = "Keys that left the store, or were not let in, as others are asked for more";
        counter(&mut encoder, "store_evictions", help, None, &ConstCounter::new(evicted))?;
        let help = "Clients that wait for an answer that is being fetched, for them or for another";
        gauge(&mut encoder, "flight_waiters", help, None, waiting)?;
        let help = "Answers aborted because the client fell too far behind";
        counter(&mut encoder, "readers_cut_off", help, None, &ConstCounter::new(cut_off))
    }
}
