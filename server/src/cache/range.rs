//! Parts of a representation (RFC 9110 §14): which are asked for, and what can
//! be made of those that are there (RFC 9111 §3.3, §3.4).
//!
//! Positions come from clients and upstreams: no arithmetic here can overflow.

mod multipart;

pub use multipart::{boundary, multipart, multipart_type};

use std::{fmt::Display, ops::RangeInclusive};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};

/// More ranges than this are answered with the whole (RFC 9110 §17.15).
const MOST_RANGES: usize = 16;

/// What a GET's `Range` asks for (RFC 9110 §14.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// The whole: there is no `Range`, or it is to be ignored.
    Whole,
    /// These parts, in the order asked for; at least one, each of a byte or
    /// more and within the representation: 206.
    Parts(Vec<RangeInclusive<u64>>),
    /// Nothing that is there: 416.
    Unsatisfiable,
}

/// Reads `Range` for a representation of so many bytes; `If-Range` is asked
/// before ([`range_applies`](super::conditions::range_applies)).
pub fn requested(request: &HeaderMap, complete_length: u64) -> Requested {
    let mut lines = request.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Requested::Whole };
    // A unit that is not understood, or an invalid ranges-specifier, is ignored.
    let Some(specs) = line.to_str().ok().and_then(specs) else { return Requested::Whole };

    let suffix = specs.iter().any(|spec| matches!(spec, Spec::Suffix(1..)));
    let parts: Vec<_> = specs.iter().filter_map(|spec| spec.within(complete_length)).collect();
    if parts.is_empty() {
        // Where there are no bytes, the last of them can be asked for, but no
        // `Content-Range` can say so (§14.1.2, §14.4): "MAY ignore" (§14.2).
        return if suffix { Requested::Whole } else { Requested::Unsatisfiable };
    }
    // More than everything is asked for: some of it twice (§17.15).
    let sum: u128 = parts.iter().map(length).sum();
    if u128::from(complete_length) < sum { Requested::Whole } else { Requested::Parts(parts) }
}

/// A range-spec of bytes (RFC 9110 §14.1.2).
#[derive(Clone, Copy, Debug)]
enum Spec {
    /// int-range: the first position, and the last or up to the end.
    From(u64, Option<u64>),
    /// suffix-range: so many of the last bytes.
    Suffix(u64),
}

impl Spec {
    fn read(text: &str) -> Option<Spec> {
        let (first, last) = text.split_once('-')?;
        if first.is_empty() {
            return Some(Spec::Suffix(position(last)?));
        }
        let first = position(first)?;
        if last.is_empty() {
            return Some(Spec::From(first, None));
        }
        // "An int-range is invalid if the last-pos value is present and less
        // than the first-pos" (§14.1.1).
        let last = position(last).filter(|last| first <= *last)?;
        Some(Spec::From(first, Some(last)))
    }

    /// The part it stands for, `None` where it is not satisfiable (§14.1.2).
    fn within(self, complete_length: u64) -> Option<RangeInclusive<u64>> {
        let end = complete_length.checked_sub(1)?;
        match self {
            Spec::From(first, last) => {
                let last = last.map_or(end, |last| last.min(end));
                (first <= last).then_some(first..=last)
            }
            Spec::Suffix(0) => None,
            Spec::Suffix(length) => Some(complete_length.saturating_sub(length)..=end),
        }
    }
}

/// A ranges-specifier of bytes (RFC 9110 §14.1.1), `None` where it is not one
/// that is answered.
fn specs(line: &str) -> Option<Vec<Spec>> {
    let (unit, set) = line.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let members = set.split(',').map(str::trim).filter(|member| !member.is_empty());
    let specs: Vec<Spec> = members.take(MOST_RANGES + 1).map(Spec::read).collect::<Option<_>>()?;
    (1..=MOST_RANGES).contains(&specs.len()).then_some(specs)
}

/// A decimal number, the greatest there is where it is too great: "recipients
/// MUST anticipate potentially large decimal numerals" (RFC 9110 §14.1.2).
fn position(digits: &str) -> Option<u64> {
    is_number(digits).then(|| digits.parse().unwrap_or(u64::MAX))
}

fn is_number(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn length(range: &RangeInclusive<u64>) -> u128 {
    u128::from(range.end().saturating_sub(*range.start())) + 1
}

/// Where in a representation the bytes of a 206 belong (RFC 9110 §14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The position of the first byte.
    pub first: u64,
    /// The position of the last byte.
    pub last: u64,
    /// How long the representation is; `*` where that is not known.
    pub complete: Option<u64>,
}

impl ContentRange {
    /// The range that a 206's fields have, `None` where there is none that is
    /// valid and in bytes: such content is combined with nothing.
    pub fn parse(headers: &HeaderMap) -> Option<ContentRange> {
        let mut lines = headers.get_all(header::CONTENT_RANGE).iter();
        let (line, None) = (lines.next()?, lines.next()) else { return None };
        let (unit, rest) = line.to_str().ok()?.split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let number = |text: &str| if is_number(text) { text.parse::<u64>().ok() } else { None };
        let (positions, complete) = rest.trim().split_once('/')?;
        let (first, last) = positions.split_once('-')?;
        let complete = if complete == "*" { None } else { Some(number(complete)?) };
        let range = ContentRange { first: number(first)?, last: number(last)?, complete };
        range.is_valid().then_some(range)
    }

