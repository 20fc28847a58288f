//! `loadgen`: arguments and runtime.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use loadgen::{
    run::{Options, RunError, run},
    schedule::{Profile, Rate},
    target::{Permission, Target},
};
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
    /// Request one URL at a rate that does not depend on its answers
    ///
    /// Requests are due at even distances. Response times are measured from
    /// when a request was due, service times from when it was sent: if all
    /// connections are busy the former grow and the latter do not. The lag
    /// between the two is the wait for a connection and the timer's lateness.
    /// A table goes to stdout and summary.json into DIR.
    ///
    /// Exits with 0 when the run was made (whatever was answered), 2 when the
    /// arguments are wrong or the host may not be loaded, 4 when it cannot be
    /// reached, 1 on other failures.
    #[command(args_override_self = true)]
    Run {
        /// What to request, with GET: http://host:port/path
        url: Target,

        /// Requests per second; may be a fraction
        #[arg(long, value_name = "R", value_parser = rate)]
        rate: Rate,

        /// For how long, such as 30s or 5m
        #[arg(long, value_name = "D", value_parser = humantime::parse_duration)]
        duration: Duration,

        /// Connections, all opened before the start
        #[arg(long, value_name = "N", default_value = "64")]
        connections: NonZeroUsize,

        /// How long to wait at the end for requests under way
        #[arg(long, value_name = "D", default_value = "10s", value_parser = humantime::parse_duration)]
        drain: Duration,

        /// Where to write summary.json; made if it is not there
        #[arg(long, value_name = "DIR")]
        out: PathBuf,

        /// The host is another machine, and yours to load
        #[arg(long)]
        i_may_load_this_host: bool,
    },

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

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Null { listen, body, threads } => {
            null(listen, body, threads).map(|()| ExitCode::SUCCESS)
        }
        Command::Run { url, rate, duration, connections, drain, out, i_may_load_this_host } => {
            let profile = match Profile::constant(rate, duration) {
                Ok(profile) => profile,
                Err(error) => return Ok(failed(2, &error.into())),
            };
            let permission =
                if i_may_load_this_host { Permission::AnyHost } else { Permission::LoopbackOnly };
            load(Options { target: url, permission, profile, connections, drain }, &out)
        }
    }
}

fn rate(per_second: &str) -> anyhow::Result<Rate> {
    Ok(Rate::new(per_second.parse()?)?)
}

fn failed(code: u8, error: &anyhow::Error) -> ExitCode {
    // Without a place to say it the code alone has to do.
    let _ = writeln!(std::io::stderr(), "Error: {error:#}");
    ExitCode::from(code)
}

fn load(options: Options, out: &Path) -> anyhow::Result<ExitCode> {
    // What cannot be written is better known before the run than after it.
    fs::create_dir_all(out).with_context(|| format!("cannot make --out {}", out.display()))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = match runtime.block_on(run(options)) {
        Ok(summary) => summary,
        Err(error) => {
            let code = match error {
                RunError::Refused(_) => 2,
                RunError::Unreachable(_) => 4,
                _ => 1,
            };
            return Ok(failed(code, &error.into()));
        }
    };
    let file = out.join("summary.json");
    fs::write(&file, serde_json::to_vec_pretty(&summary)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    write!(std::io::stdout(), "{summary}")?;
    Ok(ExitCode::SUCCESS)
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
