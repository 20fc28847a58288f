use proptest::{collection::vec, option, prelude::*};

use super::*;

fn line(name: &header::HeaderName, lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).collect()
}

fn range(line_: &str) -> HeaderMap {
    line(&header::RANGE, &[line_])
}

#[track_caller]
fn check_requested(text: &str, complete_length: u64, expected: &str) {
    let actual = match requested(&range(text), complete_length) {
        Requested::Whole => "whole".to_owned(),
        Requested::Unsatisfiable => "416".to_owned(),
        Requested::Parts(parts) => {
            let parts: Vec<_> =
                parts.iter().map(|part| format!("{}-{}", part.start(), part.end())).collect();
            parts.join(" ")
        }
    };
    assert_eq!(actual, expected, "{text} of {complete_length}");
}

#[test]
fn what_is_requested() {
    let check = check_requested;
    check("bytes=0-499", 1000, "0-499");
    check("Bytes=0-499", 1000, "0-499");
    check("bytes=500-999", 1000, "500-999");
    check("bytes=500-5000", 1000, "500-999");
    check("bytes=999-", 1000, "999-999");
    check("bytes=1000-", 1000, "416");
    check("bytes=-500", 1000, "500-999");
    check("bytes=-5000", 1000, "0-999");
    check("bytes=-0", 1000, "416");
    check("bytes=0-0,-1", 1000, "0-0 999-999");
    check("bytes= 0-99, 450-549 ,, -100", 1000, "0-99 450-549 900-999");
    check("bytes=900-, 0-9", 1000, "900-999 0-9");
    check("bytes=5-9,1000-2000,-0", 1000, "5-9");
    check("bytes=1000-2000,-0", 1000, "416");
}

#[test]
fn what_is_ignored() {
    let check = |text| check_requested(text, 1000, "whole");
    check("lines=0-4");
    check("bytes 0-4");
    check("bytes =0-4");
    check("bytes=");
    check("bytes=,");
    check("bytes=-");
    check("bytes=5");
    check("bytes=9-5");
    check("bytes=0-4,9-5");
    check("bytes=0-4,x");
    check("bytes=0x1-4");
    check("bytes=+1-4");
    check("bytes=0 - 4");
    check("bytes=--4");
    check("bytes=0-4-5");
    // Some of it twice, and more than there is.
    check("bytes=0-,0-");
    check("bytes=0-599,400-999");
    check_requested("bytes=0-499,400-899", 1000, "0-499 400-899");
}

#[test]
fn too_many_ranges_are_ignored() {
    let ranges = |count: u64| {
        let ranges: Vec<_> = (0..count).map(|at| format!("{at}-{at}")).collect();
        requested(&range(&format!("bytes={}", ranges.join(","))), 1000)
    };
    assert!(matches!(ranges(16), Requested::Parts(parts) if parts.len() == 16));
    assert_eq!(ranges(17), Requested::Whole);
}

#[test]
fn two_lines_are_ignored() {
    assert_eq!(requested(&HeaderMap::new(), 9), Requested::Whole);
    let two = line(&header::RANGE, &["bytes=0-4", "bytes=5-"]);
    assert_eq!(requested(&two, 9), Requested::Whole);
}

#[test]
fn numbers_beyond_all_lengths() {
    let check = check_requested;
    check("bytes=0-99999999999999999999999", 10, "0-9");
    check("bytes=99999999999999999999999-", 10, "416");
    check("bytes=-99999999999999999999999", 10, "0-9");
    check("bytes=18446744073709551615-", 10, "416");
    check("bytes=18446744073709551615-", u64::MAX, "416");
    check("bytes=18446744073709551614-", u64::MAX, "18446744073709551614-18446744073709551614");
    check("bytes=0-", u64::MAX, "0-18446744073709551614");
    check("bytes=0-,0-", u64::MAX, "whole");
}

#[test]
fn of_nothing() {
    let check = check_requested;
    check("bytes=0-", 0, "416");
    check("bytes=-0", 0, "416");
    check("bytes=-5", 0, "whole");
    check("bytes=0-,-5", 0, "whole");
}

#[track_caller]
fn check_content_range(text: &str, expected: Option<(u64, u64, Option<u64>)>) {
    let actual = ContentRange::parse(&line(&header::CONTENT_RANGE, &[text]));
    let expected = expected.map(|(first, last, complete)| ContentRange { first, last, complete });
    assert_eq!(actual, expected, "{text}");
}

