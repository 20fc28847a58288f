use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Version};
use poem::web::RemoteAddr;

use super::*;
use crate::{
    cache::{
        AddEtag,
        directives::ResponseDirectives,
        policy::{storing::Times, terms::Terms},
        range::ContentRange,
        rules::{ClientDirectives, Rule},
        stored::StoredResponse,
        vary::Selecting,
    },
    exchange::Arrival,
    target::Target,
};

pub(in crate::cache) fn fields(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in text.lines().map(|line| line.split_once(": ").unwrap()) {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// A rule that leaves all to the response, but for a default freshness.
pub(in crate::cache) fn plain() -> Rule {
    Rule {
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..Rule::default()
    }
}

pub(in crate::cache) fn request(method: &str, text: &str) -> RequestHead {
    RequestHead {
        method: method.parse().unwrap(),
        target: Target::new("/x".parse().unwrap()).unwrap(),
        version: Version::HTTP_11,
        headers: fields(text),
        remote: RemoteAddr::default(),
        arrival: Arrival::now(),
    }
}

fn stored(text: &str, part: Option<ContentRange>, rule: &Rule) -> Lookup {
    Lookup::Found(prepared(text, part, rule))
}

/// A response that was received at the epoch, with ten bytes in its body.
pub(in crate::cache) fn prepared(
    text: &str,
    part: Option<ContentRange>,
    rule: &Rule,
) -> Arc<Prepared> {
    let headers = fields(text);
    let directives = ResponseDirectives::of(&headers);
    let response = StoredResponse {
        status: StatusCode::OK,
        fields: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        selecting: Selecting::default(),
        part,
        times: Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH },
        body: Bytes::from_static(b"0123456789"),
    };
    let terms = Terms::of(response.status, &headers, &directives, rule, UNIX_EPOCH);
    Arc::new(Prepared::new(response, terms, AddEtag::Never))
}

fn decided(request: &RequestHead, lookup: Lookup, rules: &Rules, seconds: u64) -> String {
    let now = UNIX_EPOCH + Duration::from_secs(seconds);
    match decide(request, Asks::of(&request.headers), lookup, rules, now) {
        Decision::Reuse(_, clause, Refresh::None) => format!("reuse: {}", clause.word()),
        Decision::Reuse(_, clause, Refresh::Ahead) => format!("due: {}", clause.word()),
        Decision::Reuse(_, clause, Refresh::Behind) => format!("refresh: {}", clause.word()),
        Decision::Forward(Forward { fwd, clause, sharing, .. }) => {
            format!("{} {sharing:?}: {}", fwd.as_str(), clause.word())
        }
        Decision::Unsatisfiable => "unsatisfiable".to_owned(),
    }
}

/// Decides on a request, so many seconds after the response was received
/// that has these fields.
#[track_caller]
fn check(method: &str, asks: &str, stored_with: &str, seconds: u64, expected: &str) {
    let lookup = stored(stored_with, None, &plain());
    let actual = decided(&request(method, asks), lookup, &Rules::default(), seconds);
    assert_eq!(actual, expected, "{method} {asks:?} of {stored_with:?} after {seconds}");
}

#[test]
fn fresh_and_stale() {
    check("GET", "", "cache-control: max-age=5", 4, "reuse: fresh");
    check("HEAD", "", "cache-control: max-age=5", 4, "reuse: fresh");
    check("GET", "", "cache-control: max-age=5", 5, "stale Collapse: stale");
    check("GET", "", "cache-control: max-age=100", 84, "reuse: fresh");
    check("GET", "", "cache-control: max-age=100", 85, "due: fresh");
    check("HEAD", "", "cache-control: max-age=5", 5, "stale Alone: stale");
    check("GET", "", "cache-control: no-cache, max-age=5", 4, "stale Collapse: no-cache");
    check("GET", "", "cache-control: no-cache=\"x\", max-age=5", 4, "reuse: fresh");
    check(
        "GET",
        "",
        "cache-control: max-age=5, must-revalidate",
        5,
        "stale Collapse: must-revalidate",
    );
}

#[test]
fn stale_while_revalidate() {
    let allowed = "cache-control: max-age=5, stale-while-revalidate=5";
    check("GET", "", allowed, 9, "refresh: stale-while-revalidate");
    check("GET", "", allowed, 10, "stale Collapse: stale");
    let forbidden = "cache-control: s-maxage=5, stale-while-revalidate=5";
    check("GET", "", forbidden, 5, "stale Collapse: s-maxage");
}

#[test]
fn methods_and_content() {
    let fresh = "cache-control: max-age=5";
    check("POST", "", fresh, 0, "method Alone: method");
    check("OPTIONS", "", fresh, 0, "method Alone: method");
    check("M-SEARCH", "", fresh, 0, "method Alone: method");
    check("GET", "content-length: 5", fresh, 0, "bypass Alone: content");
    check("GET", "content-length: 0", fresh, 0, "reuse: fresh");
    check("GET", "transfer-encoding: chunked", fresh, 0, "bypass Alone: content");
}

#[test]
fn authorization() {
    check("GET", "authorization: x", "cache-control: max-age=5", 0, "bypass Alone: authorization");
    for for_all in ["max-age=5, public", "s-maxage=5", "max-age=5, must-revalidate"] {
        check("GET", "authorization: x", &format!("cache-control: {for_all}"), 0, "reuse: fresh");
    }
}

#[test]
fn client_directives_that_always_count() {
    let fresh = "cache-control: max-age=5";
    check("GET", "cache-control: no-store", fresh, 0, "reuse: fresh");
    check("GET", "cache-control: no-store", fresh, 5, "stale Alone: stale");
    check("GET", "cache-control: only-if-cached", fresh, 0, "reuse: fresh");
    check("GET", "cache-control: only-if-cached", fresh, 5, "unsatisfiable");
    check("GET", "cache-control: max-stale", fresh, 500, "reuse: max-stale in request");
    check("GET", "cache-control: max-stale=3", fresh, 8, "reuse: max-stale in request");
    check("GET", "cache-control: max-stale=3", fresh, 9, "stale Collapse: stale");
    let strict = "cache-control: max-age=5, proxy-revalidate";
    check("GET", "cache-control: max-stale", strict, 6, "stale Collapse: proxy-revalidate");
}

#[test]
fn client_directives_that_count_where_a_rule_lets_them() {
    let honour = Rule { client_directives: ClientDirectives::Honour, ..Rule::default() };
    let check = |asks: &str, seconds, ignored: &str, honoured: &str| {
        let control = "cache-control: max-age=50";
        for (rule, expected) in [(&Rule::default(), ignored), (&honour, honoured)] {
            let lookup = stored(control, None, rule);
            let actual = decided(&request("GET", asks), lookup, &Rules::default(), seconds);
            assert_eq!(actual, expected, "{asks}");
        }
    };
    let fresh = "reuse: fresh";
    check("cache-control: no-cache", 0, fresh, "request Collapse: no-cache in request");
    check("pragma: no-cache", 0, fresh, "request Collapse: pragma in request");
    check("cache-control: max-age=3", 3, fresh, fresh);
    check("cache-control: max-age=3", 4, fresh, "request Collapse: max-age in request");
    check("cache-control: min-fresh=9", 41, fresh, fresh);
    check("cache-control: min-fresh=9", 42, fresh, "request Collapse: min-fresh in request");
    let stale = "refresh: stale-while-revalidate";
    check("cache-control: min-fresh=0", 50, stale, stale);
    check("cache-control: min-fresh=0", 51, stale, "request Collapse: min-fresh in request");
    check("cache-control: max-age=60", 50, stale, "stale Collapse: stale");
    let accepted = "reuse: max-stale in request";
    check("cache-control: max-age=60, max-stale", 50, accepted, accepted);
}

#[test]
fn a_reload_finds_nothing_new_in_what_is_immutable() {
    let honour = Rule { client_directives: ClientDirectives::Honour, ..Rule::default() };
    let check = |asks: &str, expected: &str| {
        let lookup = stored("cache-control: max-age=50, immutable", None, &honour);
        assert_eq!(decided(&request("GET", asks), lookup, &Rules::default(), 9), expected);
    };
    check("cache-control: max-age=0", "reuse: fresh");
    check("cache-control: no-cache", "request Collapse: no-cache in request");
}

#[test]
fn nothing_stored() {
    let check = |asks: &str, lookup, expected: &str| {
        let actual = decided(&request("GET", asks), lookup, &Rules::default(), 0);
        assert_eq!(actual, expected, "{asks}");
    };
    check("", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
    check("", Lookup::VaryMiss, "vary-miss Collapse: vary");
    check("if-none-match: \"a\"", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
    check("range: bytes=0-1", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
    check("range: bytes=0-1\nif-range: \"a\"", Lookup::UriMiss, "uri-miss Alone: nothing stored");
    check("if-match: \"a\"", Lookup::UriMiss, "uri-miss Alone: nothing stored");
    check("authorization: x", Lookup::UriMiss, "uri-miss Alone: nothing stored");
    check("cache-control: no-store", Lookup::UriMiss, "uri-miss Alone: nothing stored");
    check("cache-control: only-if-cached", Lookup::UriMiss, "unsatisfiable");
}

#[test]
fn a_part_answers_what_lies_within_it() {
    let check = |asks: &str, expected: &str| {
        let part = ContentRange { first: 10, last: 19, complete: Some(30) };
        let lookup = stored("cache-control: max-age=5", Some(part), &plain());
        assert_eq!(
            decided(&request("GET", asks), lookup, &Rules::default(), 0),
            expected,
            "{asks}"
        );
    };
    check("range: bytes=12-19", "reuse: fresh");
    check("range: bytes=12-20", "partial Collapse: incomplete");
    check("range: bytes=-20", "partial Collapse: incomplete");
    check("", "partial Collapse: incomplete");
    check("range: bytes=12-19\nif-range: \"a\"", "partial Alone: incomplete");
}

#[test]
fn a_rule_bypasses_and_ends() {
    let bypass = Rule { caching: Caching::Bypass, ..Rule::default() };
    let rules = Rules::new(Vec::new(), bypass);
    let actual = decided(&request("GET", ""), Lookup::UriMiss, &rules, 0);
    assert_eq!(actual, "bypass Alone: bypass");

    let ends = Rule { expires_at: Some("00:01 UTC".parse().unwrap()), ..Rule::default() };
    let control = "cache-control: max-age=500, stale-while-revalidate=500";
    let at = |seconds| {
        decided(&request("GET", ""), stored(control, None, &ends), &Rules::default(), seconds)
    };
    assert_eq!(at(59), "reuse: fresh");
    assert_eq!(at(60), "stale Collapse: expires-at");
}

#[test]
fn an_unsafe_method_that_has_not_failed_invalidates() {
    let check = |method: &str, status: u16, expected| {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(invalidates(&method.parse().unwrap(), status), expected, "{method} {status}");
    };
    check("PUT", 204, true);
    check("POST", 303, true);
    check("M-SEARCH", 200, true);
    check("DELETE", 404, false);
    check("POST", 500, false);
    check("GET", 200, false);
    check("OPTIONS", 200, false);
}
