//! Connections, and one request and its answer over them.
//!
//! hyper speaks HTTP; each connection is its own, without a pool above it, so
//! that opened, reused and reopened ones can be told apart. All of it lives on
//! the thread of its shard.

mod body;
mod broken;
mod connect;
mod connection;
mod link;
mod stream;
mod timeout;
mod tls;

use std::{net::IpAddr, net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

pub use body::{Expected, Print};
pub use connect::Failure;
pub(crate) use connect::Sources;
pub(crate) use connection::Http2Connection;
pub(crate) use link::{Exchanged, Link};
pub use tls::{Tls, TlsError, Trust};

/// How requests get to the target.
#[derive(Debug)]
pub struct Transport {
    /// Where connections go.
    pub endpoint: Endpoint,
    /// TLS, where the URL says `https`.
    pub tls: Option<Tls>,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    /// What becomes of a connection after an answer.
    pub reuse: Reuse,
    /// Addresses of this machine that connections come from, in turn; the
    /// system's choice where there are none.
    pub sources: Vec<IpAddr>,
    /// How long each phase may take.
    pub timeouts: Timeouts,
    /// What is requested.
    pub request: Request<Full<Bytes>>,
    /// What the answers' bodies are compared with.
    pub expected: Expected,
}

/// Where connections go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address and port, and others of the same name that are good as long as
    /// it is not known whether the first one answers.
    Tcp(SocketAddr, Vec<SocketAddr>),
    /// A unix socket.
    Unix(PathBuf),
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: a request at a time on each connection.
    Http1,
    /// HTTP/2, by prior knowledge (RFC 9113, section 3.3) or by ALPN.
    Http2 {
        /// Requests at a time on each connection.
        streams: usize,
    },
}

/// What becomes of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It carries the next request.
    KeepAlive,
    /// It is closed: each request opens its own.
    PerRequest,
}

/// How long each phase of a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is open, TLS included.
    pub connect: Duration,
    /// From the request to the answer's head.
    pub header: Duration,
    /// From the head to the body's end.
    pub body: Duration,
}
