//! Fields that end at a hop, and those that a hop adds (RFC 9110 §7.6).

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, Version,
    header::{self, Entry},
    uri::{Authority, Scheme},
};

use crate::{list::members, problem::NAME, target::Target};

/// `CDN-Loop` (RFC 8586).
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED: &str = "x-forwarded-";

/// Fields that are for one connection only, besides those that `Connection`
/// names (RFC 9110 §7.6.1, and `HTTP2-Settings`, RFC 7540 §3.2.1).
static HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes the fields meant for this connection only, in place: what stays is
/// not copied, so no repeated field line can be lost.
pub fn strip_connection_fields(headers: &mut HeaderMap) {
    // Chunks override a length that is said besides, which must not go on
    // (RFC 9112 §6.3): the next hop would cut the body at it.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes what `Connection` names from a request that comes in.
///
/// The upstream will not see these fields, so nothing may be decided by them:
/// a client could have its answer stored for those who do send them. What says
/// how long the body is stays until the request goes out.
pub fn strip_named_fields(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
            headers.remove(name);
        }
    }
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    members(headers, &header::CONNECTION).filter_map(|name| name.parse().ok()).collect()
}

/// What a request tells of itself to the next hop, with `--forwarded`.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// The client's address.
    pub client: IpAddr,
    /// The scheme the client used.
    pub scheme: Scheme,
}

/// Turns a client's fields into those for the upstream, in place.
///
/// The client's word about who it is (`Forwarded`, `X-Forwarded-*`) is never
/// passed on; `forwarding` is sent in its place where it is given.
pub fn to_upstream(headers: &mut HeaderMap, version: Version, forwarding: Option<&Forwarding>) {
    let host = headers.remove(header::HOST);
    strip_connection_fields(headers);
    // The body goes upstream at once, so the expectation is met here
    // (RFC 9110 §10.1.1): hyper sends `100 Continue` when the body is read.
    headers.remove(header::EXPECT);
    strip_forwarded(headers);
    headers.append(header::VIA, via(version));
    headers.append(CDN_LOOP, HeaderValue::from_static(NAME));
    if let Some(forwarding) = forwarding {
        add_forwarded(headers, forwarding, host.as_ref());
    }
}

/// Turns the upstream's fields into those for the client, in place.
pub fn from_upstream(headers: &mut HeaderMap, version: Version) {
    strip_connection_fields(headers);
    headers.append(header::VIA, via(version));
}

/// Whether a field tells the upstream who asks. What a client says in it is
/// replaced, so that nothing can be selected by it here.
pub fn tells_of_client(name: &HeaderName) -> bool {
    *name == FORWARDED || name.as_str().starts_with(X_FORWARDED)
}

/// Whether a request has passed this relay before (RFC 9110 §7.6.3, RFC 8586 §2).
pub fn is_loop(headers: &HeaderMap) -> bool {
    let received_by = |member: &str| member.split_ascii_whitespace().nth(1) == Some(NAME);
    let cdn_id = |member: &str| member.split(';').next().map(str::trim) == Some(NAME);

    members(headers, &header::VIA).any(received_by) || members(headers, &CDN_LOOP).any(cdn_id)
}

/// The client's own URI for a `Location` that points into the upstream's
/// base, `None` for one that points elsewhere.
///
/// Scheme is not compared: an upstream behind a TLS proxy names itself by
/// `http` (and a `Location` of either scheme leads past the relay all the
/// same). `base` is the path that ends with a slash.
pub fn own_location(location: &str, authority: &Authority, base: &str) -> Option<String> {
    let path = if location.starts_with('/') && !location.starts_with("//") {
        location
    } else {
        let rest = location
            .strip_prefix("//")
            .or_else(|| strip_prefix_ignore_case(location, "http://"))
            .or_else(|| strip_prefix_ignore_case(location, "https://"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if !same_authority(&rest[..end], authority) {
            return None;
        }
        &rest[end..]
    };
    let own = format!("/{}", path.strip_prefix(base)?);
    // What we would refuse as a target leads out of the base.
    own.parse().is_ok_and(|target| Target::new(target).is_ok()).then_some(own)
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Host and port compared, where 80 and 443 are what no port stands for.
fn same_authority(text: &str, authority: &Authority) -> bool {
    let port = |uri: &Authority| uri.port_u16().filter(|port| !matches!(port, 80 | 443));
    text.parse::<Authority>().is_ok_and(|other| {
        other.host().eq_ignore_ascii_case(authority.host()) && port(&other) == port(authority)
    })
}

fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_10 => "1.0 lunch-relay",
        Version::HTTP_2 => "2 lunch-relay",
        _ => "1.1 lunch-relay",
    })
}

