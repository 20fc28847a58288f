//! What `lunch --json` prints; the README has the schema.
//!
//! Members are added, never removed or given another meaning.

use serde::Serialize;

use crate::{
    entry::{Entry, Freshness, Serving},
    model::Coordinate,
    place::Place,
    search::Found,
    today::{Dish, Notice, State, Today},
};

/// Restaurants, as text that ends in a line break.
pub fn restaurants(entries: &[Entry]) -> String {
    written(&Restaurants { restaurants: entries.iter().map(Restaurant::of).collect() })
}

/// Dishes that were found, the best first, as text that ends in a line break.
pub fn found(query: &str, found: &[Found<'_>]) -> String {
    let dishes = found.iter().map(|found| Match {
        dish: found.dish,
        matches: found.marks.iter().map(|mark| [mark.start, mark.end]).collect(),
        restaurant: Restaurant::without_menu(found.entry),
    });
    written(&Matches { query, dishes: dishes.collect() })
}

fn written(value: &impl Serialize) -> String {
    // Strings, numbers and lists: there is nothing that cannot be written.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct Restaurants<'a> {
    restaurants: Vec<Restaurant<'a>>,
}

#[derive(Serialize)]
struct Matches<'a> {
    query: &'a str,
    dishes: Vec<Match<'a>>,
}

#[derive(Serialize)]
struct Match<'a> {
    #[serde(flatten)]
    dish: &'a Dish,
    /// Byte ranges of `text`.
    matches: Vec<[usize; 2]>,
    restaurant: Restaurant<'a>,
}

#[derive(Serialize)]
struct Restaurant<'a> {
    id: &'a str,
    name: &'a str,
    region: Option<&'a str>,
    homepage: Option<&'a str>,
    menu_url: Option<&'a str>,
    map_url: Option<&'a str>,
    walk_url: Option<String>,
    coordinate: Option<Coordinate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    menu: Option<Menu<'a>>,
    stale: bool,
    age_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Menu<'a> {
    status: &'static str,
    dishes: &'a [Dish],
    closed: &'a [Notice],
    notices: &'a [Notice],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> Restaurant<'a> {
    fn of(entry: &'a Entry) -> Restaurant<'a> {
        Restaurant { menu: Some(Menu::of(&entry.serving)), ..Restaurant::without_menu(entry) }
    }

    fn without_menu(entry: &'a Entry) -> Restaurant<'a> {
        let Place { id, name, region, homepage, menu_url, map_url, coordinate, .. } = &entry.place;
        let freshness = match entry.serving {
            Serving::Known(_, freshness) => freshness,
            Serving::Missing(_) => Freshness::default(),
        };
        Restaurant {
            id,
            name,
            region: region.as_deref(),
            homepage: homepage.as_deref(),
            menu_url: menu_url.as_deref(),
            map_url: map_url.as_deref(),
            walk_url: entry.place.walk_url(),
            coordinate: *coordinate,
            menu: None,
            stale: freshness.stale,
            age_seconds: freshness.age.map(|age| age.as_secs()),
        }
    }
}

impl<'a> Menu<'a> {
    fn of(serving: &'a Serving) -> Menu<'a> {
        match serving {
            Serving::Known(today @ Today { dishes, closed, notices }, _) => Menu {
                status: match today.state() {
                    State::Open => "open",
                    State::Closed => "closed",
                    State::Unpublished => "unpublished",
                },
                dishes,
                closed,
                notices,
                error: None,
            },
            Serving::Missing(reason) => Menu {
                status: "unavailable",
                dishes: &[],
                closed: &[],
                notices: &[],
                error: Some(reason),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use serde_json::Value;

    use super::*;
    use crate::search::{Query, search};

    fn entries() -> Vec<Entry> {
        let place = Place {
            id: "jons".to_owned(),
            name: "Jöns Jacob".to_owned(),
            raw_name: "Jöns Jacob ".to_owned(),
            region: Some("Solna".to_owned()),
            homepage: None,
            menu_url: None,
            map_url: None,
            coordinate: Some(Coordinate { latitude: 59.34673, longitude: 18.02465 }),
        };
        let menu = crate::Menu {
            name: String::new(),
            region: None,
            homepage: None,
            map_url: None,
            lines: [" Räkmacka 99:-", "Glad påsk!", "Stängt"].map(str::to_owned).to_vec(),
        };
        let freshness = Freshness { age: Some(Duration::from_secs(7)), stale: true };
        let known = Serving::Known(Today::of(&menu), freshness);
        let missing = Serving::Missing("it took too long (504)".to_owned());
        [known, missing].map(|serving| Entry { place: place.clone(), serving }).to_vec()
    }

    #[test]
    fn restaurants_as_json() {
        insta::assert_snapshot!(restaurants(&entries()));
    }

    #[test]
    fn matches_as_json() {
        let entries = entries();
        let query = Query::new("räka").unwrap();
        insta::assert_snapshot!(found("räka", &search(&entries, &query)));
    }

    #[test]
    fn every_member_is_in_the_readme() {
        fn names(value: &Value, into: &mut BTreeSet<String>) {
            match value {
                Value::Object(object) => {
                    for (name, value) in object {
                        into.insert(name.clone());
                        names(value, into);
                    }
                }
                Value::Array(values) => values.iter().for_each(|value| names(value, into)),
                _ => {}
            }
        }

        let entries = entries();
        let query = Query::new("räka").unwrap();
        let mut members = BTreeSet::new();
        for text in [restaurants(&entries), found("räka", &search(&entries, &query))] {
            names(&serde_json::from_str(&text).unwrap(), &mut members);
        }
        let readme = include_str!("../README.md");
        for name in members {
            let written = [format!("`{name}`"), format!(".{name}`"), format!("\"{name}\"")];
            assert!(written.iter().any(|written| readme.contains(written)), "{name}");
        }
    }
}
