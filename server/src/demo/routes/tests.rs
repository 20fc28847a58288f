//! The contract table, row by row, in every era.

use std::time::Duration;

use http::{Request, StatusCode, Version};

use super::*;

/// Asks in every era, and compares status, the length of the body in bytes where
/// the row gives it, and `Location` or `Allow` where there is one.
///
/// Eras B and C, and E and F, share a column unless the row has six.
#[track_caller]
fn check(request: &str, expected: &[&str]) {
    let expected: Vec<_> = match *expected {
        [a, bc, d, ef] => vec![a, bc, bc, d, ef, ef],
        [a, b, c, d, ef] => vec![a, b, c, d, ef, ef],
        _ => panic!("a row has four or five columns"),
    };
    for (era, expected) in ERAS.into_iter().zip(expected) {
        let answer = ask(era, request, &[]);
        let mut described = vec![answer.status.as_str().to_owned()];
        if expected.contains(" B") {
            described.push(format!("{} B", length(&answer)));
        }
        let fields = ["location", "allow"].into_iter().filter_map(|name| field(&answer, name));
        described.extend(fields.map(str::to_owned));
        assert_eq!(described.join(" "), expected, "{request} in era {era:?}");
    }
}

const ERAS: [Era; 6] = [Era::A, Era::B, Era::C, Era::D, Era::E, Era::F];

fn ask(era: Era, request: &str, fields: &[(&str, &str)]) -> Answer {
    let started = Instant::now();
    let state = State::new(era, Weekday::Wednesday, 1, started);
    answer(&state, &parts(request, fields), Workers::Agree, started + Duration::from_secs(5))
}

