//! The bodies of the API: the same facts in each era's shape, to the byte.
//!
//! Until era D: keys in alphabetical order, everything outside ASCII escaped, a
//! line break at the end. From era E on: keys in the order the source wrote
//! them, UTF-8, no line break. Written from the eras' recorded shapes; nothing
//! here knows the `lunch` crate, whose parser is tested against it.

use std::fmt::Write as _;

use super::{Era, places::Place};

/// What the API says about itself.
pub(super) fn root(era: Era, own_url: &str) -> Vec<u8> {
    let json = Json::of(era);
    let entities = || ("entities", array([json.string("restaurant")]));
    json.finish(match era {
        Era::A => object([entities()]),
        Era::B | Era::C | Era::D => object([entities(), ("url", json.string(own_url))]),
        Era::E | Era::F => object([
            ("documentation_swagger", json.string("/api/docs")),
            ("documentation_redoc", json.string("/api/redoc")),
            ("openapi", json.string("/api/openapi.json")),
        ]),
    })
}

/// The list of restaurants.
pub(super) fn list(era: Era, places: &[&Place], own_url: &str) -> Vec<u8> {
    let json = Json::of(era);
    let restaurants = ("restaurants", array(places.iter().map(|place| item(json, era, place))));
    json.finish(match era {
        Era::A | Era::E | Era::F => object([restaurants]),
        Era::B | Era::C | Era::D => object([restaurants, ("url", json.string(own_url))]),
    })
}

fn item(json: Json, era: Era, place: &Place) -> String {
    let links = place.links(era);
    let [latitude, longitude] = place.coordinate;
    let coordinate = || array([format!("{latitude:?}"), format!("{longitude:?}")]);

    if era <= Era::B {
        return object([
            ("campus", json.string(place.region)),
            ("identifier", json.string(place.id)),
            ("menu_url", json.string(links.menu_url)),
            ("name", json.string(place.name)),
            ("osm", json.string(&place.map_url(era))),
            ("url", json.string(links.homepage)),
        ]);
    }
    let before = [
        ("coordinate", coordinate()),
        ("homepage", json.string(links.homepage)),
        ("identifier", json.string(place.id)),
        ("menuUrl", json.string(links.menu_url)),
        ("name", json.string(place.name)),
    ];
    let osm = (era <= Era::D).then(|| ("osm", json.string(&place.map_url(era))));
    object(before.into_iter().chain(osm).chain([("region", json.string(place.region))]))
}

/// One restaurant with its menu.
pub(super) fn menu(era: Era, place: &Place, dishes: &[&str], own_url: &str) -> Vec<u8> {
    let json = Json::of(era);
    let location = ("location", json.string(place.region));
    let map_url = ("map_url", json.string(&place.map_url(era)));
    let menu = array(dishes.iter().map(|dish| object([("dish", json.string(dish))])));
    let menu = ("menu", menu);
    let title = ("title", json.string(place.name));
    let url = ("url", json.string(place.links(era).homepage));

    let sorted = |[location, map_url, menu, title, url]: [_; 5]| {
        ("restaurant", object([location, map_url, menu, title, url]))
    };
    json.finish(match era {
        Era::A => object([sorted([location, map_url, menu, title, url])]),
        Era::B | Era::C | Era::D => {
            object([sorted([location, map_url, menu, title, url]), ("url", json.string(own_url))])
        }
        Era::E | Era::F => object([("restaurant", object([title, location, url, map_url, menu]))]),
    })
}

/// The version, which eras A to C do not tell.
pub(super) fn version(era: Era, own_url: &str) -> Vec<u8> {
    let json = Json::of(era);
    json.finish(match era {
        Era::A | Era::B | Era::C | Era::D => {
            object([("url", json.string(own_url)), ("version", json.string(""))])
        }
        Era::E => object([("version", json.string("v23.10.22"))]),
        Era::F => object([("version", json.string(""))]),
    })
}

/// An error of eras E and F.
pub(super) fn detail(message: &str) -> Vec<u8> {
    object([("detail", Json::Utf8.string(message))]).into_bytes()
}

/// How JSON is written.
#[derive(Clone, Copy)]
enum Json {
    /// Everything outside ASCII escaped, a line break at the end.
    Ascii,
    /// As it is.
    Utf8,
}

impl Json {
    fn of(era: Era) -> Json {
        if era <= Era::D { Json::Ascii } else { Json::Utf8 }
    }

    fn finish(self, mut text: String) -> Vec<u8> {
        if matches!(self, Json::Ascii) {
            text.push('\n');
        }
        text.into_bytes()
    }

    fn string(self, text: &str) -> String {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for c in text.chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\0'..' ' => escape(&mut quoted, c),
                _ if matches!(self, Json::Ascii) && !c.is_ascii() => escape(&mut quoted, c),
                _ => quoted.push(c),
            }
        }
        quoted.push('"');
        quoted
    }
}