fn strip_forwarded(headers: &mut HeaderMap) {
    if headers.keys().any(tells_of_client) {
        let claims = headers.keys().filter(|name| tells_of_client(name));
        let names: Vec<HeaderName> = claims.cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
}

fn add_forwarded(headers: &mut HeaderMap, forwarding: &Forwarding, host: Option<&HeaderValue>) {
    let Forwarding { client, scheme } = forwarding;
    let host = host.and_then(|host| host.to_str().ok()).filter(|host| host.parse::<Uri>().is_ok());
    let node = match client {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("\"[{ip}]\""),
    };
    let mut forwarded = format!("for={node};proto={scheme}");
    if let Some(host) = host {
        forwarded = format!("{forwarded};host=\"{host}\"");
    }
    let mut set = |name: &'static str, value: &str| {
        if let (Ok(Entry::Vacant(entry)), Ok(value)) =
            (headers.try_entry(name), HeaderValue::from_str(value))
        {
            entry.insert(value);
        }
    };
    set("forwarded", &forwarded);
    set("x-forwarded-for", &client.to_string());
    set("x-forwarded-proto", scheme.as_str());
    if let Some(host) = host {
        set("x-forwarded-host", host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in text.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        headers
    }

    #[track_caller]
    fn check_strip(before: &str, after: &str) {
        let mut headers = fields(before);
        strip_connection_fields(&mut headers);
        assert_eq!(headers, fields(after), "{before}");
    }

    #[test]
    fn fields_for_one_connection_end_here() {
        check_strip("keep-alive: timeout=5\na: 1", "a: 1");
        check_strip("connection: close, X-Hop\nx-hop: 1\nx-end: 2", "x-end: 2");
        check_strip("connection: a\nconnection: b\na: 1\nb: 2\nc: 3", "c: 3");
        check_strip(
            "set-cookie: a=1\nset-cookie: b=2\nte: trailers",
            "set-cookie: a=1\nset-cookie: b=2",
        );
        check_strip("connection: not a name,\na: 1", "a: 1");
        check_strip("proxy-authentication-info: x\nproxy-authenticate: x", "");
        check_strip("upgrade: h2c\nproxy-connection: x\ntransfer-encoding: chunked", "");
        check_strip("content-length: 3\ntransfer-encoding: chunked\na: 1", "a: 1");
        check_strip("connection: transfer-encoding\ncontent-length: 3\ntransfer-encoding: x", "");
    }

    #[track_caller]
    fn check_upstream(before: &str, forwarding: Option<&Forwarding>, after: &str) {
        let mut headers = fields(before);
        to_upstream(&mut headers, Version::HTTP_11, forwarding);
        assert_eq!(headers, fields(after), "{before}");
    }

    #[test]
    fn the_client_is_not_believed_about_itself() {
        check_upstream(
            "host: relay\nforwarded: for=1\nx-forwarded-for: 2\nx-forwarded-proto: https\nexpect: 100-continue\na: 1",
            None,
            "a: 1\nvia: 1.1 lunch-relay\ncdn-loop: lunch-relay",
        );
    }

    #[test]
    fn forwarded_is_ours() {
        let forwarding = Forwarding { client: "192.0.2.1".parse().unwrap(), scheme: Scheme::HTTP };
        check_upstream(
            "host: relay:8080\nx-forwarded-for: 2",
            Some(&forwarding),
            "via: 1.1 lunch-relay\ncdn-loop: lunch-relay\n\
             forwarded: for=192.0.2.1;proto=http;host=\"relay:8080\"\n\
             x-forwarded-for: 192.0.2.1\nx-forwarded-proto: http\nx-forwarded-host: relay:8080",
        );
    }

    #[test]
    fn via_is_appended_to_what_is_there() {
        check_upstream(
            "via: 1.0 a",
            None,
            "via: 1.0 a\nvia: 1.1 lunch-relay\ncdn-loop: lunch-relay",
        );
    }

    #[test]
    fn loops() {
        assert!(is_loop(&fields("via: 1.1 lunch-relay")));
        assert!(is_loop(&fields("via: 1.0 a, 1.1 lunch-relay (x)\nvia: 1.1 b")));
        assert!(is_loop(&fields("cdn-loop: a, lunch-relay; id=1")));
        assert!(!is_loop(&fields("via: 1.1 not-lunch-relay\ncdn-loop: a\nx: lunch-relay")));
        assert!(!is_loop(&HeaderMap::new()));
    }

    #[track_caller]
    fn check_location(location: &str, expected: Option<&str>) {
        let authority = "api.example".parse().unwrap();
        assert_eq!(own_location(location, &authority, "/api/").as_deref(), expected, "{location}");
    }

    #[test]
    fn locations_into_the_base_become_our_own() {
        check_location("http://api.example/api/restaurant/", Some("/restaurant/"));
        check_location("https://API.example:443/api/x?y#z", Some("/x?y#z"));
        check_location("//api.example/api/", Some("/"));
        check_location("/api/x", Some("/x"));
    }

    #[test]
    fn locations_elsewhere_stay() {
        check_location("http://api.example/other", None);
        check_location("http://api.example:8080/api/x", None);
        check_location("http://other.example/api/x", None);
        check_location("http://api.example/api", None);
        check_location("x/y", None);
        check_location("/apix", None);
        check_location("mailto:someone", None);
        check_location("/api/../x", None);
        check_location("http://api.example/api/%2e%2e/x", None);
    }
}
