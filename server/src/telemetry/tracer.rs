//! The relay's part in traces: a span for each request, and who is told of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::HeaderMap;

use super::Share;
use crate::exchange::trace::{SpanId, Trace, TraceId};

/// Makes spans.
#[derive(Debug)]
pub struct Tracer {
    /// Keys of its own by which numbers cannot be foretold.
    numbers: ahash::RandomState,
    made: AtomicU64,
    share: Share,
}

impl Tracer {
    /// Of the traces that begin here, `share` are recorded.
    pub fn new(share: Share) -> Tracer {
        Tracer { numbers: ahash::RandomState::new(), made: AtomicU64::new(0), share }
    }

    /// The span of a request with these fields, in their trace or in a new one.
    pub fn begin(&self, headers: &HeaderMap) -> Arc<Trace> {
        let [high, low, span] = [(); 3].map(|()| self.number());
        let id = TraceId(u128::from(high) << 64 | u128::from(low));
        Arc::new(Trace::begin(headers, id, SpanId(span), self.share.get()))
    }

    /// A number that is not zero.
    fn number(&self) -> u64 {
        self.numbers.hash_one(self.made.fetch_add(1, Ordering::Relaxed)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_differ_within_a_relay_and_between_relays() {
        let tracers = [(); 2].map(|()| Tracer::new(Share::ALL));
        let begun: Vec<_> = tracers
            .iter()
            .flat_map(|tracer| (0..1000).map(|_| tracer.begin(&HeaderMap::new())))
            .collect();
        let ids: HashSet<_> = begun.iter().map(|trace| trace.id.0).collect();
        let spans: HashSet<_> = begun.iter().map(|trace| trace.span.0).collect();
        assert_eq!((ids.len(), spans.len()), (2000, 2000));
    }
}
