//! When a request came, and the trace that it belongs to.

use std::sync::Arc;

use http::Extensions;
use tokio::time::Instant;

use super::trace::Trace;

/// When a request came, which is where its time begins.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The moment.
    pub at: Instant,
    /// The relay's span, where it takes part in traces.
    pub trace: Option<Arc<Trace>>,
}

impl Arrival {
    /// A request that comes now, and belongs to no trace.
    pub fn now() -> Arrival {
        Arrival { at: Instant::now(), trace: None }
    }

    /// A request with these extensions that comes now.
    pub fn of(extensions: &Extensions) -> Arrival {
        Arrival { trace: extensions.get().cloned(), ..Arrival::now() }
    }
}
