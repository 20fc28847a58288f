//! A restaurant with what is known of its menu.

use std::time::Duration;

use crate::{
    place::Place,
    today::{State, Today},
};

/// A restaurant, and its menu today if it could be had.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where to go.
    pub place: Place,
    /// What there is.
    pub serving: Serving,
}

/// What is known of a menu.
#[derive(Clone, Debug, PartialEq)]
pub enum Serving {
    /// It was read.
    Known(Today, Freshness),
    /// It could not be had, for this reason.
    Missing(String),
}

/// How old a menu is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Freshness {
    /// The time since the API said so; `None` where nobody keeps it meanwhile.
    pub age: Option<Duration>,
    /// Whether it serves although it is not fresh any more.
    pub stale: bool,
}

impl Entry {
    /// Its menu, if it could be had.
    pub fn today(&self) -> Option<&Today> {
        match &self.serving {
            Serving::Known(today, _) => Some(today),
            Serving::Missing(_) => None,
        }
    }

    /// Whether it serves something, as far as is known.
    pub fn state(&self) -> Option<State> {
        self.today().map(Today::state)
    }

    /// The age of its menu where that is stale.
    pub fn stale(&self) -> Option<Duration> {
        match &self.serving {
            Serving::Known(_, Freshness { age, stale: true }) => Some(age.unwrap_or_default()),
            _ => None,
        }
    }
}

/// The entries of a region, which is meant by the beginning of its name;
/// `None` where there is no such region.
pub fn of_region(entries: Vec<Entry>, region: &str) -> Option<Vec<Entry>> {
    let of: Vec<_> = entries.into_iter().filter(|entry| is_region(&entry.place, region)).collect();
    (!of.is_empty()).then_some(of)
}

/// Whether a place is in the region that is meant.
pub fn is_region(place: &Place, region: &str) -> bool {
    let wanted = crate::fold::fold(region);
    let own = place.region.as_deref().map(crate::fold::fold).unwrap_or_default();
    !wanted.is_empty() && own.starts_with(&wanted)
}

/// The regions of these places, in their order.
pub fn regions<'a>(places: impl IntoIterator<Item = &'a Place>) -> Vec<&'a str> {
    let mut regions = Vec::new();
    for region in places.into_iter().filter_map(|place| place.region.as_deref()) {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    regions
}
