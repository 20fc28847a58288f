//! Restaurants and dishes as JSON.

use lunch::{Entry, Found, Serving, State, Today};
use poem_openapi::{Enum, Object, types::Example};

use crate::menus::{List, Served, Source};

/// Restaurants with their menus.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example)]
#[expect(clippy::struct_field_names, reason = "the API's own word")]
pub(super) struct Restaurants {
    /// In the order of the API.
    pub restaurants: Vec<Restaurant>,
    /// Where the list was read: the relay's URI.
    pub source: String,
    /// The age of the list.
    pub age_seconds: u64,
    /// Whether the list serves although it is not fresh any more.
    pub stale: bool,
}

/// A restaurant.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example)]
pub(super) struct Restaurant {
    /// What the API calls it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The campus or part of town.
    #[oai(skip_serializing_if_is_none)]
    pub region: Option<String>,
    /// Its website.
    #[oai(skip_serializing_if_is_none)]
    pub homepage: Option<String>,
    /// The page its menu is read from.
    #[oai(skip_serializing_if_is_none)]
    pub menu_url: Option<String>,
    /// A map around it.
    #[oai(skip_serializing_if_is_none)]
    pub map_url: Option<String>,
    /// The way there on foot.
    #[oai(skip_serializing_if_is_none)]
    pub walk_url: Option<String>,
    /// Where it is.
    #[oai(skip_serializing_if_is_none)]
    pub coordinate: Option<Coordinate>,
    /// What it serves today.
    pub menu: Menu,
}

/// A place on Earth, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Object)]
pub(super) struct Coordinate {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

/// What a restaurant serves today.
#[derive(Clone, Debug, PartialEq, Object)]
pub(super) struct Menu {
    /// Whether there is something to eat.
    pub status: Status,
    /// What there is to eat, in the menu's order.
    pub dishes: Vec<Dish>,
    /// What says that it is closed.
    pub closed: Vec<String>,
    /// Other lines that are no dishes.
    pub notices: Vec<String>,
    /// When the upstream said so, if it could be had.
    #[oai(skip_serializing_if_is_none)]
    pub as_of: Option<String>,
    /// How long ago that is.
    pub age_seconds: u64,
    /// Whether it serves although it is not fresh any more.
    pub stale: bool,
    /// Where it was read, if it could be had: the relay's URI.
    #[oai(skip_serializing_if_is_none)]
    pub source: Option<String>,
    /// Why it could not be had.
    #[oai(skip_serializing_if_is_none)]
    pub error: Option<String>,
}

/// Whether there is something to eat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub(super) enum Status {
    /// There are dishes.
    Open,
    /// It says that it is closed.
    Closed,
    /// It says nothing.
    Unpublished,
    /// What it says could not be had.
    Unavailable,
}

/// Something to eat.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub(super) struct Dish {
    /// What it is.
    pub text: String,
    /// In kronor.
    #[oai(skip_serializing_if_is_none)]
    pub price: Option<u32>,
    /// The line as it came.
    pub raw: String,
}

/// Dishes that match.
#[derive(Clone, Debug, PartialEq, Object)]
#[oai(example)]
#[expect(clippy::struct_field_names, reason = "the API's own word")]
pub(super) struct Dishes {
    /// What was looked for.
    pub query: String,
    /// The best first.
    pub dishes: Vec<Match>,
    /// Where nothing could be looked for, and why.
    pub unavailable: Vec<Missing>,
    /// Words that may have been meant where nothing was found.
    pub suggestions: Vec<String>,
}

/// A dish that matches, and where to go.
#[derive(Clone, Debug, PartialEq, Object)]
pub(super) struct Match {
    /// What it is.
    pub text: String,
    /// In kronor.
    #[oai(skip_serializing_if_is_none)]
    pub price: Option<u32>,
    /// The matching parts of the text, as offsets into its UTF-8.
    pub matches: Vec<Part>,
    /// What the API calls the restaurant.
    pub restaurant: String,
    /// The restaurant's name.
    pub name: String,
    /// The campus or part of town.
    #[oai(skip_serializing_if_is_none)]
    pub region: Option<String>,
    /// The way there on foot.
    #[oai(skip_serializing_if_is_none)]
    pub walk_url: Option<String>,
    /// The age of the menu.
    pub age_seconds: u64,
    /// Whether the menu serves although it is not fresh any more.
    pub stale: bool,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Object)]
pub(super) struct Part {
    /// Where it begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// A restaurant whose menu could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub(super) struct Missing {
    /// What the API calls it.
    pub restaurant: String,
    /// Why.
    pub error: String,
}

impl Restaurants {
    pub(super) fn of(list: &List, served: &[Served]) -> Restaurants {
        Restaurants {
            restaurants: served.iter().map(Restaurant::of).collect(),
            source: list.source.target.clone(),
            age_seconds: list.source.age.as_secs(),
            stale: list.source.is_stale(),
        }
    }
}

impl Restaurant {
    pub(super) fn of(served: &Served) -> Restaurant {
        let place = &served.entry.place;
        Restaurant {
            id: place.id.clone(),
            name: place.name.clone(),
            region: place.region.clone(),
            homepage: place.homepage.clone(),
            menu_url: place.menu_url.clone(),
            map_url: place.map_url.clone(),
            walk_url: place.walk_url(),
            coordinate: place.coordinate.map(|lunch::Coordinate { latitude, longitude }| {
                Coordinate { latitude, longitude }
            }),
            menu: Menu::of(&served.entry.serving, served.source.as_ref()),
        }
    }
}