fn parts(request: &str, fields: &[(&str, &str)]) -> request::Parts {
    let (method, target) = request.split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(target).version(Version::HTTP_11);
    builder = builder.header("host", "h");
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn length(answer: &Answer) -> usize {
    let length = field(answer, "content-length").unwrap_or_default();
    length.parse().unwrap()
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn gets() {
    // Request                          A, B and C (or B, C), D, E and F
    check("GET /api", &["308 http://h/api/", "200 49 B", "200 49 B", "200 102 B"]);
    check("GET /api/", &["200 28 B", "404 232 B", "404 207 B", "307 0 B http://h/api"]);
    let list = "http://h/api/restaurant";
    let (slash, none) = (format!("308 {list}/"), format!("307 {list}"));
    check("GET /api/restaurant", &[&slash, "200", "200", "200"]);
    check("GET /api/restaurant/", &["200 3323 B", "404 232 B", "404 207 B", &none]);
    let menu = "http://h/api/restaurant/rudbeck";
    let (slash, none) = (format!("308 {menu}/"), format!("307 {menu}"));
    check("GET /api/restaurant/rudbeck", &[&slash, "200", "200", "200"]);
    check("GET /api/restaurant/rudbeck/", &["200", "404", "404", &none]);
    check("GET /api/restaurant/rudbeck/menu", &["404 232 B", "404 232 B", "404 207 B", "404 22 B"]);
    check("GET /api/restaurant/a%2Fb", &["404", "404", "404", "404 22 B"]);
    check("GET //api/restaurant", &[&format!("308 {list}/"), "200", "200", "404 22 B"]);
    check("GET /api/openapi.json", &["404", "404", "404", "200"]);
    check("GET /api/docs", &["404", "404", "404", "200"]);
    check("GET /nonexistent", &["404 232 B", "404 232 B", "404 207 B", "404 22 B"]);
    check("GET /api/nonexistent", &["404 232 B", "404 232 B", "404 207 B", "404 22 B"]);
    check("GET /restaurant", &["404", "404", "404", "404"]);
    check("GET /", &["404 232 B", "404 232 B", "404 207 B", "404 22 B"]);
}

#[test]
fn unknown_identifiers() {
    let unknown = |slash: &str, id: &str| match slash {
        "308" => format!("308 http://h/api/restaurant/{id}/"),
        _ => format!("307 http://h/api/restaurant/{id}"),
    };
    for id in ["dsdasdas", "RUDBECK", "r%C3%A4fven"] {
        let (with, without) = (unknown("308", id), unknown("307", id));
        check(
            &format!("GET /api/restaurant/{id}"),
            &[&with, "500 290 B", "404 232 B", "500 265 B", "404 33 B"],
        );
        check(
            &format!("GET /api/restaurant/{id}/"),
            &["404 232 B", "404 232 B", "404 207 B", &without],
        );
    }
}

#[test]
fn versions() {
    check("GET /api/version", &["404", "404", "404", "200", "200"]);
    check("GET /api/version/", &["404", "404", "404", "307 http://h/api/version"]);
    assert_eq!(length(&ask(Era::E, "GET /api/version", &[])), 23);
    assert_eq!(length(&ask(Era::F, "GET /api/version", &[])), 14);
}

#[test]
fn queries_are_ignored_but_redirects_keep_them() {
    let menu = "http://h/api/restaurant/rudbeck";
    let with = format!("308 {menu}/?x=1");
    check("GET /api/restaurant/rudbeck?x=1", &[&with, "200", "200", "200"]);
    let without = format!("307 {menu}?x=1");
    check("GET /api/restaurant/rudbeck/?x=1", &["200", "404", "404", &without]);
    for era in ERAS {
        let path = if era == Era::A { "/api/restaurant/jons/" } else { "/api/restaurant/jons" };
        let plain = ask(era, &format!("GET {path}"), &[]);
        assert_eq!(ask(era, &format!("GET {path}?x=1"), &[]).body, plain.body);
    }
}

#[test]
fn heads() {
    check("HEAD /api", &["308 http://h/api/", "200 49 B", "200 49 B", "405 31 B GET"]);
    check(
        "HEAD /api/restaurant/",
        &["200 3323 B", "404 232 B", "404 207 B", "307 0 B http://h/api/restaurant"],
    );
    check(
        "HEAD /api/restaurant/dsdasdas",
        &[
            "308 http://h/api/restaurant/dsdasdas/",
            "500 290 B",
            "404 232 B",
            "500 265 B",
            "405 31 B GET",
        ],
    );
    check("HEAD /nonexistent", &["404 232 B", "404 232 B", "404 207 B", "404 22 B"]);
    for era in ERAS {
        assert!(ask(era, "HEAD /api/restaurant/", &[]).body.is_empty());
    }
}

#[test]
fn other_methods() {
    let allowed = [
        "405 GET, HEAD, OPTIONS",
        "405 HEAD, GET, OPTIONS",
        "405 GET, OPTIONS, HEAD",
        "405 GET, HEAD, OPTIONS",
        "405 31 B GET",
    ];
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        check(&format!("{method} /api"), &allowed);
        check(&format!("{method} /api/restaurant"), &allowed);
        check(&format!("{method} /api/restaurant/dsdasdas"), &allowed);
        check(
            &format!("{method} /api/restaurant/"),
            &["405 178 B GET, HEAD, OPTIONS", "404", "404", "307 http://h/api/restaurant"],
        );
        check(&format!("{method} /nonexistent"), &["404", "404", "404", "404 22 B"]);
    }
}

#[test]
fn options() {
    check(
        "OPTIONS /api",
        &[
            "308 http://h/api/",
            "200 0 B HEAD, GET, OPTIONS",
            "200 0 B GET, OPTIONS, HEAD",
            "200 0 B GET, HEAD, OPTIONS",
            "405 31 B GET",
        ],
    );
    check(
        "OPTIONS /api/",
        &["200 0 B GET, HEAD, OPTIONS", "404 232 B", "404 207 B", "307 0 B http://h/api"],
    );
    check("OPTIONS /nonexistent", &["404", "404", "404", "404"]);
}

#[test]
fn the_chat_command_gets_no_field() {
    check("POST /api/slack/", &["400 192 B", "400 192 B", "400", "404 22 B"]);
    let [ordered, turned] = ["405 OPTIONS, POST", "405 POST, OPTIONS"];
    check("GET /api/slack/", &[ordered, turned, ordered, ordered, "404 22 B"]);
    check("HEAD /api/slack/", &[ordered, turned, ordered, ordered, "404 22 B"]);
    let [ordered, turned] = ["200 0 B OPTIONS, POST", "200 0 B POST, OPTIONS"];
    check("OPTIONS /api/slack/", &[ordered, turned, ordered, ordered, "404"]);
}

#[test]
fn long_paths() {
    let path = format!("GET /api/restaurant/{}", "x".repeat(5000));
    let redirect = format!("307 http://h/api/restaurant/{}", "x".repeat(5000));
    check(&path, &["400", "400", "400", "404 33 B"]);
    check(&format!("{path}/"), &["400", "400", "400", &redirect]);
}

/// The path of the list that needs no redirect.
fn list(era: Era) -> &'static str {
    if era == Era::A { "GET /api/restaurant/" } else { "GET /api/restaurant" }
}

