//! What the API answers, in each era: paths, methods, redirects, headers.

mod fastapi;
mod flask;

use std::collections::HashMap;

use http::{Method, request};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Era, Weekday,
    answer::Answer,
    pages,
    places::{self, Place},
    shape,
    target::Resource,
    week,
};

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The API of one era on one day.
#[derive(Debug)]
pub(super) struct State {
    pub(super) era: Era,
    pub(super) weekday: Weekday,
    /// Makes entity tags differ from one start to the next.
    pub(super) seed: u64,
    /// When what is cached was cached.
    pub(super) started: Instant,
    /// How often each menu was asked for while flapping.
    flaps: Mutex<HashMap<&'static str, u32>>,
}

/// Whether the API's workers agree about a menu.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Workers {
    /// All have it.
    Agree,
    /// Every other one has cached an empty menu, and they take turns.
    Alternate,
}

impl State {
    pub(super) fn new(era: Era, weekday: Weekday, seed: u64, started: Instant) -> State {
        State { era, weekday, seed, started, flaps: Mutex::default() }
    }

    fn dishes(&self, place: &Place, workers: Workers) -> Vec<&'static str> {
        if workers == Workers::Alternate {
            let mut flaps = self.flaps.lock();
            let asked = flaps.entry(place.id).or_default();
            *asked = asked.wrapping_add(1);
            if asked.is_multiple_of(2) {
                return Vec::new();
            }
        }
        week::dishes(self.era, place, self.weekday)
    }

    /// How the menu or list is shaped, if there is such a thing.
    fn document(&self, resource: &Resource, workers: Workers, url: &str) -> Option<Vec<u8>> {
        let era = self.era;
        Some(match resource {
            Resource::Root => shape::root(era, url),
            Resource::List => shape::list(era, &places::places(era), url),
            Resource::Menu(id) => {
                let place = places::place(era, id)?;
                shape::menu(era, place, &self.dishes(place, workers), url)
            }
            Resource::Version => shape::version(era, url),
            Resource::OpenApi => pages::openapi().into_bytes(),
            Resource::Docs => pages::DOCS.into(),
            Resource::Slack => return None,
        })
    }
}

/// The API's answer; `workers` matters to menus alone.
pub(super) fn answer(
    state: &State,
    request: &request::Parts,
    workers: Workers,
    now: Instant,
) -> Answer {
    let mut answer = match state.era {
        Era::A | Era::B | Era::C | Era::D => flask::answer(state, request, workers),
        Era::E | Era::F => fastapi::answer(state, request, workers, now),
    };
    if request.method == Method::HEAD {
        answer.body.clear();
    }
    answer
}

#[cfg(test)]
mod tests;
