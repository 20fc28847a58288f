//! What may be stored (RFC 9111 §3).

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{
    Asks,
    terms::{Terms, Validation, is_for_all},
};
use crate::{
    cache::{
        clause::Clause,
        date,
        directives::{Field, RequestDirectives, ResponseDirectives, Scope, Word},
        freshness::{Lifetime, corrected_initial_age, is_heuristically_cacheable},
        range::ContentRange,
        rules::{Caching, Rule},
        vary::Selecting,
    },
    exchange::RequestHead,
};

/// What a response is stored with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storable {
    /// On what terms it may be reused.
    pub terms: Terms,
    /// The request fields that select it.
    pub selecting: Selecting,
    /// The fields that are for the one who asked, and not stored (§5.2.2.4, §5.2.2.7).
    pub withheld: Vec<HeaderName>,
    /// Which part of the whole it is (§3.3).
    pub part: Option<ContentRange>,
}

/// When a request was sent and its response received (RFC 9111 §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the request was sent.
    pub request_time: SystemTime,
    /// When the response's head was received.
    pub response_time: SystemTime,
}

/// Whether a response may be stored (RFC 9111 §3), in that section's order;
/// otherwise the clause that says why not.
///
/// `request` is the one that went upstream.
pub fn storable(
    request: &RequestHead,
    status: StatusCode,
    headers: &HeaderMap,
    rule: &Rule,
    times: Times,
) -> Result<Storable, Clause> {
    if rule.caching == Caching::Bypass {
        return Err(Clause::Bypass);
    }
    let directives = ResponseDirectives::of(headers);
    let terms = Terms::of(status, headers, &directives, rule, times.response_time);

    // "The request method is understood by the cache": GET, and a POST whose response
    // says that it represents the target and for how long (RFC 9110 §9.3.3).
    let is_of_target =
        status == StatusCode::OK && represents_target(request, headers, terms.lifetime);
    if request.method != Method::GET && !is_of_target {
        return Err(Clause::Method);
    }
    // What the content of a GET asked for is not asked for by the key (RFC 9110 §9.3.1).
    let asks = Asks::of(&request.headers);
    if request.method == Method::GET && asks.has(Asks::CONTENT) {
        return Err(Clause::Content);
    }
    // "The response status code is final."
    if status.is_informational() {
        return Err(Clause::Status);
    }
    // "If the response status code is 206 or 304, or the must-understand cache directive is
    // present: the cache understands the response status code." A 304 has nothing to store.
    let part = ContentRange::parse(headers);
    match status {
        StatusCode::NOT_MODIFIED => return Err(Clause::Status),
        StatusCode::PARTIAL_CONTENT if part.is_none() || !asks.has(Asks::RANGE) => {
            return Err(Clause::Part);
        }
        _ if directives.says(Word::MustUnderstand) && !is_understood(status) => {
            return Err(Clause::MustUnderstand);
        }
        _ => {}
    }
    // What is said of a range or a condition is said of this request, not of the resource.
    let is_special =
        asks.has(Asks::RANGE) || asks.has(Asks::CONDITION) || asks.has(Asks::ORIGIN_CONDITION);
    if is_special && !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Err(Clause::Status);
    }
    // "The no-store cache directive is not present in the response"; a cache that
    // understands the status ignores it beside `must-understand` (§5.2.2.3).
    if directives.says(Word::NoStore) && !directives.says(Word::MustUnderstand) {
        return Err(Clause::NoStore);
    }
    // In a request it is for this exchange (§5.2.1.5).
    if RequestDirectives::of(&request.headers).no_store {
        return Err(Clause::RequestNoStore);
    }
    // "If the cache is shared: the private response directive is either not present or
    // allows a shared cache to store a modified response."
    if directives.private == Some(Scope::Response) {
        return Err(Clause::Private);
    }
    // "If the cache is shared: the Authorization header field is not present in the request
    // or a response directive is present that explicitly allows shared caching" (§3.5).
    if request.headers.contains_key(header::AUTHORIZATION) && !is_for_all(&directives) {
        return Err(Clause::Authorization);
    }
    // "The response contains at least one of": `public`, an explicit lifetime, or a status
    // that is defined as heuristically cacheable. A rule is a cache extension of ours.
    let is_allowed = directives.says(Word::Public)
        || is_heuristically_cacheable(status)
        || terms.lifetime.duration() != std::time::Duration::ZERO
        || directives.max_age.is_some()
        || directives.s_maxage.is_some()
        // A targeted field stands in its place too (RFC 9213 §2.2).
        || (directives.field == Field::CacheControl && headers.contains_key(header::EXPIRES));
    if !is_allowed {
        return Err(Clause::NotAllowed);
    }

    // A stored response with `*` fails to match always (§4.1).
    let Some(selecting) = Selecting::of(headers, &request.headers) else {
        return Err(Clause::VaryAny);
    };
    // What has to do with a cookie is most often for one client (§7.3): the upstream
    // has to say itself that it is for all.
    let is_explicit = matches!(terms.lifetime, Lifetime::Explicit(_));
    if !is_explicit
        && (headers.contains_key(header::SET_COOKIE)
            || request.headers.contains_key(header::COOKIE))
    {
        return Err(Clause::Cookie);
    }
    if !is_of_use(headers, &terms, times) {
        return Err(Clause::OfNoUse);
    }

    Ok(Storable {
        terms,
        selecting,
        withheld: withheld(&directives),
        part: part.filter(|_| status == StatusCode::PARTIAL_CONTENT),
    })
}

