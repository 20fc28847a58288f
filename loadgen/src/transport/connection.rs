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
};

use super::{
    Failure, Sources, Transport,
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
        let stream = transport.connect(sources).await?;
        let watch = Rc::new(Watch::default());
        let io = TokioIo::new(Watched::new(stream, Rc::clone(&watch)));
        let (sender, connection) = http1::handshake(io)
            .await
            .map_err(|error| Failure::new(Fault::ConnectFailed, error))?;
        // What breaks it, the sender is told.
        let task = spawn_local(async { drop(connection.await) });
        Ok(Self { sender, watch, _task: Task(task.abort_handle()) })
    }
}

impl Http2Connection {
    /// A handle to the open connection, if it is open.
    pub(super) fn sender(&self) -> Option<http2::SendRequest<Full<Bytes>>> {
        let open = self.open.borrow();
        open.as_ref().filter(|(sender, _)| !sender.is_closed()).map(|(sender, _)| sender.clone())
    }

    /// Opens it if it is not open; how many connections that took.
    pub(super) async fn open(
        &self,
        transport: &Transport,
        sources: &Sources,
    ) -> Result<u64, Failure> {
        if self.sender().is_some() {
            return Ok(0);
        }
        let _opening = self.opening.lock().await;
        if self.sender().is_some() {
            return Ok(0);
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
