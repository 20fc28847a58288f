//! One line per request, when its answer has been sent or given up.
//!
//! Lines go to a thread of their own through a bounded queue: who does not read
//! them, a full pipe or a slow disk, loses lines, never time.

mod style;

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Method, StatusCode, Version};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

pub use self::style::Style;
use super::{Share, TelemetryConfig, log::QUEUED_LINES};
use crate::exchange::trace::TraceId;

/// The target of the access log's lines, as `--log` names it.
pub const TARGET: &str = "access";

/// The file that cannot be written to, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the access log to {}: name a file that can be with --access-log-file", file.display())]
pub struct Unwritable {
    file: PathBuf,
    source: io::Error,
}

/// What is said of a request.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it came.
    pub at: SystemTime,
    /// Its method.
    pub method: Method,
    /// Its target, as the client sent it.
    pub uri: String,
    /// The version that its client speaks.
    pub version: Version,
    /// Where it came from, IPv4 as itself though the listener is IPv6.
    pub remote: Option<std::net::SocketAddr>,
    /// Its `Referer`.
    pub referer: Option<HeaderValue>,
    /// Its `User-Agent`.
    pub user_agent: Option<HeaderValue>,
    /// The trace that it belongs to.
    pub trace: Option<TraceId>,
    /// The status of its answer.
    pub status: StatusCode,
    /// The answer's `Cache-Status`.
    pub cache: Option<HeaderValue>,
    /// Bytes of the answer's body that were sent.
    pub bytes: u64,
    /// Until the answer began.
    pub first_byte: Duration,
    /// Until it ended.
    pub duration: Duration,
    /// How it ended.
    pub ending: Ending,
    /// How the wait was.
    pub pace: Pace,
}

/// How an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was sent whole.
    Complete,
    /// It broke off.
    Aborted,
}

/// Whether an answer took longer to begin than it should (`--slow-request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It did not, or nobody said how long it may take.
    Normal,
    /// It did.
    Slow,
}

/// The log.
#[derive(Debug)]
pub struct AccessLog {
    style: Style,
    share: Share,
    ended: AtomicU64,
    writer: NonBlocking,
}

impl AccessLog {
    /// Opens the log, if there is to be one. Its lines are flushed when the guard
    /// is dropped.
    pub fn open(config: &TelemetryConfig) -> Result<Option<(AccessLog, WorkerGuard)>, Unwritable> {
        let style = config.access_log.unwrap_or_else(Style::standard);
        if style == Style::Off {
            return Ok(None);
        }
        let lines = NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES);
        let (writer, guard) = match &config.access_log_file {
            None => lines.finish(io::stderr()),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                lines.finish(file.map_err(|source| Unwritable { file: path.clone(), source })?)
            }
        };
        let share = config.access_log_sample;
        Ok(Some((AccessLog { style, share, ended: AtomicU64::new(0), writer }, guard)))
    }

    /// Counts the lines that are lost.
    pub fn lost(&self) -> ErrorCounter {
        self.writer.error_counter()
    }

    /// Logs a request, if it is one of those that are.
    pub fn note(&self, line: &Line) {
        let number = self.ended.fetch_add(1, Ordering::Relaxed);
        if is_logged(line, number, self.share) {
            // A queue is written to, which takes the line or loses it.
            let _ = self.writer.clone().write_all(self.style.text(line).as_bytes());
        }
    }
}

impl Style {
    /// What is written where nothing is said: for eyes or for programs.
    fn standard() -> Style {
        if io::stderr().is_terminal() { Style::Logfmt } else { Style::Json }
    }
}

/// Whether a request is logged, of which so many ended before: what failed or
/// was slow always, and of the others exactly their share, evenly.
fn is_logged(line: &Line, number: u64, share: Share) -> bool {
    let failed = line.status.is_server_error() || line.ending == Ending::Aborted;
    failed || line.pace == Pace::Slow || is_of_share(number, share)
}

fn is_of_share(number: u64, share: Share) -> bool {
    // What 52 bits cannot tell apart any more is logged thousands of years from now.
    #[expect(clippy::cast_precision_loss, reason = "the count of requests is smaller")]
    let whole = |number: u64| (number as f64 * share.get()).floor();
    whole(number) < whole(number + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// A request that went well.
    pub(in crate::telemetry) fn line() -> Line {
        Line {
            at: UNIX_EPOCH + Duration::from_millis(1_764_075_600_123),
            method: Method::GET,
            uri: "/menu/1?a=b".to_owned(),
            version: Version::HTTP_11,
            remote: Some("192.0.2.1:4711".parse().unwrap()),
            referer: None,
            user_agent: Some(HeaderValue::from_static("curl/8")),
            trace: None,
            status: StatusCode::OK,
            cache: Some(HeaderValue::from_static("lunch-relay; hit; ttl=9")),
            bytes: 4,
            first_byte: Duration::from_micros(12),
            duration: Duration::from_micros(34),
            ending: Ending::Complete,
            pace: Pace::Normal,
        }
    }

    #[test]
    fn of_what_went_well_there_is_a_share_evenly_and_of_the_rest_everything() {
        let logged = |line: &Line, share: &str| {
            let share = share.parse().unwrap();
            (0..1000).filter(|number| is_logged(line, *number, share)).collect::<Vec<_>>()
        };
        assert_eq!(logged(&line(), "0").len(), 0);
        assert_eq!(logged(&line(), "1").len(), 1000);
        let some = logged(&line(), "0.01");
        assert_eq!(some.len(), 10);
        assert!(some.windows(2).all(|pair| (99..=101).contains(&(pair[1] - pair[0]))), "{some:?}");

        let failed = Line { status: StatusCode::BAD_GATEWAY, ..line() };
        let aborted = Line { ending: Ending::Aborted, ..line() };
        let slow = Line { pace: Pace::Slow, ..line() };
        for always in [failed, aborted, slow] {
            assert_eq!(logged(&always, "0").len(), 1000, "{always:?}");
        }
        let not_found = Line { status: StatusCode::NOT_FOUND, ..line() };
        assert_eq!(logged(&not_found, "0.01").len(), 10);
    }
}