/// Whether the response to a POST represents its target for a later GET
/// (RFC 9110 §9.3.3): explicit freshness, and a `Content-Location` that is the
/// target.
fn represents_target(request: &RequestHead, headers: &HeaderMap, lifetime: Lifetime) -> bool {
    request.method == Method::POST
        && matches!(lifetime, Lifetime::Explicit(lifetime) if !lifetime.is_zero())
        && headers
            .get(header::CONTENT_LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| request.target.resolve(location, request.authority()))
            .is_some_and(|location| location == request.target)
}

/// Whether a stored response could ever answer a request: fresh, allowed to be
/// stale for a while, or with a validator to ask the upstream by.
fn is_of_use(headers: &HeaderMap, terms: &Terms, times: Times) -> bool {
    let age = corrected_initial_age(headers, times.request_time, times.response_time);
    let is_fresh = terms.validation == Validation::WhenStale && age < terms.lifetime.duration();
    is_fresh
        || terms.is_usable_stale(age)
        || headers.contains_key(header::ETAG)
        || date::field(headers, &header::LAST_MODIFIED, times.response_time).is_some()
}

/// The fields named by qualified `private` and `no-cache`: they are not stored,
/// so that they are never reused without asking (§5.2.2.4, §5.2.2.7).
pub fn withheld(directives: &ResponseDirectives) -> Vec<HeaderName> {
    [&directives.private, &directives.no_cache]
        .into_iter()
        .flatten()
        .flat_map(|scope| match scope {
            Scope::Response => &[],
            Scope::Fields(names) => &names[..],
        })
        .cloned()
        .collect()
}

