use super::*;
use crate::cache::record::tests::{bytes, record};

const PLENTY: u64 = 1 << 20;

fn written(records: &[Record], most: u64) -> (Vec<u8>, Tally) {
    let mut writer = Writer::begin(Vec::new(), "http://h/", most).unwrap();
    for record in records {
        writer.put(&CacheKey::of(&record.target), &record.response).unwrap();
    }
    writer.finish().unwrap()
}

fn two() -> Vec<u8> {
    written(&[record(), record()], PLENTY).0
}

/// What comes of reading these bytes, and how many records come before that.
fn read_all(bytes: &[u8], largest: usize) -> (Result<Tally, Unusable>, Vec<Record>) {
    let mut found = Vec::new();
    let outcome = read(bytes, "http://h/", largest, |record| found.push(record));
    (outcome, found)
}

#[track_caller]
fn check_refused(bytes: &[u8], expected: &str) {
    let error = read_all(bytes, 1 << 20).0.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_is_read_is_what_was_written() {
    let (outcome, found) = read_all(&two(), 1 << 20);
    assert_eq!(outcome.unwrap(), Tally { records: 2, left_out: 0 });
    assert_eq!(found, [record(), record()]);
    assert_eq!(read_all(&written(&[], PLENTY).0, 0).0.unwrap(), Tally::default());
}

#[test]
fn a_snapshot_cut_at_any_byte_is_refused() {
    let bytes = two();
    for end in 0..bytes.len() {
        let error = read_all(&bytes[..end], 1 << 20).0.unwrap_err();
        assert!(matches!(error, Unusable::CutOff), "{end}: {error}");
    }
}

#[test]
fn a_snapshot_with_any_bit_flipped_is_refused() {
    let bytes = two();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            for largest in [1 << 20, 0] {
                assert!(read_all(&bytes, largest).0.is_err(), "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let bytes = two();
    check_refused(b"root:x:0:0:root:/root:/bin/sh\n", "will not be replaced");
    check_refused(b"", "cut off");
    check_refused(&[&bytes[..], b"x"].concat(), "behind its end");
    let mut other = bytes.clone();
    other[MAGIC.len()] = 7;
    check_refused(&other, "version 7");
    let mut damaged = bytes.clone();
    damaged[60] ^= 1;
    check_refused(&damaged, "checksum");
    let end = &bytes[bytes.len() - usize::try_from(END).unwrap()..];
    let one = written(&[record()], PLENTY).0;
    let without_end = &one[..one.len() - end.len()];
    check_refused(&[without_end, end].concat(), "not as many records");
    let error = read(&bytes[..], "http://other/", 1 << 20, drop).unwrap_err();
    assert!(error.to_string().contains("another upstream"), "{error}");
}

#[test]
fn what_is_no_record_is_refused_though_its_sum_is_right() {
    let mut writer = Writer::begin(Vec::new(), "http://h/", PLENTY).unwrap();
    writer.frame(RECORD_KIND, b"\x01nothing", &[]).unwrap();
    check_refused(&writer.finish().unwrap().0, "a record is not as long");
}

#[test]
fn a_length_is_not_believed() {
    let begin = Writer::begin(Vec::new(), "http://h/", PLENTY).unwrap().out;
    let bytes = [&begin[..], &[RECORD_KIND], &[255; 4], &[0; 4], b"little"].concat();
    for largest in [usize::MAX, 0] {
        assert!(matches!(read_all(&bytes, largest).0.unwrap_err(), Unusable::CutOff));
    }
}

#[test]
fn what_is_larger_than_may_be_kept_is_left_out() {
    let mut large = record();
    large.response.body = vec![b'x'; 1000].into();
    let (bytes, _) = written(&[large, record()], PLENTY);
    let (outcome, found) = read_all(&bytes, 900);
    assert_eq!(outcome.unwrap(), Tally { records: 1, left_out: 1 });
    assert_eq!(found, [record()]);
}

#[test]
fn is_never_larger_than_it_may_be() {
    let one = written(&[record()], PLENTY).0.len();
    let size = 9 + bytes(&record()).len();
    for most in one..one + 3 * size {
        let (bytes, tally) = written(&[record(), record(), record()], most as u64);
        assert!(bytes.len() <= most, "{} of {most}", bytes.len());
        let records = (1 + (most - one) / size).min(3) as u64;
        assert_eq!(tally, Tally { records, left_out: 3 - records });
        assert_eq!(read_all(&bytes, 1 << 20).0.unwrap().records, records);
    }
}
