//! What a cache may do with a request and with a response (RFC 9111 §3, §4).

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

use super::{
    directives::{RequestDirectives, ResponseDirectives},
    freshness::{Defaults, Lifetime, freshness_lifetime},
    status::Fwd,
    store::Lookup,
    stored::Prepared,
    vary::Selecting,
};
use crate::exchange::RequestHead;

/// What a cache may do with a request (RFC 9111 §4).
#[derive(Debug)]
pub enum Decision {
    /// Reuse the stored response without asking the upstream (§4.2).
    Reuse(Arc<Prepared>),
    /// Ask the upstream, for this reason.
    Forward(Fwd, Sharing),
    /// `only-if-cached`, and nothing may be reused: 504 (§5.2.1.7).
    Unsatisfiable,
}

/// Whether the upstream's answer may serve others that ask for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// It may: the request is one that is answered from a fill.
    Fill,
    /// It is for this request alone.
    Alone,
}

/// Decides on a request.
pub fn decide(request: &RequestHead, lookup: Lookup, now: SystemTime) -> Decision {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Decision::Forward(Fwd::Method, Sharing::Alone);
    }
    if bypasses(&request.headers) {
        return Decision::Forward(Fwd::Bypass, Sharing::Alone);
    }

    let fwd = match lookup {
        Lookup::Found(stored) if stored.is_fresh(now) => return Decision::Reuse(stored),
        Lookup::Found(_) => Fwd::Stale,
        Lookup::VaryMiss => Fwd::VaryMiss,
        Lookup::UriMiss => Fwd::UriMiss,
    };
    let directives = RequestDirectives::of(&request.headers);
    if directives.only_if_cached {
        return Decision::Unsatisfiable;
    }
    let sharing = if request.method == Method::GET
        && !directives.no_store
        && !is_conditional_or_partial(&request.headers)
    {
        Sharing::Fill
    } else {
        Sharing::Alone
    };
    Decision::Forward(fwd, sharing)
}

/// Which clause says that a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// The status is not final, or needs what is stored already (206, 304).
    Status,
    /// `no-store` in the response (§5.2.2.5).
    NoStore,
    /// `private`: this cache is shared (§5.2.2.7).
    Private,
    /// `no-cache`: of no use without validation (§5.2.2.4).
    NoCache,
    /// `Vary: *` (§4.1).
    VaryAny,
    /// Neither the response nor the configuration gives it freshness (§4.2).
    NoFreshness,
    /// It would be stale at once.
    AlreadyStale,
    /// It sets a cookie, and only the configuration would have it stored.
    SetCookie,
    /// The request has a cookie, and only the configuration would have the
    /// response stored.
    Cookie,
}

/// What a response is stored with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storable {
    /// How long it is fresh.
    pub lifetime: Lifetime,
    /// The request fields that select it.
    pub selecting: Selecting,
}

/// Whether the response to a GET that [`decide`] lets share its answer may be
/// stored (RFC 9111 §3), in that section's order.
pub fn storable(
    request: &RequestHead,
    status: StatusCode,
    headers: &HeaderMap,
    defaults: &Defaults,
    response_time: SystemTime,
) -> Result<Storable, NotStored> {
    // "The response status code is final", and a 206 or 304 is understood only
    // together with what is stored (§3.3, §4.3.4).
    if status.is_informational()
        || matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return Err(NotStored::Status);
    }
    let directives = ResponseDirectives::of(headers);
    if directives.no_store {
        return Err(NotStored::NoStore);
    }
    if directives.private {
        return Err(NotStored::Private);
    }
    if directives.no_cache {
        return Err(NotStored::NoCache);
    }
    let Some(selecting) = Selecting::of(headers, &request.headers) else {
        return Err(NotStored::VaryAny);
    };
    let Some(lifetime) = freshness_lifetime(status, headers, &directives, defaults, response_time)
    else {
        return Err(NotStored::NoFreshness);
    };
    if lifetime.duration().is_zero() {
        return Err(NotStored::AlreadyStale);
    }
    // What has to do with a cookie is most often for one client (§7.3): the upstream
    // has to say itself that it is for all.
    if matches!(lifetime, Lifetime::Default(_)) {
        if headers.contains_key(header::SET_COOKIE) {
            return Err(NotStored::SetCookie);
        }
        if request.headers.contains_key(header::COOKIE) {
            return Err(NotStored::Cookie);
        }
    }
    Ok(Storable { lifetime, selecting })
}

/// Whether the answer to a request makes what is stored under its target
/// invalid (RFC 9111 §4.4): an unsafe method that has not failed.
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// Whether a request goes past the cache.
///
/// Whether a stored response may answer an authenticated request depends on the
/// response (§3.5); until that is asked, such a request goes past. A body has no
/// meaning in a GET (RFC 9110 §9.3.1), but an upstream may give it one, and it
/// is not part of the key.
fn bypasses(headers: &HeaderMap) -> bool {
    // One pass over the few fields there are costs less than to look for each name.
    headers.iter().any(|(name, value)| match *name {
        header::AUTHORIZATION | header::TRANSFER_ENCODING => true,
        header::CONTENT_LENGTH => value != "0",
        _ => false,
    })
}

