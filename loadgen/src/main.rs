//! `loadgen`: arguments and runtime.

use std::{fs, io::Write, net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A load generator for HTTP servers.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer every request from memory: what HTTP alone costs
    ///
    /// The first line on stdout is the address. SIGTERM and SIGINT end it.
    #[command(args_override_self = true)]
    Null {
        /// Where to listen; port 0 lets the system choose
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,

        /// File whose bytes are the body of every answer [default: an empty body]
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,

        /// Worker threads
        #[arg(long, value_name = "N", default_value = "1")]
        threads: NonZeroUsize,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Null { listen, body, threads } => null(listen, body, threads),
    }
}

fn null(listen: SocketAddr, body: Option<PathBuf>, threads: NonZeroUsize) -> anyhow::Result<()> {
    let body = match body {
        Some(path) => {
            fs::read(&path).with_context(|| format!("cannot read --body {}", path.display()))?
        }
        None => Vec::new(),
    };
    let runtime = match threads.get() {
        1 => runtime::Builder::new_current_thread().enable_all().build(),
        more => runtime::Builder::new_multi_thread().worker_threads(more).enable_all().build(),
    }?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}: choose another --listen"))?;
        writeln!(std::io::stdout(), "null http://{}", listener.local_addr()?)?;
        let serving = loadgen::null::serve(listener, body.into(), async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        // Accepting happens on the workers, beside the connections.
        tokio::spawn(serving).await.context("the responder failed")
    })
}
