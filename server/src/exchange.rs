//! The words that the cache and the upstream share: a request's head, and how
//! an exchange with the upstream can fail.

use http::{HeaderMap, Method, StatusCode, Version, header, uri::Scheme};
use poem::{
    Body, Request, RequestParts, Response,
    error::ResponseError,
    web::{LocalAddr, RemoteAddr},
};

use crate::{
    problem::Problem,
    target::{Refused, Target},
};

/// A request without its body.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The canonical target: what is asked of the upstream, and the cache key.
    pub target: Target,
    /// The version that the client speaks.
    pub version: Version,
    /// The fields, as the client sent them.
    pub headers: HeaderMap,
    /// Who asks.
    pub remote: RemoteAddr,
}

impl RequestHead {
    /// The head of a request whose target has been made canonical.
    pub fn new(parts: RequestParts, remote: RemoteAddr, target: Target) -> RequestHead {
        let RequestParts { method, version, headers, .. } = parts;
        RequestHead { method, target, version, headers, remote }
    }

    /// The authority that the client asked, as it sent it.
    pub fn authority(&self) -> Option<&str> {
        self.headers.get(header::HOST)?.to_str().ok()
    }

    /// Splits a request that comes from inside, its target not yet checked.
    pub fn split(request: Request) -> Result<(RequestHead, Body), Refused> {
        let target = Target::of(request.uri())?;
        let remote = request.remote_addr().clone();
        let (parts, body) = request.into_parts();
        Ok((RequestHead::new(parts, remote, target), body))
    }

    /// The request for the upstream's endpoint.
    pub fn into_request(self, body: Body) -> Request {
        let mut request = http::Request::new(());
        *request.uri_mut() = self.target.path_and_query().clone().into();
        let (mut parts, ()) = request.into_parts();
        parts.method = self.method;
        parts.version = self.version;
        parts.headers = self.headers;
        Request::from_parts((parts, LocalAddr::default(), self.remote, Scheme::HTTP).into(), body)
    }
}

/// How an exchange with the upstream fails before it has an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection could be made.
    #[error("no connection to the upstream: {0}")]
    Unreachable(String),
    /// The connection was not made in time.
    #[error("no connection to the upstream within {0}: see --connect-timeout")]
    ConnectTimedOut(String),
    /// The answer did not begin in time.
    #[error("the upstream did not answer within {0}: see --upstream-timeout")]
    TimedOut(String),
    /// The connection ended, or what came over it is not HTTP.
    #[error("the upstream broke the exchange off: {0}")]
    Broken(String),
    /// The client's own request body broke off.
    #[error("the request's body broke off: {0}")]
    RequestBroken(String),
    /// The request has been here before (RFC 8586).
    #[error(
        "the request has already passed this relay: the upstream's address leads back here, see --upstream"
    )]
    Loop,
    /// The relay's own work on the exchange ended without a result.
    #[error("the relay dropped the exchange; the log says why")]
    Abandoned,
}

impl Failure {
    /// What the client is told.
    pub fn problem(&self) -> Problem {
        let (status, error) = match self {
            Failure::Unreachable(_) => (StatusCode::BAD_GATEWAY, "destination_unavailable"),
            Failure::ConnectTimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "connection_timeout"),
            Failure::TimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "http_response_timeout"),
            Failure::Broken(_) => (StatusCode::BAD_GATEWAY, "http_response_incomplete"),
            Failure::RequestBroken(_) => (StatusCode::BAD_REQUEST, "http_request_error"),
            Failure::Loop => (StatusCode::LOOP_DETECTED, "proxy_loop_detected"),
            Failure::Abandoned => (StatusCode::INTERNAL_SERVER_ERROR, "proxy_internal_error"),
        };
        Problem::new(status, error, self.to_string())
    }

    /// The failure that an upstream endpoint's error stands for.
    pub fn of(error: poem::Error) -> Failure {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(other) => Failure::Broken(other.to_string()),
        }
    }
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        self.problem().status
    }

    fn as_response(&self) -> Response {
        self.problem().response()
    }
}
