//! The shapes by hand, one row each, and what goes wrong.

use super::*;

/// One restaurant in each shape, then its parts as parsed.
#[track_caller]
fn check_restaurant(item: &str, expected: [Option<&str>; 6], coordinate: Option<(f64, f64)>) {
    let json = format!(r#"{{"restaurants":[{item}],"url":"http://h/api/restaurant"}}"#);
    let restaurants = parse_restaurants(json.as_bytes()).unwrap();
    let [restaurant] = restaurants.as_slice() else { panic!("{restaurants:?}") };
    let Restaurant { id, name, region, homepage, menu_url, map_url, coordinate: place } =
        restaurant;
    let [region, homepage, menu_url, map_url] =
        [region, homepage, menu_url, map_url].map(Option::as_deref);
    assert_eq!([Some(id.as_str()), Some(name), region, homepage, menu_url, map_url], expected);
    assert_eq!(place.map(|place| (place.latitude, place.longitude)), coordinate);
}

#[test]
fn restaurants_of_every_shape() {
    let all =
        [Some("x"), Some("Krog "), Some("Solna"), Some("h://w"), Some("h://m"), Some("h://o")];
    // A and B.
    check_restaurant(
        r#"{"campus":"Solna","identifier":"x","menu_url":"h://m","name":"Krog ","osm":"h://o","url":"h://w"}"#,
        all,
        None,
    );
    // C and D.
    check_restaurant(
        r#"{"coordinate":[59.35,18.02],"homepage":"h://w","identifier":"x","menuUrl":"h://m","name":"Krog ","osm":"h://o","region":"Solna"}"#,
        all,
        Some((59.35, 18.02)),
    );
    // E and F.
    let [id, name, region, homepage, menu_url, _] = all;
    check_restaurant(
        r#"{"coordinate":[59,18.02],"homepage":"h://w","identifier":"x","menuUrl":"h://m","name":"Krog ","region":"Solna"}"#,
        [id, name, region, homepage, menu_url, None],
        Some((59.0, 18.02)),
    );
}

#[test]
fn parts_of_a_restaurant_may_be_missing_blank_or_strange() {
    let bare = [Some("x"), Some("K"), None, None, None, None];
    check_restaurant(r#"{"identifier":"x","name":"K"}"#, bare, None);
    check_restaurant(
        r#"{"identifier":"","name":""}"#,
        [Some(""), Some(""), None, None, None, None],
        None,
    );
    check_restaurant(r#"{"id":"x","title":"K","extra":{"a":[1]}}"#, bare, None);
    check_restaurant(
        r#"{"identifier":"x","name":"K","homepage":"","menuUrl":"","region":null,"osm":7}"#,
        bare,
        None,
    );
    for coordinate in ["null", "[]", "[1]", "[1,2,3]", "[\"1\",\"2\"]", "{}"] {
        check_restaurant(
            &format!(r#"{{"identifier":"x","name":"K","coordinate":{coordinate}}}"#),
            bare,
            None,
        );
    }
}

#[test]
fn the_first_name_that_says_something_counts() {
    check_restaurant(
        r#"{"identifier":"x","name":"K","homepage":"","url":"h://w","region":"R","campus":"C"}"#,
        [Some("x"), Some("K"), Some("R"), Some("h://w"), None, None],
        None,
    );
}

#[test]
fn lists_keep_their_order() {
    let json = r#"{"restaurants":[{"identifier":"b","name":"B"},{"identifier":"a","name":"A"}]}"#;
    let ids: Vec<_> =
        parse_restaurants(json.as_bytes()).unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(ids, ["b", "a"]);
    assert_eq!(parse_restaurants(br#"{"restaurants":[]}"#).unwrap(), []);
}

/// A menu, then its parts and dishes as parsed.
#[track_caller]
fn check_menu(json: &str, expected: [Option<&str>; 4], dishes: &[&str]) {
    let menu = parse_menu(json.as_bytes()).unwrap();
    let [region, homepage, map_url] =
        [&menu.region, &menu.homepage, &menu.map_url].map(Option::as_deref);
    assert_eq!([Some(menu.name.as_str()), region, homepage, map_url], expected);
    assert_eq!(menu.lines, dishes);
}

#[test]
fn menus_of_every_shape() {
    let all = [Some("Krog "), Some("Solna"), Some("h://w"), Some("h://o")];
    // A.
    check_menu(
        r#"{"restaurant":{"location":"Solna","map_url":"h://o","menu":[{"dish":"R\u00e4ka"},{"dish":""}],"title":"Krog ","url":"h://w"}}"#,
        all,
        &["Räka", ""],
    );
    // B to D.
    check_menu(
        r#"{"restaurant":{"location":"Solna","map_url":"h://o","menu":[],"title":"Krog ","url":"h://w"},"url":"http://h/api/restaurant/x"}"#,
        all,
        &[],
    );
    // E and F.
    check_menu(
        r#"{"restaurant":{"title":"Krog ","location":"Solna","url":"h://w","map_url":"h://o","menu":[{"dish":"Räka"}]}}"#,
        all,
        &["Räka"],
    );
}

#[test]
fn dishes_stay_as_they_came() {
    check_menu(
        r#"{"restaurant":{"name":"K","menu":[{"dish":" a  b\n","price":9},{"dish":" a  b\n"},{"dish":"\u00a0\u009c\u00ad&\""}]}}"#,
        [Some("K"), None, None, None],
        &[" a  b\n", " a  b\n", "\u{a0}\u{9c}\u{ad}&\""],
    );
}

#[test]
fn parts_of_a_menu_may_be_missing() {
    let bare = [Some("K"), None, None, None];
    check_menu(r#"{"restaurant":{"title":"K"}}"#, bare, &[]);
    check_menu(r#"{"restaurant":{"title":"K","menu":null,"url":""}}"#, bare, &[]);
}

#[test]
fn errors_say_what_was_found() {
    #[track_caller]
    fn check(json: &str, list: &str, menu: &str) {
        let no_list = parse_restaurants(json.as_bytes()).unwrap_err().to_string();
        let no_menu = parse_menu(json.as_bytes()).unwrap_err().to_string();
        assert_eq!([no_list.as_str(), no_menu.as_str()], [list, menu]);
    }

    let html = "not JSON but a page of HTML or XML: expected value at line 1 column 1";
    check("<html>", html, html);
    let empty = "not JSON but nothing: EOF while parsing a value at line 1 column 0";
    check("", empty, empty);
    let other = "not JSON but other text: expected value at line 1 column 1";
    check("Internal Server Error", other, other);
    let cut = "not JSON but an incomplete or garbled document: \
               EOF while parsing a list at line 1 column 16";
    check(r#"{"restaurants":["#, cut, cut);
    check("[1]", "not a JSON object but an array", "not a JSON object but an array");

    check(
        r#"{"detail":"Not Found"}"#,
        "not a list of restaurants: no member 'restaurants', but 'detail'",
        "not a menu: no member 'restaurant', but 'detail'",
    );
    check(
        "{}",
        "not a list of restaurants: no member 'restaurants', but none at all",
        "not a menu: no member 'restaurant', but none at all",
    );
    check(
        r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}"#,
        "not a list of restaurants: no member 'restaurants', \
         but 'a', 'b', 'c', 'd', 'e', 'f' and 2 more",
        "not a menu: no member 'restaurant', but 'a', 'b', 'c', 'd', 'e', 'f' and 2 more",
    );
    check(
        r#"{"restaurants":{},"restaurant":[]}"#,
        "'restaurants' is not an array but an object",
        "'restaurant' is not an object but an array",
    );
    check(
        r#"{"restaurants":[{"identifier":"x","name":"K"},"y"],"restaurant":{"title":"K","menu":""}}"#,
        "'restaurants[1]' is not an object but a string",
        "'restaurant.menu' is not an array but a string",
    );
    check(
        r#"{"restaurants":[{"name":"K"}],"restaurant":{"title":"K","menu":[{"dish":1}]}}"#,
        "'restaurants[0].identifier' is not a string but missing or null",
        "'restaurant.menu[0].dish' is not a string but a number",
    );
    check(
        r#"{"restaurants":[{"identifier":"x","name":1}],"restaurant":{"title":"K","menu":[1]}}"#,
        "'restaurants[0].name' is not a string but a number",
        "'restaurant.menu[0]' is not an object but a number",
    );
}
