//! The process's own log: text on a terminal, JSON otherwise, on stderr.

use std::{io::IsTerminal, panic};

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{EnvFilter, fmt};

/// Begins to log; lines written are flushed when the guard is dropped.
///
/// Lines are handed to a thread of their own through a bounded queue: a full
/// pipe behind stderr loses lines, never time.
pub fn init(filter: &str) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("--log {filter}: write a level, or TARGET=LEVEL,…"))?;
    let is_terminal = std::io::stderr().is_terminal();
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
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
