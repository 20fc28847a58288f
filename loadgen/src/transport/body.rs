//! Whether answers are what they should be.

use std::sync::{Arc, OnceLock};

/// A body's length and CRC-32 (ISO-HDLC): what answers are compared by, as
/// none is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Bytes.
    pub length: u64,
    /// CRC-32 of them.
    pub crc32: u32,
}

impl Print {
    /// The print of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut printing = Printing::default();
        printing.add(bytes);
        printing.done()
    }
}

/// A print that is taken as the bytes come.
#[derive(Debug, Default)]
pub(super) struct Printing {
    length: u64,
    crc32: crc32fast::Hasher,
}

impl Printing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.crc32.update(bytes);
    }

    pub(super) fn done(self) -> Print {
        Print { length: self.length, crc32: self.crc32.finalize() }
    }
}

/// What a body with status 200 is compared with.
#[derive(Debug, Clone)]
pub enum Expected {
    /// The first one that came. Another one is counted, but is no failure:
    /// what is served may change.
    First(Arc<OnceLock<Print>>),
    /// This one. Another one is a failure.
    Exactly(Print),
}

impl Expected {
    /// What the first answer will be.
    pub fn first() -> Self {
        Self::First(Arc::default())
    }
}
