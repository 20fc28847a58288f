//! What goes to stdout.

use std::io::{self, Write};

use loadgen::summary::Summary;

use super::{Failed, arguments::Format};

/// Prints `summary`, for people or for programs.
pub(crate) fn print(summary: &Summary, format: Format) -> Result<(), Failed> {
    let printed = match format {
        Format::Table => write!(io::stdout(), "{summary}"),
        Format::Json => serde_json::to_writer_pretty(io::stdout(), summary)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(io::stdout())),
    };
    // Who does not read the table has the exit code.
    printed.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failed::own(error)),
    })
}
