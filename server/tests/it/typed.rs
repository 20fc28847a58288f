//! The menus, typed and as text, through a real relay.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use crate::support::{Answer, Demo, Origin, Relay, Then, get, nowhere};

/// A list of three restaurants, in a shape that the API had.
const LIST: &str = r#"{"restaurants":[
    {"identifier":"bikupan","name":"Restaurang Bikupan","region":"Uppsala"},
    {"identifier":"jons","name":"Jöns Jacob ","region":"Solna","coordinate":[59.34,18.02]},
    {"identifier":"haga","name":"Haga gatukök","region":"Solna"}]}"#;
const MENU: &str = r#"{"restaurant":{"title":"Jöns Jacob ","menu":[
    {"dish":"Stekt strömming 115:-"},{"dish":""}]}}"#;
const CLOSED: &str = r#"{"restaurant":{"title":"Haga","menu":[{"dish":"Stängt"}]}}"#;

/// The lunch API with slashes at the end of all its paths, one restaurant of
/// which cannot be read; down once it is told so.
fn api() -> (Origin, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let origin = Origin::start(move |head: &str, stream| {
        let path = head.split(' ').nth(1).unwrap();
        let (status, fields, body) = match path {
            _ if is_down.load(Ordering::Relaxed) => ("503 Unavailable", "", "down"),
            "/restaurant/" => ("200 OK", "cache-control: max-age=60\r\n", LIST),
            "/restaurant/jons/" => ("200 OK", "cache-control: max-age=30\r\n", MENU),
            "/restaurant/haga/" => ("200 OK", "", CLOSED),
            "/restaurant/bikupan/" => ("500 Internal Server Error", "", "oops"),
            _ if !path.ends_with('/') => ("308 Permanent Redirect", "location", ""),
            _ => ("404 Not Found", "", ""),
        };
        let fields =
            if fields == "location" { format!("location: {path}/\r\n") } else { fields.to_owned() };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}");
        stream.get_mut().write_all(head.as_bytes())?;
        Ok(Then::KeepOpen)
    });
    (origin, down)
}

fn relay(origin: &Origin) -> Relay {
    Relay::start(&["--upstream", &origin.url(), "--preset=lunch"])
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[test]
fn restaurants_are_served_with_what_is_known_of_their_menus() {
    let (origin, _) = api();
    let relay = relay(&origin);
    let answer = relay.get("/v1/restaurants");
    assert_eq!(answer.status(), 200);
    let said = json(&answer);
    assert_eq!(said["source"], "/restaurant/");
    let [bikupan, jons, haga] = &said["restaurants"].as_array().unwrap()[..] else {
        panic!("{said}")
    };
    assert_eq!(jons["name"], "Jöns Jacob");
    assert_eq!(jons["coordinate"]["latitude"], 59.34);
    let menu = &jons["menu"];
    assert_eq!((&menu["status"], &menu["source"]), (&"open".into(), &"/restaurant/jons/".into()));
    assert_eq!(menu["dishes"].as_array().unwrap().len(), 1);
    assert_eq!(menu["dishes"][0]["text"], "Stekt strömming");
    assert_eq!(menu["dishes"][0]["price"], 115);
    assert_eq!(menu["stale"], false);
    assert!(menu["as_of"].as_str().unwrap().ends_with('Z'));
    assert_eq!(haga["menu"]["status"], "closed");
    // What cannot be had is said, and keeps nothing else from being served.
    assert_eq!(bikupan["menu"]["status"], "unavailable");
    let why = bikupan["menu"]["error"].as_str().unwrap();
    assert!(why.contains("500") && why.contains("/restaurant/bikupan"), "{why}");

    // As long as the least fresh of what it is made of, whose ways are told.
    assert_eq!(answer.field("cache-control"), Some("max-age=30"));
    let ways = answer.lines("cache-status");
    assert!(ways.iter().any(|way| way.contains("key=\"/restaurant/jons/\"")), "{ways:?}");
    assert_eq!(relay.get("/v1/restaurants?region=uppsala").status(), 200);
    let solna = json(&relay.get("/v1/restaurants?region=SOL"));
    assert_eq!(solna["restaurants"].as_array().unwrap().len(), 2);
    let nowhere = relay.get("/v1/restaurants?region=lund");
    assert_eq!((nowhere.status(), nowhere.field("content-type").unwrap()), (404, PROBLEM));
    assert_eq!(json(&nowhere)["suggestions"], serde_json::json!(["Uppsala", "Solna"]));
}

const PROBLEM: &str = "application/problem+json";

#[test]
fn the_slash_that_works_is_remembered() {
    let (origin, _) = api();
    let relay = relay(&origin);
    assert_eq!(relay.get("/v1/restaurants/jons").status(), 200);
    assert_eq!(relay.get("/v1/restaurants/haga").status(), 200);
    let asked: Vec<_> =
        origin.heads().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        asked,
        ["/restaurant/", "/restaurant/jons", "/restaurant/jons/", "/restaurant/haga/"]
    );
}