/// Whether the relay knows what the status asks of a cache (§5.2.2.3): those of
/// RFC 9110 §15 that are final.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::cache::{
        policy::tests::{fields, plain, request},
        rules::{Authority, NegativeTtl},
    };

    fn times() -> Times {
        Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH }
    }

    fn stored(
        request: &RequestHead,
        status: u16,
        text: &str,
        rule: &Rule,
    ) -> Result<Storable, Clause> {
        let status = StatusCode::from_u16(status).unwrap();
        storable(request, status, &fields(text), rule, times())
    }

    #[track_caller]
    fn check(status: u16, text: &str, expected: Result<Lifetime, Clause>) {
        let actual = stored(&request("GET", ""), status, text, &plain());
        assert_eq!(actual.map(|storable| storable.terms.lifetime), expected, "{status} {text}");
    }

    const FIVE: Result<Lifetime, Clause> = Ok(Lifetime::Explicit(Duration::from_secs(5)));

    #[test]
    fn statuses() {
        check(200, "", Ok(Lifetime::Configured(Duration::from_mins(10))));
        check(404, "", Ok(Lifetime::Configured(Duration::from_secs(10))));
        check(299, "", Err(Clause::NotAllowed));
        check(500, "", Err(Clause::NotAllowed));
        check(599, "cache-control: max-age=5", FIVE);
        check(503, "expires: Thu, 01 Jan 1970 00:00:05 GMT", FIVE);
        check(500, "expires: 0\netag: a", Ok(Lifetime::Explicit(Duration::ZERO)));
        check(500, "cdn-cache-control: x\nexpires: 0\netag: a", Err(Clause::NotAllowed));
        check(103, "cache-control: max-age=5", Err(Clause::Status));
        check(304, "cache-control: max-age=5", Err(Clause::Status));
        check(206, "cache-control: max-age=5\ncontent-range: bytes 0-4/9", Err(Clause::Part));
        check(599, "cache-control: max-age=5, must-understand", Err(Clause::MustUnderstand));
        check(200, "cache-control: max-age=5, must-understand, no-store", FIVE);
    }

    #[test]
    fn directives() {
        check(200, "cache-control: max-age=5, no-store", Err(Clause::NoStore));
        check(200, "cache-control: max-age=5, private", Err(Clause::Private));
        check(200, "cache-control: max-age=5, private=\"x\"", FIVE);
        check(200, "vary: *", Err(Clause::VaryAny));
        check(200, "cdn-cache-control: max-age=5\ncache-control: no-store", FIVE);
    }

    #[test]
    fn what_could_never_be_reused_is_not_stored() {
        check(200, "cache-control: max-age=0", Err(Clause::OfNoUse));
        check(200, "cache-control: no-cache", Err(Clause::OfNoUse));
        check(200, "cache-control: max-age=0\netag: \"a\"", Ok(Lifetime::Explicit(Duration::ZERO)));
        check(
            200,
            "cache-control: no-cache\nlast-modified: Thu, 01 Jan 1970 00:00:00 GMT",
            Ok(Lifetime::Configured(Duration::from_mins(10))),
        );
        check(200, "cache-control: max-age=0\nlast-modified: today", Err(Clause::OfNoUse));
        check(
            200,
            "cache-control: max-age=0, stale-while-revalidate=9",
            Ok(Lifetime::Explicit(Duration::ZERO)),
        );
        check(200, "cache-control: max-age=5\nage: 6", Err(Clause::OfNoUse));
        check(200, "cache-control: max-age=5, stale-if-error=9\nage: 6", FIVE);
        check(200, "cache-control: max-age=5, stale-if-error=1\nage: 6", Err(Clause::OfNoUse));
    }

    #[test]
    fn what_is_said_of_a_range_or_a_condition() {
        let check = |asks: &str, status, text: &str, expected: Option<Clause>| {
            let text = format!("cache-control: max-age=5\n{text}");
            let actual = stored(&request("GET", asks), status, &text, &plain());
            assert_eq!(actual.err(), expected, "{asks} {status} {text}");
        };
        let range = "range: bytes=0-4";
        check(range, 206, "content-range: bytes 0-4/9", None);
        check(range, 206, "content-type: multipart/byteranges", Some(Clause::Part));
        check(range, 200, "", None);
        check(range, 416, "content-range: bytes */9", Some(Clause::Status));
        check("if-match: \"a\"", 412, "", Some(Clause::Status));
        check("if-match: \"a\"", 200, "", None);
        check("if-none-match: \"a\"", 404, "", Some(Clause::Status));
    }

    #[test]
    fn cookies() {
        check(200, "set-cookie: a", Err(Clause::Cookie));
        check(200, "set-cookie: a\ncache-control: max-age=5", FIVE);
        let asked = request("GET", "cookie: a");
        let actual = stored(&asked, 200, "", &plain());
        assert_eq!(actual.unwrap_err(), Clause::Cookie);
        assert!(stored(&asked, 200, "cache-control: max-age=5", &plain()).is_ok());
    }

    #[test]
    fn requests() {
        let check = |method: &str, asks: &str, text: &str, expected: Option<Clause>| {
            let actual = stored(&request(method, asks), 200, text, &plain());
            assert_eq!(actual.err(), expected, "{method} {asks} {text}");
        };
        let fresh = "cache-control: max-age=5";
        check("GET", "cache-control: no-store", fresh, Some(Clause::RequestNoStore));
        check("GET", "authorization: x", fresh, Some(Clause::Authorization));
        check("GET", "authorization: x", "cache-control: max-age=5, public", None);
        check("GET", "authorization: x", "cache-control: s-maxage=5", None);
        check("GET", "authorization: x", "cache-control: max-age=5, must-revalidate", None);
        check("GET", "content-length: 5", fresh, Some(Clause::Content));
        check("HEAD", "", fresh, Some(Clause::Method));
        check("PUT", "", fresh, Some(Clause::Method));
        check("POST", "", fresh, Some(Clause::Method));
        check("POST", "", "cache-control: max-age=5\ncontent-location: /x", None);
        check("POST", "", "cache-control: max-age=5\ncontent-location: ", None);
        check("POST", "", "cache-control: max-age=5\ncontent-location: /y", Some(Clause::Method));
        check("POST", "", "content-location: /x", Some(Clause::Method));
        let failed = stored(
            &request("POST", ""),
            500,
            "cache-control: max-age=5\ncontent-location: /x",
            &plain(),
        );
        assert_eq!(failed.err(), Some(Clause::Method));
        let text = "cache-control: max-age=5\ncontent-location: /x";
        let accepted = stored(&request("POST", ""), 202, text, &plain());
        assert_eq!(accepted.err(), Some(Clause::Method));
    }

    #[test]
    fn rules() {
        let bypass = Rule { caching: Caching::Bypass, ..plain() };
        let get = request("GET", "");
        assert_eq!(stored(&get, 200, "", &bypass).unwrap_err(), Clause::Bypass);
        let authority = Rule { authority: Authority::Rule, ..plain() };
        assert!(stored(&get, 200, "cache-control: max-age=0", &authority).is_ok());
        let negative = NegativeTtl::new(Duration::from_secs(10))
            .with(StatusCode::INTERNAL_SERVER_ERROR, Duration::from_secs(5));
        let negative = Rule { negative_ttl: negative, ..plain() };
        assert!(stored(&get, 500, "", &negative).is_ok());
    }

    #[test]
    fn what_is_for_one_is_withheld() {
        let text = "cache-control: max-age=5, private=\"a\", no-cache=\"B, c\"";
        let storable = stored(&request("GET", ""), 200, text, &plain()).unwrap();
        assert_eq!(storable.withheld, ["a", "b", "c"]);
    }
}