#[test]
fn content_ranges() {
    let check = check_content_range;
    check("bytes 42-1233/1234", Some((42, 1233, Some(1234))));
    check("Bytes 42-1233/*", Some((42, 1233, None)));
    check("bytes 0-0/1", Some((0, 0, Some(1))));
    check("bytes 5-4/10", None);
    check("bytes 5-10/10", None);
    check("bytes */10", None);
    check("lines 0-4/10", None);
    check("bytes=0-4/10", None);
    check("bytes 0-4", None);
    check("bytes -4/10", None);
    check("bytes +0-4/10", None);
    check("bytes 0-4/99999999999999999999999", None);
    let two = line(&header::CONTENT_RANGE, &["bytes 0-4/10", "bytes 0-4/10"]);
    assert_eq!(ContentRange::parse(&two), None);
    assert_eq!(ContentRange::parse(&HeaderMap::new()), None);

    let known = ContentRange { first: 42, last: 1233, complete: Some(1234) };
    assert_eq!(known.to_value(), "bytes 42-1233/1234");
    assert_eq!(ContentRange { complete: None, ..known }.to_value(), "bytes 42-1233/*");
    assert_eq!(unsatisfied(1234), "bytes */1234");
}

#[test]
fn what_is_missing() {
    let check = |first, last, complete, expected: Option<&str>| {
        let actual = missing(&ContentRange { first, last, complete });
        assert_eq!(actual.as_ref().map(|value| value.to_str().unwrap()), expected);
    };
    check(0, 4, Some(10), Some("bytes=5-"));
    check(4, 9, Some(10), Some("bytes=0-3"));
    check(0, 9, Some(10), None);
    check(2, 5, Some(10), None);
    check(0, 4, None, None);
    check(4, 9, Some(5), None);
    check(0, u64::MAX, Some(u64::MAX), None);
}

/// Bytes in their place: a dot for each that is not in the part.
fn part(text: &'static str, complete: Option<u64>) -> Part {
    let body = text.trim_matches('.');
    let first = text.len() - text.trim_start_matches('.').len();
    let range =
        ContentRange { first: first as u64, last: (first + body.len()) as u64 - 1, complete };
    Part::new(range, Bytes::from_static(body.as_bytes())).unwrap()
}

#[track_caller]
fn check_combine(have: &'static str, got: &'static str, expected: Option<&'static str>) {
    let actual = combine(&part(have, Some(6)), &part(got, Some(6)));
    assert_eq!(actual, expected.map(|text| part(text, Some(6))), "{have} {got}");
}

#[test]
fn combining() {
    let check = check_combine;
    check("abc...", "...DEF", Some("abcDEF"));
    check("...def", "ABC...", Some("ABCdef"));
    check("abcd..", "..CDEF", Some("abCDEF"));
    check("..cdef", "ABCD..", Some("ABCDef"));
    check("abcdef", "..CD..", Some("abCDef"));
    check("..cd..", "ABCDEF", Some("ABCDEF"));
    check("..cd..", "..CDE.", Some("..CDE."));
    check("..cd..", ".BCD..", Some(".BCD.."));
    check(".bc...", "...DE.", Some(".bcDE."));
    check("ab....", "...DEF", None);
    check("...def", "AB....", None);
}

#[test]
fn complete_lengths_agree() {
    let have = part("abc", Some(6));
    assert_eq!(combine(&have, &part("...D", Some(7))), None);
    assert_eq!(combine(&have, &part("...D", None)), Some(part("abcD", Some(6))));
    assert_eq!(combine(&part("abc", None), &part("...D", Some(6))), Some(part("abcD", Some(6))));
    assert_eq!(combine(&part("abc", None), &part("...D", None)), Some(part("abcD", None)));
    assert_eq!(combine(&part("abc", Some(3)), &part("...D", None)), None);
}

#[test]
fn a_part_that_is_not_what_it_says_is_combined_with_nothing() {
    let range = ContentRange { first: 0, last: 9, complete: None };
    let body = Bytes::from_static(b"abc");
    assert_eq!(Part::new(range, body.clone()), None);
    assert_eq!(combine(&Part { range, body }, &part("ABC", None)), None);
    // Of too many bytes, which are those that the range means?
    let range = ContentRange { first: 2, last: 3, complete: None };
    let body = Bytes::from_static(b"wxyz");
    assert_eq!(combine(&Part { range, body: body.clone() }, &part("AB", None)), None);
    assert_eq!(combine(&part("ab", None), &Part { range, body }), None);
    let all = ContentRange { first: 0, last: u64::MAX, complete: None };
    assert_eq!(Part::new(all, Bytes::new()), None);
}

