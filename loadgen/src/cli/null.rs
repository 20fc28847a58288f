//! `loadgen null`.

use std::{fs, io::Write, net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use hyper::{
    Response,
    header::{HeaderName, HeaderValue},
};
use loadgen::{null::Answer, number};
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
};

use super::{Failed, arguments::header};

#[derive(Debug, Args)]
pub(crate) struct NullArguments {
    /// Where to listen; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,

    /// File whose bytes are the body of every answer [default: an empty body]
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// Field of every answer, as 'cache-control: no-store'; may be repeated
    #[arg(long, short = 'H', value_name = "FIELD", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// How long every answer takes
    #[arg(long, value_name = "D", default_value = "0s", value_parser = number::duration)]
    latency: Duration,

    /// Worker threads
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
}

pub(crate) fn run(arguments: NullArguments) -> Result<u8, Failed> {
    let NullArguments { listen, body, header, latency, threads } = arguments;
    let body = match body {
        Some(path) => fs::read(&path)
            .with_context(|| format!("cannot read --body {}", path.display()))
            .map_err(Failed::usage)?,
        None => Vec::new(),
    };
    let mut response = Response::new(Bytes::from(body));
    response.headers_mut().extend(header);
    let answer = Answer { response, latency };
    let runtime = match threads.get() {
        1 => runtime::Builder::new_current_thread().enable_all().build(),
        more => runtime::Builder::new_multi_thread().worker_threads(more).enable_all().build(),
    };
    runtime.map_err(Failed::own)?.block_on(serve(listen, answer)).map_err(Failed::usage)?;
    Ok(0)
}

async fn serve(listen: SocketAddr, answer: Answer) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: choose another --listen"))?;
    writeln!(std::io::stdout(), "null http://{}", listener.local_addr()?)?;
    let serving = loadgen::null::serve_answer(listener, answer, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    // Accepting happens on the workers, beside the connections.
    let requests = tokio::spawn(serving).await.context("the responder failed")?;
    // Whoever wanted to know only where it listens has closed the pipe.
    let _ = writeln!(std::io::stdout(), "requests {requests}");
    Ok(())
}