impl Menu {
    fn of(serving: &Serving, source: Option<&Source>) -> Menu {
        let none = Today::default();
        let (status, today, error) = match serving {
            Serving::Known(today, _) => (Status::of(today.state()), today, None),
            Serving::Missing(why) => (Status::Unavailable, &none, Some(why.clone())),
        };
        let texts = |notices: &[lunch::today::Notice]| {
            notices.iter().map(|notice| notice.text.clone()).collect()
        };
        Menu {
            status,
            dishes: today.dishes.iter().map(Dish::of).collect(),
            closed: texts(&today.closed),
            notices: texts(&today.notices),
            as_of: source.and_then(|source| source.as_of.clone()),
            age_seconds: source.map(|source| source.age.as_secs()).unwrap_or_default(),
            stale: source.is_some_and(Source::is_stale),
            source: source.map(|source| source.target.clone()),
            error,
        }
    }
}

impl Status {
    fn of(state: State) -> Status {
        match state {
            State::Open => Status::Open,
            State::Closed => Status::Closed,
            State::Unpublished => Status::Unpublished,
        }
    }
}

impl Dish {
    fn of(dish: &lunch::Dish) -> Dish {
        Dish { text: dish.text.clone(), price: dish.price, raw: dish.raw.clone() }
    }
}

impl Dishes {
    pub(super) fn of(
        query: &str,
        found: &[Found<'_>],
        entries: &[Entry],
        served: &[Served],
    ) -> Dishes {
        let missing = |served: &Served| match &served.entry.serving {
            Serving::Missing(why) => {
                Some(Missing { restaurant: served.entry.place.id.clone(), error: why.clone() })
            }
            Serving::Known(..) => None,
        };
        let suggestions = match (found, lunch::Query::new(query)) {
            ([], Some(query)) => lunch::search::suggestions(entries, &query),
            _ => Vec::new(),
        };
        Dishes {
            query: query.to_owned(),
            dishes: found.iter().map(Match::of).collect(),
            unavailable: served.iter().filter_map(missing).collect(),
            suggestions,
        }
    }
}

impl Match {
    fn of(found: &Found<'_>) -> Match {
        let place = &found.entry.place;
        let (age_seconds, stale) = match &found.entry.serving {
            Serving::Known(_, freshness) => {
                (freshness.age.unwrap_or_default().as_secs(), freshness.stale)
            }
            Serving::Missing(_) => (0, false),
        };
        // A dish is a line of a document of some MiB at most.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Match {
            text: found.dish.text.clone(),
            price: found.dish.price,
            matches: found
                .marks
                .iter()
                .map(|mark| Part { start: offset(mark.start), end: offset(mark.end) })
                .collect(),
            restaurant: place.id.clone(),
            name: place.name.clone(),
            region: place.region.clone(),
            walk_url: place.walk_url(),
            age_seconds,
            stale,
        }
    }
}

impl Example for Restaurants {
    fn example() -> Restaurants {
        Restaurants {
            restaurants: vec![Restaurant::example()],
            source: "/restaurant/".to_owned(),
            age_seconds: 140,
            stale: false,
        }
    }
}

impl Example for Restaurant {
    fn example() -> Restaurant {
        Restaurant {
            id: "jons".to_owned(),
            name: "Jöns Jacob".to_owned(),
            region: Some("Solna".to_owned()),
            homepage: Some("https://jonsjacob.example/".to_owned()),
            menu_url: None,
            map_url: Some("https://www.openstreetmap.org/#map=19/59.34673/18.02465".to_owned()),
            walk_url: Some(
                "https://osm.org/directions?engine=fossgis_osrm_foot&to=59.34673,18.02465"
                    .to_owned(),
            ),
            coordinate: Some(Coordinate { latitude: 59.34673, longitude: 18.02465 }),
            menu: Menu {
                status: Status::Open,
                dishes: vec![Dish {
                    text: "Stekt strömming med potatismos".to_owned(),
                    price: Some(115),
                    raw: "Stekt strömming med potatismos 115:-".to_owned(),
                }],
                closed: Vec::new(),
                notices: vec!["Salladsbuffé ingår".to_owned()],
                as_of: Some("2026-11-25T10:31:02Z".to_owned()),
                age_seconds: 95,
                stale: false,
                source: Some("/restaurant/jons".to_owned()),
                error: None,
            },
        }
    }
}

impl Example for Dishes {
    fn example() -> Dishes {
        Dishes {
            query: "fisk".to_owned(),
            dishes: vec![Match {
                text: "Stekt strömming med potatismos".to_owned(),
                price: Some(115),
                matches: vec![Part { start: 6, end: 16 }],
                restaurant: "jons".to_owned(),
                name: "Jöns Jacob".to_owned(),
                region: Some("Solna".to_owned()),
                walk_url: Some(
                    "https://osm.org/directions?engine=fossgis_osrm_foot&to=59.34673,18.02465"
                        .to_owned(),
                ),
                age_seconds: 95,
                stale: false,
            }],
            unavailable: Vec::new(),
            suggestions: Vec::new(),
        }
    }
}
