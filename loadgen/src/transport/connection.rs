//! A connection that hyper speaks HTTP over.

use std::{cell::RefCell, future::Future, rc::Rc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    client::conn::{http1, http2},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::Mutex,
    task::{AbortHandle, spawn_local},
    time::Instant,
};

use super::{
    Failure, Sources, Transport,
    connect::opened,
    stream::{Watch, Watched},
};
use crate::fault::Fault;

/// An HTTP/1 connection.
pub(super) struct Http1 {
    pub(super) sender: http1::SendRequest<Full<Bytes>>,
    pub(super) watch: Rc<Watch>,
    _task: Task,
}

/// An HTTP/2 connection, whose streams are several slots.
#[derive(Default)]
pub(crate) struct Http2Connection {
    open: RefCell<Option<(http2::SendRequest<Full<Bytes>>, Task)>>,
    /// Who holds it opens the connection; the others wait for it.
    opening: Mutex<()>,
}

/// A connection's task, which ends with its last owner.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Http1 {
    pub(super) async fn open(transport: &Transport, sources: &Sources) -> Result<Self, Failure> {
        let opening = async {
            let stream = transport.connect(sources).await?;
            let watch = Rc::new(Watch::default());
            let io = TokioIo::new(Watched::new(stream, Rc::clone(&watch)));
            let (sender, connection) = http1::handshake(io)
                .await
                .map_err(|error| Failure::new(Fault::ConnectFailed, error))?;
            // What breaks it, the sender is told.
            let task = spawn_local(async { drop(connection.await) });
            Ok(Self { sender, watch, _task: Task(task.abort_handle()) })
        };
        opened(transport.connect_deadline(), opening).await
    }
}

impl Http2Connection {
    /// A handle to the open connection, if it is open.
    pub(super) fn sender(&self) -> Option<http2::SendRequest<Full<Bytes>>> {
        let open = self.open.borrow();
        open.as_ref().filter(|(sender, _)| !sender.is_closed()).map(|(sender, _)| sender.clone())
    }

    /// Opens it if it is not open; how many connections that took. Whoever waits
    /// for another one to open it waits for no longer than it would take itself.
    pub(super) async fn open(
        &self,
        transport: &Transport,
        sources: &Sources,
    ) -> Result<u64, Failure> {
        if self.sender().is_some() {
            return Ok(0);
        }
        let deadline = transport.connect_deadline();
        let opening = async {
            let _opening = self.opening.lock().await;
            if self.sender().is_some() {
                return Ok(0);
            }
            // The one before took all the time there was.
            if deadline <= Instant::now() {
                return Err(Fault::ConnectTimeout.into());
            }
            let stream = transport.connect(sources).await?;
            let io = TokioIo::new(Watched::new(stream, Rc::default()));
            let (sender, connection) = http2::Builder::new(Local)
                .timer(TokioTimer::new())
                .handshake(io)
                .await
                .map_err(|error| Failure::new(Fault::ConnectFailed, error))?;
            let task = spawn_local(async { drop(connection.await) });
            *self.open.borrow_mut() = Some((sender, Task(task.abort_handle())));
            Ok(1)
        };
        opened(deadline, opening).await
    }

    /// Lets it go, so that the next request opens another one.
    pub(super) fn close(&self) {
        *self.open.borrow_mut() = None;
    }
}

/// Spawns what HTTP/2 needs on the thread that it is on.
#[derive(Clone)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net::TcpListener, time::Duration};

    use futures_util::future::join_all;
    use hyper::Request;

    use super::*;
    use crate::transport::{Endpoint, Expected, Protocol, Reuse, Timeouts, Tls, Trust};

    const CONNECT: Duration = Duration::from_secs(10);

    /// Over TLS to a server that says nothing.
    fn transport(server: &TcpListener) -> Transport {
        let protocol = Protocol::Http2 { streams: 16 };
        Transport {
            endpoint: Endpoint::Tcp(server.local_addr().unwrap(), Vec::new()),
            tls: Some(Tls::new("localhost", protocol, &Trust::Anyone).unwrap()),
            protocol,
            reuse: Reuse::KeepAlive,
            sources: Vec::new(),
            timeouts: Timeouts { connect: CONNECT, header: CONNECT, body: CONNECT },
            request: Request::default(),
            expected: Expected::first(),
        }
    }

    /// How many connections there were.
    fn connections(server: &TcpListener) -> usize {
        server.set_nonblocking(true).unwrap();
        let error = |result: &std::io::Result<_>| result.as_ref().err().map(std::io::Error::kind);
        let accepted = std::iter::repeat_with(|| server.accept());
        accepted.take_while(|accepted| error(accepted) != Some(ErrorKind::WouldBlock)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_opening_does_not_wait_for_longer_than_it_may_take() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (transport, sources) = (transport(&server), Sources::default());
        let connection = Http2Connection::default();
        let start = Instant::now();
        let opening = (0..16).map(|_| connection.open(&transport, &sources));
        for opened in join_all(opening).await {
            assert_eq!(opened.unwrap_err().fault, Fault::ConnectTimeout);
        }
        assert_eq!(start.elapsed(), CONNECT);
        assert_eq!(connections(&server), 1);
    }
}
