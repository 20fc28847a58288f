//! What the API answers, in each era: paths, methods, redirects, headers.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use http::{HeaderMap, Method, StatusCode, header, request};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Era, Weekday,
    answer::Answer,
    cors, pages,
    places::{self, Place},
    shape,
    target::{Base, Resource, Slash, Target},
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
        Era::A | Era::B | Era::C | Era::D => flask(state, request, workers),
        Era::E | Era::F => fastapi(state, request, workers, now),
    };
    if request.method == Method::HEAD {
        answer.body.clear();
    }
    answer
}

/// Eras A to D: Flask behind gunicorn.
fn flask(state: &State, request: &request::Parts, workers: Workers) -> Answer {
    let era = state.era;
    let line =
        request.method.as_str().len() + request.uri.to_string().len() + " HTTP/1.1\r\n".len();
    if line > pages::REQUEST_LINE_LIMIT {
        return Answer::new(flask_server(era), StatusCode::BAD_REQUEST)
            .body("text/html", pages::request_line_too_large(line).into_bytes())
            .header(header::CONNECTION, "close");
    }
    let answer = flask_route(state, request, workers);
    cors::flask(&request.method, &request.headers, answer)
}

fn flask_route(state: &State, request: &request::Parts, workers: Workers) -> Answer {
    let era = state.era;
    let page =
        |status, page: String| Answer::new(flask_server(era), status).body(HTML, page.into_bytes());
    let not_found = || page(StatusCode::NOT_FOUND, pages::not_found(era));

    let Some(target) = Target::collapsing_slashes(&request.uri) else { return not_found() };
    let served = match target.resource {
        Resource::Root | Resource::List | Resource::Menu(_) | Resource::Slack => true,
        Resource::Version => era == Era::D,
        Resource::OpenApi | Resource::Docs => false,
    };
    if !served {
        return not_found();
    }

    let canonical = match target.resource {
        Resource::Slack => Slash::Present,
        _ if era == Era::A => Slash::Present,
        _ => Slash::Absent,
    };
    if target.slash == Slash::Present && canonical == Slash::Absent {
        return not_found();
    }

    let allow = match target.resource {
        Resource::Slack => slack_methods(era),
        _ => flask_methods(era),
    };
    let method = request.method.as_str();
    if !allow.split(", ").any(|allowed| allowed == method) {
        return page(StatusCode::METHOD_NOT_ALLOWED, pages::method_not_allowed(era))
            .header(header::ALLOW, allow);
    }
    let base = Base::of(&request.headers);
    if target.slash != canonical {
        let location = base.url(&format!("{}/", target.path), request.uri.query());
        return page(StatusCode::PERMANENT_REDIRECT, pages::redirecting(&location))
            .header(header::LOCATION, &location);
    }
    if request.method == Method::OPTIONS {
        return page(StatusCode::OK, String::new()).header(header::ALLOW, allow);
    }
    if target.resource == Resource::Slack {
        // The command's field is in the body, which is not read: as without it.
        return page(StatusCode::BAD_REQUEST, pages::bad_request(era));
    }
    match state.document(&target.resource, workers, &base.url(target.path, None)) {
        Some(body) => Answer::new(flask_server(era), StatusCode::OK).body(JSON, body),
        None if matches!(era, Era::B | Era::D) => {
            page(StatusCode::INTERNAL_SERVER_ERROR, pages::internal_server_error(era))
        }
        None => not_found(),
    }
}

fn flask_server(era: Era) -> &'static str {
    if era == Era::A { "gunicorn/20.0.4" } else { "gunicorn" }
}

/// The methods of a path that is read; it is a set, in whatever order it fell.
fn flask_methods(era: Era) -> &'static str {
    match era {
        Era::B => "HEAD, GET, OPTIONS",
        Era::C => "GET, OPTIONS, HEAD",
        _ => "GET, HEAD, OPTIONS",
    }
}

/// The methods of the chat command, likewise.
fn slack_methods(era: Era) -> &'static str {
    if era == Era::B { "POST, OPTIONS" } else { "OPTIONS, POST" }
}

/// Eras E and F: `FastAPI` behind uvicorn.
fn fastapi(state: &State, request: &request::Parts, workers: Workers, now: Instant) -> Answer {
    if let Some(preflight) = cors::fastapi_preflight(&request.method, &request.headers) {
        return preflight;
    }
    let answer = fastapi_route(state, request, workers, now);
    cors::fastapi(&request.headers, answer)
}

fn fastapi_route(
    state: &State,
    request: &request::Parts,
    workers: Workers,
    now: Instant,
) -> Answer {
    let error = |status, message| Answer::new(UVICORN, status).body(JSON, shape::detail(message));
    let target = match Target::exact(&request.uri) {
        Some(target) if target.resource != Resource::Slack => target,
        _ => return error(StatusCode::NOT_FOUND, "Not Found"),
    };

    let base = Base::of(&request.headers);
    if target.slash == Slash::Present {
        return Answer::new(UVICORN, StatusCode::TEMPORARY_REDIRECT)
            .no_body()
            .header(header::LOCATION, &base.url(target.path, request.uri.query()));
    }
    if request.method != Method::GET {
        return error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            .header(header::ALLOW, "GET");
    }
    let Some(body) = state.document(&target.resource, workers, "") else {
        return error(StatusCode::NOT_FOUND, "Restaurant not found");
    };
    match target.resource {
        Resource::Docs => return Answer::new(UVICORN, StatusCode::OK).body(HTML, body),
        Resource::OpenApi => return Answer::new(UVICORN, StatusCode::OK).body(JSON, body),
        _ => {}
    }
    if asks_past_the_cache(&request.headers) {
        return Answer::new(UVICORN, StatusCode::OK).body(JSON, body);
    }

    let lifetime = if matches!(target.resource, Resource::Menu(_)) { 10_800 } else { 360_000 };
    let age = now.duration_since(state.started).as_secs() % lifetime;
    let cache_control = format!("max-age={}", lifetime - age);
    let entity_tag = entity_tag(state.seed, &body);
    let condition = request.headers.get(header::IF_NONE_MATCH);
    if condition.is_some_and(|condition| condition.as_bytes() == entity_tag.as_bytes()) {
        return Answer::new(UVICORN, StatusCode::NOT_MODIFIED)
            .header(header::CACHE_CONTROL, &cache_control);
    }
    Answer::new(UVICORN, StatusCode::OK)
        .body(JSON, body)
        .header(header::CACHE_CONTROL, &cache_control)
        .header(header::ETAG, &entity_tag)
}

const UVICORN: &str = "uvicorn";

/// Whether the request makes the API read the restaurant's page anew: only these
/// very values do.
fn asks_past_the_cache(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CACHE_CONTROL).map(http::HeaderValue::as_bytes);
    matches!(value, Some(b"no-cache" | b"no-store"))
}

/// A weak entity tag as the API writes it: a signed hash without the quotation
/// marks that RFC 9110 §8.8.3 asks for.
fn entity_tag(seed: u64, body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    (seed, body).hash(&mut hasher);
    format!("W/{}", hasher.finish().cast_signed())
}

#[cfg(test)]
mod tests;
