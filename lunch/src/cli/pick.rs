//! Picking a restaurant from a list.

use dialoguer::{FuzzySelect, theme::ColorfulTheme};

use super::End;
use crate::place::Place;

/// The identifier of the one that is picked.
pub(super) fn restaurant(places: &[Place]) -> Result<String, End> {
    // The identifier is there to be typed: it has no accents.
    let lines = places.iter().map(|place| {
        let region = place.region.as_deref().unwrap_or_default();
        format!("{} · {region} · {}", place.name, place.id)
    });
    let picked = FuzzySelect::with_theme(&ColorfulTheme::default())
        .with_prompt("Where to")
        .items(lines)
        .default(0)
        .max_length(20)
        .interact_opt();
    let picked = picked.map_err(|error| End::usage(&format!("no terminal to ask on: {error}")))?;
    let place = picked.and_then(|at| places.get(at));
    place.map(|place| place.id.clone()).ok_or_else(|| End::not_found("none was picked".to_owned()))
}
