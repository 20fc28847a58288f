//! The door: what hyper lets pass of a request, and we do not.

use http::{HeaderValue, Request, StatusCode, Version, header};

use crate::problem::Problem;

/// Refuses a request that two servers could understand in two ways, and makes
/// `Host` what the target says.
pub(super) fn admit<B>(request: &mut Request<B>) -> Result<(), Problem> {
    let (mut hosts, mut codings) = (0, 0);
    for (name, value) in request.headers() {
        match *name {
            header::HOST => {
                hosts += 1;
                check_host(value, hosts)?;
            }
            header::TRANSFER_ENCODING => {
                codings += 1;
                check_coding(value, codings)?;
            }
            _ => {}
        }
    }
    if hosts == 0 && request.version() == Version::HTTP_11 {
        return Err(Problem::bad_request("the request has no Host field: HTTP/1.1 asks for one"));
    }
    host_of_target(request);
    Ok(())
}

/// A request with several `Host` fields is refused, as one without is (RFC
/// 9112 §3.2): hyper lets both pass.
fn check_host(host: &HeaderValue, count: u32) -> Result<(), Problem> {
    if 1 < count {
        return Err(Problem::bad_request("the request has several Host fields: send one"));
    }
    if is_host(host) {
        return Ok(());
    }
    Err(Problem::bad_request("the Host field is not a host: send HOST or HOST:PORT"))
}

/// A transfer coding besides `chunked` is refused (RFC 9112 §6.1): hyper finds
/// where such a body ends, but what it means would be lost with the field.
fn check_coding(coding: &HeaderValue, count: u32) -> Result<(), Problem> {
    if count == 1 && coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "http_request_error",
        "the request has a transfer coding besides chunked: send the body without it",
    ))
}

/// The authority of a target is what `Host` says, or should say (RFC 9112
/// §3.2.2, RFC 9113 §8.3.1).
fn host_of_target<B>(request: &mut Request<B>) {
    let Some(authority) = request.uri().authority() else { return };
    let host = authority.as_str().rsplit('@').next().map(HeaderValue::from_str);
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

fn is_host(host: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    // Almost every Host is a name or an IPv4 address with or without a port; an empty
    // one is what a client sends that knows no authority (RFC 9110 §7.2).
    let bytes = host.as_bytes();
    let name = bytes.split(|byte| *byte == b':').next().unwrap_or_default();
    let port = bytes.get(name.len() + 1..).unwrap_or_default();
    (name.iter().all(is_plain) && port.iter().all(u8::is_ascii_digit))
        || host.to_str().is_ok_and(is_authority)
}

fn is_authority(host: &str) -> bool {
    !host.contains('@') && host.parse::<http::uri::Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: Version, uri: &str, lines: &[(&str, &str)], expected: Result<&str, u16>) {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let admitted = admit(&mut request).map_err(|problem| problem.status.as_u16());
        let host = request.headers().get("host").map_or("", |host| host.to_str().unwrap());
        assert_eq!(admitted.map(|()| host), expected, "{uri} {lines:?}");
    }

    #[test]
    fn one_host_is_asked_for() {
        let http11 = Version::HTTP_11;
        check(http11, "/", &[("host", "a:80")], Ok("a:80"));
        check(http11, "/", &[("host", "[::1]:80")], Ok("[::1]:80"));
        check(http11, "/", &[("host", "")], Ok(""));
        check(http11, "/", &[], Err(400));
        check(http11, "/", &[("host", "a"), ("host", "a")], Err(400));
        check(http11, "/", &[("host", "a b")], Err(400));
        check(http11, "/", &[("host", "a:b:c")], Err(400));
        check(http11, "/", &[("host", "user@a")], Err(400));
        check(Version::HTTP_10, "/", &[], Ok(""));
        check(Version::HTTP_2, "http://a/", &[], Ok("a"));
        check(http11, "http://b:1/", &[("host", "a")], Ok("b:1"));
    }

    #[test]
    fn chunked_is_the_only_transfer_coding() {
        let check = |lines: &[(&str, &str)], expected| {
            let mut all = vec![("host", "a")];
            all.extend(lines);
            check(Version::HTTP_11, "/", &all, expected);
        };
        check(&[("transfer-encoding", "Chunked")], Ok("a"));
        check(&[("transfer-encoding", "gzip, chunked")], Err(501));
        check(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], Err(501));
    }
}
