//! What it means when a connection breaks.

use std::{error::Error, io};

use crate::fault::Fault;

/// Which part of the answer was awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Head,
    Body,
}

/// What was done to the connection when it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Read,
    Write,
}

/// The fault that hyper's `error` stands for.
pub(super) fn fault_of(error: &hyper::Error, side: Side, stage: Stage) -> Fault {
    let eof = match stage {
        Stage::Head => Fault::EofBeforeHeaders,
        Stage::Body => Fault::EofInBody,
    };
    if error.is_incomplete_message() || error.is_closed() {
        return eof;
    }
    if error.is_parse() {
        return Fault::Parse;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let http2 = cause.downcast_ref::<h2::Error>();
        let io = cause.downcast_ref::<io::Error>().or_else(|| http2?.get_io());
        if let Some(error) = io {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => eof,
                // What h2 calls a connection that ends under its streams.
                io::ErrorKind::BrokenPipe if side == Side::Read => eof,
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Fault::Parse,
                _ if side == Side::Write => Fault::WriteReset,
                _ => Fault::ReadReset,
            };
        }
        if let Some(error) = http2 {
            // What comes from here is the answer to what breaks the rules.
            return if error.is_library() { Fault::Parse } else { Fault::StreamReset };
        }
        source = cause.source();
    }
    Fault::Parse
}
