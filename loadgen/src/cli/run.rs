//! `loadgen run`.

use std::io;

use loadgen::{
    output::{FileError, Files},
    run::{Event, Options, RunError, run as run_load},
    summary::Summary,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{Failed, arguments::RunArguments, progress::Progress};

pub(crate) fn run(arguments: RunArguments) -> Result<u8, Failed> {
    let (out, print) = (arguments.out.clone(), arguments.print);
    let options = arguments.options().map_err(Failed::usage)?;
    let files = out.as_deref().map(Files::new).transpose().map_err(Failed::usage)?;
    let Loaded { summary, unwritten } = load(options, files)?;
    // What was measured is told whatever became of its files.
    super::print(&summary, print)?;
    match unwritten {
        Some(error) => Err(Failed::own(error)),
        None => Ok(summary.exit_code()),
    }
}

/// What a run came to.
pub(crate) struct Loaded {
    pub(crate) summary: Summary,
    /// The first of its files that could not be written.
    unwritten: Option<FileError>,
}

/// Runs what `options` say, shows how it goes, and writes `files`.
pub(crate) fn load(options: Options, mut files: Option<Files>) -> Result<Loaded, Failed> {
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(Failed::own)?;
    let mut progress = Progress::of(&options);
    // The first failure is told; a run is not ended for it.
    let mut unwritten: Option<FileError> = None;
    let summary = runtime.block_on(async {
        let observe = |event: Event<'_>| {
            progress.observe(&event);
            if let Some(Err(error)) = files.as_mut().map(|files| files.observe(&event)) {
                unwritten.get_or_insert(error);
            }
        };
        run_load(options, signals().map_err(Failed::own)?, observe).await.map_err(refused)
    })?;
    progress.end();
    if let Some(files) = files
        && let Err(error) = files.finish(&summary)
    {
        unwritten.get_or_insert(error);
    }
    Ok(Loaded { summary, unwritten })
}

fn refused(error: RunError) -> Failed {
    let code = match error {
        RunError::Refused(_)
        | RunError::Budget(_)
        | RunError::Contradiction(_)
        | RunError::Request(_)
        | RunError::Tls(_)
        | RunError::Pin(..)
        | RunError::Unopened(_)
        | RunError::Arguments(_) => 2,
        RunError::Unreachable(_) => 4,
        RunError::Interrupted => 130,
        _ => 70,
    };
    Failed { code, error: error.into() }
}

/// A message for each SIGINT and SIGTERM.
fn signals() -> io::Result<mpsc::Receiver<()>> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (tell, told) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // Two are all that make a difference.
            if tell.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}
