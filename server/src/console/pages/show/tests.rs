use askama::Template;

use super::*;

#[test]
fn bars_show_what_is_left() {
    let check = |ttl: i64, lifetime: u64, percent, tone| {
        assert_eq!(freshness(ttl, lifetime), Fill { percent, tone }, "{ttl} of {lifetime}");
    };
    check(60, 60, 100, Tone::Good);
    check(30, 60, 50, Tone::Good);
    check(1, 600, 1, Tone::Warn);
    check(0, 60, 0, Tone::Bad);
    check(-5, 60, 0, Tone::Bad);
    check(0, 0, 0, Tone::Bad);
    check(i64::MAX, 1, 100, Tone::Good);
    check(i64::MIN, u64::MAX, 0, Tone::Bad);
}

fn summary(uri: &str, status: u16) -> Summary {
    Summary {
        id: "id".to_owned(),
        uri: uri.to_owned(),
        rule: String::new(),
        status,
        bytes: 0,
        age: 20,
        ttl: 40,
        stale: false,
        hits: 0,
        variants: 1,
        tags: Vec::new(),
    }
}

#[test]
fn menus_among_the_entries() {
    let check = |uri, status, expected: Option<&str>| {
        let place = Place::of(&summary(uri, status));
        assert_eq!(place.as_ref().map(|place| &*place.name), expected, "{uri}");
    };
    check("/restaurant/bikupan", 200, Some("bikupan"));
    check("/restaurant/bikupan/?x", 200, Some("bikupan"));
    check("/restaurant/", 200, Some("all restaurants"));
    check("/restaurant", 200, None);
    check("/restaurant/bikupan", 404, None);
    check("/restaurant/a/b", 200, None);
    check("/restaurants/a", 200, None);
}

/// What stands in a page is what upstreams and clients say.
#[derive(Template)]
#[template(source = "<i title=\"{{ text }}\">{{ text }}</i>", ext = "html")]
struct Shown<'a> {
    text: &'a str,
}

#[test]
fn templates_escape_what_they_are_given() {
    let page = Shown { text: "\"/><script>'&" }.render().unwrap();
    let text = "&#34;/&#62;&#60;script&#62;&#39;&#38;";
    assert_eq!(page, format!("<i title=\"{text}\">{text}</i>"));
}
