//! The operator's console, from the wire and in a browser.

mod browser;
mod driven;

use std::io::{BufRead, Write};

use serde_json::Value;

use crate::support::{Answer, Origin, Relay, connect, exchange, get, nowhere, read_head};

const PAGES: [&str; 8] = [
    "/",
    "/cache",
    "/cache?text=x&sort=hits&page=18446744073709551615",
    "/explain",
    "/explain?url=/x",
    "/upstream",
    "/upstream/hold?for=60s",
    "/cache/purge?what=prefix&value=/&how=hard",
];

fn relay() -> Relay {
    Relay::before(&format!("http://{}", nowhere()))
}

fn page(relay: &Relay, path: &str) -> Answer {
    get(relay.admin, path, "")
}

fn post(relay: &Relay, path: &str, fields: &str, form: &str) -> Answer {
    let length = form.len();
    Answer::parse(&exchange(
        relay.admin,
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
        ),
    ))
}

#[test]
fn pages_allow_nothing_inline_and_nothing_from_elsewhere() {
    let relay = relay();
    for path in PAGES {
        let answer = page(&relay, path);
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{path}");
        let policy = answer.field("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        let text = answer.text();
        for inline in ["<script>", "<style", " style=", "onclick", "javascript:"] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
    }
}

#[test]
fn assets_have_their_types_and_are_sent_once() {
    let relay = relay();
    for (path, media_type) in [
        ("/assets/console.css", "text/css; charset=utf-8"),
        ("/assets/console.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let answer = page(&relay, path);
        assert_eq!((answer.status(), answer.field("content-type")), (200, Some(media_type)));
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        let tag = answer.field("etag").unwrap();
        let fields = format!("if-none-match: {tag}\r\n");
        let again = get(relay.admin, path, &fields);
        assert_eq!((again.status(), again.body.len()), (304, 0), "{path}");
    }
}

#[test]
fn what_others_say_is_escaped() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\nx-odd: <img src=x onerror=1>\r\n\
         surrogate-key: <b>\r\ncontent-length: 0\r\n\r\n",
    );
    let relay = Relay::before(&origin.url());
    assert_eq!(relay.get("/a'b?<script>alert(1)</script>").status(), 400);
    assert_eq!(relay.get("/a'b&lt;").status(), 200);
    let list = page(&relay, "/cache").text();
    assert!(list.contains("/a&#39;b&#38;lt;") && list.contains("&#60;b&#62;"), "{list}");
    let id = list.split("/cache/entries/").nth(1).unwrap().split('"').next().unwrap();
    let entry = page(&relay, &format!("/cache/entries/{id}")).text();
    assert!(entry.contains("&#60;img src=x onerror=1&#62;"), "{entry}");
    let page = page(&relay, "/explain?url=/%3Cscript%3E&fields=%3Cb%3E").text();
    assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
}

#[test]
fn what_changes_something_is_sent_from_our_own_pages() {
    let relay = relay();
    let form = "for=60s&reason=r";
    let foreign = post(&relay, "/upstream/hold", "sec-fetch-site: cross-site\r\n", form);
    assert_eq!(foreign.status(), 403);
    assert!(!page(&relay, "/upstream").text().contains("Held by hand"));
    assert_eq!(page(&relay, "/upstream/hold?for=60s&reason=r").status(), 200);
    assert!(!page(&relay, "/upstream").text().contains("Held by hand"));
    let own = post(&relay, "/upstream/hold", "sec-fetch-site: same-origin\r\n", form);
    assert_eq!((own.status(), own.field("location")), (303, Some("/upstream")));
    assert!(page(&relay, "/upstream").text().contains("Held by hand"));
    assert_eq!(post(&relay, "/upstream/release", "", "").status(), 303);
    assert!(!page(&relay, "/upstream").text().contains("Held by hand"));
}

#[test]
fn what_cannot_be_is_refused_on_a_page() {
    let relay = relay();
    for (path, status) in [
        ("/cache/entries/none-of-ours", 404),
        ("/cache?page=x", 400),
        ("/cache/purge?what=all&value=/&how=hard", 400),
        ("/cache/purge?what=prefix&value=x&how=hard", 400),
        ("/upstream/hold?for=ever", 400),
        ("/upstream/hold?for=25h", 400),
        ("/explain?url=/x&fields=nofield", 400),
    ] {
        let answer = page(&relay, path);
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(answer.text().contains("role=\"alert\""), "{path}");
    }
}

/// Reads an event's data.
fn event(stream: &mut impl BufRead, name: &str) -> Option<Value> {
    let mut line = String::new();
    while 0 < stream.read_line(&mut line).unwrap() {
        if line.trim_end() == format!("event: {name}") {
            line.clear();
            stream.read_line(&mut line).unwrap();
            return serde_json::from_str(line.strip_prefix("data: ").unwrap()).ok();
        }
        line.clear();
    }
    None
}

#[test]
fn seconds_come_as_they_pass_until_the_relay_ends() {
    let mut relay = relay();
    let mut stream = std::io::BufReader::new(connect(relay.admin));
    let request = "GET /v1/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let head = read_head(&mut stream).unwrap().unwrap().to_lowercase();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(event(&mut stream, "past").unwrap().is_array());
    relay.get("/healthz");
    let found = std::iter::from_fn(|| event(&mut stream, "beat"))
        .find(|beat| 0.0 < beat["answered"]["own"].as_f64().unwrap())
        .unwrap();
    assert_eq!(found["governor"]["tone"], "good");
    assert!(found["latency"]["p99"].is_number(), "{found}");

    relay.signal("TERM");
    while event(&mut stream, "beat").is_some() {}
    assert!(relay.wait().success());
}
