//! Spans for a collector: OTLP 1.x over HTTP, in protobuf
//! (opentelemetry.io/docs/specs/otlp).

mod message;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost::Message;
use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::timeout,
};

use self::message::message;
use super::{
    metrics::{Metrics, SpanOutcome},
    spans::{Exporting, Span, Spans},
};

/// Spans in one message.
const BATCH: usize = 512;
/// How long spans are gathered for one message.
const GATHERED: Duration = Duration::from_millis(200);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of its answer, which is looked at only to keep the connection.
const ANSWER: usize = 64 << 10;

/// A collector of spans.
#[derive(Debug)]
pub struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: Uri,
    metrics: Arc<Metrics>,
}

/// Why a collector did not take spans.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("no answer: {0}")]
    Unanswered(#[from] hyper_util::client::legacy::Error),
    #[error("no answer within {PATIENCE:?}")]
    TimedOut,
    #[error("it answered {0}")]
    Refused(StatusCode),
}

impl Collector {
    /// The collector at an address.
    ///
    /// Fails where the system's certificates are needed and cannot be read.
    pub fn new(address: Uri, metrics: Arc<Metrics>) -> std::io::Result<Collector> {
        let tls = hyper_rustls::HttpsConnectorBuilder::new();
        let https = if address.scheme_str() == Some("https") {
            tls.with_native_roots()?.https_or_http().enable_http1().build()
        } else {
            let none = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            tls.with_tls_config(none).https_or_http().enable_http1().build()
        };
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Collector { client, address, metrics })
    }

    /// Begins to send spans, and says which way they come.
    pub fn start(self) -> (Spans, Exporting) {
        let (spans, queue) = Spans::new(Arc::clone(&self.metrics));
        (spans, Exporting::begin(|end| self.feed(queue, end)))
    }

    /// Sends what comes, until it is told that nothing comes any more.
    ///
    /// What it does not take is not sent again: the relay has better to do than
    /// to keep what nobody listens to.
    async fn feed(self, mut spans: Receiver<Span>, mut end: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut was_taken = true;
        loop {
            let came = tokio::select! {
                biased;
                _ = &mut end, if !spans.is_closed() => {
                    spans.close();
                    continue;
                }
                came = spans.recv_many(&mut batch, BATCH) => came,
            };
            if came == 0 {
                return;
            }
            gather(&mut spans, &mut batch).await;
            let count = batch.len() as u64;
            let sent = self.send(message(&batch).encode_to_vec()).await;
            batch.clear();
            let outcome = if sent.is_ok() { SpanOutcome::Exported } else { SpanOutcome::Failed };
            self.metrics.spans(outcome, count);
            match sent {
                // Said once for each time that it goes away.
                Err(error) if was_taken => tracing::warn!(
                    collector = %self.address, %error,
                    "the collector does not take spans: see --otlp-endpoint"
                ),
                _ => {}
            }
            was_taken = outcome == SpanOutcome::Exported;
        }
    }

    async fn send(&self, message: Vec<u8>) -> Result<(), NotTaken> {
        let mut request = Request::post(self.address.clone());
        if let Some(headers) = request.headers_mut() {
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            headers.insert(header::CONTENT_TYPE, protobuf);
        }
        let Ok(request) = request.body(Full::from(message)) else { return Ok(()) };
        let exchange = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            // Whatever it says, the connection is free for the next.
            let _ = Limited::new(answer.into_body(), ANSWER).collect().await;
            if status.is_success() { Ok(()) } else { Err(NotTaken::Refused(status)) }
        };
        timeout(PATIENCE, exchange).await.unwrap_or(Err(NotTaken::TimedOut))
    }
}

/// Waits for more, so that not every span is a message of its own.
async fn gather(spans: &mut Receiver<Span>, batch: &mut Vec<Span>) {
    if batch.len() < BATCH && !spans.is_closed() {
        tokio::time::sleep(GATHERED).await;
        while batch.len() < BATCH
            && let Ok(span) = spans.try_recv()
        {
            batch.push(span);
        }
    }
}
