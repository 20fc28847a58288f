//! How a request fails, told apart so far that one knows where to look.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request has no whole answer.
///
/// A status is no fault: an answer that says 503 is an answer. What was still
/// under way when the run ended is *unfinished*, and no fault either.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The host's name has no address.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// No connection within `--connect-timeout`.
    ConnectTimeout,
    /// The connection was reset while it was opened, before the first request.
    ConnectReset,
    /// The connection could not be opened for another reason.
    ConnectFailed,
    /// This machine has no port left for another connection.
    AddrNotAvailable,
    /// This process may not open another descriptor.
    TooManyFiles,
    /// The TLS handshake failed.
    Tls,
    /// The connection was reset while the request was written.
    WriteReset,
    /// The connection was reset while the answer was awaited or read.
    ReadReset,
    /// The connection was closed before the answer's head was whole.
    EofBeforeHeaders,
    /// The connection was closed before the answer's body was whole.
    EofInBody,
    /// What came was no HTTP.
    Parse,
    /// The peer reset the stream or refused it (HTTP/2).
    StreamReset,
    /// No answer's head within `--header-timeout`.
    HeaderTimeout,
    /// No whole body within `--body-timeout`.
    BodyTimeout,
    /// The body is not the one that was expected.
    BodyMismatch,
}

impl Fault {
    /// All of them, in the order of an exchange.
    pub const ALL: [Self; 17] = [
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectReset,
        Self::ConnectFailed,
        Self::AddrNotAvailable,
        Self::TooManyFiles,
        Self::Tls,
        Self::WriteReset,
        Self::ReadReset,
        Self::EofBeforeHeaders,
        Self::EofInBody,
        Self::Parse,
        Self::StreamReset,
        Self::HeaderTimeout,
        Self::BodyTimeout,
        Self::BodyMismatch,
    ];

    /// The word for it, the same in every file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectReset => "connect_reset",
            Self::ConnectFailed => "connect_failed",
            Self::AddrNotAvailable => "addr_not_available",
            Self::TooManyFiles => "too_many_files",
            Self::Tls => "tls",
            Self::WriteReset => "write_reset",
            Self::ReadReset => "read_reset",
            Self::EofBeforeHeaders => "eof_before_headers",
            Self::EofInBody => "eof_in_body",
            Self::Parse => "parse",
            Self::StreamReset => "stream_reset",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::BodyMismatch => "body_mismatch",
        }
    }

    /// Whether it says something of this machine rather than of the target:
    /// a step in which it occurs measures the generator.
    pub fn is_the_generators(self) -> bool {
        matches!(self, Self::AddrNotAvailable | Self::TooManyFiles)
    }

    /// Whether waiting was given up: the time is a lower bound then.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::HeaderTimeout | Self::BodyTimeout)
    }

    /// Whether there was no connection, so that asking again at once would
    /// only spin.
    pub fn is_unconnected(self) -> bool {
        self <= Self::Tls
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_one_word() {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
        }
    }
}
