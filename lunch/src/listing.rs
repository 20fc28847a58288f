//! Restaurants and dishes as text for a terminal.
//!
//! All functions are pure: what they need to know of the terminal and of the
//! time is in the [`Page`]. No line is wider than the page but those with an
//! address that is written out.

mod ink;
mod sheet;
mod wrap;

use std::time::Duration;

use jiff::civil::DateTime;

use crate::{
    entry::{Entry, Serving},
    place::Place,
    search::Found,
    today::{Notice, State},
};
use ink::Style;
use sheet::{INDENT, Sheet};

/// What is written on.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// Whether it has colours.
    pub colour: Colour,
    /// How links are shown.
    pub links: Links,
    /// The time where the restaurants are.
    pub now: DateTime,
}

/// Whether a page has colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Text alone.
    Never,
    /// Bold, faint and coloured text, by ANSI's escape sequences.
    Ansi,
}

/// How links are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Links {
    /// Written out.
    Written,
    /// Behind words, by the escape sequence OSC 8.
    Hyper,
}

/// What a place without a region is listed under.
const ELSEWHERE: &str = "Elsewhere";

/// The restaurants of a day by region, with all there is to eat.
pub fn day(entries: &[Entry], page: &Page) -> String {
    let mut sheet = Sheet::new(page);
    let today = page.now.strftime("%A %-d %B");
    sheet.line(Style::Title, &format!("Lunch today, {today}"));
    let common = common_notices(entries);
    for (region, entries) in by_region(entries.iter(), |entry| &entry.place) {
        sheet.region(&region);
        for entry in &entries {
            if entry.state() == Some(State::Open) {
                sheet.place(entry);
                sheet.dishes(entry.today().into_iter().flat_map(|today| &today.dishes));
                sheet.notices(entry, &common);
                sheet.way(&entry.place);
            }
        }
        sheet.folded(&entries);
    }
    for notice in &common {
        sheet.blank();
        sheet.paragraph(Style::Faint, &format!("Note: {notice}"), 0);
    }
    sheet.text
}

/// A restaurant, all there is to eat, and where to go.
pub fn restaurant(entry: &Entry, page: &Page) -> String {
    let mut sheet = Sheet::new(page);
    let place = &entry.place;
    sheet.title(entry, place.region.as_deref());
    sheet.blank();
    match &entry.serving {
        Serving::Known(today, _) => {
            match today.state() {
                State::Open => sheet.dishes(today.dishes.iter()),
                State::Closed => {
                    let said: Vec<_> =
                        today.closed.iter().map(|notice| notice.text.as_str()).collect();
                    let closed = format!("Closed today: {}", said.join(" "));
                    sheet.paragraph(Style::Warning, &closed, INDENT);
                }
                State::Unpublished => {
                    sheet.paragraph(Style::Warning, "No menu published for today.", INDENT);
                }
            }
            sheet.notices(entry, &[]);
        }
        Serving::Missing(reason) => {
            sheet.paragraph(Style::Warning, &format!("Menu not available: {reason}"), INDENT);
        }
    }
    sheet.addresses(place);
    sheet.text
}

/// The dishes that were found, by region and restaurant, the best first.
pub fn found(query: &str, found: &[Found<'_>], page: &Page) -> String {
    let mut sheet = Sheet::new(page);
    let places = by_place(found);
    let query = crate::clean(query);
    let title = match (found.len(), places.len()) {
        (0, _) => format!("No dish today matches “{query}”."),
        (1, _) => format!("“{query}” today: 1 dish"),
        (dishes, 1) => format!("“{query}” today: {dishes} dishes at one place"),
        (dishes, places) => format!("“{query}” today: {dishes} dishes at {places} places"),
    };
    sheet.line(Style::Title, &title);
    for (region, places) in by_region(places.into_iter(), |found| &found.entry.place) {
        sheet.region(&region);
        for place in places {
            sheet.place(place.entry);
            for found in &place.dishes {
                sheet.dish(found.dish, &found.marks, 0);
            }
            sheet.way(&place.entry.place);
        }
    }
    for notice in said_by_all(found) {
        sheet.blank();
        sheet.paragraph(Style::Faint, &format!("Note: {notice}"), 0);
    }
    sheet.text
}

/// The dishes found at one place.
struct AtPlace<'a> {
    entry: &'a Entry,
    dishes: Vec<&'a Found<'a>>,
}

fn by_place<'a>(found: &'a [Found<'a>]) -> Vec<AtPlace<'a>> {
    let mut places: Vec<AtPlace<'a>> = Vec::new();
    for one in found {
        match places.iter_mut().find(|place| std::ptr::eq(place.entry, one.entry)) {
            Some(place) => place.dishes.push(one),
            None => places.push(AtPlace { entry: one.entry, dishes: vec![one] }),
        }
    }
    places
}

/// Things by the region that they are in, both in their order.
fn by_region<T>(
    things: impl Iterator<Item = T>,
    place: impl Fn(&T) -> &Place,
) -> Vec<(String, Vec<T>)> {
    let mut regions: Vec<(String, Vec<T>)> = Vec::new();
    for thing in things {
        let region = place(&thing).region.as_deref().unwrap_or(ELSEWHERE).to_owned();
        match regions.iter_mut().find(|(known, _)| *known == region) {
            Some((_, things)) => things.push(thing),
            None => regions.push((region, vec![thing])),
        }
    }
    regions
}

/// What every menu says in which something was found, as that it is a demo's.
fn said_by_all<'a>(found: &[Found<'a>]) -> Vec<&'a str> {
    let mut places = found.iter().filter_map(|found| found.entry.today());
    let Some(first) = places.next() else { return Vec::new() };
    let mut said: Vec<_> = first.notices.iter().map(|notice| notice.text.as_str()).collect();
    for today in places {
        said.retain(|text| today.notices.iter().any(|notice| notice.text == *text));
    }
    said
}

/// What more than one menu says beside its dishes: it is said once.
fn common_notices(entries: &[Entry]) -> Vec<String> {
    let mut seen: Vec<&str> = Vec::new();
    let mut common = Vec::new();
    let notices = entries.iter().filter_map(Entry::today).flat_map(|today| &today.notices);
    for Notice { text, .. } in notices {
        if !seen.contains(&text.as_str()) {
            seen.push(text);
        } else if !common.contains(text) {
            common.push(text.clone());
        }
    }
    common
}

/// How long ago, in one unit.
pub fn ago(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests;
