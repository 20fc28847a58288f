//! An endpoint that is asked again where that may help and does no harm.

use std::{sync::Arc, time::Duration};

use http::{Extensions, HeaderMap, Method, Uri, Version, uri::Scheme};
use http_body::Body as _;
use parking_lot::Mutex;
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Result,
    web::{LocalAddr, RemoteAddr},
};
use tokio::time::{Instant, sleep};

use super::{
    UpstreamConfig,
    client::BoxBody,
    deadline::Deadline,
    retry::{Content, Denied, Retries, is_repeatable, may_pass},
};
use crate::{
    exchange::{Failure, Purpose},
    telemetry::metrics::{Metrics, Retry},
};

/// An upstream with retries: only of requests that may be repeated, only where
/// nothing of an answer has come, and all in all a tenth more requests.
///
/// It goes around the governor: each retry waits for a turn of its own, and
/// holds no place while it pauses.
#[derive(Debug)]
pub struct Retried<E> {
    upstream: E,
    retries: Mutex<Retries>,
    timeout: Duration,
    metrics: Arc<Metrics>,
}

impl<E> Retried<E> {
    /// Adds retries to an upstream. `seed` decides the pauses before them.
    pub fn new(
        upstream: E,
        config: &UpstreamConfig,
        metrics: Arc<Metrics>,
        seed: u64,
    ) -> Retried<E> {
        Retried {
            upstream,
            retries: Mutex::new(Retries::new(config.upstream_retries, seed)),
            timeout: config.upstream_timeout.into(),
            metrics,
        }
    }
}

impl<E: Endpoint> Endpoint for Retried<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let deadline = Deadline::of(&mut request, self.timeout);
        let again = Again::of(&mut request);
        let mut result = self.upstream.call(request).await;
        if !is_shed(&result) {
            self.retries.lock().earn();
        }
        if let Some(again) = again {
            let mut before = 0;
            while let Err(error) = &result
                && error.downcast_ref().is_some_and(may_pass)
            {
                let left = deadline.latest().saturating_duration_since(Instant::now());
                let spent = self.retries.lock().spend(before, left);
                let pause = match spent {
                    Ok(pause) => pause,
                    Err(denied) => {
                        if denied == Denied::OverBudget {
                            self.metrics.retry(Retry::OverBudget);
                        }
                        break;
                    }
                };
                sleep(pause).await;
                before += 1;
                let next = self.upstream.call(again.request()).await;
                self.metrics.retry(match &next {
                    Ok(_) => Retry::Answered,
                    Err(_) if is_shed(&next) => Retry::Shed,
                    Err(_) => Retry::Failed,
                });
                // What was found out counts, not that it could not be tried once more.
                if is_shed(&next) {
                    break;
                }
                result = next;
            }
        }
        result.map(IntoResponse::into_response)
    }
}

/// Whether the governor refused.
fn is_shed<T>(result: &Result<T>) -> bool {
    let failure = result.as_ref().err().and_then(|error| error.downcast_ref());
    matches!(failure, Some(Failure::Shed { .. }))
}

/// A request that can be made any number of times.
struct Again {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    extensions: Extensions,
    remote: RemoteAddr,
    scheme: Scheme,
}

impl Again {
    /// What makes a request again, if it may be repeated.
    fn of(request: &mut Request) -> Option<Again> {
        let body: BoxBody = request.take_body().into();
        let content = if body.is_end_stream() { Content::Empty } else { Content::Some };
        request.set_body(body);
        let purpose = request.extensions().get::<Purpose>().copied().unwrap_or_default();
        is_repeatable(request.method(), content, purpose).then(|| Again {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            remote: request.remote_addr().clone(),
            scheme: request.scheme().clone(),
        })
    }

    fn request(&self) -> Request {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = self.method.clone();
        parts.uri = self.uri.clone();
        parts.version = self.version;
        parts.headers = self.headers.clone();
        parts.extensions = self.extensions.clone();
        let from = (parts, LocalAddr::default(), self.remote.clone(), self.scheme.clone());
        Request::from_parts(from.into(), Body::empty())
    }
}
