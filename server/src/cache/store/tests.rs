use std::time::UNIX_EPOCH;

use http::{HeaderName, HeaderValue, StatusCode, uri::PathAndQuery};

use super::*;
use crate::{
    cache::{
        AddEtag,
        directives::ResponseDirectives,
        policy::{storing::Times, terms::Terms, tests::plain},
        rules::Rule,
        stored::StoredResponse,
        vary::Selecting,
    },
    exchange::ending::Scope,
    target::Target,
};

pub(super) const MIB: usize = 1 << 20;

pub(super) fn key(path: &str) -> CacheKey {
    CacheKey::of(&Target::new(path.parse().unwrap()).unwrap())
}

pub(super) fn response(body: &[u8]) -> StoredResponse {
    StoredResponse {
        status: StatusCode::OK,
        fields: Vec::new(),
        selecting: Selecting::default(),
        part: None,
        times: Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH },
        body: Bytes::copy_from_slice(body),
    }
}

pub(super) fn put(store: &Store, path: &str, mut response: StoredResponse) -> Insertion {
    let Some(body) = store.hold(response.body) else { return Insertion::Refused };
    response.body = body;
    let terms = Terms::of(
        response.status,
        &HeaderMap::new(),
        &ResponseDirectives::default(),
        &Rule { ttl: Duration::from_mins(1), ..plain() },
        UNIX_EPOCH,
    );
    let prepared = Prepared::new(response, terms, AddEtag::Never);
    store.put(key(path), store.epoch(&key(path)), Arc::new(prepared))
}

pub(super) fn insert(store: &Store, path: &str, body: &[u8]) -> Insertion {
    put(store, path, response(body))
}

pub(super) fn body(store: &Store, path: &str) -> Option<Bytes> {
    match store.lookup(&key(path), &HeaderMap::new()) {
        Lookup::Found(found) => Some(found.response.body.clone()),
        _ => None,
    }
}

#[test]
fn finds_what_was_stored_last() {
    let store = Store::new(8 * MIB, MIB);
    assert!(body(&store, "/a").is_none());
    insert(&store, "/a", b"1");
    insert(&store, "/a", b"2");
    assert_eq!(body(&store, "/a").unwrap(), "2");
    store.purge(&key("/a"));
    assert!(body(&store, "/a").is_none());
    assert_eq!(store.figures().bytes, 0);
}

#[test]
fn a_key_keeps_nothing_of_the_buffer_that_it_was_read_into() {
    let store = Store::new(8 * MIB, MIB);
    insert(&store, "/a", b"1");
    let stored = store.variants(&key("/a")).remove(0);
    let read = Bytes::copy_from_slice(b"/b and much more behind it");
    let path = PathAndQuery::from_maybe_shared(read.slice(..2)).unwrap();
    let as_read = CacheKey::of(&Target::new(path).unwrap());
    store.put(as_read.clone(), store.epoch(&as_read), stored);
    drop(as_read);
    assert!(read.is_unique());
    assert_eq!(body(&store, "/b").unwrap(), "1");
}

#[test]
fn bytes_never_exceed_the_bound() {
    let store = Store::new(4 * MIB, MIB);
    for at in 0..200 {
        insert(&store, &format!("/{at}"), &vec![0; MIB / 2]);
        assert!(store.memory.used.load(Ordering::Relaxed) <= 4 * MIB);
    }
    assert!(0 < store.figures().entries);
}

#[test]
fn what_is_being_sent_counts_until_it_is_sent() {
    let store = Store::new(4 * MIB, MIB);
    insert(&store, "/a", &vec![0; MIB]);
    let being_sent = body(&store, "/a").unwrap();
    store.purge(&key("/a"));
    assert!(MIB as u64 <= store.figures().bytes);
    drop(being_sent);
    assert_eq!(store.figures().bytes, 0);
}

#[test]
fn a_newcomer_is_refused_while_all_memory_is_in_use() {
    let store = Store::new(2 * MIB + 4096, MIB);
    let in_use: Vec<_> = ["/a", "/b"]
        .into_iter()
        .map(|path| {
            insert(&store, path, &vec![0; MIB]);
            let sent = body(&store, path).unwrap();
            store.purge(&key(path));
            sent
        })
        .collect();
    assert_eq!(insert(&store, "/c", &vec![0; MIB]), Insertion::Refused);
    drop(in_use);
    assert_eq!(insert(&store, "/c", &vec![0; MIB]), Insertion::Offered);
}

#[test]
fn what_is_too_large_is_refused() {
    assert_eq!(insert(&Store::new(8 * MIB, 10), "/a", &[0; 11]), Insertion::Refused);
}

pub(super) fn asks(a: usize) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("a"), HeaderValue::from(a))])
}

/// A response that was selected by the field `a`.
pub(super) fn variant(a: usize) -> StoredResponse {
    let vary = HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("a"))]);
    let selecting = Selecting::of(&vary, &asks(a)).unwrap();
    StoredResponse { selecting, ..response(a.to_string().as_bytes()) }
}

fn found(store: &Store, a: usize) -> Option<Bytes> {
    match store.lookup(&key("/a"), &asks(a)) {
        Lookup::Found(found) => Some(found.response.body.clone()),
        Lookup::VaryMiss => None,
        Lookup::UriMiss => panic!("nothing is stored"),
    }
}

