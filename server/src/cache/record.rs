//! One stored response with its key as bytes: what a snapshot is made of, and
//! what another cache could be sent.
//!
//! Pieces with their lengths before them, written by hand. A response is not
//! much more than a list of byte strings, so this is shorter than a second set
//! of types for a serialiser, the body is written from where it is, and a
//! length is compared with what there is before anything is made of it.
//! Numbers are little-endian.
//!
//! What follows from the fields is not here: the terms depend on rules that may
//! have changed, and the header block is made when it enters memory.

#[cfg(test)]
pub(super) mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, uri::PathAndQuery};

use super::{
    key::CacheKey, policy::storing::Times, range::ContentRange, stored::StoredResponse,
    vary::Selecting,
};
use crate::target::Target;

/// The version of the format, the first byte of each record.
pub const VERSION: u8 = 1;
/// No response has more lines: a map of fields is limited, and so are heads.
const MOST_LINES: usize = 8192;

/// A stored response and what it was asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The target, which is the key.
    pub target: Target,
    /// The response, its body in memory of its own.
    pub response: StoredResponse,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It was written by another release.
    #[error("a record has version {0}")]
    Version(u8),
    /// It ends too early, or goes on behind its end.
    #[error("a record is not as long as it says")]
    Length,
    /// A value is none of its kind.
    #[error("a record's {0} is none")]
    Value(&'static str),
}

/// The head of a record, behind which the response's body makes it whole.
///
/// `None` for what no response has: more lines than a map can hold, lengths of
/// 4 GiB, a time before 1970.
pub fn head(key: &CacheKey, response: &StoredResponse) -> Option<Vec<u8>> {
    let StoredResponse { status, fields, selecting, part, times, body } = response;
    let mut out = vec![VERSION];
    put(&mut out, key.as_str().as_bytes())?;
    out.extend(status.as_u16().to_le_bytes());
    for time in [times.request_time, times.response_time] {
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        out.extend(since.as_secs().to_le_bytes());
        out.extend(since.subsec_nanos().to_le_bytes());
    }
    let positions = part.map(|part| [Some(part.first), Some(part.last), part.complete]);
    let positions = positions.unwrap_or_default();
    for position in positions {
        out.push(u8::from(position.is_some()));
        out.extend(position.unwrap_or_default().to_le_bytes());
    }
    count(&mut out, fields.len())?;
    for (name, value) in fields {
        put(&mut out, name.as_str().as_bytes())?;
        put(&mut out, value.as_bytes())?;
    }
    count(&mut out, selecting.names().count())?;
    for (name, lines) in selecting.lines() {
        put(&mut out, name.as_str().as_bytes())?;
        count(&mut out, lines.len())?;
        for line in lines {
            put(&mut out, line.as_bytes())?;
        }
    }
    out.extend(length(body)?);
    Some(out)
}

fn length(bytes: &[u8]) -> Option<[u8; 4]> {
    Some(u32::try_from(bytes.len()).ok()?.to_le_bytes())
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend(length(bytes)?);
    out.extend(bytes);
    Some(())
}

fn count(out: &mut Vec<u8>, lines: usize) -> Option<()> {
    let lines = u32::try_from(lines).ok().filter(|_| lines <= MOST_LINES)?;
    out.extend(lines.to_le_bytes());
    Some(())
}

impl Record {
    /// Reads a record, whoever has written it.
    pub fn read(bytes: &[u8]) -> Result<Record, Malformed> {
        let mut rest = Rest(bytes);
        match rest.number()? {
            [VERSION] => {}
            [version] => return Err(Malformed::Version(version)),
        }
        let target = target(rest.piece()?).ok_or(Malformed::Value("target"))?;
        let status = StatusCode::from_u16(u16::from_le_bytes(rest.number()?))
            .map_err(|_| Malformed::Value("status"))?;
        let times = Times { request_time: rest.time()?, response_time: rest.time()? };
        let part = match [rest.position()?, rest.position()?, rest.position()?] {
            [None, None, None] => None,
            [Some(first), Some(last), complete] => Some(ContentRange { first, last, complete }),
            _ => return Err(Malformed::Value("part")),
        };
        // Nothing is reserved by a count: each line that is there takes its bytes.
        let mut fields = Vec::new();
        for _ in 0..rest.count()? {
            fields.push((rest.name()?, rest.value()?));
        }
        let mut selecting = Vec::new();
        let mut left = MOST_LINES;
        for _ in 0..rest.count()? {
            let (name, lines) = (rest.name()?, rest.count()?);
            left = left.checked_sub(lines).ok_or(Malformed::Value("number of lines"))?;
            let lines = (0..lines).map(|_| rest.value()).collect::<Result<Vec<_>, _>>()?;
            selecting.push((name, lines));
        }
        let body = rest.piece()?;
        if !rest.0.is_empty() {
            return Err(Malformed::Length);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &fields {
            headers.append(name.clone(), value.clone());
        }
        let selecting = Selecting::of_lines(selecting, &headers);
        let body = Bytes::copy_from_slice(body);
        let response = StoredResponse { status, fields, selecting, part, times, body };
        Ok(Record { target, response })
    }
}

fn target(bytes: &[u8]) -> Option<Target> {
    let target = Target::new(PathAndQuery::try_from(bytes).ok()?).ok()?;
    // What a fragment is cut from would be another's key.
    (target.as_str().as_bytes() == bytes).then_some(target)
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(u32::from_le_bytes(self.number()?)).map_err(|_| Malformed::Length)
    }

    fn piece(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        self.take(length)
    }

    fn count(&mut self) -> Result<usize, Malformed> {
        let count = self.length()?;
        if count <= MOST_LINES { Ok(count) } else { Err(Malformed::Value("number of lines")) }
    }

    fn time(&mut self) -> Result<SystemTime, Malformed> {
        let seconds = Duration::from_secs(u64::from_le_bytes(self.number()?));
        let nanos = u32::from_le_bytes(self.number()?);
        let since = (nanos < 1_000_000_000)
            .then(|| seconds.checked_add(Duration::from_nanos(nanos.into())));
        since
            .flatten()
            .and_then(|since| UNIX_EPOCH.checked_add(since))
            .ok_or(Malformed::Value("time"))
    }

    fn position(&mut self) -> Result<Option<u64>, Malformed> {
        let (is_there, position) = (self.number()?, u64::from_le_bytes(self.number()?));
        match is_there {
            [0] => Ok(None),
            [1] => Ok(Some(position)),
            _ => Err(Malformed::Value("part")),
        }
    }

    fn name(&mut self) -> Result<HeaderName, Malformed> {
        HeaderName::from_bytes(self.piece()?).map_err(|_| Malformed::Value("field name"))
    }

    fn value(&mut self) -> Result<HeaderValue, Malformed> {
        HeaderValue::from_bytes(self.piece()?).map_err(|_| Malformed::Value("field value"))
    }
}
