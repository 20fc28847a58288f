//! Redirects: passed on, with those into the upstream's base made our own.

use crate::support::{Origin, Relay};

/// What becomes of a `Location` and of a `Content-Location`; `ORIGIN` stands
/// for the origin's host and port.
#[track_caller]
fn check(base: &str, location: &'static str, expected: &str) {
    let origin = Origin::start(move |head, stream| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let location = location.replace("ORIGIN", host);
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-location: {location}\r\n\
             cache-control: no-store\r\ncontent-length: 0\r\n\r\n"
        );
        std::io::Write::write_all(stream.get_mut(), answer.as_bytes())?;
        Ok(crate::support::Then::KeepOpen)
    });
    let relay = Relay::before(&format!("{}{base}", origin.url()));
    let answer = relay.get("/x");
    let expected = expected.replace("ORIGIN", &origin.address().to_string());
    assert_eq!(answer.status(), 302, "{location}");
    for name in ["location", "content-location"] {
        assert_eq!(answer.field(name), Some(expected.as_str()), "{name}: {location}");
    }
    // Followed by nobody but the client.
    assert_eq!(origin.heads().len(), 1, "{location}");
}

#[test]
fn a_location_in_the_base_becomes_our_own() {
    check("api/", "http://ORIGIN/api/x?y#z", "/x?y#z");
    check("api/", "HTTP://ORIGIN/api/", "/");
    check("api/", "https://ORIGIN/api/x", "/x");
    check("api/", "//ORIGIN/api/x", "/x");
    check("api/", "/api/x", "/x");
    check("api/", "/api/", "/");
    check("api/", "/api/?q", "/?q");
    check("api/", "/api/%2F/å", "/%2F/å");
    check("", "http://ORIGIN/x", "/x");
    check("", "/x", "/x");
}

#[test]
fn a_location_under_a_reserved_name_leads_below_relay_anything() {
    check("api/", "http://ORIGIN/api/docs", "/relay_anything/docs");
    check("api/", "/api/docs?x", "/relay_anything/docs?x");
    check("api/", "/api/healthz#x", "/relay_anything/healthz#x");
    check("", "/relay_anything/x", "/relay_anything/relay_anything/x");
    check("api/", "/api/docs/x", "/docs/x");
}

#[test]
fn a_location_elsewhere_stays_as_it_is() {
    for location in [
        "/other",
        "/api",
        "/apix",
        "http://ORIGIN/other",
        "http://ORIGIN",
        "http://other.example/api/x",
        "http://ORIGIN.example/api/x",
        "http://user@ORIGIN:1/api/x",
        "//other.example/api/x",
        "x/y",
        "../x",
        "?q",
        "#f",
        "mailto:someone@example.org",
    ] {
        check("api/", location, location);
    }
}

#[test]
fn a_location_never_becomes_one_of_another_host() {
    // Without its base, the path would name a host: RFC 3986 §4.2.
    check("api/", "/api//other.example/x", "/relay_anything//other.example/x");
    check("api/", "http://ORIGIN/api//other.example", "/relay_anything//other.example");
    check("", "http://ORIGIN//other.example/x", "/relay_anything//other.example/x");
    // The relay takes no backslash in a target, so this one stays as it is.
    check("api/", "/api/\\other.example/x", "/api/\\other.example/x");
}
