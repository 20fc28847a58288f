//! Eras E and F: `FastAPI` behind uvicorn.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::{HeaderMap, Method, StatusCode, header, request};
use tokio::time::Instant;

use super::{
    super::{
        answer::Answer,
        shape,
        target::{Base, Resource, Slash, Target, field},
    },
    HTML, JSON, State, Workers,
};

const SERVER: &str = "uvicorn";

pub(super) fn answer(
    state: &State,
    request: &request::Parts,
    workers: Workers,
    now: Instant,
) -> Answer {
    if let Some(preflight) = preflight(request) {
        return preflight;
    }
    let answer = match Target::exact(&request.uri) {
        Some(target) if target.resource != Resource::Slack => {
            route(state, request, &target, workers, now)
        }
        _ => error(StatusCode::NOT_FOUND, "Not Found"),
    };
    share(&request.headers, answer)
}

fn route(
    state: &State,
    request: &request::Parts,
    target: &Target<'_>,
    workers: Workers,
    now: Instant,
) -> Answer {
    if target.slash == Slash::Present {
        let location = Base::of(&request.headers).url(target.path, request.uri.query());
        return Answer::new(SERVER, StatusCode::TEMPORARY_REDIRECT)
            .no_body()
            .header(header::LOCATION, &location);
    }
    if request.method != Method::GET {
        return error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            .header(header::ALLOW, "GET");
    }
    let Some(body) = state.document(&target.resource, workers, "") else {
        return error(StatusCode::NOT_FOUND, "Restaurant not found");
    };

    let ok = Answer::new(SERVER, StatusCode::OK);
    match target.resource {
        Resource::Docs => ok.body(HTML, body),
        Resource::OpenApi => ok.body(JSON, body),
        _ if asks_past_the_cache(&request.headers) => ok.body(JSON, body),
        _ => cached(state, request, &target.resource, body, now),
    }
}

fn error(status: StatusCode, message: &str) -> Answer {
    Answer::new(SERVER, status).body(JSON, shape::detail(message))
}

/// An answer from the API's cache, where all has been since it started, and is
/// renewed when its time is over.
fn cached(
    state: &State,
    request: &request::Parts,
    resource: &Resource,
    body: Vec<u8>,
    now: Instant,
) -> Answer {
    let lifetime = if matches!(resource, Resource::Menu(_)) { 10_800 } else { 360_000 };
    let age = now.duration_since(state.started).as_secs() % lifetime;
    let cache_control = format!("max-age={}", lifetime - age);
    let entity_tag = entity_tag(state.seed, &body);

    let condition = request.headers.get(header::IF_NONE_MATCH);
    if condition.is_some_and(|condition| condition.as_bytes() == entity_tag.as_bytes()) {
        return Answer::new(SERVER, StatusCode::NOT_MODIFIED)
            .header(header::CACHE_CONTROL, &cache_control);
    }
    Answer::new(SERVER, StatusCode::OK)
        .body(JSON, body)
        .header(header::CACHE_CONTROL, &cache_control)
        .header(header::ETAG, &entity_tag)
}

/// Whether the request makes the API read the restaurant's page anew: only these
/// very values do.
fn asks_past_the_cache(headers: &HeaderMap) -> bool {
    matches!(field(headers, &header::CACHE_CONTROL), Some("no-cache" | "no-store"))
}

/// A weak entity tag as the API writes it: a signed hash without the quotation
/// marks that RFC 9110 §8.8.3 asks for.
fn entity_tag(seed: u64, body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    (seed, body).hash(&mut hasher);
    format!("W/{}", hasher.finish().cast_signed())
}

/// Shares the answer with every origin, if one asks.
fn share(headers: &HeaderMap, answer: Answer) -> Answer {
    if !headers.contains_key(header::ORIGIN) {
        return answer;
    }
    answer
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
}

/// The answer to a preflight, which comes before any path is looked at.
fn preflight(request: &request::Parts) -> Option<Answer> {
    if request.method != Method::OPTIONS {
        return None;
    }
    let origin = field(&request.headers, &header::ORIGIN)?;
    let (status, body) = match field(&request.headers, &header::ACCESS_CONTROL_REQUEST_METHOD)? {
        "GET" => (StatusCode::OK, "OK"),
        _ => (StatusCode::BAD_REQUEST, "Disallowed CORS method"),
    };

    let mut answer = Answer::new(SERVER, status)
        .header(header::VARY, "Origin")
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET")
        .header(header::ACCESS_CONTROL_MAX_AGE, "600")
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if let Some(asked) = field(&request.headers, &header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
    Some(answer.body("text/plain; charset=utf-8", body.into()))
}
