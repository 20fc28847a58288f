//! What is asked over HTTP: the only module that knows whom, and by which paths.
//!
//! ureq and not reqwest, which the rest of the project's tools use: a command
//! that makes two requests needs no runtime beside it, and starts in a
//! millisecond.

mod base;
mod fetch;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use jiff::civil::DateTime;

use super::freshness;
use crate::{
    entry::{Entry, Freshness, Serving},
    model::Menu,
    parse::{parse_menu, parse_restaurants},
    place::Place,
    today::Today,
};
use base::Base;
pub(super) use fetch::Failure;
use fetch::{Answer, Fetch};

/// As many menus are asked for at a time; more would wait for one another in
/// the relay, and the API serves no more either.
const AT_A_TIME: usize = 8;

/// Who is asked.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A relay, at this address.
    Relay(String),
    /// The API itself, at this address.
    Api(String),
}

/// Asks for restaurants and menus.
#[derive(Debug)]
pub(super) struct Client {
    source: Source,
    fetch: Fetch,
}

impl Client {
    /// A client; or what is wrong with the address.
    pub(super) fn new(source: Source) -> Result<Client, String> {
        let (flag, url) = match &source {
            Source::Relay(url) => ("--relay", url),
            Source::Api(url) => ("--direct", url),
        };
        let base = Base::parse(url).map_err(|wrong| format!("{flag} '{url}' {wrong}"))?;
        Ok(Client { source, fetch: Fetch::new(base)? })
    }

    /// All restaurants, in the list's order.
    pub(super) fn places(&self) -> Result<Vec<Place>, Failure> {
        let answer = self.fetch.get("restaurant")?;
        let restaurants = parse_restaurants(&answer.body).map_err(Failure::Unreadable)?;
        Ok(restaurants.iter().map(Place::of).collect())
    }

    /// A place with this identifier, if its menu can be had: what to go by where
    /// the list cannot.
    pub(super) fn alone(&self, id: &str) -> Option<Place> {
        let id = crate::fold::fold(id).replace(' ', "-");
        let (menu, _) = self.menu(&id).ok()?;
        Some(Place::of_menu(&id, &menu))
    }

    /// The menus of these places, each as far as it can be had.
    pub(super) fn entries(&self, places: Vec<Place>, now: DateTime) -> Vec<Entry> {
        let workers = AT_A_TIME.min(places.len());
        if workers <= 1 {
            return places.into_iter().map(|place| self.entry(place, now)).collect();
        }
        let next = AtomicUsize::new(0);
        let entries = Mutex::new(Vec::with_capacity(places.len()));
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(place) = places.get(at) else { return };
                        let entry = self.entry(place.clone(), now);
                        let mut entries =
                            entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        entries.push((at, entry));
                    }
                });
            }
        });
        let mut entries = entries.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        entries.sort_by_key(|(at, _)| *at);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn entry(&self, mut place: Place, now: DateTime) -> Entry {
        let serving = match self.menu(&place.id) {
            Ok((_, Freshness { age, .. })) if freshness::is_of_another_day(age, now) => {
                Serving::Missing("only yesterday's is stored".to_owned())
            }
            Ok((menu, freshness)) => {
                place.complete(&menu);
                Serving::Known(Today::of(&menu), freshness)
            }
            Err(failure) => Serving::Missing(failure.to_string()),
        };
        Entry { place, serving }
    }

    fn menu(&self, id: &str) -> Result<(Menu, Freshness), Failure> {
        let answer = self.fetch.get(&format!("restaurant/{}", base::segment(id)))?;
        let menu = parse_menu(&answer.body).map_err(Failure::Unreadable)?;
        Ok((menu, self.freshness(&answer)))
    }

    fn freshness(&self, answer: &Answer) -> Freshness {
        match self.source {
            Source::Relay(_) => freshness::read(answer.age.as_deref(), &answer.cache_status),
            Source::Api(_) => Freshness::default(),
        }
    }

    /// What went wrong, and what to do about it.
    pub(super) fn explain(&self, failure: &Failure) -> String {
        let (who, advice) = match &self.source {
            Source::Relay(url) => (
                format!("the relay at {url}"),
                "Start one with `relay`, say where it is with --relay or LUNCH_RELAY,\n\
                 or go without: lunch --direct https://menu.dckube.scilifelab.se/api/",
            ),
            Source::Api(url) => (
                format!("the API at {url}"),
                "Look at the address, or ask a relay that may have today's menus stored:\n\
                 lunch --relay URL",
            ),
        };
        match failure {
            Failure::Unreachable(_) => format!("{who} cannot be reached: {failure}\n{advice}"),
            Failure::Refused(_) | Failure::Status { .. } => {
                format!("{who} has no menus now: {failure}\nTry again in a while.")
            }
            Failure::Unreadable(_) => {
                format!("{who} gave something else than menus: {failure}\n{advice}")
            }
        }
    }
}
