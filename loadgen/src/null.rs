//! The null responder: every request gets the same answer.
//!
//! hyper and the kernel are all that is left in it. It is the floor that a
//! server on the same HTTP library can be compared with, and the target that a
//! load generator finds its own ceiling against.

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// Pause after a failed accept, so that a full process does not spin.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Answers every request on `listener` with `body` until `shutdown` resolves.
pub async fn serve(listener: TcpListener, body: Bytes, shutdown: impl Future<Output = ()>) {
    serve_answer(listener, Response::new(body), shutdown).await;
}

/// Answers every request on `listener` with `answer` until `shutdown` resolves.
pub async fn serve_answer(
    listener: TcpListener,
    answer: Response<Bytes>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, answer.clone()));
            }
            Err(_) => tokio::time::sleep(BACK_OFF).await,
        }
    }
}

async fn connection(stream: TcpStream, answer: Response<Bytes>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |_: Request<Incoming>| {
        let answer = answer.clone().map(Full::new);
        async move { Ok::<_, Infallible>(answer) }
    });
    // A client that breaks its connection off is not our concern.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