#[test]
fn a_restaurant_is_found_by_what_people_call_it() {
    let (origin, _) = api();
    let relay = relay(&origin);
    for name in ["jons", "JONS", "J%C3%B6ns%20Jacob", "jo", "jacob"] {
        let answer = relay.get(&format!("/v1/restaurants/{name}"));
        assert_eq!((answer.status(), json(&answer)["id"].as_str()), (200, Some("jons")), "{name}");
    }
    let unknown = relay.get("/v1/restaurants/bikupn");
    assert_eq!((unknown.status(), unknown.field("content-type").unwrap()), (404, PROBLEM));
    assert_eq!(json(&unknown)["suggestions"], serde_json::json!(["bikupan"]));
    assert!(unknown.text().contains("did you mean bikupan?"));
}

#[test]
fn dishes_are_found_with_where_to_go() {
    let (origin, _) = api();
    let relay = relay(&origin);
    let answer = relay.get("/v1/dishes?q=fisk");
    let found = json(&answer);
    assert_eq!(found["dishes"][0]["text"], "Stekt strömming");
    assert_eq!(found["dishes"][0]["restaurant"], "jons");
    assert!(found["dishes"][0]["walk_url"].as_str().unwrap().contains("59.34"));
    assert_eq!(found["unavailable"][0]["restaurant"], "bikupan");
    for bad in ["/v1/dishes", "/v1/dishes?q=", "/v1/dishes?q=%21", "/v1/restaurants?width=x"] {
        let answer = relay.get(bad);
        assert_eq!(
            (answer.status(), answer.field("content-type").unwrap()),
            (400, PROBLEM),
            "{bad}"
        );
        assert_eq!(answer.field("proxy-status"), Some("lunch-relay; error=http_request_error"));
    }
    let nothing = relay.get("/v1/dishes?q=sushi");
    assert_eq!((nothing.status(), json(&nothing)["dishes"].as_array().unwrap().len()), (200, 0));
}

#[test]
fn who_has_it_already_is_told_so() {
    let (origin, _) = api();
    let relay = relay(&origin);
    for path in ["/v1/restaurants", "/v1/restaurants/jons", "/v1/dishes?q=fisk", "/lunch"] {
        let tag = relay.get(path).field("etag").unwrap().to_owned();
        assert!(tag.starts_with("W/\"lr-"), "{tag}");
        let again = get(relay.public, path, &format!("if-none-match: {tag}\r\n"));
        assert_eq!((again.status(), again.body.len()), (304, 0), "{path}");
        assert!(again.field("cache-control").unwrap().starts_with("max-age="), "{path}");
        let other = get(relay.public, path, "if-none-match: \"x\"\r\n");
        assert_eq!(other.status(), 200, "{path}");
    }
}

