//! What is going on.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::{Request, Response};

use super::{
    frame::{Frame, Tab, html},
    show::Place,
};
use crate::{
    cache::{
        browse::{Query, Sort},
        mishaps::Mishap,
    },
    console::{
        Console,
        live::Beat,
        words::{self, Said},
    },
    problem::Problem,
};

/// Errors that are shown.
const ERRORS: usize = 8;
/// Restaurants that are shown: the API has had 25.
const PLACES: u32 = 100;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    governor: Said,
    beat: Beat,
    ratio: String,
    p99: String,
    restaurants: Option<Vec<Place>>,
    errors: Vec<Mishap>,
}

pub(in crate::console) async fn overview(console: Arc<Console>, _: Request) -> Response {
    let frame = Frame::of(&console, Tab::Overview);
    let restaurants = match restaurants(&console).await {
        Ok(restaurants) => restaurants,
        Err(problem) => return frame.refused(&problem),
    };
    let beat = console.live.last();
    let mut errors = console.cache.cache.mishaps();
    errors.truncate(ERRORS);
    let page = Overview {
        frame,
        governor: words::governor(&console.upstream.standing(), console.now()),
        ratio: beat.hit_ratio.map_or_else(|| "–".to_owned(), words::percent),
        p99: beat.latency.map_or_else(|| "–".to_owned(), |times| words::number(times.p99)),
        beat,
        restaurants,
        errors,
    };
    html(StatusCode::OK, &page)
}

/// The restaurants whose menus are stored, where the upstream is the lunch API.
async fn restaurants(console: &Console) -> Result<Option<Vec<Place>>, Problem> {
    if !console.is_of_lunch() {
        return Ok(None);
    }
    let text = "/restaurant".to_owned();
    let query = Query { text, sort: Sort::Uri, per_page: PLACES, ..Query::default() };
    let stored = console.cache.listed(query).await?;
    Ok(Some(stored.items.iter().filter_map(Place::of).collect()))
}
