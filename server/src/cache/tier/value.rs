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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::record::tests::record;

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
