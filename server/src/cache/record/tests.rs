use http::header;
use proptest::{collection::vec, prelude::*};

use super::*;

/// A response of three lines, selected by two fields, with a part in its body.
pub(in crate::cache) fn record() -> Record {
    let fields = vec![
        (header::VARY, HeaderValue::from_static("accept-language, x")),
        (header::SET_COOKIE, HeaderValue::from_static("a")),
        (header::SET_COOKIE, HeaderValue::from_bytes(b"r\xe4ks").unwrap()),
    ];
    let german = HeaderValue::from_static("de, en;q=0.5");
    let headers = fields.iter().cloned().collect();
    let lines = vec![(header::ACCEPT_LANGUAGE, vec![german]), ("x".parse().unwrap(), vec![])];
    let received = UNIX_EPOCH + Duration::new(1_700_000_000, 999_999_999);
    let response = StoredResponse {
        status: StatusCode::PARTIAL_CONTENT,
        selecting: Selecting::of_lines(lines, &headers),
        fields,
        part: Some(ContentRange { first: 2, last: 5, complete: None }),
        times: Times { request_time: received - Duration::from_millis(3), response_time: received },
        body: Bytes::from_static(b"menu"),
    };
    Record { target: Target::new("/a%20b?c=\u{e4}".parse().unwrap()).unwrap(), response }
}

pub(in crate::cache) fn bytes(record: &Record) -> Vec<u8> {
    let mut bytes = head(&CacheKey::of(&record.target), &record.response).unwrap();
    bytes.extend_from_slice(&record.response.body);
    bytes
}

fn lines(record: &Record) -> Vec<(HeaderName, Vec<HeaderValue>)> {
    let lines = record.response.selecting.lines();
    lines.map(|(name, lines)| (name.clone(), lines.to_vec())).collect()
}

#[test]
fn what_is_read_is_what_was_written() {
    let written = record();
    let read = Record::read(&bytes(&written)).unwrap();
    assert_eq!(lines(&read), lines(&written));
    assert_eq!(read, written);
}

#[test]
fn a_record_that_is_cut_off_or_too_long_is_none() {
    let bytes = bytes(&record());
    for end in 0..bytes.len() {
        assert_eq!(Record::read(&bytes[..end]), Err(Malformed::Length), "{end}");
    }
    assert_eq!(Record::read(&[&bytes[..], b"x"].concat()), Err(Malformed::Length));
}

#[test]
fn flipped_bits_are_read_or_refused() {
    let bytes = bytes(&record());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let _ = Record::read(&bytes);
        }
    }
}

#[track_caller]
fn check(at: usize, with: &[u8], expected: Malformed) {
    let mut bytes = bytes(&record());
    bytes[at..][..with.len()].copy_from_slice(with);
    assert_eq!(Record::read(&bytes), Err(expected));
}

#[test]
fn what_is_no_response_is_refused() {
    // Behind the version and the target: status, two times, part, number of lines.
    let status = 1 + 4 + record().target.as_str().len();
    let (times, part) = (status + 2, status + 2 + 24);
    let lines = part + 27;
    check(0, &[9], Malformed::Version(9));
    check(5, b"x", Malformed::Value("target"));
    check(7, b"#", Malformed::Value("target"));
    check(5, b"/../", Malformed::Value("target"));
    check(status, &[99, 0], Malformed::Value("status"));
    check(times, &[255; 8], Malformed::Value("time"));
    check(times + 8, &[255; 4], Malformed::Value("time"));
    check(part, &[2], Malformed::Value("part"));
    check(part, &[0], Malformed::Value("part"));
    check(lines, &[255; 4], Malformed::Value("number of lines"));
    check(lines + 4, &[255; 4], Malformed::Length);
    check(lines + 8, b" ", Malformed::Value("field name"));
}

#[test]
fn what_no_response_has_is_not_written() {
    let key = CacheKey::of(&record().target);
    let line = (header::VARY, HeaderValue::from_static("x"));
    let many = StoredResponse { fields: vec![line; MOST_LINES + 1], ..record().response };
    assert_eq!(head(&key, &many), None);
    let early = UNIX_EPOCH - Duration::from_secs(1);
    let times = Times { request_time: early, response_time: early };
    assert_eq!(head(&key, &StoredResponse { times, ..record().response }), None);
}

fn some_record() -> impl Strategy<Value = Record> {
    let value = || "[ -~]{0,20}".prop_map(|text| HeaderValue::try_from(text).unwrap());
    let name = || "[a-z-]{1,9}".prop_map(|text| text.parse::<HeaderName>().unwrap());
    let fields = vec((name(), value()), 0..6);
    let selecting = vec((name(), vec(value(), 0..3)), 0..3);
    let part = prop::option::of((any::<u64>(), any::<u64>(), any::<Option<u64>>()));
    let time = || (0..1_u64 << 40, 0..1_000_000_000_u32);
    let rest = (100..1000_u16, part, time(), time(), vec(any::<u8>(), 0..50));
    ("/[a-z%]{0,9}(\\?[ -~&&[^ #\"<>]]{0,9})?", fields, selecting, rest).prop_filter_map(
        "a target",
        |(target, fields, selecting, rest)| {
            let (status, part, asked, received, body) = rest;
            let time = |(seconds, nanos)| UNIX_EPOCH + Duration::new(seconds, nanos);
            let headers = fields.iter().cloned().collect();
            let response = StoredResponse {
                status: StatusCode::from_u16(status).unwrap(),
                selecting: Selecting::of_lines(selecting, &headers),
                fields,
                part: part.map(|(first, last, complete)| ContentRange { first, last, complete }),
                times: Times { request_time: time(asked), response_time: time(received) },
                body: body.into(),
            };
            Some(Record { target: Target::new(target.parse().ok()?).ok()?, response })
        },
    )
}

proptest! {
    #[test]
    fn every_response_comes_back(record in some_record()) {
        prop_assert_eq!(Record::read(&bytes(&record)).unwrap(), record);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Record::read(&[&[VERSION], &bytes[..]].concat());
    }
}
