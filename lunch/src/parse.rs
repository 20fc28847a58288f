//! The API's JSON in any of its shapes, leniently: unknown members are ignored,
//! missing ones are optional, and the same thing may go by any of its names.
//!
//! | here        | in a list             | in a menu         |
//! |-------------|-----------------------|-------------------|
//! | `name`      | `name`                | `title`           |
//! | `region`    | `campus`, `region`    | `location`        |
//! | `homepage`  | `url`, `homepage`     | `url`             |
//! | `menu_url`  | `menu_url`, `menuUrl` |                   |
//! | `map_url`   | `osm`                 | `map_url`         |
//!
//! Every name is read everywhere. Where two names of one thing are both there,
//! the first that says something counts, in the order of `Names`.

use serde_json::{Map, Value};

use crate::model::{Coordinate, Menu, Restaurant};

/// Reads the list of restaurants, in its order.
pub fn parse_restaurants(json: &[u8]) -> Result<Vec<Restaurant>, ParseError> {
    let object = object(json)?;
    let restaurants = member(&object, Wanted::Restaurants)?;
    let Value::Array(restaurants) = restaurants else {
        return Err(ParseError::unexpected("restaurants", "an array", restaurants));
    };
    restaurants.iter().enumerate().map(|(at, value)| restaurant(at, value)).collect()
}

/// Reads a restaurant's menu.
pub fn parse_menu(json: &[u8]) -> Result<Menu, ParseError> {
    let object = object(json)?;
    let restaurant = member(&object, Wanted::Menu)?;
    let Value::Object(restaurant) = restaurant else {
        return Err(ParseError::unexpected("restaurant", "an object", restaurant));
    };
    let lines = match restaurant.get("menu") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(dishes)) => dishes
            .iter()
            .enumerate()
            .map(|(at, value)| line(at, value))
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(ParseError::unexpected("restaurant.menu", "an array", other)),
    };
    Ok(Menu {
        name: name(restaurant, "restaurant")?,
        region: text(restaurant, Names::REGION),
        homepage: text(restaurant, Names::HOMEPAGE),
        map_url: text(restaurant, Names::MAP_URL),
        lines,
    })
}

/// Why something is not a list of restaurants or a menu.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The text is not JSON.
    #[error("not JSON but {found}: {error}")]
    Json {
        /// What it looks like.
        found: &'static str,
        /// Where it stops being JSON.
        error: serde_json::Error,
    },

    /// It is JSON, but not an object.
    #[error("not a JSON object but {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },

    /// It is an object of another kind.
    #[error("not {wanted}: no member '{member}', but {found}")]
    Missing {
        /// What was asked for.
        wanted: Wanted,
        /// The member that makes it one.
        member: &'static str,
        /// The members that are there.
        found: String,
    },

    /// A member has a value of another kind.
    #[error("'{path}' is not {expected} but {found}")]
    Unexpected {
        /// Where.
        path: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}

impl ParseError {
    fn unexpected(path: impl Into<String>, expected: &'static str, found: &Value) -> ParseError {
        ParseError::Unexpected { path: path.into(), expected, found: kind(found) }
    }
}

/// What was to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// The list of restaurants.
    Restaurants,
    /// A restaurant with its menu.
    Menu,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Wanted::Restaurants => "a list of restaurants",
            Wanted::Menu => "a menu",
        })
    }
}

/// The names a thing went by.
struct Names;

impl Names {
    const ID: &[&str] = &["identifier", "id"];
    const NAME: &[&str] = &["name", "title"];
    const REGION: &[&str] = &["region", "campus", "location"];
    const HOMEPAGE: &[&str] = &["homepage", "url"];
    const MENU_URL: &[&str] = &["menuUrl", "menu_url"];
    const MAP_URL: &[&str] = &["map_url", "osm"];
}

fn object(json: &[u8]) -> Result<Map<String, Value>, ParseError> {
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| ParseError::Json { found: looks_like(json), error })?;
    match value {
        Value::Object(object) => Ok(object),
        other => Err(ParseError::NotAnObject { found: kind(&other) }),
    }
}

fn member(object: &Map<String, Value>, wanted: Wanted) -> Result<&Value, ParseError> {
    let member = match wanted {
        Wanted::Restaurants => "restaurants",
        Wanted::Menu => "restaurant",
    };
    object.get(member).ok_or_else(|| ParseError::Missing { wanted, member, found: names(object) })
}

fn restaurant(at: usize, value: &Value) -> Result<Restaurant, ParseError> {
    let path = format!("restaurants[{at}]");
    let Value::Object(item) = value else {
        return Err(ParseError::unexpected(path, "an object", value));
    };
    Ok(Restaurant {
        id: required(item, Names::ID, &path)?,
        name: name(item, &path)?,
        region: text(item, Names::REGION),
        homepage: text(item, Names::HOMEPAGE),
        menu_url: text(item, Names::MENU_URL),
        map_url: text(item, Names::MAP_URL),
        coordinate: item.get("coordinate").and_then(coordinate),
    })
}

fn name(object: &Map<String, Value>, path: &str) -> Result<String, ParseError> {
    required(object, Names::NAME, path)
}

/// The text under one of these names, without which the whole means nothing;
/// it may be empty.
fn required(
    object: &Map<String, Value>,
    names: &[&'static str],
    path: &str,
) -> Result<String, ParseError> {
    let values = || names.iter().filter_map(|name| object.get(*name));
    let empty = || values().any(Value::is_string).then(String::new);
    text(object, names).or_else(empty).ok_or_else(|| {
        let member = names.first().copied().unwrap_or_default();
        let found = values().next().unwrap_or(&Value::Null);
        ParseError::unexpected(format!("{path}.{member}"), "a string", found)
    })
}

/// The text under the first of these names that says something; an empty string
/// or a value of another kind says nothing.
fn text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names
        .iter()
        .filter_map(|name| object.get(*name)?.as_str())
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A pair of latitude and longitude; anything else is no coordinate.
fn coordinate(value: &Value) -> Option<Coordinate> {
    let [latitude, longitude] = value.as_array()?.as_slice() else { return None };
    Some(Coordinate { latitude: latitude.as_f64()?, longitude: longitude.as_f64()? })
}

fn line(at: usize, value: &Value) -> Result<String, ParseError> {
    let path = format!("restaurant.menu[{at}]");
    match value {
        Value::Object(dish) => match dish.get("dish") {
            Some(Value::String(text)) => Ok(text.clone()),
            other => Err(ParseError::unexpected(
                format!("{path}.dish"),
                "a string",
                other.unwrap_or(&Value::Null),
            )),
        },
        other => Err(ParseError::unexpected(path, "an object", other)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "missing or null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The names of an object's members, or of the first of very many.
fn names(object: &Map<String, Value>) -> String {
    const MANY: usize = 6;
    if object.is_empty() {
        return "none at all".to_owned();
    }
    let names: Vec<_> = object.keys().take(MANY).map(|name| format!("'{name}'")).collect();
    let names = names.join(", ");
    match object.len().saturating_sub(MANY) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// What a body is that is not JSON: most often somebody's error page.
fn looks_like(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        None => "nothing",
        Some(b'<') => "a page of HTML or XML",
        Some(b'{' | b'[') => "an incomplete or garbled document",
        Some(_) => "other text",
    }
}

#[cfg(test)]
mod tests;
