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
            Endpoint::Tcp(address) => {
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
    use super::*;

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

    #[test]
    fn sources_take_turns() {
        let sources = Sources::default();
        assert_eq!(sources.next(&[]), None);
        let two: [IpAddr; 2] = ["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().unwrap());
        let turns: Vec<_> = (0..4).filter_map(|_| sources.next(&two)).collect();
        assert_eq!(turns, [two[1], two[0], two[1], two[0]]);
    }
}
