//! The process's own log: text on a terminal, JSON otherwise, on stderr.

use std::{io::IsTerminal, panic};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt};

/// Lines that wait to be written; more are lost.
const QUEUED_LINES: usize = 8192;

/// What is not logged unless it is asked for by its name: the client of the shared
/// tier tells of each attempt to connect, of which the relay says what matters.
const HUSHED: &str = "fred=off";

/// What `--log` says, or why it cannot be read.
pub fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("{HUSHED},{text}"))
        .map_err(|error| format!("--log {text}: write a level, or TARGET=LEVEL,… ({error})"))
}

/// Begins to log; lines written are flushed when the guard is dropped.
///
/// Lines are handed to a thread of their own through a bounded queue: a full
/// pipe behind stderr loses lines, never time.
pub fn init(filter: &str) -> anyhow::Result<WorkerGuard> {
    let filter = self::filter(filter).map_err(anyhow::Error::msg)?;
    let is_terminal = std::io::stderr().is_terminal();
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(std::io::stderr());
    let builder = fmt().with_env_filter(filter).with_writer(writer);
    if is_terminal {
        builder.with_ansi(true).init();
    } else {
        builder.json().flatten_event(true).with_current_span(false).init();
    }
    panic::set_hook(Box::new(|info| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(panic = %info, %backtrace, "panicked");
    }));
    Ok(guard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_of_the_shared_tier_is_logged_where_it_is_named() {
        let filter = |text| filter(text).unwrap().to_string();
        assert!(filter("info").contains("fred=off"));
        let named = filter("info,fred=warn");
        assert!(named.contains("fred=warn") && !named.contains("fred=off"), "{named}");
    }
}