fn is_conditional_or_partial(headers: &HeaderMap) -> bool {
    [
        header::RANGE,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
    ]
    .iter()
    .any(|name| headers.contains_key(name))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;
    use http::{HeaderName, HeaderValue, Version};
    use poem::web::RemoteAddr;

    use super::*;
    use crate::{cache::stored::StoredResponse, target::Target};

    fn fields(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in text.lines().map(|line| line.split_once(": ").unwrap()) {
            headers
                .append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn request(method: Method, text: &str) -> RequestHead {
        RequestHead {
            method,
            target: Target::new("/x".parse().unwrap()).unwrap(),
            version: Version::HTTP_11,
            headers: fields(text),
            remote: RemoteAddr::default(),
        }
    }

    fn fresh_for(seconds: u64) -> Lookup {
        let response = StoredResponse {
            status: StatusCode::OK,
            fields: Vec::new(),
            selecting: Selecting::default(),
            request_time: UNIX_EPOCH,
            response_time: UNIX_EPOCH,
            body: Bytes::new(),
        };
        Lookup::Found(Arc::new(Prepared::new(response, Duration::from_secs(seconds))))
    }

    #[track_caller]
    fn check_decision(method: Method, text: &str, lookup: Lookup, expected: &str) {
        let decision = match decide(&request(method, text), lookup, UNIX_EPOCH) {
            Decision::Reuse(_) => "reuse".to_owned(),
            Decision::Forward(fwd, sharing) => format!("{} {sharing:?}", fwd.as_str()),
            Decision::Unsatisfiable => "unsatisfiable".to_owned(),
        };
        assert_eq!(decision, expected, "{text}");
    }

    #[test]
    fn decisions() {
        let check = check_decision;
        check(Method::GET, "", fresh_for(1), "reuse");
        check(Method::HEAD, "", fresh_for(1), "reuse");
        check(Method::GET, "", fresh_for(0), "stale Fill");
        check(Method::GET, "", Lookup::UriMiss, "uri-miss Fill");
        check(Method::GET, "", Lookup::VaryMiss, "vary-miss Fill");
        check(Method::HEAD, "", Lookup::UriMiss, "uri-miss Alone");
        check(Method::POST, "", fresh_for(1), "method Alone");
        check(Method::OPTIONS, "", fresh_for(1), "method Alone");
        check(Method::GET, "authorization: x", fresh_for(1), "bypass Alone");
        check(Method::GET, "content-length: 5", fresh_for(1), "bypass Alone");
        check(Method::GET, "content-length: 0", fresh_for(1), "reuse");
        check(Method::GET, "transfer-encoding: chunked", Lookup::UriMiss, "bypass Alone");
        check(Method::GET, "range: bytes=0-1", Lookup::UriMiss, "uri-miss Alone");
        check(Method::GET, "range: bytes=0-1", fresh_for(1), "reuse");
        check(Method::GET, "if-none-match: \"a\"", Lookup::UriMiss, "uri-miss Alone");
        check(Method::GET, "cache-control: no-store", Lookup::UriMiss, "uri-miss Alone");
        check(Method::GET, "cache-control: no-store", fresh_for(1), "reuse");
        check(Method::GET, "cache-control: only-if-cached", fresh_for(1), "reuse");
        check(Method::GET, "cache-control: only-if-cached", fresh_for(0), "unsatisfiable");
        check(Method::GET, "cache-control: no-cache", fresh_for(1), "reuse");
    }

    #[test]
    fn an_unsafe_method_that_has_not_failed_invalidates() {
        let check = |method: &str, status: u16, expected| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                invalidates(&method.parse().unwrap(), status),
                expected,
                "{method} {status}"
            );
        };
        check("PUT", 204, true);
        check("POST", 303, true);
        check("M-SEARCH", 200, true);
        check("DELETE", 404, false);
        check("POST", 500, false);
        check("GET", 200, false);
        check("OPTIONS", 200, false);
    }

    #[track_caller]
    fn check_storable(status: u16, text: &str, expected: Result<Lifetime, NotStored>) {
        let defaults =
            Defaults { ttl: Duration::from_mins(10), negative_ttl: Duration::from_secs(10) };
        let actual = storable(
            &request(Method::GET, ""),
            StatusCode::from_u16(status).unwrap(),
            &fields(text),
            &defaults,
            UNIX_EPOCH,
        );
        assert_eq!(actual.map(|storable| storable.lifetime), expected, "{status} {text}");
    }

    #[test]
    fn storing() {
        let explicit = |seconds| Ok(Lifetime::Explicit(Duration::from_secs(seconds)));
        let default = |seconds| Ok(Lifetime::Default(Duration::from_secs(seconds)));
        let check = check_storable;
        check(200, "", default(600));
        check(404, "", default(10));
        check(299, "", Err(NotStored::NoFreshness));
        check(500, "", Err(NotStored::NoFreshness));
        check(500, "cache-control: max-age=5", explicit(5));
        check(206, "cache-control: max-age=5", Err(NotStored::Status));
        check(304, "cache-control: max-age=5", Err(NotStored::Status));
        check(200, "cache-control: max-age=5, no-store", Err(NotStored::NoStore));
        check(200, "cache-control: max-age=5, private", Err(NotStored::Private));
        check(200, "cache-control: max-age=5, no-cache", Err(NotStored::NoCache));
        check(200, "cache-control: max-age=0", Err(NotStored::AlreadyStale));
        check(200, "vary: *", Err(NotStored::VaryAny));
        check(200, "set-cookie: a", Err(NotStored::SetCookie));
        check(200, "set-cookie: a\ncache-control: max-age=5", explicit(5));
    }
}
