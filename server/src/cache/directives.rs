//! `Cache-Control` (RFC 9111 §5.2), read once into a plain value.
//!
//! Reading cannot fail: what makes no sense has its most careful meaning.

use std::time::Duration;

use http::{HeaderMap, header};

/// The greatest `delta-seconds` that is told from any greater (RFC 9111 §1.2.2).
pub const MAX_DELTA: Duration = Duration::from_secs(1 << 31);

/// Response directives (RFC 9111 §5.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `s-maxage`, or zero where it is there and not a number.
    pub s_maxage: Option<Duration>,
    /// `max-age`, or zero where it is there and not a number.
    pub max_age: Option<Duration>,
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, with or without field names.
    pub no_cache: bool,
    /// `private`, with or without field names.
    pub private: bool,
}

/// Request directives (RFC 9111 §5.2.1) that always count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-store`: the answer is not stored; a stored one may still serve.
    pub no_store: bool,
    /// `only-if-cached`: a stored answer or none.
    pub only_if_cached: bool,
}

impl ResponseDirectives {
    /// The directives of a response's fields.
    pub fn of(headers: &HeaderMap) -> ResponseDirectives {
        let mut directives = ResponseDirectives::default();
        each(headers, |name, argument| {
            let least = |known: Option<Duration>| {
                let this = delta_seconds(argument);
                Some(known.map_or(this, |known| known.min(this)))
            };
            if name.eq_ignore_ascii_case("s-maxage") {
                directives.s_maxage = least(directives.s_maxage);
            } else if name.eq_ignore_ascii_case("max-age") {
                directives.max_age = least(directives.max_age);
            } else if name.eq_ignore_ascii_case("no-store") {
                directives.no_store = true;
            } else if name.eq_ignore_ascii_case("no-cache") {
                directives.no_cache = true;
            } else if name.eq_ignore_ascii_case("private") {
                directives.private = true;
            }
        });
        directives
    }
}

impl RequestDirectives {
    /// The directives of a request's fields.
    pub fn of(headers: &HeaderMap) -> RequestDirectives {
        let mut directives = RequestDirectives::default();
        each(headers, |name, _| {
            if name.eq_ignore_ascii_case("no-store") {
                directives.no_store = true;
            } else if name.eq_ignore_ascii_case("only-if-cached") {
                directives.only_if_cached = true;
            }
        });
        directives
    }
}

/// Calls `read` with the name and argument of each directive of each line.
fn each(headers: &HeaderMap, mut read: impl FnMut(&str, Option<&str>)) {
    for line in headers.get_all(header::CACHE_CONTROL) {
        // A value beyond ASCII can hide no directive: their names are tokens.
        let text = String::from_utf8_lossy(line.as_bytes());
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let end = end_of_member(rest);
            let member = rest[..end].trim();
            rest = rest.get(end + 1..).unwrap_or_default();
            let (name, argument) = match member.split_once('=') {
                Some((name, argument)) => (name.trim(), Some(argument.trim())),
                None => (member, None),
            };
            read(name, argument.map(|argument| argument.trim_matches('"')));
        }
    }
}

/// Where the comma is that ends the first member, quoted ones passed over.
///
/// A quote that is never closed quotes nothing: it must not hide what follows.
fn end_of_member(text: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    if quoted { text.find(',').unwrap_or(text.len()) } else { text.len() }
}

/// `delta-seconds` (RFC 9111 §1.2.2): what is too great is [`MAX_DELTA`], what
/// is not a number is zero, so that the response is stale.
fn delta_seconds(argument: Option<&str>) -> Duration {
    let Some(digits) = argument.filter(|argument| {
        !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit())
    }) else {
        return Duration::ZERO;
    };
    digits.parse().map_or(MAX_DELTA, |seconds| Duration::from_secs(seconds).min(MAX_DELTA))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(lines: &[&str]) -> ResponseDirectives {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers
                .append(header::CACHE_CONTROL, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        ResponseDirectives::of(&headers)
    }

    #[track_caller]
    fn check_max_age(lines: &[&str], seconds: Option<u64>) {
        assert_eq!(response(lines).max_age, seconds.map(Duration::from_secs), "{lines:?}");
    }

    #[test]
    fn numbers() {
        check_max_age(&["max-age=60"], Some(60));
        check_max_age(&["public, Max-Age = \"60\" "], Some(60));
        check_max_age(&["max-age=60, max-age=5"], Some(5));
        check_max_age(&["max-age=5", "max-age=60"], Some(5));
        check_max_age(&["max-age=99999999999999999999"], Some(1 << 31));
        check_max_age(&["max-age=-1"], Some(0));
        check_max_age(&["max-age=1.5"], Some(0));
        check_max_age(&["max-age"], Some(0));
        check_max_age(&["x=\"max-age=60\""], None);
        check_max_age(&["x=\"a\\\", max-age=60\""], None);
        check_max_age(&["s-maxage=60"], None);
        check_max_age(&[], None);
    }

    #[test]
    fn words() {
        let found = response(&["NO-STORE", "private=\"set-cookie, x\", no-cache"]);
        assert!(found.no_store && found.private && found.no_cache);
        // A quote that is never closed hides nothing.
        assert!(response(&["x=\"a, no-store"]).no_store);
        assert_eq!(
            response(&["x-no-store, ,=,no-store-x", "räksås"]),
            ResponseDirectives::default()
        );
    }

    #[test]
    fn of_a_request() {
        let headers = HeaderMap::from_iter([(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache, Only-If-Cached, no-store"),
        )]);
        let found = RequestDirectives::of(&headers);
        assert!(found.only_if_cached && found.no_store);
    }
}
