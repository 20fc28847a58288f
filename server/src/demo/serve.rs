//! The demo on the wire: accepts, waits, sends, and breaks connections.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{body::Incoming, ext::ReasonPhrase, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{Endpoint, endpoint::make};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

use super::{
    DemoConfig, Era,
    answer::Answer,
    turn::{Demo, Outcome},
};

/// How long not to accept after that failed, which it does for want of file
/// descriptors: trying again at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API at `/api/` on the listener until shutdown, when requests in
/// progress are cut off: a stand-in has nothing to lose.
pub async fn run(
    listener: TcpListener,
    config: DemoConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, era = %config.era.letter(), "demo upstream, not the real API");

    let names = Names::of(config.era);
    let demo = Arc::new(Demo::new(config, Instant::now()));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(serve_connection(Arc::clone(&demo), names, stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "demo upstream cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// The same without sockets, for tests that pause the clock: what would break
/// a connection is an error.
pub fn endpoint(config: DemoConfig) -> impl Endpoint<Output = poem::Response> {
    let names = Names::of(config.era);
    let demo = Arc::new(Demo::new(config, Instant::now()));
    make(move |request: poem::Request| {
        let demo = Arc::clone(&demo);
        let request: http::Request<BoxBody<Bytes, io::Error>> = request.into();
        let (request, _unread) = request.into_parts();
        async move {
            let answer = respond(&demo, names, &request)
                .await
                .map_err(|reset| poem::Error::new(reset, StatusCode::BAD_GATEWAY))?;
            let (parts, body) = answer.into_parts();
            let body = BoxBody::new(body.map_err(io::Error::other));
            let mut answer = poem::Response::builder().status(parts.status).body(body);
            *answer.headers_mut() = parts.headers;
            Ok::<_, poem::Error>(answer)
        }
    })
}

/// How header names are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Names {
    /// As gunicorn does.
    TitleCase,
    /// As uvicorn does.
    LowerCase,
}

impl Names {
    fn of(era: Era) -> Names {
        if era <= Era::D { Names::TitleCase } else { Names::LowerCase }
    }
}

async fn serve_connection(demo: Arc<Demo>, names: Names, stream: TcpStream) {
    let service = service_fn(move |request| {
        let demo = Arc::clone(&demo);
        let (request, _unread): (_, Incoming) = Request::into_parts(request);
        Box::pin(async move { respond(&demo, names, &request).await })
    });
    let mut connection = http1::Builder::new()
        .title_case_headers(names == Names::TitleCase)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);

    let ended = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let source = ended.as_ref().err().and_then(std::error::Error::source);
    if source.is_some_and(<dyn std::error::Error>::is::<Reset>) {
        let stream = connection.into_parts().io.into_inner();
        // Closing a socket that does not linger resets the connection. Where the
        // client has gone already, there is nothing left to reset.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    }
}

/// The connection is to be reset; the service's only error.
#[derive(Debug, thiserror::Error)]
#[error("the demo resets this connection")]
struct Reset;

async fn respond(
    demo: &Demo,
    names: Names,
    request: &request::Parts,
) -> Result<Response<Sent>, Reset> {
    let turn = demo.turn(request, Instant::now());
    if !matches!(turn.outcome, Outcome::Stalled) {
        tokio::time::sleep(turn.latency).await;
    }
    let mut response = match turn.outcome {
        Outcome::Truncated(answer) if can_have_body(&request.method, answer.status) => {
            truncated(answer)
        }
        Outcome::Answered(answer) | Outcome::Truncated(answer) => whole(answer),
        Outcome::Reset => return Err(Reset),
        Outcome::Stalled => match std::future::pending::<Infallible>().await {},
    };

    if names == Names::TitleCase {
        shout_reason(&mut response);
        let connection = if closes(request) { "close" } else { "keep-alive" };
        let headers = response.headers_mut();
        headers.entry(header::CONNECTION).or_insert(HeaderValue::from_static(connection));
    }
    Ok(response)
}

/// Whether the client wants the connection closed, which HTTP/1.0 is taken to.
fn closes(request: &request::Parts) -> bool {
    let options = request.headers.get_all(header::CONNECTION).iter();
    let mut options = options.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    request.version < Version::HTTP_11
        || options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

fn can_have_body(method: &Method, status: StatusCode) -> bool {
    method != Method::HEAD && status != StatusCode::NOT_MODIFIED
}

/// gunicorn passes on Flask's reason phrases, which are in capitals; the proxy's
/// own are not.
fn shout_reason(response: &mut Response<Sent>) {
    let server = response.headers().get(header::SERVER);
    if !server.is_some_and(|server| server.as_bytes().starts_with(b"gunicorn")) {
        return;
    }
    let reason = response.status().canonical_reason().unwrap_or_default().to_uppercase();
    if let Ok(reason) = ReasonPhrase::try_from(reason.into_bytes()) {
        response.extensions_mut().insert(reason);
    }
}

fn whole(answer: Answer) -> Response<Sent> {
    respond_with(answer.status, answer.headers, Sent::Whole(Bytes::from(answer.body)))
}

/// The first half of an answer under the length of the whole; where there is
/// nothing to halve, a byte is promised that never comes.
fn truncated(mut answer: Answer) -> Response<Sent> {
    let promised = answer.body.len().max(1);
    answer.headers.insert(header::CONTENT_LENGTH, promised.into());
    answer.body.truncate(promised / 2);
    respond_with(answer.status, answer.headers, Sent::Start(Bytes::from(answer.body)))
}

fn respond_with(status: StatusCode, headers: http::HeaderMap, body: Sent) -> Response<Sent> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What is sent of a body.
#[derive(Debug)]
enum Sent {
    /// All of it.
    Whole(Bytes),
    /// This start of it.
    Start(Bytes),
    /// The start is on its way.
    Flushing,
    /// Nothing more.
    Cut,
}

/// Why a truncated body ends.
#[derive(Debug, thiserror::Error)]
#[error("the demo truncates this answer")]
struct Truncated;

impl Body for Sent {
    type Data = Bytes;
    type Error = Truncated;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Truncated>>> {
        match &mut *self {
            Sent::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Sent::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Sent::Start(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Sent::Flushing;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            // hyper flushes what it has when a body is not ready, and drops it
            // when a body fails.
            Sent::Flushing => {
                *self = Sent::Cut;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Sent::Cut => Poll::Ready(Some(Err(Truncated))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Sent::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Sent::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Sent::Start(_) | Sent::Flushing | Sent::Cut => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;