#[test]
fn a_terminal_gets_a_listing() {
    let (origin, _) = api();
    let relay = relay(&origin);
    let listing = |path: &str, fields: &str| {
        let answer = get(relay.public, path, fields);
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.field("content-type"), Some("text/plain; charset=utf-8"), "{path}");
        answer.text()
    };
    let text = "accept: text/plain\r\n";
    assert_eq!(listing("/lunch", ""), listing("/v1/restaurants", text));
    assert_eq!(listing("/lunch/jons", ""), listing("/v1/restaurants/jons", text));
    assert_eq!(listing("/lunch?find=fisk", ""), listing("/v1/dishes?q=fisk", text));
    let day = listing("/lunch?width=60", "");
    assert!(day.contains("Stekt strömming") && day.contains("Solna ──"), "{day}");
    assert!(!day.contains('\u{1b}'), "no escapes are asked for");
    for hostile in ["/lunch/%1B%5B31mx", "/lunch?region=%1B%5B31mx", "/lunch?find=%1B%5B31m"] {
        assert!(!relay.get(hostile).text().contains('\u{1b}'), "{hostile}");
    }
    let unknown = relay.get("/lunch/bikupn");
    assert_eq!(
        (unknown.status(), unknown.text().as_str()),
        (404, "there is no restaurant 'bikupn': did you mean bikupan?\n")
    );
}

#[test]
fn an_upstream_that_is_down_takes_nothing_away_that_is_stored() {
    let (origin, down) = api();
    let flags = ["--upstream", &origin.url(), "--preset=lunch", "--default-ttl=1s"];
    let relay = Relay::start(&flags);
    assert_eq!(relay.get("/v1/restaurants/haga").status(), 200);
    down.store(true, Ordering::Relaxed);
    // What is stored serves on, and says so as soon as it is stale.
    loop {
        let answer = relay.get("/v1/restaurants/haga");
        assert_eq!((answer.status(), &json(&answer)["menu"]["status"]), (200, &"closed".into()));
        if json(&answer)["menu"]["stale"] == true {
            assert_eq!(answer.field("cache-control"), Some("max-age=0"));
            break;
        }
    }
    let other = relay.get("/v1/restaurants/jons");
    assert_eq!(json(&other)["menu"]["status"], "unavailable");
}

#[test]
fn with_nothing_stored_the_relays_own_word_is_passed_on() {
    let relay = Relay::start(&["--upstream", &format!("http://{}", nowhere()), "--preset=lunch"]);
    let answer = relay.get("/v1/restaurants");
    assert_eq!((answer.status(), answer.field("content-type").unwrap()), (502, PROBLEM));
    assert!(answer.text().contains("no connection to the upstream"), "{answer:?}");
    let text = relay.get("/lunch");
    assert_eq!(
        (text.status(), text.field("content-type").unwrap()),
        (502, "text/plain; charset=utf-8")
    );

    let (origin, down) = api();
    down.store(true, Ordering::Relaxed);
    let relay = self::relay(&origin);
    let answer = relay.get("/v1/restaurants");
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("the upstream answered 503"), "{answer:?}");
}

#[test]
fn each_era_of_the_api_is_served() {
    for era in ["a", "b", "c", "d", "e", "f"] {
        let demo = Demo::start(era);
        let relay = Relay::start(&["--upstream", &demo.base, "--preset=lunch"]);
        let said = json(&relay.get("/v1/restaurants"));
        let all = said["restaurants"].as_array().unwrap();
        assert!(9 < all.len(), "era {era}: {said}");
        assert!(all.iter().all(|one| one["menu"]["status"] != "unavailable"), "era {era}: {said}");
        assert_eq!(json(&relay.get("/v1/restaurants/RUDBECK"))["id"], "rudbeck", "era {era}");
        let fish = json(&relay.get("/v1/dishes?q=fisk"));
        assert!(!fish["dishes"].as_array().unwrap().is_empty(), "era {era}: {fish}");
    }
}

#[test]
fn before_another_api_the_names_are_the_upstreams() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nmenus");
    let relay = Relay::before(&origin.url());
    for path in ["/v1/restaurants", "/v1/restaurants/x", "/v1/dishes", "/lunch", "/lunch/x"] {
        assert_eq!(relay.get(path).text(), "menus", "{path}");
    }
    let description = relay.get("/openapi.json").text();
    assert!(!description.contains("/v1/restaurants"));
}
