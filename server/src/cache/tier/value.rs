//! What the shared tier has under a key: a snapshot of what is stored under it,
//! all variants in one value, the newest first.

use super::super::{
    key::CacheKey,
    record::Record,
    snapshot::format::{self, Unusable, Writer},
    stored::StoredResponse,
};

/// The bytes for these responses, of which the last are left out where they
/// would be more than `most`; `None` where nothing is left.
///
/// A part of a response is of no use to another instance, which would have to
/// know what was asked for.
pub fn write<'a>(
    source: &str,
    key: &CacheKey,
    responses: impl IntoIterator<Item = &'a StoredResponse>,
    most: usize,
) -> Option<Vec<u8>> {
    let mut writer = Writer::begin(Vec::new(), source, most as u64).ok()?;
    for response in responses.into_iter().filter(|response| response.part.is_none()) {
        writer.put(key, response).ok()?;
    }
    let (bytes, tally) = writer.finish().ok()?;
    (0 < tally.records && bytes.len() <= most).then_some(bytes)
}

/// The records in what the tier has under a key, in the order in which they can
/// be stored: all of them, or none where anything is wrong.
pub fn read(bytes: &[u8], source: &str, key: &CacheKey) -> Result<Vec<Record>, Unusable> {
    let mut records = Vec::new();
    format::read(bytes, source, bytes.len(), |record| records.push(record))?;
    if records.iter().any(|record| CacheKey::of(&record.target) != *key) {
        return Err(Unusable::Damaged("a record is of another key"));
    }
    records.reverse();
    Ok(records)
}

/// Variants under a key at most.
const MOST: usize = 16;

/// What two instances have under a key as one value: of each variant the newest,
/// ours first, as many as fit. What cannot be read is not kept.
pub fn merge(ours: &[u8], theirs: &[u8], source: &str, key: &CacheKey, most: usize) -> Vec<u8> {
    let (Ok(own), Ok(others)) = (read(ours, source, key), read(theirs, source, key)) else {
        return ours.to_vec();
    };
    let newer = |one: &Record, other: &Record| {
        one.response.selecting == other.response.selecting
            && other.response.times.response_time <= one.response.times.response_time
    };
    let lasting = |one: &&Record, all: &[Record]| !all.iter().any(|other| newer(other, one));
    let own_last = own
        .iter()
        .rev()
        .filter(|one| !others.iter().any(|other| newer(other, one) && !newer(one, other)));
    let others_last = others.iter().rev().filter(|other| lasting(other, &own));
    let all = own_last.chain(others_last).take(MOST).map(|record| &record.response);
    write(source, key, all, most).unwrap_or_else(|| ours.to_vec())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::cache::{record::tests::record, vary::Selecting};

    const SOURCE: &str = "http://upstream/";

    fn key(target: &str) -> CacheKey {
        let target = crate::target::Target::new(target.parse().unwrap()).unwrap();
        CacheKey::of(&target)
    }

    fn two() -> [StoredResponse; 2] {
        let first = StoredResponse { part: None, ..record().response };
        let second = StoredResponse { body: "another body".into(), ..first.clone() };
        [first, second]
    }

    #[test]
    fn what_is_written_is_read_the_oldest_first() {
        let key = key("/menu");
        let bytes = write(SOURCE, &key, &two(), 1 << 20).unwrap();
        let records = read(&bytes, SOURCE, &key).unwrap();
        let read: Vec<_> = records.into_iter().map(|record| record.response).collect();
        let [first, second] = two();
        assert_eq!(read, [second, first]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let key = key("/menu");
        let all = write(SOURCE, &key, &two(), 1 << 20).unwrap();
        let one = write(SOURCE, &key, &two(), all.len() - 1).unwrap();
        assert_eq!(read(&one, SOURCE, &key).unwrap()[0].response, two()[0]);
        assert_eq!(write(SOURCE, &key, &two(), one.len() - 1), None);
        assert_eq!(write(SOURCE, &key, &[], 1 << 20), None);
    }

    #[test]
    fn variants_of_two_instances_go_together() {
        #[track_caller]
        fn check(bytes: &[u8], key: &CacheKey, newest_first: &[&str]) {
            let records = read(bytes, SOURCE, key).unwrap();
            let bodies: Vec<_> =
                records.iter().rev().map(|one| one.response.body.clone()).collect();
            assert_eq!(bodies, newest_first);
        }

        let key = key("/menu");
        let variant = |language: &str, second, body: &'static str| {
            let name = http::header::ACCEPT_LANGUAGE;
            let lines = vec![(name, vec![language.parse().unwrap()])];
            let mut response = StoredResponse { body: body.into(), ..two()[0].clone() };
            response.selecting = Selecting::of_lines(lines, &http::HeaderMap::new());
            response.times.response_time = UNIX_EPOCH + Duration::from_secs(second);
            response
        };
        let value = |all: &[StoredResponse]| write(SOURCE, &key, all, 1 << 20).unwrap();
        let ours = value(&[variant("sv", 5, "our sv"), variant("fi", 1, "our fi")]);
        let theirs = value(&[
            variant("en", 4, "their en"),
            variant("sv", 4, "their sv"),
            variant("fi", 2, "their fi"),
        ]);
        let merge = |theirs: &[u8], most| merge(&ours, theirs, SOURCE, &key, most);
        let both = merge(&theirs, 1 << 20);
        check(&both, &key, &["our sv", "their en", "their fi"]);
        // What does not fit any more is left out, the newest of ours last.
        check(&merge(&theirs, both.len() - 1), &key, &["our sv", "their en"]);
        // It is the same with itself, and with what is of no use.
        assert_eq!(merge(&ours, 1 << 20), ours);
        assert_eq!(merge(b"something", 1 << 20), ours);
        let many: Vec<_> =
            (0..20).map(|number| variant(&number.to_string(), 1, "one of many")).collect();
        assert_eq!(read(&merge(&value(&many), 1 << 20), SOURCE, &key).unwrap().len(), MOST);
    }

    #[test]
    fn what_is_not_as_it_was_written_is_not_read() {
        let menu = key("/menu");
        let bytes = write(SOURCE, &menu, &two(), 1 << 20).unwrap();
        assert!(matches!(read(&bytes, "http://other/", &menu), Err(Unusable::OtherSource)));
        assert!(matches!(read(&bytes, SOURCE, &key("/other")), Err(Unusable::Damaged(_))));
        assert!(matches!(read(b"something", SOURCE, &menu), Err(Unusable::Foreign)));
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], SOURCE, &menu).is_err(), "{end}");
        }
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0x40;
            assert!(read(&bytes, SOURCE, &menu).is_err(), "{place}");
        }
    }
}
