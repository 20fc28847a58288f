use std::time::UNIX_EPOCH;

use super::*;
use crate::cache::{
    directives::ResponseDirectives,
    policy::tests::{plain, request},
    rules::Rule,
};

/// A response with these fields, received at the epoch.
fn prepared(lines: &[(&'static str, &'static str)], body: &'static str) -> Prepared {
    let response = StoredResponse {
        status: StatusCode::OK,
        fields: lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect(),
        selecting: Selecting::default(),
        part: None,
        times: Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH },
        body: Bytes::from_static(body.as_bytes()),
    };
    let headers = response.headers(0);
    let rule = Rule { ttl: Duration::from_mins(1), ..plain() };
    let directives = ResponseDirectives::of(&headers);
    let terms = Terms::of(response.status, &headers, &directives, &rule, UNIX_EPOCH);
    Prepared::new(response, terms, AddEtag::Hits)
}

#[test]
fn keeps_nothing_of_the_buffers_that_its_messages_were_read_into() {
    let read = Bytes::copy_from_slice(b"yes, and much more behind it");
    let value = || HeaderValue::from_maybe_shared(read.slice(..3)).unwrap();
    let x = HeaderName::from_static("x");
    let vary = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("x"))]);
    let asks = HeaderMap::from_iter([(x.clone(), value())]);
    let plain = prepared(&[], "menu");
    let response = StoredResponse {
        fields: vec![(x.clone(), value())],
        selecting: Selecting::of(&vary, &asks).unwrap(),
        ..plain.response
    };
    drop(asks);
    let stored = Prepared::new(response, plain.terms, AddEtag::Hits);
    assert!(read.is_unique());
    assert_eq!(stored.response.field(&x).unwrap(), "yes");
    let selects = |value| {
        let asks = HeaderMap::from_iter([(x.clone(), HeaderValue::from_static(value))]);
        stored.response.selecting.selects(&asks)
    };
    assert!(selects("yes") && !selects("no"));
}

fn after(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn hit(stored: &Prepared, method: &str, asks: &str, seconds: u64) -> Response {
    let request = request(method, asks);
    stored.hit(&request, Asks::of(&request.headers), None, after(seconds))
}

#[test]
fn is_fresh_until_its_age_reaches_its_lifetime() {
    let stored = prepared(&[("age", "20")], "");
    assert!(stored.is_fresh(after(39)));
    assert!(!stored.is_fresh(after(40)));
    assert_eq!(stored.current_age(after(40)), Duration::from_mins(1));
    assert_eq!((stored.ttl(after(30)), stored.ttl(after(50))), (10, -10));
    assert_eq!(stored.staleness(after(50)), Duration::from_secs(10));
}

#[test]
fn is_useful_as_long_as_any_request_may_be_answered_with_it() {
    let plain = prepared(&[("cache-control", "max-age=60")], "");
    assert!(plain.is_useful(after(59)) && !plain.is_useful(after(60)));
    let windows = "max-age=60, stale-while-revalidate=10, stale-if-error=20";
    let stale = prepared(&[("cache-control", windows)], "");
    assert!(stale.is_useful(after(79)) && !stale.is_useful(after(80)));
    let tagged = prepared(&[("cache-control", "max-age=60"), ("etag", "\"a\"")], "");
    assert!(tagged.is_useful(after(3600)) && !tagged.is_useful(after(90_000)));
}

#[tokio::test]
async fn an_answer_has_every_line_and_an_age() {
    let stored = prepared(&[("set-cookie", "a"), ("age", "7"), ("set-cookie", "b")], "menu");
    let answer = hit(&stored, "GET", "", 3);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a", "b"]);
    assert_eq!(answer.header("age"), Some("10"));
    assert_eq!(answer.header("cache-status"), Some("lunch-relay; hit; ttl=50"));
    assert_eq!(answer.header("content-length"), Some("4"));
    assert_eq!(answer.into_body().into_string().await.unwrap(), "menu");
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let answer = hit(&prepared(&[], "menu"), "HEAD", "range: bytes=0-1", 0);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-length"), Some("4"));
    assert_eq!(answer.into_body().into_string().await.unwrap(), "");
}

#[test]
fn the_upstreams_own_cache_stays_visible() {
    let answer = hit(&prepared(&[("cache-status", "near; hit")], ""), "GET", "", 0);
    let lines: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
    assert_eq!(lines, ["near; hit", "lunch-relay; hit; ttl=60"]);
}

#[test]
fn what_has_no_validator_gets_a_tag_over_its_body() {
    let tag = |lines: &[(&'static str, &'static str)], body| {
        hit(&prepared(lines, body), "GET", "", 0).header("etag").map(str::to_owned)
    };
    let own = tag(&[], "menu").unwrap();
    assert!(own.starts_with("\"lr-"), "{own}");
    assert_eq!(tag(&[], "menu"), Some(own.clone()));
    assert_ne!(tag(&[], "other"), Some(own));
    assert_eq!(tag(&[("etag", "W/\"a\"")], "menu").as_deref(), Some("W/\"a\""));
    assert_eq!(tag(&[("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")], "menu"), None);
}

#[tokio::test]
async fn a_condition_that_holds_is_answered_with_304() {
    let stored = prepared(
        &[("etag", "\"a\""), ("content-type", "text/plain"), ("vary", "x"), ("x", "y")],
        "menu",
    );
    let answer = hit(&stored, "GET", "if-none-match: W/\"a\"", 1);
    assert_eq!(answer.status(), 304);
    for (name, value) in [("etag", "\"a\""), ("vary", "x"), ("x", "y"), ("age", "1")] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.into_body().into_string().await.unwrap(), "");
    assert_eq!(hit(&stored, "GET", "if-none-match: \"b\"", 1).status(), 200);
}