#[test]
fn completeness() {
    assert!(part("abc", Some(3)).is_complete());
    assert!(!part("abc", Some(4)).is_complete());
    assert!(!part("abc", None).is_complete());
    assert!(!part(".bc", Some(3)).is_complete());
    let endless = ContentRange { first: 0, last: u64::MAX, complete: None };
    assert!(!Part { range: endless, body: Bytes::new() }.is_complete());
}

#[test]
fn what_a_part_answers() {
    let have = part("..cdef..", Some(8));
    let check = |text, expected: Option<&[RangeInclusive<u64>]>| {
        assert_eq!(have.requested(&range(text)).as_deref(), expected, "{text}");
    };
    check("bytes=2-5", Some(&[2..=5]));
    check("bytes=3-3,5-5", Some(&[3..=3, 5..=5]));
    check("bytes=1-3", None);
    check("bytes=3-6", None);
    check("bytes=3-", None);
    check("bytes=-1", None);
    check("bytes=2-5,7-7", None);
    check("bytes=8-", None);
    check("lines=2-5", None);
    assert_eq!(part("..cdef", Some(6)).requested(&range("bytes=-2")), Some(vec![4..=5]));
    assert_eq!(part("..cdef", None).requested(&range("bytes=2-3")), None);

    assert_eq!(have.slice(&(3..=4)).unwrap(), "de");
    assert_eq!(have.slice(&(1..=4)), None);
    assert_eq!(have.slice(&(5..=6)), None);
    assert_eq!(have.slice(&RangeInclusive::new(4, 3)), None);
}

/// A part of these bytes, each of which is its position.
fn piece(first: u8, length: u8, complete: Option<u64>) -> Part {
    let body: Vec<u8> = (first..first + length).collect();
    let last = u64::from(first) + u64::from(length) - 1;
    Part { range: ContentRange { first: first.into(), last, complete }, body: body.into() }
}

proptest! {
    #[test]
    fn requested_parts_lie_within(
        text in "(bytes=)?[-0-9, ]{0,40}",
        complete_length in prop_oneof![0..100_u64, Just(u64::MAX)],
    ) {
        if let Requested::Parts(parts) = requested(&range(&text), complete_length) {
            prop_assert!(!parts.is_empty() && parts.len() <= MOST_RANGES);
            for part in parts {
                prop_assert!(part.start() <= part.end() && *part.end() < complete_length);
            }
        }
    }

    #[test]
    fn hostile_parts_do_no_harm(
        positions in [any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()],
        complete in [option::of(any::<u64>()), option::of(any::<u64>())],
        bodies in [vec(any::<u8>(), 0..4), vec(any::<u8>(), 0..4)],
    ) {
        let [a, b, c, d] = positions;
        let [mine, yours] = bodies.map(Bytes::from);
        let one = Part {
            range: ContentRange { first: a, last: b, complete: complete[0] },
            body: mine,
        };
        let other = Part {
            range: ContentRange { first: c, last: d, complete: complete[1] },
            body: yours,
        };
        let _ = (combine(&one, &other), missing(&one.range), one.slice(&(c..=d)));
        let _ = (one.is_complete(), multipart(&one.body, &[a..=b, c..=d], a, None, "x"));
    }

    #[test]
    fn what_is_combined_is_in_its_place(
        one in (0..40_u8, 1..40_u8),
        other in (0..40_u8, 1..40_u8),
        complete in option::of(80..90_u64),
    ) {
        let [have, got] = [one, other].map(|(first, length)| piece(first, length, complete));
        let apart = one.0 + one.1 < other.0 || other.0 + other.1 < one.0;
        let combined = combine(&have, &got);
        prop_assert_eq!(combined.is_none(), apart);
        if let Some(Part { range, body }) = combined {
            let expected: Vec<u8> =
                (range.first..=range.last).map(|at| u8::try_from(at).unwrap()).collect();
            prop_assert_eq!(&body[..], &expected[..]);
        }
    }
}
