//! The process's own log: text on a terminal, JSON otherwise, on stderr.

use std::{io::IsTerminal, sync::OnceLock};

use parking_lot::Mutex;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt, reload};

use super::panics;

/// Lines that wait to be written; more are lost.
pub(super) const QUEUED_LINES: usize = 8192;

/// What is not logged unless it is asked for by its name: the client of the shared
/// tier tells of each attempt to connect, of which the relay says what matters.
const HUSHED: &str = "fred=off";

/// How many of this process's lines are lost.
static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// Lines that were lost because stderr did not take them.
pub fn lost() -> usize {
    LOST.get().map_or(0, ErrorCounter::dropped_lines)
}

/// What `--log` says, or why it cannot be read.
pub fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("{HUSHED},{text}"))
        .map_err(|error| format!("--log {text}: write a level, or TARGET=LEVEL,… ({error})"))
}

/// What is logged, which can be changed while the process lives.
struct Level {
    text: Mutex<String>,
    change: Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>,
}

/// The log is the process's, and so is this.
static LEVEL: OnceLock<Level> = OnceLock::new();

/// What is logged, as `--log` says it; empty where nothing is.
pub fn level() -> String {
    LEVEL.get().map(|level| level.text.lock().clone()).unwrap_or_default()
}

/// Changes what is logged, or says why it cannot be.
pub fn set_level(text: &str) -> Result<(), String> {
    let filter = filter(text)?;
    let level = LEVEL.get().ok_or("nothing is logged")?;
    // Held meanwhile, so that what is said is what counts.
    let mut said = level.text.lock();
    (level.change)(filter)?;
    text.clone_into(&mut said);
    Ok(())
}

/// Begins to log; lines written are flushed when the guard is dropped.
///
/// Lines are handed to a thread of their own through a bounded queue: a full
/// pipe behind stderr loses lines, never time.
pub fn init(text: &str) -> anyhow::Result<WorkerGuard> {
    let filter = self::filter(text).map_err(anyhow::Error::msg)?;
    let is_terminal = std::io::stderr().is_terminal();
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(std::io::stderr());
    let _ = LOST.set(writer.error_counter());
    let builder = fmt().with_env_filter(filter).with_writer(writer);
    if is_terminal {
        let builder = builder.with_ansi(true).with_filter_reloading();
        let handle = builder.reload_handle();
        keep_level(text, move |filter| handle.reload(filter));
        builder.init();
    } else {
        let builder = builder.json().flatten_event(true).with_current_span(false);
        let builder = builder.with_filter_reloading();
        let handle = builder.reload_handle();
        keep_level(text, move |filter| handle.reload(filter));
        builder.init();
    }
    panics::watch();
    Ok(guard)
}

fn keep_level(
    text: &str,
    reload: impl Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync + 'static,
) {
    let change = move |filter| reload(filter).map_err(|error| error.to_string());
    let text = Mutex::new(text.to_owned());
    let _ = LEVEL.set(Level { text, change: Box::new(change) });
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
