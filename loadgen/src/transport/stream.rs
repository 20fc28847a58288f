//! A connection's bytes, with an eye on the first of an answer.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// TCP, TLS over it, or a unix socket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// What happened on a connection since the last request was sent.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When the first byte came.
    pub(super) first_byte: Cell<Option<Instant>>,
    /// Whether a part of the request is still to be written: what breaks the
    /// connection then may be told by a read as well as by a write.
    pub(super) writing: Cell<bool>,
}

/// A stream that tells its [`Watch`].
pub(super) struct Watched {
    stream: Box<dyn Stream>,
    watch: Rc<Watch>,
}

impl Watched {
    pub(super) fn new(stream: Box<dyn Stream>, watch: Rc<Watch>) -> Self {
        Self { stream, watch }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if before < buffer.filled().len() && self.watch.first_byte.get().is_none() {
            self.watch.first_byte.set(Some(Instant::now()));
        }
        Poll::Ready(Ok(()))
    }
}

/// Without vectored writes: most requests are a small head, and one write of
/// it is cheaper for the kernel than a list of one.
impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch.writing.set(true);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    /// hyper flushes when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.watch.writing.set(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