    /// It as a field value.
    pub fn to_value(&self) -> HeaderValue {
        let ContentRange { first, last, .. } = self;
        match self.complete {
            Some(complete) => value(format_args!("bytes {first}-{last}/{complete}")),
            None => value(format_args!("bytes {first}-{last}/*")),
        }
    }

    /// Not "a last-pos value less than its first-pos value, or a complete-length
    /// value less than or equal to its last-pos value" (RFC 9110 §14.4).
    fn is_valid(&self) -> bool {
        self.first <= self.last && self.complete.is_none_or(|complete| self.last < complete)
    }

    /// How many bytes it spans, `None` where that is no number here.
    fn span(&self) -> Option<usize> {
        let span = self.last.checked_sub(self.first)?.checked_add(1)?;
        usize::try_from(span).ok()
    }
}

/// The `Content-Range` of a 416 (RFC 9110 §14.4).
pub fn unsatisfied(complete: u64) -> HeaderValue {
    value(format_args!("bytes */{complete}"))
}

fn value(line: impl Display) -> HeaderValue {
    // Numbers and our own words are always a valid value.
    HeaderValue::try_from(line.to_string()).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// The `Range` that asks for all that is missing of a representation; `None`
/// where nothing is, where it is not one range, or its end is not known.
pub fn missing(have: &ContentRange) -> Option<HeaderValue> {
    let complete = have.complete.filter(|_| have.is_valid())?;
    let after = have.last.checked_add(1)?;
    match (have.first.checked_sub(1), after < complete) {
        (None, true) => Some(value(format_args!("bytes={after}-"))),
        (Some(before), false) => Some(value(format_args!("bytes=0-{before}"))),
        _ => None,
    }
}

/// A part of a representation that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it belongs.
    pub range: ContentRange,
    /// Its bytes, as many as the range spans.
    pub body: Bytes,
}

impl Part {
    /// Bytes in their place, `None` where they are not as many as the range
    /// spans or the range is not valid.
    pub fn new(range: ContentRange, body: Bytes) -> Option<Part> {
        Some(Part { range, body }).filter(Part::is_sound)
    }

    fn is_sound(&self) -> bool {
        self.range.is_valid() && self.range.span() == Some(self.body.len())
    }

    /// Whether it is the whole representation.
    pub fn is_complete(&self) -> bool {
        let end = self.range.last.checked_add(1);
        self.range.first == 0 && self.range.complete.is_some_and(|complete| end == Some(complete))
    }

    /// Whether these bytes lie within it.
    pub fn holds(&self, range: &RangeInclusive<u64>) -> bool {
        self.range.first <= *range.start()
            && range.start() <= range.end()
            && *range.end() <= self.range.last
    }

    /// These bytes of the representation, shared; `None` where they do not all
    /// lie within it.
    pub fn slice(&self, range: &RangeInclusive<u64>) -> Option<Bytes> {
        if !self.holds(range) {
            return None;
        }
        slice(&self.body, range.start() - self.range.first..=range.end() - self.range.first)
    }

    /// The parts that a request asks for, where it "is partial and specifies a
    /// range wholly within the incomplete response" (RFC 9111 §3.3).
    ///
    /// `None` where this part is no answer: it lacks some of them, the whole is
    /// asked for, or it is not known how long that is.
    pub fn requested(&self, request: &HeaderMap) -> Option<Vec<RangeInclusive<u64>>> {
        match requested(request, self.range.complete?) {
            Requested::Parts(parts) if parts.iter().all(|part| self.holds(part)) => Some(parts),
            _ => None,
        }
    }
}

fn slice(body: &Bytes, range: RangeInclusive<u64>) -> Option<Bytes> {
    let first = usize::try_from(*range.start()).ok()?;
    let end = usize::try_from(*range.end()).ok()?.checked_add(1)?;
    (first < end && end <= body.len()).then(|| body.slice(first..end))
}

/// Two parts as one (RFC 9111 §3.4), where they overlap or touch and do not
/// disagree on the complete length; `None` otherwise.
///
/// That both "share the same strong validator" is for the caller to see to.
/// Where they overlap, the bytes are those of `got`.
pub fn combine(have: &Part, got: &Part) -> Option<Part> {
    if !have.is_sound() || !got.is_sound() {
        return None;
    }
    let complete = match (have.range.complete, got.range.complete) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.or(other),
    };
    let first = have.range.first.min(got.range.first);
    let last = have.range.last.max(got.range.last);
    let range = ContentRange { first, last, complete };
    let after_have = have.range.last.checked_add(1)?;
    let after_got = got.range.last.checked_add(1)?;
    let apart = after_have < got.range.first || after_got < have.range.first;
    if apart || !range.is_valid() {
        return None;
    }

    // What `have` has before `got` begins and after it ends.
    let before = usize::try_from(got.range.first.saturating_sub(have.range.first)).ok()?;
    let after = usize::try_from(after_have.saturating_sub(after_got)).ok()?;
    if before == 0 && after == 0 {
        return Some(Part { range, body: got.body.clone() });
    }
    let before = have.body.get(..before)?;
    let after = have.body.get(have.body.len().checked_sub(after)?..)?;
    let mut body = BytesMut::with_capacity(range.span()?);
    body.extend_from_slice(before);
    body.extend_from_slice(&got.body);
    body.extend_from_slice(after);
    Some(Part { range, body: body.freeze() })
}

#[cfg(test)]
mod tests;
