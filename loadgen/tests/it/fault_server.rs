//! A server that does what a script says, byte by byte.
//!
//! It knows as much of HTTP as is needed to tell where a request ends, so it can
//! answer with what no library would send.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// A whole answer of eight bytes.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nthe menu";

/// What is done on a connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Waits for a whole request.
    Read,
    /// Waits for a request's head, and leaves its body where it is.
    ReadHead,
    /// Sends this.
    Say(&'static [u8]),
    /// Sends this, again and again, until nobody takes it any more.
    Babble(&'static [u8]),
    /// Lets so much time pass.
    Wait(Duration),
    /// Does nothing more, and keeps the connection.
    Hang,
    /// Closes the connection as one should.
    Close,
    /// Resets it.
    Reset,
}

/// Says `text` to a request that was read.
pub(crate) fn answer(text: &'static str) -> Vec<Act> {
    vec![Act::Read, Act::Say(text.as_bytes())]
}

/// Reads a request, says `text`, and then does `last`.
pub(crate) fn cut(text: &'static str, last: Act) -> Vec<Act> {
    vec![Act::Read, Act::Say(text.as_bytes()), last]
}

/// Whose turn it is, each counted from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Among all connections.
    pub connection: u64,
    /// Among the requests of this connection.
    pub request: u64,
}

/// A server that has been started. It ends with its last owner.
pub(crate) struct FaultServer {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    heads: Mutex<Vec<String>>,
}

impl FaultServer {
    /// Asks `script` what to do with each request.
    pub(crate) async fn start(script: impl Fn(Turn) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::new(script), Arc::clone(&seen)));
        Self { address, seen, _accepting: accepting }
    }

    /// Does the same with every request.
    pub(crate) async fn always(acts: Vec<Act>) -> Self {
        Self::start(move |_| acts.clone()).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/path?query", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many requests were read.
    pub(crate) fn requests(&self) -> u64 {
        self.seen.heads.lock().len() as u64
    }

    /// Their heads.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().clone()
    }
}

async fn accept<S>(listener: TcpListener, script: Arc<S>, seen: Arc<Seen>)
where
    S: Fn(Turn) -> Vec<Act> + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = seen.connections.fetch_add(1, Ordering::SeqCst);
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        connections.spawn(async move {
            let mut connection = Connection { stream, read: Vec::new(), seen, number: connection };
            // A client that goes away ends it.
            let _ = connection.perform(&*script).await;
        });
    }
}

/// The client has gone, or the connection was closed on purpose.
struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    seen: Arc<Seen>,
    number: u64,
}

impl Connection {
    async fn perform(&mut self, script: &impl Fn(Turn) -> Vec<Act>) -> Result<(), Gone> {
        for request in 0.. {
            for act in script(Turn { connection: self.number, request }) {
                match act {
                    Act::Read => {
                        let body = self.head().await?;
                        self.skip(body).await?;
                    }
                    Act::ReadHead => {
                        self.head().await?;
                    }
                    Act::Say(bytes) => self.stream.write_all(bytes).await?,
                    Act::Babble(bytes) => loop {
                        self.stream.write_all(bytes).await?;
                    },
                    Act::Wait(time) => sleep(time).await,
                    Act::Hang => pending().await,
                    Act::Close => {
                        self.stream.shutdown().await?;
                        return Err(Gone);
                    }
                    Act::Reset => {
                        self.stream.set_zero_linger()?;
                        return Err(Gone);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads a request's head, and says how long its body is.
    async fn head(&mut self) -> Result<usize, Gone> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().unwrap());
        self.seen.heads.lock().push(head);
        Ok(length)
    }

    async fn skip(&mut self, length: usize) -> Result<(), Gone> {
        while self.read.len() < length {
            self.more().await?;
        }
        self.read.drain(..length);
        Ok(())
    }

    async fn more(&mut self) -> Result<(), Gone> {
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(Gone),
            _ => Ok(()),
        }
    }
}
