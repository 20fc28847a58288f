//! `relay`: arguments, log, runtime, and signals.

use std::{num::NonZeroUsize, process::ExitCode, time::Duration};

use server::{
    clock::Clock,
    config::{Cli, Command, Config},
    healthcheck::{self, Speaks},
    run::{self, Signals},
    telemetry,
};
use tokio::runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long what is still under way at the end may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::load(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let log = cli.config.log.clone();
    let outcome = match cli.command {
        Some(Command::Check(config)) => checked(&config),
        Some(Command::Healthcheck(config)) => asked(&config),
        None if cli.print_config => {
            print!("{}", cli.config.to_toml());
            Ok(())
        }
        None => logged(&log, || serve(cli.config)),
        Some(Command::DemoUpstream { listen, demo }) => logged(&log, || {
            runtime::Runtime::new()?.block_on(async {
                let mut signals = Signals::new()?;
                run::demo_upstream(listen, demo, signals.end()).await
            })
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn logged(filter: &str, run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let _flushed_at_the_end = telemetry::log::init(filter)?;
    run()
}

fn checked(config: &Config) -> anyhow::Result<()> {
    let identity = config.tls.read()?;
    if let Some(doubt) = identity.and_then(|identity| identity.doubt(Clock::start().now())) {
        eprintln!("warning: --tls-cert: {doubt}");
    }
    Ok(())
}

fn asked(config: &Config) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let speaks = if config.tls.is_on() { Speaks::Tls } else { Speaks::Plain };
    Ok(runtime.block_on(healthcheck::ask(config.listen, speaks))?)
}

fn serve(config: Config) -> anyhow::Result<()> {
    let mut runtime = match config.workers.map(NonZeroUsize::get) {
        // One worker needs nobody to share its work with.
        Some(1) => runtime::Builder::new_current_thread(),
        workers => {
            let mut runtime = runtime::Builder::new_multi_thread();
            workers.map(|workers| runtime.worker_threads(workers));
            runtime
        }
    };
    let runtime = runtime.enable_all().build()?;
    let outcome = runtime.block_on(async {
        let (mut first, mut second) = (Signals::new()?, Signals::new()?);
        let again = async {
            // The second listener hears the first signal too.
            second.end().await;
            second.end().await;
        };
        let anew = run::Again { arguments: std::env::args_os().collect(), signal: run::hang_up()? };
        run::relay(config, anew, first.end(), again).await
    });
    // A disk that does not answer holds nobody who was told twice.
    runtime.shutdown_timeout(LAST_WORDS);
    outcome.map(drop)
}
