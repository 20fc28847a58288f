//! One line per request, on the target `access`.
//!
//! Where nothing listens to that target, a request passes untouched.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::Either;
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use poem::{Endpoint, Request, Response, Result, web::RemoteAddr};
use tokio::time::Instant;
use tracing::Level;

use crate::cache::status::CACHE_STATUS;

/// The target of the access log's lines, as `--log` names it.
pub const TARGET: &str = "access";

/// Logs each request once its answer has been sent, or given up.
#[derive(Debug)]
pub struct AccessLog<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for AccessLog<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        if tracing::enabled!(target: TARGET, Level::INFO) {
            Either::Right(Box::pin(self.logged(request)))
        } else {
            Either::Left(self.0.call(request))
        }
    }
}

impl<E: Endpoint<Output = Response>> AccessLog<E> {
    async fn logged(&self, request: Request) -> Result<Response> {
        let begun = Instant::now();
        let method = request.method().clone();
        let target = request.uri().to_string();
        let remote = request.remote_addr().clone();

        let mut response = self.0.call(request).await?;
        let body: BoxBody<Bytes, io::Error> = response.take_body().into();
        let line = Line {
            method,
            target,
            remote,
            status: response.status(),
            cache: response.header(CACHE_STATUS).unwrap_or_default().to_owned(),
            begun,
            sent: 0,
            expected: response
                .header(http::header::CONTENT_LENGTH)
                .and_then(|length| length.parse().ok()),
            ending: if body.is_end_stream() { Ending::Complete } else { Ending::Aborted },
        };
        let body: poem::Body = BoxBody::new(Logged { body, line }).into();
        response.set_body(body);
        Ok(response)
    }
}

/// How an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Complete,
    Aborted,
}

struct Line {
    method: Method,
    target: String,
    remote: RemoteAddr,
    status: StatusCode,
    cache: String,
    begun: Instant,
    sent: u64,
    /// Sent as far as this, an answer is not asked for its end any more.
    expected: Option<u64>,
    ending: Ending,
}

impl Drop for Line {
    fn drop(&mut self) {
        let duration_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: TARGET,
            method = %self.method,
            target = %self.target,
            status = self.status.as_u16(),
            bytes = self.sent,
            duration_us,
            cache = %self.cache,
            remote = canonical(&self.remote).map(tracing::field::display),
            complete = self.ending == Ending::Complete,
        );
    }
}

/// A client's address, IPv4 as itself though the listener is IPv6.
fn canonical(remote: &RemoteAddr) -> Option<SocketAddr> {
    let address = remote.as_socket_addr()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

struct Logged {
    body: BoxBody<Bytes, io::Error>,
    line: Line,
}

impl Body for Logged {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.line.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                if self.body.is_end_stream() || self.line.expected == Some(self.line.sent) {
                    self.line.ending = Ending::Complete;
                }
            }
            Some(Err(_)) => {}
            None => self.line.ending = Ending::Complete,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
