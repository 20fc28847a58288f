use http::header;
use poem::{EndpointExt, endpoint::make_sync};

use super::*;
use crate::{clock::Clock, config::Cli, telemetry::metrics::Metrics};

fn api() -> CacheApi {
    let args = ["relay", "--upstream=http://h/api/"].map(Into::into);
    let config = Cli::load(args).unwrap().config;
    let upstream = make_sync(|_| poem::Response::default()).boxed();
    let metrics = Arc::new(Metrics::new());
    let cache = Cache::new(&config.cache, config.rules(), Clock::start(), upstream, metrics);
    CacheApi { cache, upstream: "http://h/api/".to_owned(), names: Names::Relay }
}

#[test]
fn urls_of_the_relay_and_of_the_upstream_are_paths() {
    let api = api();
    let check = |url, expected| assert_eq!(api.path(url), expected, "{url}");
    check("http://h/api/menu?x", "/menu?x");
    check("http://h/api", "/");
    check("http://h/apis", "/apis");
    check("http://relay/menu", "/menu");
    check("/relay_anything/docs", "/docs");
    check("/menu", "/menu");
}

#[test]
fn a_request_is_asked_about_by_its_parts() {
    let api = api();
    let request = |url, method, fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
        api.request(url, method, &fields)
    };
    let asked = request("/menu", None, &["Accept: text/plain", "x:a:b"]).unwrap();
    assert_eq!((asked.method, asked.target.as_str()), (Method::GET, "/menu"));
    assert_eq!(asked.headers[header::ACCEPT], "text/plain");
    assert_eq!(asked.headers["x"], "a:b");
    for url in ["/relay_anything/docs", "http://h/api/docs"] {
        assert_eq!(request(url, None, &[]).unwrap().target.as_str(), "/docs");
    }
    let many = vec!["a: b"; MOST_FIELDS + 1];
    for (url, method, fields) in [
        ("menu", None, &[][..]),
        ("", None, &[]),
        ("/../x", None, &[]),
        ("/docs?x", None, &[]),
        ("http://relay/docs", None, &[]),
        ("/menu", Some("G T"), &[]),
        ("/menu", Some(""), &[]),
        ("/menu", None, &["no colon"]),
        ("/menu", None, &["a b: c"]),
        ("/menu", None, &["a: b\r\nc: d"]),
        ("/menu", None, &many),
    ] {
        assert!(request(url, method, fields).is_err(), "{url} {method:?} {fields:?}");
    }
}
