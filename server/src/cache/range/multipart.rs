//! `multipart/byteranges` (RFC 9110 §14.6): several parts in one body.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use sha2::{Digest, Sha256};

use super::{ContentRange, slice, value};

/// The body of a 206 with several parts of `body`, which is the whole
/// representation of `complete` bytes; a part outside it is left out.
///
/// `content_type` is the representation's own; that of the answer is
/// [`multipart_type`].
pub fn multipart(
    body: &Bytes,
    parts: &[RangeInclusive<u64>],
    complete: u64,
    content_type: Option<&HeaderValue>,
    boundary: &str,
) -> Bytes {
    /// What stands around a part, besides boundary, type and positions.
    const AROUND: usize = "\r\n--\r\nContent-Type: \r\nContent-Range: \r\n\r\n".len() + 80;

    let sliced: Vec<(ContentRange, Bytes)> = parts
        .iter()
        .filter_map(|part| {
            let range =
                ContentRange { first: *part.start(), last: *part.end(), complete: Some(complete) };
            Some((range, slice(body, part.clone())?))
        })
        .collect();
    let around = AROUND + boundary.len() + content_type.map_or(0, HeaderValue::len);
    let bytes: usize = sliced.iter().map(|(_, bytes)| around + bytes.len()).sum();

    let mut text = BytesMut::with_capacity(bytes + around);
    for (range, bytes) in sliced {
        if !text.is_empty() {
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"--");
        text.extend_from_slice(boundary.as_bytes());
        if let Some(content_type) = content_type {
            text.extend_from_slice(b"\r\nContent-Type: ");
            text.extend_from_slice(content_type.as_bytes());
        }
        text.extend_from_slice(b"\r\nContent-Range: ");
        text.extend_from_slice(range.to_value().as_bytes());
        text.extend_from_slice(b"\r\n\r\n");
        text.extend_from_slice(&bytes);
    }
    text.extend_from_slice(b"\r\n--");
    text.extend_from_slice(boundary.as_bytes());
    text.extend_from_slice(b"--\r\n");
    text.freeze()
}

/// A boundary that occurs in none of these parts of `body`; the same for the
/// same bytes, so that equal requests have equal answers.
pub fn boundary(body: &Bytes, parts: &[RangeInclusive<u64>]) -> String {
    let sliced: Vec<Bytes> = parts.iter().filter_map(|part| slice(body, part.clone())).collect();
    let mut hash = Sha256::new();
    for part in &sliced {
        hash.update(part);
    }
    // Of this alphabet, nothing needs quotes.
    let hash = BASE64.encode(hash.finalize());
    // That bytes contain their own hash is not to be expected; it costs one look.
    first_absent(&sliced, (0_u64..).map(|salt| format!("{hash}-{salt}")))
}

fn first_absent(parts: &[Bytes], mut candidates: impl Iterator<Item = String>) -> String {
    candidates
        .find(|candidate| {
            let candidate = candidate.as_bytes();
            !parts.iter().any(|part| {
                part.windows(candidate.len())
                    .any(|window| window.first() == candidate.first() && window == candidate)
            })
        })
        .unwrap_or_default()
}

/// The `Content-Type` of a 206 with several parts.
///
/// The boundary stands without quotes: "some existing implementations handle a
/// quoted boundary string incorrectly" (RFC 9110 §14.6).
pub fn multipart_type(boundary: &str) -> HeaderValue {
    value(format_args!("multipart/byteranges; boundary={boundary}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Bytes {
        Bytes::from_static(b"0123456789")
    }

    #[test]
    fn parts_have_their_own_fields() {
        let content_type = HeaderValue::from_static("text/plain");
        let text = multipart(&body(), &[0..=1, 7..=9], 10, Some(&content_type), "x");
        assert_eq!(
            text,
            "--x\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n\
             --x\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n\
             --x--\r\n"
        );
        let text = multipart(&body(), &[5..=5], 10, None, "x");
        assert_eq!(text, "--x\r\nContent-Range: bytes 5-5/10\r\n\r\n5\r\n--x--\r\n");
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let outside = [5..=10, u64::MAX..=u64::MAX, 0..=u64::MAX, RangeInclusive::new(5, 4)];
        assert_eq!(multipart(&body(), &outside, 10, None, "x"), "\r\n--x--\r\n");
        assert_eq!(boundary(&body(), &outside), boundary(&body(), &[]));
    }

    #[test]
    fn a_boundary_is_of_the_bytes_and_not_in_them() {
        let one = boundary(&body(), &[0..=1, 7..=9]);
        assert_eq!(one, boundary(&body(), &[0..=1, 7..=9]));
        assert_ne!(one, boundary(&body(), &[0..=1, 6..=9]));
        // RFC 2046 §5.1.1.
        assert!(one.len() <= 70, "{one}");
        assert_eq!(multipart_type(&one), &*format!("multipart/byteranges; boundary={one}"));

        let parts = ["..a0..", "a1", "a"].map(Bytes::from);
        let candidates = ["a0", "a1", "a2", "a3"].map(str::to_owned);
        assert_eq!(first_absent(&parts, candidates.into_iter()), "a2");
    }
}
