//! Who is let in.

use super::{FORM, JSON, fresh, refused};
use crate::support::{Answer, Relay, exchange, get, send};

const TOKEN: &str = "a-token-of-the-test";

fn with_token() -> Relay {
    Relay::start(&["--upstream", &fresh("").url(), "--admin-token", TOKEN])
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let relay = with_token();
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(get(relay.admin, path, "").status(), 200, "{path}");
    }
    for path in ["/v1/cache", "/v1/config", "/v1/upstream", "/docs", "/openapi.json", "/nothing"] {
        let answer = get(relay.admin, path, "");
        refused(&answer, 401);
        assert!(answer.field("www-authenticate").unwrap().starts_with("Bearer "), "{path}");
    }
    refused(&send(relay.admin, "POST", "/v1/cache/purge", JSON, "{\"prefix\":\"/\"}"), 401);
    refused(&get(relay.admin, "/v1/cache", &bearer("another-token-of-it")), 401);
    assert_eq!(get(relay.admin, "/v1/cache", &bearer(TOKEN)).status(), 200);
    // `:TOKEN`, as curl's `-u :TOKEN` sends it.
    let basic = "authorization: Basic OmEtdG9rZW4tb2YtdGhlLXRlc3Q=\r\n";
    assert_eq!(get(relay.admin, "/v1/cache", basic).status(), 200);
    // By another name, too.
    let named = format!("GET /v1/cache HTTP/1.1\r\nhost: relay.example\r\n{}", bearer(TOKEN));
    let answer = exchange(relay.admin, format!("{named}connection: close\r\n\r\n"));
    assert_eq!(Answer::parse(&answer).status(), 200);
    assert!(!relay.end().contains(TOKEN));
}

#[test]
fn a_browser_exchanges_it_for_a_cookie() {
    let relay = with_token();
    let page = get(relay.admin, "/v1/cache", "accept: text/html,*/*\r\n");
    assert_eq!((page.status(), page.field("location")), (303, Some("/login")));
    let form = get(relay.admin, "/login", "");
    assert!(form.text().contains("<form method=\"post\" action=\"/login\">"));
    assert!(form.field("content-security-policy").unwrap().starts_with("default-src 'none'"));

    assert_eq!(send(relay.admin, "POST", "/login", FORM, "token=wrong").status(), 403);
    refused(&send(relay.admin, "POST", "/login", FORM, "x=y"), 400);
    for answer in [
        send(relay.admin, "POST", "/login", FORM, &format!("token={TOKEN}")),
        get(relay.admin, &format!("/login?token={TOKEN}"), ""),
    ] {
        assert_eq!((answer.status(), answer.field("location")), (303, Some("/")));
        assert_eq!(answer.field("referrer-policy"), Some("no-referrer"));
        let cookie = answer.field("set-cookie").unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
        assert_eq!(get(relay.admin, "/v1/cache", &cookie).status(), 200);
    }
    let out = send(relay.admin, "POST", "/logout", &bearer(TOKEN), "");
    assert!(out.field("set-cookie").unwrap().contains("Max-Age=0"));
}

#[test]
fn who_brings_wrong_tokens_is_not_looked_at_for_a_while() {
    let relay = with_token();
    let mut last = 401;
    // Ten at once, and one more for each five seconds that this may take.
    for _ in 0..1000 {
        let answer = get(relay.admin, "/v1/cache", &bearer("one-that-is-not-right"));
        last = answer.status();
        if last == 429 {
            assert!(answer.field("retry-after").unwrap().parse::<u64>().unwrap() <= 5);
            break;
        }
    }
    assert_eq!(last, 429);
    // Others are let in: who brings nothing is told so, and metrics are there.
    assert_eq!(get(relay.admin, "/v1/cache", "").status(), 401);
    assert_eq!(get(relay.admin, "/metrics", "").status(), 200);
}

#[test]
fn off_loopback_one_is_made_and_its_url_logged_once() {
    let url = fresh("").url();
    let relay = Relay::start(&["--upstream", &url, "--admin-listen=0.0.0.0:0", "--log=info"]);
    let admin = relay.admin;
    refused(&get(admin, "/v1/cache", ""), 401);
    let log = relay.end();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("/login?token=")).collect();
    let [line] = lines[..] else { panic!("{log}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let logged = line["url"].as_str().unwrap();
    let (before, token) = logged.split_once("/login?token=").unwrap();
    assert_eq!(before, format!("http://localhost:{}", admin.port()));
    assert_eq!(token.len(), 22, "{logged}");
}

#[test]
fn on_loopback_none_is_asked_for_and_another_sites_page_reaches_nothing() {
    let relay = Relay::start(&["--upstream", &fresh("").url()]);
    assert_eq!(get(relay.admin, "/v1/cache", "").status(), 200);
    let login = get(relay.admin, "/login", "");
    assert_eq!((login.status(), login.field("location")), (303, Some("/")));

    // A name that was bound to this machine.
    let request = "GET /v1/cache HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    refused(&Answer::parse(&exchange(relay.admin, request)), 403);
    // What probes and scrapers ask for is answered by any name.
    let request = "GET /readyz HTTP/1.1\r\nhost: relay.example\r\nconnection: close\r\n\r\n";
    assert_eq!(Answer::parse(&exchange(relay.admin, request)).status(), 200);

    let purge = |fields: &str| {
        let fields = format!("{FORM}{fields}");
        send(relay.admin, "POST", "/v1/cache/purge", &fields, "prefix=/").status()
    };
    assert_eq!(purge(""), 200);
    assert_eq!(purge("sec-fetch-site: same-origin\r\n"), 200);
    assert_eq!(purge("origin: http://localhost\r\n"), 200);
    for fields in [
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\norigin: http://localhost\r\n",
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
    ] {
        assert_eq!(purge(fields), 403, "{fields}");
    }
}

#[test]
fn bodies_are_small() {
    let relay = Relay::start(&["--upstream", &fresh("").url()]);
    let large = format!("{{\"tag\":\"{}\"}}", "x".repeat(100_000));
    refused(&send(relay.admin, "POST", "/v1/cache/purge", JSON, &large), 413);
    let chunked = "POST /v1/cache/purge HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                   content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).repeat(2);
    let answer = exchange(relay.admin, format!("{chunked}{chunks}0\r\n\r\n"));
    refused(&Answer::parse(&answer), 413);
}
