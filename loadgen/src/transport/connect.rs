//! Opening a connection, and what it means when that fails.

use std::{cell::Cell, error::Error, fmt, io, net::IpAddr, net::SocketAddr};

use rustix::io::Errno;
use tokio::{
    net::{TcpSocket, TcpStream, UnixStream},
    time::{Instant, timeout_at},
};

use super::{Endpoint, Transport, stream::Stream};
use crate::fault::Fault;

/// A request that failed, or a connection that was not opened.
#[derive(Debug)]
pub struct Failure {
    /// How.
    pub fault: Fault,
    /// What was said of it.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(super) fn new(fault: Fault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { fault, source: Some(source.into()) }
    }

    /// A descriptor that could not be had.
    pub(crate) fn of_opening(error: io::Error) -> Self {
        Self::new(fault_of_opening(&error), error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, source: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        let mut source = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Error for Failure {}

/// Whose turn it is among the addresses that connections come from.
#[derive(Debug, Default)]
pub(crate) struct Sources(Cell<usize>);

impl Sources {
    fn next(&self, addresses: &[IpAddr]) -> Option<IpAddr> {
        let turn = self.0.get();
        self.0.set(turn.wrapping_add(1));
        let index = turn.checked_rem(addresses.len())?;
        addresses.get(index).copied()
    }
}

impl Transport {
    /// A connection without HTTP, TLS included.
    pub(super) async fn connect(&self, sources: &Sources) -> Result<Box<dyn Stream>, Failure> {
        match &self.endpoint {
            Endpoint::Tcp(address, _) => {
                let stream = tcp(*address, sources.next(&self.sources))
                    .await
                    .map_err(Failure::of_opening)?;
                match &self.tls {
                    None => Ok(Box::new(stream)),
                    Some(tls) => Ok(Box::new(tls.connect(stream).await?)),
                }
            }
            Endpoint::Unix(path) => {
                Ok(Box::new(UnixStream::connect(path).await.map_err(Failure::of_opening)?))
            }
        }
    }

    /// Keeps the first of the addresses that answers, where there are several: all
    /// connections go to the same one. They are tried in turn, which is the order
    /// of RFC 8305, each for an equal part of the time that there is.
    pub(crate) async fn settle(&mut self) -> Result<(), Failure> {
        let Endpoint::Tcp(first, others) = &self.endpoint else { return Ok(()) };
        if others.is_empty() {
            return Ok(());
        }
        let deadline = self.connect_deadline();
        let (sources, mut failed) = (Sources::default(), Vec::new());
        let addresses = std::iter::once(first).chain(others);
        for (left, address) in (1..=count(others) + 1).rev().zip(addresses) {
            let now = Instant::now();
            let part = deadline.saturating_duration_since(now) / left;
            let source = sources.next(&self.sources);
            let opening = async { tcp(*address, source).await.map_err(Failure::of_opening) };
            match opened(now + part, opening).await {
                Ok(_) => {
                    self.endpoint = Endpoint::Tcp(*address, Vec::new());
                    return Ok(());
                }
                Err(failure) => failed.push((*address, failure)),
            }
        }
        Err(none_answers(&failed))
    }

    /// When a connection that is needed now has to be open.
    pub(super) fn connect_deadline(&self) -> Instant {
        Instant::now() + self.timeouts.connect
    }
}

/// What `opening` comes to until `deadline`.
pub(super) async fn opened<T>(
    deadline: Instant,
    opening: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout_at(deadline, opening).await.unwrap_or_else(|_| Err(Fault::ConnectTimeout.into()))
}

fn count(addresses: &[SocketAddr]) -> u32 {
    u32::try_from(addresses.len()).unwrap_or(u32::MAX)
}

/// The fault of the last address, with what each of them said.
fn none_answers(failed: &[(SocketAddr, Failure)]) -> Failure {
    let fault = failed.last().map_or(Fault::ConnectFailed, |(_, failure)| failure.fault);
    let each = failed.iter().map(|(address, failure)| format!("{address} {failure}"));
    Failure::new(fault, each.collect::<Vec<_>>().join(", "))
}

async fn tcp(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(address).await
}

fn fault_of_opening(error: &io::Error) -> Fault {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => return Fault::TooManyFiles,
        // What binding says when all ports of the source address are taken.
        Some(Errno::ADDRINUSE) => return Fault::AddrNotAvailable,
        _ => {}
    }
    match error.kind() {
        // Of a unix socket: there is none.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Fault::ConnectRefused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        io::ErrorKind::ConnectionReset => Fault::ConnectReset,
        io::ErrorKind::AddrNotAvailable => Fault::AddrNotAvailable,
        _ => Fault::ConnectFailed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::Request;
    use tokio::net::TcpListener;

    use super::*;
    use crate::transport::{Expected, Protocol, Reuse, Timeouts};

    #[test]
    fn errors_of_the_system() {
        for (errno, fault) in [
            (Errno::CONNREFUSED, Fault::ConnectRefused),
            (Errno::NOENT, Fault::ConnectRefused),
            (Errno::TIMEDOUT, Fault::ConnectTimeout),
            (Errno::CONNRESET, Fault::ConnectReset),
            (Errno::ADDRNOTAVAIL, Fault::AddrNotAvailable),
            (Errno::ADDRINUSE, Fault::AddrNotAvailable),
            (Errno::MFILE, Fault::TooManyFiles),
            (Errno::NFILE, Fault::TooManyFiles),
            (Errno::NETUNREACH, Fault::ConnectFailed),
        ] {
            assert_eq!(fault_of_opening(&errno.into()), fault, "{errno}");
        }
    }

    const CONNECT: Duration = Duration::from_secs(9);

    fn transport(addresses: &[SocketAddr]) -> Transport {
        Transport {
            endpoint: Endpoint::Tcp(addresses[0], addresses[1..].into()),
            tls: None,
            protocol: Protocol::Http1,
            reuse: Reuse::KeepAlive,
            sources: Vec::new(),
            timeouts: Timeouts { connect: CONNECT, header: CONNECT, body: CONNECT },
            request: Request::default(),
            expected: Expected::first(),
        }
    }

    fn bound() -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        socket
    }

    /// A listener that lets whoever comes wait, and those before who keep it busy.
    fn busy() -> (TcpListener, Vec<std::net::TcpStream>) {
        let listener = bound().listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50));
        (listener, std::iter::from_fn(|| connect().ok()).collect())
    }

    /// Which of `addresses` is kept, what else is said, and after how much time.
    async fn settled(addresses: &[SocketAddr]) -> (Result<SocketAddr, String>, Duration) {
        let (start, mut transport) = (Instant::now(), transport(addresses));
        let settled = transport.settle().await.map_err(|failure| failure.to_string());
        let kept = settled.map(|()| match transport.endpoint {
            Endpoint::Tcp(address, others) => {
                assert_eq!(others, []);
                address
            }
            Endpoint::Unix(path) => panic!("{path:?}"),
        });
        (kept, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_address_that_answers_is_kept() {
        let (refusing, (busy, _waiting)) = (bound(), busy());
        let listening = [bound().listen(9).unwrap(), bound().listen(9).unwrap()];
        let [one, other] = [0, 1].map(|index: usize| listening[index].local_addr().unwrap());
        let (refusing, busy) = (refusing.local_addr().unwrap(), busy.local_addr().unwrap());
        for (addresses, expected, parts) in [
            (&[one, other][..], one, 0),
            (&[other, refusing, one], other, 0),
            (&[refusing, other, one], other, 0),
            // What keeps silent has its part of the time.
            (&[busy, one], one, 1),
            (&[busy, busy, one], one, 2),
            // Nobody is asked where there is no choice.
            (&[refusing], refusing, 0),
        ] {
            let (kept, took) = settled(addresses).await;
            assert_eq!(kept.as_ref(), Ok(&expected), "{addresses:?}");
            assert_eq!(took, CONNECT / count(addresses) * parts, "{addresses:?}");
        }
        let (none, took) = settled(&[busy, refusing]).await;
        let says = format!(
            "connect_refused: {busy} connect_timeout, {refusing} connect_refused: Connection \
             refused (os error 111)"
        );
        assert_eq!((none, took), (Err(says), CONNECT / 2));
    }

    #[test]
    fn sources_take_turns() {
        let sources = Sources::default();
        assert_eq!(sources.next(&[]), None);
        let two: [IpAddr; 2] = ["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().unwrap());
        let turns: Vec<_> = (0..4).filter_map(|_| sources.next(&two)).collect();
        assert_eq!(turns, [two[1], two[0], two[1], two[0]]);
    }
}
