//! The spans of recorded requests, on their way to whoever collects them.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{
        mpsc::{self, Receiver, Sender},
        oneshot,
    },
    task::JoinHandle,
    time::timeout,
};

use super::{
    access_log::Line,
    metrics::{Metrics, SpanOutcome},
};
use crate::exchange::trace::Trace;

/// Spans that wait to be sent; more are lost.
const QUEUED: usize = 4096;

/// How long the last spans may take.
const LAST: Duration = Duration::from_secs(2);

/// A request that has ended, and its place in a trace.
#[derive(Clone, Debug)]
pub struct Span {
    /// The place.
    pub trace: Arc<Trace>,
    /// The request.
    pub line: Line,
}

/// The way to the collector.
#[derive(Debug)]
pub struct Spans {
    queue: Sender<Span>,
    metrics: Arc<Metrics>,
}

impl Spans {
    /// A way, and where it leads.
    pub fn new(metrics: Arc<Metrics>) -> (Spans, Receiver<Span>) {
        let (queue, end) = mpsc::channel(QUEUED);
        (Spans { queue, metrics }, end)
    }

    /// Sends a span on its way; where as many wait as may, it is lost.
    pub fn tell(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.metrics.spans(SpanOutcome::Dropped, 1);
        }
    }
}

/// The task that sends spans.
#[derive(Debug)]
pub struct Exporting {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Exporting {
    /// Begins what a function makes of the word that it is to end.
    pub fn begin<F>(send: impl FnOnce(oneshot::Receiver<()>) -> F) -> Exporting
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (end, told) = oneshot::channel();
        Exporting { task: tokio::spawn(send(told)), end }
    }

    /// Lets it send what still waits, but not for long.
    pub async fn end(self) {
        drop(self.end);
        let _ = timeout(LAST, self.task).await;
    }
}
