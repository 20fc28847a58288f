//! Request targets: byte for byte to the origin, or refused.

use crate::support::{Answer, Origin, Relay, exchange};

/// Targets that are relayed as they are.
const RELAYED: &[&str] = &[
    "/",
    "/x",
    "/restaurant/rudbeck",
    "/x/",
    "//",
    "//x",
    "//double//slash//",
    "///",
    "/a%2Fb",
    "/a%2fb",
    "/a%5Cb",
    "/%",
    "/%zz",
    "/%2",
    "/100%",
    "/%00",
    "/%20",
    "/%2B",
    "/%3F%23",
    "/%41%61",
    "/%E5%E4%F6",
    "/%c3%a5",
    "/åäö",
    "/räksås/🍤",
    "/a;b=c;d",
    "/;",
    "/a|b",
    "/{id}/x",
    "/\"quoted\"",
    "/'single'",
    "/*",
    "/a*b",
    "/@user",
    "/user@host:80",
    "/:",
    "/a:b/c:d",
    "/&a=b&c",
    "/=",
    "/a=b",
    "/+",
    "/a+b",
    "/~user",
    "/!$'()*,",
    "/-._~",
    "/[::1]",
    "/a^b",
    "/http://other.example/x",
    "/x/http:/y",
    "/?",
    "/x?",
    "/x??",
    "/x?=",
    "/x?&",
    "/x?&&a&&",
    "/x?a=1&a=2&b",
    "/x?a=1?b=2",
    "/x?q=a+b%20c",
    "/x?q=%zz&r=%",
    "/x?q=../../y",
    "/x?..",
    "/x?/../",
    "/x?q=a\\b\\..\\c",
    "/x?q=%2e%2e%2f",
    "/x?q=å",
    "/x?{a:[1,2]}",
    "/x?q=a|b^c`d",
    "/x?url=http://h:1/p?q",
    "/...",
    "/.../x",
    "/.x",
    "/..x",
    "/x..",
    "/x.",
    "/.well-known/x",
    "/%2e%2e%2e",
    "/%252e%252e/x",
    "/%252f",
    "/docs/",
    "/Docs",
    "/relay_anythingx",
    "/api/x",
];

