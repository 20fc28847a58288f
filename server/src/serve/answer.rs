//! The answer to one request, from the endpoint to hyper.

use std::{
    convert::Infallible,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, combinators::BoxBody};
use hyper::body::Incoming;
use poem::{
    Endpoint, Response,
    web::{LocalAddr, RemoteAddr},
};

use super::{connection::Shared, door};
use crate::problem::Problem;

/// The answer to a request, as hyper sends it.
///
/// The endpoint is called before the future is made. What it can answer at
/// once keeps no part of the request alive, so hyper has its read buffer back
/// for the next one, and little is left to be moved about.
pub(super) fn answer<E>(
    mut open: OpenRequest<E>,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Answered<E>>, Infallible>> + use<E>
where
    E: Endpoint<Output = Response> + 'static,
{
    let Shared { server, local, remote, .. } = &*open.shared;
    let endpoint = server.endpoint;
    let version = request.version();
    let called = door::admit(&mut request).map(|()| {
        let (parts, body) = request.into_parts();
        let ends = (LocalAddr((*local).into()), RemoteAddr((*remote).into()));
        let parts = (parts, ends.0, ends.1, server.scheme());
        let request = poem::Request::from_parts(parts.into(), request_body(body));
        catch_unwind(AssertUnwindSafe(|| endpoint.call(request)))
    });
    async move {
        let mut response = match called {
            Ok(Ok(answer)) => match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => error.into_response(),
                Err(_) => panicked(),
            },
            Ok(Err(_)) => panicked(),
            Err(problem) => closing(problem.response()),
        };
        if version != Version::HTTP_2 && open.shared.server.drain.has_begun() {
            response = closing(response);
        }
        let response: http::Response<_> = response.into();
        // hyper leaves out the length of an empty 304 unless its body's length is unknown.
        let keeps_length = response.status() == StatusCode::NOT_MODIFIED
            && response.headers().contains_key(header::CONTENT_LENGTH);
        let length = if keeps_length { Length::FromField } else { Length::OfBody };
        open.offer();
        Ok(response.map(|body| Answered { body, length, open }))
    }
}

/// The answer where there is none; the hook has logged the panic itself.
fn panicked() -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "proxy_internal_error",
        "the relay failed on this request; its log says where",
    )
    .response()
}

/// A request's body, which for most requests is none and then takes no memory.
fn request_body(body: Incoming) -> poem::Body {
    if body.is_end_stream() {
        BoxBody::new(Empty::new().map_err(never)).into()
    } else {
        BoxBody::new(body.map_err(io::Error::other)).into()
    }
}

fn never(error: Infallible) -> io::Error {
    match error {}
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A request that has begun and is not yet answered.
pub(super) struct OpenRequest<E: 'static> {
    shared: Arc<Shared<E>>,
    is_multiplexed: bool,
    is_offered: bool,
}

impl<E: 'static> OpenRequest<E> {
    pub(super) fn begin(shared: &Arc<Shared<E>>, request: &Request<Incoming>) -> OpenRequest<E> {
        shared.activity.begin_request(request.version());
        OpenRequest {
            shared: Arc::clone(shared),
            is_multiplexed: request.version() == Version::HTTP_2,
            is_offered: false,
        }
    }

    /// It is the client's turn to take what there is of the answer.
    fn offer(&mut self) {
        // Without streams, a client that takes nothing blocks a write.
        if self.is_multiplexed && !self.is_offered {
            self.is_offered = true;
            self.shared.activity.begin_offer();
        }
    }

    /// It is our turn.
    fn withdraw(&mut self) {
        if self.is_offered {
            self.is_offered = false;
            self.shared.activity.end_offer();
        }
    }
}

impl<E: 'static> Drop for OpenRequest<E> {
    fn drop(&mut self) {
        self.withdraw();
        self.shared.activity.end_request();
    }
}

/// Where the length of an answer is known from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    OfBody,
    FromField,
}

/// An answer's body; the request is open until it has been sent.
pub(super) struct Answered<E: 'static> {
    body: BoxBody<Bytes, io::Error>,
    length: Length,
    open: OpenRequest<E>,
}

impl<E: 'static> Body for Answered<E> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Asked for more: what there was has been taken.
        self.open.withdraw();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.open.offer();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.length == Length::OfBody && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::OfBody => self.body.size_hint(),
            Length::FromField => SizeHint::default(),
        }
    }
}