#[track_caller]
fn check_range(asks: &str, status: u16, range: Option<&str>, body: &str) {
    let stored = prepared(&[("etag", "\"a\"")], "0123456789");
    let answer = hit(&stored, "GET", asks, 0);
    assert_eq!(answer.status().as_u16(), status, "{asks}");
    assert_eq!(answer.header("content-range"), range, "{asks}");
    assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()), "{asks}");
    let text = futures_util::FutureExt::now_or_never(answer.into_body().into_string());
    assert_eq!(text.unwrap().unwrap(), body, "{asks}");
}

#[test]
fn ranges() {
    check_range("range: bytes=2-4", 206, Some("bytes 2-4/10"), "234");
    check_range("range: bytes=7-", 206, Some("bytes 7-9/10"), "789");
    check_range("range: bytes=-2", 206, Some("bytes 8-9/10"), "89");
    check_range("range: bytes=10-", 416, Some("bytes */10"), "");
    check_range("range: lines=1-2", 200, None, "0123456789");
    check_range("range: bytes=2-4\nif-range: \"a\"", 206, Some("bytes 2-4/10"), "234");
    check_range("range: bytes=2-4\nif-range: \"b\"", 200, None, "0123456789");
    let asks = "range: bytes=2-4\nif-none-match: \"a\"";
    assert_eq!(hit(&prepared(&[("etag", "\"a\"")], "0123456789"), "GET", asks, 0).status(), 304);
}

#[tokio::test]
async fn several_ranges_are_several_parts() {
    let stored = prepared(&[("content-type", "text/plain")], "0123456789");
    let answer = hit(&stored, "GET", "range: bytes=0-1, 8-9", 0);
    assert_eq!(answer.status(), 206);
    let content_type = answer.header("content-type").unwrap().to_owned();
    assert!(content_type.starts_with("multipart/byteranges; boundary="), "{content_type}");
    let body = answer.into_body().into_string().await.unwrap();
    for part in
        ["Content-Range: bytes 0-1/10\r\n\r\n01\r\n", "Content-Range: bytes 8-9/10\r\n\r\n89\r\n"]
    {
        assert!(body.contains(part), "{body}");
    }
}

#[test]
fn much_in_several_ranges_is_sent_whole() {
    let mut stored = prepared(&[], "");
    stored.response.body = vec![b'x'; 3 << 20].into();
    let answer = hit(&stored, "GET", "range: bytes=0-1048575, 2000000-2000001", 0);
    assert_eq!(answer.status(), 200);
    let answer = hit(&stored, "GET", "range: bytes=0-9, 2000000-2000001", 0);
    assert_eq!(answer.status(), 206);
}

#[test]
fn what_came_together_is_due_at_different_times() {
    let lifetime = Duration::from_secs(1000);
    let at = |micros| due(lifetime, UNIX_EPOCH + Duration::from_micros(micros)).as_millis();
    assert_eq!((at(0), at(500), at(999), at(1000)), (850_000, 900_000, 949_900, 850_000));
    assert_eq!(due(Duration::from_secs(9), UNIX_EPOCH), Duration::MAX);
    // What a clock never counts is none the worse.
    assert!(Duration::from_secs(1 << 62) < due(Duration::MAX, UNIX_EPOCH));
}
