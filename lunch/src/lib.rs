//! Restaurants and their menus, read from any shape the lunch API ever had.
//!
//! - [`model`]: what there is to know about a restaurant and its menu
//! - [`parse`]: the API's JSON, leniently
//!
//! Nothing here does I/O.

pub mod model;
pub mod parse;

pub use model::{Coordinate, Dish, Menu, Restaurant};
pub use parse::{ParseError, parse_menu, parse_restaurants};
