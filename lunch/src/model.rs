//! Restaurants and menus, as the API told of them.
//!
//! The API leaves out, renames and blanks almost anything from one era to the
//! next, so all is optional but what names a thing. A part that is not known is
//! `None`, whether the API left it out, said `null` or sent an empty string.

use serde::Serialize;

/// A restaurant of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restaurant {
    /// What the API calls it in paths; case-sensitive there.
    pub id: String,
    /// Its name as it came, blanks at the end included.
    pub name: String,
    /// The campus or part of town.
    pub region: Option<String>,
    /// Its website.
    pub homepage: Option<String>,
    /// The page its menu is read from.
    pub menu_url: Option<String>,
    /// Where it is, as a link to a map.
    pub map_url: Option<String>,
    /// Where it is.
    pub coordinate: Option<Coordinate>,
}

/// A place on Earth, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coordinate {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

/// What a restaurant serves, on a day that the API does not tell.
///
/// A menu does not know its restaurant's identifier: who asked for it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Menu {
    /// The restaurant's name as it came, blanks at the end included.
    pub name: String,
    /// The campus or part of town.
    pub region: Option<String>,
    /// The restaurant's website.
    pub homepage: Option<String>,
    /// Where it is, as a link to a map.
    pub map_url: Option<String>,
    /// The lines of the menu as they came, in its order: mostly dishes, but also
    /// notices, prices, doubles and blanks; often none. [`Today`](crate::Today)
    /// tells them apart.
    pub lines: Vec<String>,
}
