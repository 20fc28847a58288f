//! Where to eat what: restaurants and their menus, read from any shape the lunch
//! API ever had, cleaned, searched and laid out for a terminal.
//!
//! - [`model`] and [`parse`]: what the API says, leniently
//! - [`mod@clean`]: the text as a person would have written it
//! - [`today`]: a menu's lines told apart: dishes with their prices, notices,
//!   and what says that it is closed
//! - [`place`]: a restaurant as a place to go to
//! - [`mod@search`]: the dishes that a hungry person means
//! - [`name`]: the restaurant that somebody means
//! - [`listing`]: text for a terminal; [`json`]: for programs
//!
//! The way of an answer: `parse_restaurants` and `parse_menu` → `Place` and
//! `Today` → `Entry` → `search` → `listing` or `json`.
//!
//! Nothing here does I/O, but for the command (feature `cli`).

pub mod clean;
#[cfg(feature = "cli")]
pub mod cli;
pub mod entry;
mod fold;
pub mod json;
pub mod listing;
pub mod model;
pub mod name;
pub mod parse;
pub mod place;
pub mod search;
pub mod today;

pub use clean::clean;
pub use entry::{Entry, Freshness, Serving};
pub use model::{Coordinate, Menu, Restaurant};
pub use parse::{ParseError, parse_menu, parse_restaurants};
pub use place::Place;
pub use search::{Found, Query, search};
pub use today::{Dish, State, Today};
