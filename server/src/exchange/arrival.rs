//! How a request came: when, over what, and the trace that it belongs to.

use std::sync::Arc;

use http::{Extensions, uri::Scheme};
use tokio::time::Instant;

use super::trace::Trace;

/// When a request came, which is where its time begins.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The moment.
    pub at: Instant,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// The relay's span, where it takes part in traces.
    pub trace: Option<Arc<Trace>>,
}

impl Arrival {
    /// A request that comes now, and belongs to no trace.
    pub fn now() -> Arrival {
        Arrival { at: Instant::now(), scheme: Scheme::HTTP, trace: None }
    }

    /// A request with these extensions that comes now, over this scheme.
    pub fn of(extensions: &Extensions, scheme: Scheme) -> Arrival {
        Arrival { scheme, trace: extensions.get().cloned(), ..Arrival::now() }
    }
}