#[test]
fn headers() {
    #[track_caller]
    fn check(era: Era, expected: &str) {
        let mut described: Vec<_> = ask(era, list(era), &[])
            .headers
            .iter()
            .filter(|(name, _)| !["content-length", "x-demo", "etag"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        described.sort_unstable();
        assert_eq!(described.join("\n"), expected);
    }

    let flask = "access-control-allow-origin: *\ncontent-type: application/json\nserver: gunicorn";
    check(Era::A, &format!("{flask}/20.0.4"));
    check(Era::B, flask);
    check(Era::C, flask);
    check(Era::D, flask);
    let fastapi = "cache-control: max-age=359995\ncontent-type: application/json\nserver: uvicorn";
    check(Era::E, fastapi);
    check(Era::F, fastapi);
}

#[test]
fn every_answer_says_that_it_is_a_demo() {
    for era in ERAS {
        for request in ["GET /", "GET /api", "GET /api/", "POST /api", "OPTIONS /api/restaurant"] {
            let notice = Some("lunch-relay demo upstream, not the real API");
            assert_eq!(field(&ask(era, request, &[]), "x-demo"), notice);
        }
    }
}

#[test]
fn host_and_scheme_are_believed() {
    let fields = [("x-forwarded-proto", "https")];
    let redirect = ask(Era::A, "GET /api", &fields);
    assert_eq!(field(&redirect, "location"), Some("https://h/api/"));
    let redirect = ask(Era::E, "GET /api/", &fields);
    assert_eq!(field(&redirect, "location"), Some("https://h/api"));
    for era in [Era::B, Era::C, Era::D] {
        let body = String::from_utf8(ask(era, "GET /api/restaurant/jons", &fields).body).unwrap();
        assert!(body.ends_with(",\"url\":\"https://h/api/restaurant/jons\"}\n"), "{body}");
    }
}

#[test]
fn origins() {
    #[track_caller]
    fn check(era: Era, request: &str, fields: &[(&str, &str)], expected: &[&str]) {
        let answer = ask(era, request, fields);
        let names = [
            "access-control-allow-origin",
            "access-control-allow-methods",
            "access-control-allow-headers",
            "access-control-allow-credentials",
            "access-control-max-age",
            "vary",
        ];
        let mut described = vec![answer.status.as_str().to_owned()];
        described.extend(names.iter().filter_map(|name| field(&answer, name)).map(str::to_owned));
        assert_eq!(described, expected);
    }

    let origin = ("origin", "https://o");
    let preflight = [
        origin,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "x-foo"),
    ];
    let methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
    check(Era::A, "GET /api/", &[], &["200", "*"]);
    check(Era::A, "GET /api/", &[origin], &["200", "https://o", "Origin"]);
    check(Era::B, "GET /nonexistent", &[origin], &["404", "https://o", "Origin"]);
    check(Era::A, "OPTIONS /api", &preflight, &["308", "https://o", methods, "x-foo", "Origin"]);
    check(Era::C, "OPTIONS /api", &preflight, &["200", "https://o", methods, "x-foo", "Origin"]);

    check(Era::E, "GET /api", &[], &["200"]);
    check(Era::E, "GET /api", &[origin], &["200", "*", "true"]);
    check(Era::E, "GET /nonexistent", &[origin], &["404", "*", "true"]);
    check(
        Era::E,
        "OPTIONS /api",
        &preflight,
        &["200", "https://o", "GET", "x-foo", "true", "600", "Origin"],
    );
    let post = [origin, ("access-control-request-method", "POST")];
    check(Era::F, "OPTIONS /api", &post, &["400", "https://o", "GET", "true", "600", "Origin"]);
    assert_eq!(ask(Era::F, "OPTIONS /api", &post).body, b"Disallowed CORS method");
    assert_eq!(ask(Era::F, "OPTIONS /api", &preflight).body, b"OK");
}

#[test]
fn lifetimes_count_down() {
    #[track_caller]
    fn check(path: &str, after: u64, expected: &str) {
        let started = Instant::now();
        let state = State::new(Era::E, Weekday::Wednesday, 1, started);
        let now = started + Duration::from_secs(after);
        let answer = answer(&state, &parts(path, &[]), Workers::Agree, now);
        assert_eq!(field(&answer, "cache-control"), Some(expected));
    }

    check("GET /api/restaurant/omni", 0, "max-age=10800");
    check("GET /api/restaurant/omni", 10_799, "max-age=1");
    check("GET /api/restaurant/omni", 10_800, "max-age=10800");
    check("GET /api/restaurant", 10_800, "max-age=349200");
    check("GET /api/version", 1, "max-age=359999");
}

#[test]
fn entity_tags() {
    let request = "GET /api/restaurant/omni";
    let full = ask(Era::E, request, &[]);
    let tag = field(&full, "etag").unwrap();
    let hash = tag.strip_prefix("W/").unwrap();
    assert!(hash.parse::<i64>().is_ok(), "{tag}");

    let unchanged = ask(Era::E, request, &[("if-none-match", tag)]);
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    assert_eq!(field(&unchanged, "cache-control"), Some("max-age=10795"));
    assert_eq!((field(&unchanged, "etag"), unchanged.body.len()), (None, 0));

    for other in ["W/\"x\"", hash, &format!("\"{tag}\""), "*"] {
        let answer = ask(Era::E, request, &[("if-none-match", other)]);
        assert_eq!(answer.status, StatusCode::OK, "{other}");
    }
}

#[test]
fn some_requests_go_past_the_cache() {
    #[track_caller]
    fn check(era: Era, value: &str, cached: bool) {
        let answer = ask(era, list(era), &[("cache-control", value)]);
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(field(&answer, "etag").is_some(), cached);
        assert_eq!(field(&answer, "cache-control").is_some(), cached);
    }

    check(Era::E, "no-cache", false);
    check(Era::E, "no-store", false);
    check(Era::E, "max-age=0", true);
    check(Era::A, "no-cache", false);
    check(Era::A, "max-age=0", false);
}
