//! `relay healthcheck`: asks the relay of the same configuration whether it
//! takes requests, for containers that have no shell and no curl.
//!
//! What is asked is `/readyz` on the public listener: what waits for a healthy
//! container is about to send requests there. `/healthz` would say that all is
//! well while no more is accepted.

mod any_certificate;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How long the answer may take, the connection included.
const TIMEOUT: Duration = Duration::from_secs(5);

const PATH: &str = "/readyz";

/// Why a relay is not ready, as far as one can tell from outside.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The system chose the port, so nobody else knows it.
    #[error("--listen has port 0: give the port that the relay printed")]
    UnknownPort,
    /// No connection.
    #[error("nothing listens on {0} ({1}): is the relay running, with the same --listen?")]
    Unreachable(SocketAddr, io::Error),
    /// What was sent back is no HTTP.
    #[error("{0} does not speak HTTP ({1}): is it a relay?")]
    NoAnswer(SocketAddr, hyper::Error),
    /// No TLS.
    #[error("{0} does not speak TLS ({1}): is it a relay with --tls-cert?")]
    NoTls(SocketAddr, io::Error),
    /// No answer.
    #[error("{0} did not answer within {limit} s", limit = TIMEOUT.as_secs())]
    TimedOut(SocketAddr),
    /// An answer that says no: 503 while it drains or has too many connections.
    #[error("{0}{PATH} answered {1}")]
    Refused(SocketAddr, StatusCode),
}

/// What a listener speaks below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Nothing.
    Plain,
    /// TLS, with whatever certificate.
    Tls,
}

/// Asks the relay that listens on `listen`.
pub async fn ask(listen: SocketAddr, speaks: Speaks) -> Result<(), NotReady> {
    if listen.port() == 0 {
        return Err(NotReady::UnknownPort);
    }
    let status = tokio::time::timeout(TIMEOUT, status(listen, speaks))
        .await
        .map_err(|_| NotReady::TimedOut(listen))??;
    if status == StatusCode::OK { Ok(()) } else { Err(NotReady::Refused(listen, status)) }
}

async fn status(listen: SocketAddr, speaks: Speaks) -> Result<StatusCode, NotReady> {
    let stream = TcpStream::connect(&*reachable(listen))
        .await
        .map_err(|error| NotReady::Unreachable(listen, error))?;
    match speaks {
        Speaks::Plain => answered(listen, stream).await,
        Speaks::Tls => {
            let no_tls = |error| NotReady::NoTls(listen, error);
            let client = any_certificate::client().map_err(io::Error::other).map_err(no_tls)?;
            let connector = TlsConnector::from(Arc::new(client));
            let name = listen.ip().into();
            let stream = connector.connect(name, stream).await.map_err(no_tls)?;
            answered(listen, stream).await
        }
    }
}

async fn answered<S>(listen: SocketAddr, stream: S) -> Result<StatusCode, NotReady>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let no_answer = |error| NotReady::NoAnswer(listen, error);
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    // How it ends is seen by who waits for the answer.
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = Uri::from_static(PATH);
    let fields = request.headers_mut();
    fields.insert(header::HOST, HeaderValue::from_static("localhost"));
    fields.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let answer = sender.send_request(request).await.map_err(no_answer)?;
    Ok(answer.status())
}

/// Where a listener can be asked from the same machine, in the order in which
/// to try: one on all addresses is on the loopback's too, and a container may
/// have none of IPv6.
fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let at = |ip: IpAddr| SocketAddr::new(ip, listen.port());
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![at(Ipv4Addr::LOCALHOST.into())],
        IpAddr::V6(ip) if ip.is_unspecified() => {
            vec![at(Ipv4Addr::LOCALHOST.into()), at(Ipv6Addr::LOCALHOST.into())]
        }
        _ => vec![listen],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, expected: &[&str]) {
        let expected: Vec<SocketAddr> = expected.iter().map(|at| at.parse().unwrap()).collect();
        assert_eq!(reachable(listen.parse().unwrap()), expected, "{listen}");
    }

    #[test]
    fn who_listens_everywhere_is_asked_over_the_loopback() {
        check("0.0.0.0:8080", &["127.0.0.1:8080"]);
        check("[::]:8080", &["127.0.0.1:8080", "[::1]:8080"]);
        check("10.1.2.3:80", &["10.1.2.3:80"]);
        check("[::1]:80", &["[::1]:80"]);
    }

    #[tokio::test]
    async fn a_port_that_nobody_knows_is_not_asked() {
        let refused = ask("127.0.0.1:0".parse().unwrap(), Speaks::Plain).await;
        assert!(matches!(refused, Err(NotReady::UnknownPort)), "{refused:?}");
    }
}
