//! The parser against the demo: neither knows the other's types.

use http::Request;
use tokio::time::Instant;

use super::{
    Era, Weekday,
    routes::{self, State, Workers},
};

/// Lists, then asks for the menu of every restaurant on it.
#[track_caller]
fn check(era: Era, expected: &[(&str, usize)]) {
    let now = Instant::now();
    let state = State::new(era, Weekday::Wednesday, 1, now);
    let get = |path: &str| {
        let slash = if era == Era::A { "/" } else { "" };
        let request = Request::get(format!("{path}{slash}")).body(()).unwrap().into_parts().0;
        routes::answer(&state, &request, Workers::Agree, now).body
    };

    let restaurants = lunch::parse_restaurants(&get("/api/restaurant")).unwrap();
    let listed: Vec<_> = restaurants
        .iter()
        .map(|restaurant| {
            let path = format!("/api/restaurant/{}", restaurant.id);
            let menu = lunch::parse_menu(&get(&path)).unwrap();
            assert_eq!(
                (&menu.name, &menu.region, &menu.homepage),
                (&restaurant.name, &restaurant.region, &restaurant.homepage)
            );
            assert!(menu.map_url.is_some());
            assert_eq!(restaurant.map_url.is_some(), era <= Era::D);
            assert_eq!(restaurant.coordinate.is_some(), era >= Era::C);
            (restaurant.id.as_str(), menu.lines.len())
        })
        .collect();
    assert_eq!(listed, expected, "era {era:?}");
}

#[test]
fn every_list_and_menu_is_read_in_every_era() {
    let by_campus = [
        ("glada", 0),
        ("haga", 0),
        ("hjulet", 4),
        ("jons", 4),
        ("jorpes", 0),
        ("livet", 4),
        ("svarta", 0),
        ("nanna", 5),
        ("bikupan", 7),
        ("dufva", 4),
        ("hubben", 4),
        ("rudbeck", 6),
        ("tallrik", 4),
    ];
    check(Era::A, &by_campus);
    check(Era::B, &by_campus);
    let mut by_id = by_campus;
    by_id.sort_unstable();
    check(Era::C, &by_id);

    check(
        Era::D,
        &[
            ("bikupan", 7),
            ("biomedicum", 0),
            ("delta", 0),
            ("dufva", 4),
            ("glada", 0),
            ("haga", 0),
            ("hubben", 4),
            ("jons", 4),
            ("jorpes", 0),
            ("kraemer", 0),
            ("livet", 0),
            ("maethai", 0),
            ("nanna", 5),
            ("rudbeck", 6),
            ("street", 0),
            ("svarta", 4),
            ("tallrik", 4),
        ],
    );
    let e = [
        ("bikupan", 7),
        ("biomedicum", 0),
        ("delta", 0),
        ("dufva", 4),
        ("elma", 3),
        ("glada", 0),
        ("haga", 0),
        ("hubben", 4),
        ("jons", 4),
        ("jorpes", 0),
        ("kraemer", 0),
        ("livet", 0),
        ("maethai", 0),
        ("nanna", 5),
        ("omni", 5),
        ("rudbeck", 6),
        ("street", 0),
        ("svarta", 4),
    ];
    check(Era::E, &e);
    let more = [
        ("bredbar", 4),
        ("food-co", 3),
        ("gourmedia", 0),
        ("k-markt", 0),
        ("karavan", 2),
        ("wkb-gardet", 4),
    ];
    check(Era::F, &[&e[..], &more].concat());
}

#[test]
fn dishes_arrive_as_they_were_written() {
    for era in [Era::A, Era::F] {
        let state = State::new(era, Weekday::Wednesday, 1, Instant::now());
        let slash = if era == Era::A { "/" } else { "" };
        let target = format!("/api/restaurant/nanna{slash}");
        let request = Request::get(target).body(()).unwrap().into_parts().0;
        let answer = routes::answer(&state, &request, Workers::Agree, Instant::now());
        let menu = lunch::parse_menu(&answer.body).unwrap();
        assert_eq!(menu.lines[0], "Fisk:\u{a0}Pocherad lax med ägg- och dillsås ");
        assert_eq!(menu.lines[4], "(demo) Påhittad meny – not a real menu");
    }
}
