//! A snapshot as a stream of bytes.
//!
//! ```text
//! "lunch-relay snapshot\n"  version (4 bytes)  source  record …  end
//! ```
//!
//! Source, records and end are frames: a byte for the kind, four for the
//! length, four of CRC-32 over these five and the content, the content. The
//! source is the upstream's name, as what is stored answers for it alone; the
//! end has the number of records, so that what is cut off is told from what is
//! whole. Numbers are little-endian.
//!
//! CRC-32 is for accidents: it finds each flipped byte, and costs less than the
//! reading. Who can write the file could as well answer for the upstream.

#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};

use crc32fast::Hasher;

use crate::cache::{
    key::CacheKey,
    record::{self, Malformed, Record},
    stored::StoredResponse,
};

/// What every snapshot begins with, whatever its version.
pub const MAGIC: &[u8; 21] = b"lunch-relay snapshot\n";
/// The version of the format.
const VERSION: u32 = 1;
/// No upstream has a longer name.
const LONGEST_SOURCE: usize = 1 << 16;
/// The length of the end's content, and of all of it.
const END_CONTENT: usize = 8;
const END: u64 = 9 + END_CONTENT as u64;

const SOURCE_KIND: u8 = 1;
const RECORD_KIND: u8 = 2;
const END_KIND: u8 = 3;

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is something else.
    #[error("it is not one, and will not be replaced: name another file with --snapshot")]
    Foreign,
    /// Another release has written it.
    #[error("it has version {0}, and this release reads version {VERSION}")]
    Version(u32),
    /// It is of another upstream.
    #[error("it is of another upstream")]
    OtherSource,
    /// It ends before its end.
    #[error("it is cut off")]
    CutOff,
    /// It is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// A record is none.
    #[error("it is damaged: {0}")]
    Malformed(#[from] Malformed),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// How much was written or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Those left out, as there was no room for them.
    pub left_out: u64,
}

/// Writes a snapshot of at most so many bytes.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    room: u64,
    tally: Tally,
}

impl<W: Write> Writer<W> {
    /// Begins a snapshot of what is stored of this upstream.
    pub fn begin(mut out: W, source: &str, most: u64) -> io::Result<Writer<W>> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let room = most.saturating_sub((MAGIC.len() + size_of_val(&VERSION)) as u64 + END);
        let mut writer = Writer { out, room, tally: Tally::default() };
        writer.frame(SOURCE_KIND, source.as_bytes(), &[])?;
        Ok(writer)
    }

    /// Writes a response, if there is room for it.
    pub fn put(&mut self, key: &CacheKey, response: &StoredResponse) -> io::Result<()> {
        let head = record::head(key, response).unwrap_or_default();
        let size = (9 + head.len() + response.body.len()) as u64;
        if head.is_empty() || self.room < size {
            self.tally.left_out += 1;
            return Ok(());
        }
        self.tally.records += 1;
        self.frame(RECORD_KIND, &head, &response.body)
    }

    /// Ends the snapshot.
    pub fn finish(mut self) -> io::Result<(W, Tally)> {
        let records = self.tally.records.to_le_bytes();
        self.frame(END_KIND, &records, &[])?;
        self.out.flush()?;
        Ok((self.out, self.tally))
    }

    /// Writes a frame; its content is in two pieces, so that no body is copied.
    fn frame(&mut self, kind: u8, head: &[u8], body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(head.len() + body.len()).map_err(io::Error::other)?;
        let mut sum = begun(kind, length);
        sum.update(head);
        sum.update(body);
        self.out.write_all(&[kind])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&sum.finalize().to_le_bytes())?;
        self.out.write_all(head)?;
        self.out.write_all(body)?;
        self.room = self.room.saturating_sub(9 + u64::from(length));
        Ok(())
    }
}

fn begun(kind: u8, length: u32) -> Hasher {
    let mut sum = Hasher::new();
    sum.update(&[kind]);
    sum.update(&length.to_le_bytes());
    sum
}

/// Reads a snapshot of what is stored of this upstream and gives each record to
/// `each`, as long as nothing is wrong. What is longer than `largest` is left
/// out, and no more memory than that is used, whatever the bytes say.
pub fn read(
    mut input: impl Read,
    source: &str,
    largest: usize,
    mut each: impl FnMut(Record),
) -> Result<Tally, Unusable> {
    let mut magic = Vec::with_capacity(MAGIC.len());
    input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
    if !MAGIC.starts_with(&magic) {
        return Err(Unusable::Foreign);
    }
    // What is cut off within is seen here.
    let version = u32::from_le_bytes(exactly(&mut input)?);
    if version != VERSION {
        return Err(Unusable::Version(version));
    }
    let mut content = Vec::new();
    match frame(&mut input, LONGEST_SOURCE, &mut content)? {
        Frame::Source if content == source.as_bytes() => {}
        Frame::Source => return Err(Unusable::OtherSource),
        _ => return Err(Unusable::Damaged("it does not say of which upstream it is")),
    }
    let mut tally = Tally::default();
    loop {
        match frame(&mut input, largest.max(END_CONTENT), &mut content)? {
            Frame::Record => {
                each(Record::read(&content)?);
                tally.records += 1;
            }
            Frame::TooLarge => tally.left_out += 1,
            Frame::End => {
                let records = (tally.records + tally.left_out).to_le_bytes();
                if content != records {
                    return Err(Unusable::Damaged("it has not as many records as it says"));
                }
                if input.read(&mut [0])? != 0 {
                    return Err(Unusable::Damaged("there is something behind its end"));
                }
                return Ok(tally);
            }
            Frame::Source => return Err(Unusable::Damaged("it has no order")),
        }
    }
}

/// What a frame is, its content read.
enum Frame {
    Source,
    Record,
    /// A record that was not kept.
    TooLarge,
    End,
}

/// Reads a frame and checks its sum.
fn frame(input: &mut impl Read, largest: usize, content: &mut Vec<u8>) -> Result<Frame, Unusable> {
    let [kind] = exactly(input)?;
    let length = u32::from_le_bytes(exactly(input)?);
    let sum = u32::from_le_bytes(exactly(input)?);
    content.clear();
    let mut found = begun(kind, length);
    let mut input = input.take(length.into());
    let is_kept = usize::try_from(length).is_ok_and(|length| length <= largest);
    if is_kept {
        // It grows with what is there: the length is not believed.
        input.read_to_end(content)?;
        found.update(content);
    } else {
        io::copy(&mut input, &mut Summing(&mut found))?;
    }
    if input.limit() != 0 {
        return Err(Unusable::CutOff);
    }
    if found.finalize() != sum {
        return Err(Unusable::Damaged("a checksum is wrong"));
    }
    match kind {
        SOURCE_KIND if is_kept => Ok(Frame::Source),
        RECORD_KIND => Ok(if is_kept { Frame::Record } else { Frame::TooLarge }),
        END_KIND if content.len() == END_CONTENT => Ok(Frame::End),
        _ => Err(Unusable::Damaged("a frame is of no kind")),
    }
}

/// Takes bytes for their sum alone.
struct Summing<'a>(&'a mut Hasher);

impl Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn exactly<const N: usize>(input: &mut impl Read) -> Result<[u8; N], Unusable> {
    let mut bytes = [0; N];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Unusable::CutOff),
        Err(error) => Err(error.into()),
    }
}