#[test]
fn variants_are_selected_and_the_least_recently_used_leaves() {
    let store = Store::new(8 * MIB, MIB);
    for a in 0..MAX_VARIANTS {
        put(&store, "/a", variant(a));
    }
    assert_eq!(found(&store, 0).unwrap(), "0");
    put(&store, "/a", variant(MAX_VARIANTS));
    assert_eq!(found(&store, 0).unwrap(), "0");
    assert_eq!(found(&store, 1), None);
    assert_eq!(found(&store, MAX_VARIANTS).unwrap(), MAX_VARIANTS.to_string());
    assert_eq!(store.variants(&key("/a")).len(), MAX_VARIANTS);
    assert_eq!(store.purge(&key("/a")), MAX_VARIANTS);
}

#[test]
fn of_two_that_match_the_newer_by_its_date_is_selected() {
    let store = Store::new(8 * MIB, MIB);
    let at = |seconds| {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        Times { request_time: time, response_time: time }
    };
    let vary = HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("b"))]);
    let selecting = Selecting::of(&vary, &HeaderMap::new()).unwrap();
    put(&store, "/a", StoredResponse { times: at(9), selecting, ..response(b"new") });
    put(&store, "/a", StoredResponse { times: at(5), ..variant(0) });
    assert_eq!(found(&store, 0).unwrap(), "new");
    put(&store, "/a", StoredResponse { times: at(12), ..response(b"no vary") });
    assert_eq!(found(&store, 0).unwrap(), "new");
}

#[test]
fn one_variant_is_removed_and_the_others_stay() {
    let store = Store::new(8 * MIB, MIB);
    put(&store, "/a", variant(0));
    put(&store, "/a", variant(1));
    let Lookup::Found(outdated) = store.lookup(&key("/a"), &asks(0)) else { panic!() };
    store.remove(&key("/a"), &outdated);
    assert_eq!((found(&store, 0), found(&store, 1).unwrap().len()), (None, 1));
    let last = store.variants(&key("/a")).remove(0);
    store.remove(&key("/a"), &last);
    assert!(store.variants(&key("/a")).is_empty());
}

#[test]
fn what_was_asked_for_before_a_purge_is_not_stored_after_it() {
    let store = Store::new(8 * MIB, MIB);
    let epoch = store.epoch(&key("/a"));
    insert(&store, "/a", b"1");
    let stored = store.variants(&key("/a")).remove(0);
    assert_eq!(store.purge(&key("/a")), 1);
    assert_eq!(store.put(key("/a"), epoch, stored), Insertion::Outdated);
    assert!(body(&store, "/a").is_none());
}

#[test]
fn a_body_that_is_held_already_is_not_counted_twice() {
    let store = Store::new(3 * MIB, MIB);
    insert(&store, "/a", &vec![0; MIB]);
    let stored = store.variants(&key("/a")).remove(0);
    store.put(key("/b"), store.epoch(&key("/b")), stored);
    assert!(store.figures().bytes < MIB as u64 + 8192, "{:?}", store.figures());
}

#[test]
fn the_sweep_takes_what_is_stale() {
    let store = Store::new(8 * MIB, MIB);
    insert(&store, "/a", b"1");
    store.sweep(UNIX_EPOCH + Duration::from_secs(59));
    assert_eq!(store.figures().entries, 1);
    store.sweep(UNIX_EPOCH + Duration::from_mins(1));
    assert_eq!(store.figures().entries, 0);
    assert_eq!(store.figures().bytes, 0);
}

fn tagged(body: &[u8], tags: &str) -> StoredResponse {
    let fields = vec![(HeaderName::from_static("cache-tag"), HeaderValue::from_str(tags).unwrap())];
    StoredResponse { fields, ..response(body) }
}

#[test]
fn a_tag_finds_its_keys_as_long_as_they_are_stored() {
    let store = Store::new(8 * MIB, MIB);
    let keys = |tag: &str| store.keys(&Scope::Tag(tag.to_owned())).len();
    put(&store, "/a", tagged(b"1", "x, y"));
    put(&store, "/b", tagged(b"1", "y"));
    assert_eq!((keys("x"), keys("y"), keys("z")), (1, 2, 0));
    // What takes its place has tags of its own.
    put(&store, "/a", tagged(b"2", "z"));
    store.figures();
    assert_eq!((keys("x"), keys("y"), keys("z")), (0, 1, 1));
    store.purge(&key("/a"));
    store.purge(&key("/b"));
    assert_eq!(store.figures().bytes, 0);
    assert_eq!((keys("x"), keys("y"), keys("z")), (0, 0, 0));
}

#[test]
fn tags_are_counted_so_that_their_index_is_bounded_too() {
    let store = Store::new(8 * MIB, MIB);
    let many: Vec<String> = (0..100).map(|number| format!("{number:0>200}")).collect();
    put(&store, "/a", tagged(b"", &many.join(",")));
    // Once in the field, and twice in the response's tags and the index.
    assert!(3 * 100 * 200 < store.figures().bytes);
    for number in 0..1000 {
        let tags: Vec<String> = many.iter().map(|tag| format!("{number}{}", &tag[5..])).collect();
        put(&store, &format!("/{number}"), tagged(b"", &tags.join(",")));
        assert!(store.figures().bytes <= 8 * MIB as u64);
    }
    assert!(store.figures().entries < 150);
}
