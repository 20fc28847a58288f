//! From what is asked for to where it is and how it is asked.

use std::{io, net::SocketAddr};

use http_body_util::Full;
use hyper::{Request, Uri, header::HOST};
use tokio::net::lookup_host;

use super::{Options, RunError};
use crate::{
    fault::Fault,
    target::{Place, Refused, Scheme},
    transport::{Endpoint, Failure, Protocol, Reuse, Tls, Transport},
};

/// How requests get to the target, and where it is.
pub(super) async fn transport(options: &Options) -> Result<(Transport, Place), RunError> {
    if options.reuse == Reuse::PerRequest && options.protocol != Protocol::Http1 {
        return Err(RunError::Arguments(
            "--new-connections is for HTTP/1.1: an HTTP/2 connection carries many requests at once",
        ));
    }
    let (endpoint, place) = endpoint(options).await?;
    let tls = match options.target.scheme {
        Scheme::Http => None,
        Scheme::Https if options.unix_socket.is_some() => {
            return Err(RunError::Arguments("--unix-socket goes with http://"));
        }
        Scheme::Https => Some(Tls::new(&options.target.host, options.protocol, &options.trust)?),
    };
    let transport = Transport {
        endpoint,
        tls,
        protocol: options.protocol,
        reuse: options.reuse,
        sources: options.sources.clone(),
        timeouts: options.timeouts,
        request: request(options)?,
        expected: options.expected.clone(),
    };
    Ok((transport, place))
}

async fn endpoint(options: &Options) -> Result<(Endpoint, Place), RunError> {
    if let Some(path) = &options.unix_socket {
        return Ok((Endpoint::Unix(path.clone()), Place::Here));
    }
    let target = &options.target;
    let by_hand = options.resolve.iter().filter_map(|resolve| resolve.of(target));
    let mut addresses: Vec<SocketAddr> = by_hand.collect();
    if addresses.is_empty() {
        let name = (target.host.as_str(), target.port);
        addresses.extend(lookup_host(name).await.map_err(unknown)?);
    }
    let place = options.permission.place(&addresses, options.program.highest_rate())?;
    let [first, others @ ..] = addresses.as_slice() else { return Err(Refused::NoAddress.into()) };
    Ok((Endpoint::Tcp(*first, others.into()), place))
}

fn unknown(error: io::Error) -> RunError {
    RunError::Unreachable(Failure { fault: Fault::Dns, source: Some(error.into()) })
}

fn request(options: &Options) -> Result<Request<Full<bytes::Bytes>>, RunError> {
    let target = &options.target;
    let uri = match options.protocol {
        // In HTTP/1.1 the host is in its field.
        Protocol::Http1 => Uri::builder().path_and_query(target.path.as_str()).build()?,
        Protocol::Http2 { .. } => {
            Uri::try_from(target.to_string()).map_err(hyper::http::Error::from)?
        }
    };
    let mut request = Request::builder()
        .method(options.method.clone())
        .uri(uri)
        .body(Full::new(options.body.clone()))?;
    if options.protocol == Protocol::Http1 {
        let host = target.authority.parse().map_err(hyper::http::Error::from)?;
        request.headers_mut().insert(HOST, host);
        if options.reuse == Reuse::PerRequest {
            let close = hyper::header::HeaderValue::from_static("close");
            request.headers_mut().insert(hyper::header::CONNECTION, close);
        }
    }
    for name in options.headers.keys() {
        request.headers_mut().remove(name);
    }
    for (name, value) in &options.headers {
        request.headers_mut().append(name, value.clone());
    }
    Ok(request)
}
