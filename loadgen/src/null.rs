//! The null responder: every request gets the same answer.
//!
//! hyper and the kernel are all that is left in it. It is the floor that a
//! server on the same HTTP library can be compared with, and the target that a
//! load generator finds its own ceiling against. Behind a cache it is an origin
//! that counts what reaches it, and can be slow.

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Pause after a failed accept, so that a full process does not spin.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What a responder says, and when.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The answer to every request.
    pub response: Response<Bytes>,
    /// How long each takes from the head of its request.
    pub latency: Duration,
}

/// Answers every request on `listener` with `body` until `shutdown` resolves.
pub async fn serve(listener: TcpListener, body: Bytes, shutdown: impl Future<Output = ()>) {
    let answer = Answer { response: Response::new(body), latency: Duration::ZERO };
    serve_answer(listener, answer, shutdown).await;
}

/// Answers every request on `listener` with `answer` until `shutdown` resolves,
/// and says how many requests there were until then, answered or not.
pub async fn serve_answer(
    listener: TcpListener,
    answer: Answer,
    shutdown: impl Future<Output = ()>,
) -> u64 {
    let requests = Arc::new(AtomicU64::new(0));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return requests.load(Ordering::Relaxed),
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, answer.clone(), Arc::clone(&requests)));
            }
            Err(_) => tokio::time::sleep(BACK_OFF).await,
        }
    }
}

async fn connection(stream: TcpStream, answer: Answer, requests: Arc<AtomicU64>) {
    let _ = stream.set_nodelay(true);
    let latency = answer.latency;
    let service = service_fn(move |_: Request<Incoming>| {
        requests.fetch_add(1, Ordering::Relaxed);
        let response = answer.response.clone().map(Full::new);
        async move {
            // A sleep of no time would still go through the timer.
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            Ok::<_, Infallible>(response)
        }
    });
    // A client that breaks its connection off is not our concern.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