/// The request line that the origin sees, below its base, of a target.
fn line_at_origin(relay: &Relay, target: &str) -> String {
    let answer = relay.get(target);
    assert_eq!(answer.status(), 200, "{target}: {}", answer.head);
    answer.text().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn every_byte_of_a_target_reaches_the_origin_below_its_base() {
    let origin = Origin::echoing();
    for (base, prefix) in [("", ""), ("api/", "/api"), ("a%2Fb//c", "/a%2Fb//c")] {
        let relay = Relay::before(&format!("{}{base}", origin.url()));
        let check = |target: &str| {
            let expected = format!("GET {prefix}{target} HTTP/1.1");
            assert_eq!(line_at_origin(&relay, target), expected, "below {base:?}");
        };
        RELAYED.iter().copied().for_each(check);
        check(&format!("/{}", "x".repeat(8_000)));
        check(&format!("/{}?{}", "x/".repeat(8_000), "q=å&".repeat(4_000)));
    }
}

#[track_caller]
fn check_own_400(relay: &Relay, target: &str) {
    let answer = relay.get(target);
    assert_eq!(answer.status(), 400, "{target}: {}", answer.head);
    assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{target}");
    let status = answer.field("proxy-status");
    assert_eq!(status, Some("lunch-relay; error=http_request_error"), "{target}");
    assert!(answer.text().contains(r#""status":400"#), "{target}: {}", answer.text());
}

#[test]
fn what_could_climb_out_of_the_base_is_refused() {
    let origin = Origin::echoing();
    let relay = Relay::before(&format!("{}api/", origin.url()));
    for target in [
        "/.",
        "/..",
        "/./",
        "/../",
        "/../x",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "/a/.",
        "/..?q",
        "/.?q",
        "//../x",
        "/%2e",
        "/%2E%2E",
        "/%2e%2e/x",
        "/.%2e/x",
        "/%2e./x",
        "/a%2f..%2fb",
        "/a%2F%2e%2E",
        "/..%2fx",
        "/..%2Fx",
        "/..%5cx",
        "/a%5C..%5Cb",
        "/a%5c.",
        "/\\",
        "/a\\b",
        "/..\\x",
        "/\\..\\x",
        "/relay_anything/..",
        "/relay_anything/../x",
        "/relay_anything/%2e%2e/x",
        "/relay_anything\\..\\x",
        "/docs/../x",
        "http://other.example/../x",
    ] {
        check_own_400(&relay, target);
    }
    assert_eq!(origin.heads(), Vec::<String>::new());
}

#[track_caller]
fn check_parser_400(relay: &Relay, target: &[u8]) {
    let request = [b"GET ", target, b" HTTP/1.1\r\nhost: h\r\n\r\n"].concat();
    let answer = Answer::parse(&exchange(relay.public, request));
    let target = String::from_utf8_lossy(target);
    assert_eq!(answer.status(), 400, "{target:?}: {}", answer.head);
    assert_eq!(answer.field("connection"), Some("close"), "{target:?}");
}

#[test]
fn what_is_no_target_is_refused_by_the_parser() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    let check = |target: &[u8]| check_parser_400(&relay, target);
    check(b"");
    check(b"?");
    check(b"?x");
    check(b"x y");
    check(b"/a b");
    check(b"/a\tb");
    check(b"/a\0b");
    check(b"/a\x7fb");
    check(b"/a\x01b");
    check(b"/a<b");
    check(b"/a>b");
    check(b"/a`b");
    check(b"/x?a<b");
    check(b"/x?a>b");
    check(b"/x?a\"b");
    // Bytes that are no UTF-8.
    check(b"/\xff");
    check(b"/\xe5\xe4\xf6");
    check(b"/x?\xc3");
    check(b"http://");
    check(b"http:///x");
    assert_eq!(origin.heads(), Vec::<String>::new());
}

#[test]
fn a_fragment_is_cut_off() {
    // RFC 9112 §3.2 gives a target none; hyper drops it rather than refuse it.
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    assert_eq!(line_at_origin(&relay, "/x#y"), "GET /x HTTP/1.1");
    assert_eq!(line_at_origin(&relay, "/x?q#y?z"), "GET /x?q HTTP/1.1");
    check_own_400(&relay, "/..#y");
}

#[test]
fn the_host_of_an_absolute_target_is_not_where_it_goes() {
    let origin = Origin::echoing();
    let relay = Relay::before(&format!("{}api/", origin.url()));
    let check = |target: &str, expected: &str| {
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: other.example\r\nconnection: close\r\n\r\n");
        let answer = Answer::parse(&exchange(relay.public, request));
        assert_eq!(answer.status(), 200, "{target}: {}", answer.head);
        let seen = Answer::parse(&answer.body);
        assert!(seen.head.starts_with(&format!("GET {expected} HTTP/1.1\r\n")), "{}", seen.head);
        assert_eq!(seen.field("host"), Some(origin.address().to_string().as_str()));
    };
    check("http://other.example/x?y", "/api/x?y");
    check("http://other.example", "/api/");
    check("http://other.example:81/%2F//", "/api/%2F//");
    check("HTTP://OTHER.example/", "/api/");
    check("https://other.example/x", "/api/x");
    check("http://user:secret@other.example/x", "/api/x");
    check("http://other.example/relay_anything/docs", "/api/docs");
}

#[test]
fn a_path_below_relay_anything_is_the_same_resource() {
    let answer = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nok";
    let origin = Origin::answering(answer);
    let relay = Relay::before(&format!("{}api/", origin.url()));
    let check = |first: &str, second: &str, at_origin: &str| {
        let [first, second] = [first, second].map(|path| relay.get(path));
        assert_eq!(first.field("cache-status"), Some("lunch-relay; fwd=uri-miss; stored; ttl=60"));
        let status = second.field("cache-status").unwrap_or_default();
        assert!(status.starts_with("lunch-relay; hit"), "{at_origin}: {status}");
        let head = origin.heads().pop().unwrap_or_default();
        assert!(head.starts_with(&format!("GET {at_origin} HTTP/1.1\r\n")), "{head}");
    };
    check("/a?b", "/relay_anything/a?b", "/api/a?b");
    check("/relay_anything/c//d?", "/c//d?", "/api/c//d?");
    check("/relay_anything/", "/", "/api/");
    check("/relay_anything//e", "//e", "/api//e");
    assert_eq!(origin.heads().len(), 4);
}

#[test]
fn reserved_names_of_the_upstream_are_reached_below_relay_anything() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    for name in ["/docs", "/openapi.json", "/healthz", "/readyz"] {
        assert_eq!(relay.get(name).status(), 200, "{name}");
        assert_eq!(origin.heads(), Vec::<String>::new(), "{name}");
    }
    for name in ["/docs", "/healthz?x", "/relay_anything/x", "/relay_anything"] {
        let target = format!("/relay_anything{name}");
        assert_eq!(line_at_origin(&relay, &target), format!("GET {name} HTTP/1.1"));
    }
}
