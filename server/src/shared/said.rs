//! What is found under a key: a value, or the mark of a purge in its place.

use bytes::Bytes;

use crate::exchange::tier::{Mark, Said};

/// What a mark begins with; no value does.
const PURGED: &[u8] = b"purged ";
/// No mark is longer.
pub const LONGEST_MARK: usize = PURGED.len() + 20;

/// The bytes of a mark.
pub fn mark(number: u64) -> Vec<u8> {
    [PURGED, number.to_string().as_bytes()].concat()
}

/// A mark as the scripts compare it, empty for none.
pub fn as_found(Mark(number): Mark) -> Vec<u8> {
    number.map(mark).unwrap_or_default()
}

/// What the bytes under a key say; more than `largest` are none of ours.
pub fn said(found: Bytes, largest: usize) -> Said {
    if found.is_empty() || largest < found.len() {
        return Said::Nothing(Mark::default());
    }
    match found.strip_prefix(PURGED) {
        Some(number) => {
            let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
            Said::Nothing(Mark(number))
        }
        None => Said::Value(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bytes_say() {
        #[track_caller]
        fn check(found: &'static str, expected: &Said) {
            assert_eq!(said(Bytes::from_static(found.as_bytes()), 30), *expected);
        }

        let nothing = |number| Said::Nothing(Mark(number));
        check("", &nothing(None));
        check("a value", &Said::Value(Bytes::from_static(b"a value")));
        check("purged 7", &nothing(Some(7)));
        check("purged 18446744073709551615", &nothing(Some(u64::MAX)));
        check("purged 18446744073709551616", &nothing(None));
        check("purged -", &nothing(None));
        check("as long as none of ours can be.", &nothing(None));
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for number in [0, 7, u64::MAX] {
            let bytes = mark(number);
            assert!(bytes.len() <= LONGEST_MARK);
            assert_eq!(as_found(Mark(Some(number))), bytes);
            assert_eq!(said(bytes.into(), 99), Said::Nothing(Mark(Some(number))));
        }
        assert_eq!(as_found(Mark(None)), b"");
    }
}