/// Writes a character as `\uXXXX`, or as two of them outside the basic plane.
fn escape(quoted: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(quoted, "\\u{unit:04x}");
    }
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<_> =
        members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn array(elements: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", elements.into_iter().collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::{super::places, *};

    const OWN: &str = "http://h/api/x";

    #[track_caller]
    fn check(body: Vec<u8>, expected: &str) {
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn roots() {
        check(root(Era::A, OWN), "{\"entities\":[\"restaurant\"]}\n");
        check(root(Era::B, OWN), "{\"entities\":[\"restaurant\"],\"url\":\"http://h/api/x\"}\n");
        check(
            root(Era::E, OWN),
            r#"{"documentation_swagger":"/api/docs","documentation_redoc":"/api/redoc","openapi":"/api/openapi.json"}"#,
        );
    }

    #[test]
    fn lists() {
        let list = |era| {
            let place = places::place(era, "jons").unwrap();
            list(era, &[place], OWN)
        };

        let a = r#"{"campus":"Solna","identifier":"jons","menu_url":"https://jonsjacob.gastrogate.com/lunch/","name":"J\u00f6ns Jacob ","osm":"https://www.openstreetmap.org/#map=19/59.34673/18.02465","url":"http://gastrogate.com/restaurang/jonsjacob/"}"#;
        check(list(Era::A), &format!("{{\"restaurants\":[{a}]}}\n"));
        check(list(Era::B), &format!("{{\"restaurants\":[{a}],\"url\":\"{OWN}\"}}\n"));
        let c = r#"{"coordinate":[59.34682,18.02459],"homepage":"http://gastrogate.com/restaurang/jonsjacob/","identifier":"jons","menuUrl":"https://jonsjacob.gastrogate.com/lunch/","name":"J\u00f6ns Jacob ","osm":"https://www.openstreetmap.org/#map=19/59.34673/18.02465","region":"Solna"}"#;
        check(list(Era::C), &format!("{{\"restaurants\":[{c}],\"url\":\"{OWN}\"}}\n"));
        check(list(Era::D), &format!("{{\"restaurants\":[{c}],\"url\":\"{OWN}\"}}\n"));
        let e = r#"{"coordinate":[59.34682,18.02459],"homepage":"http://gastrogate.com/restaurang/jonsjacob/","identifier":"jons","menuUrl":"https://jonsjacob.gastrogate.com/lunch/","name":"Jöns Jacob ","region":"Solna"}"#;
        check(list(Era::E), &format!("{{\"restaurants\":[{e}]}}"));
        check(list(Era::F), &format!("{{\"restaurants\":[{e}]}}"));
    }

    #[test]
    fn menus() {
        let menu = |era| {
            let place = places::place(era, "jorpes").unwrap();
            menu(era, place, &["Å \"b\"\n", ""], OWN)
        };

        let a = r#"{"restaurant":{"location":"Solna","map_url":"https://www.openstreetmap.org/#map=19/59.34851/18.02721","menu":[{"dish":"\u00c5 \"b\"\n"},{"dish":""}],"title":"Caf\u00e9 Erik Jorpes","url":"https://restaurang-ns.ki.se/cafe-erik-jorpes/"}"#;
        check(menu(Era::A), &format!("{a}}}\n"));
        check(menu(Era::B), &format!("{a},\"url\":\"{OWN}\"}}\n"));
        check(menu(Era::C), &format!("{a},\"url\":\"{OWN}\"}}\n"));
        check(
            menu(Era::E),
            r#"{"restaurant":{"title":"Café Erik Jorpes","location":"Solna","url":"https://ki.hors.se/17/4/cafe-erik-jorpes/","map_url":"https://www.openstreetmap.org/#map=19/59.34849/18.02719","menu":[{"dish":"Å \"b\"\n"},{"dish":""}]}}"#,
        );
    }

    #[test]
    fn versions() {
        check(version(Era::D, OWN), "{\"url\":\"http://h/api/x\",\"version\":\"\"}\n");
        check(version(Era::E, OWN), r#"{"version":"v23.10.22"}"#);
        check(version(Era::F, OWN), r#"{"version":""}"#);
    }

    #[test]
    fn strings() {
        #[track_caller]
        fn check(text: &str, ascii: &str, utf8: &str) {
            assert_eq!(Json::Ascii.string(text), ascii);
            assert_eq!(Json::Utf8.string(text), utf8);
        }

        check("a\\b\t\r", r#""a\\b\t\r""#, r#""a\\b\t\r""#);
        check("\u{1}", r#""\u0001""#, r#""\u0001""#);
        check("\u{9c}\u{a0}\u{ad}", r#""\u009c\u00a0\u00ad""#, "\"\u{9c}\u{a0}\u{ad}\"");
        check("🐟", r#""\ud83d\udc1f""#, "\"🐟\"");
    }
}
