//! The answers: as JSON or as text, with what caches and clients need to know,
//! or a problem.

use std::marker::PhantomData;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Request, Response};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};

use crate::{
    cache::{
        etag::{self, EntityTag},
        status::CACHE_STATUS,
    },
    list::members,
    menus::{Source, Unread, lifetime},
    problem::Problem,
};

/// An answer with a `T`, or a problem.
#[derive(Debug)]
pub(super) struct Answer<T> {
    json: Response,
    text: Response,
    asked: Form,
    of: PhantomData<fn() -> T>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For programs.
    Json,
    /// For people.
    Text,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    problem: Problem,
    suggestions: Vec<String>,
}

/// What is wrong (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub(super) struct MenuProblem {
    /// `about:blank`: the status says it all.
    pub r#type: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// What may have been meant.
    #[oai(skip_serializing_if_is_none)]
    pub suggestions: Option<Vec<String>>,
}

impl<T: ToJSON> Answer<T> {
    /// What was asked for, made of what was read at these sources.
    pub(super) fn new(
        request: &Request,
        view: T,
        text: impl FnOnce() -> String,
        sources: &[Source],
    ) -> Answer<T> {
        let told = told(sources);
        let json = view.to_json_string();
        let text = text();
        let form = |body: String, media_type: &'static str| {
            // Ages go on while the content is the same.
            let tag = etag::weak(without_ages(&body).as_bytes());
            let is_known = members(request.headers(), &header::IF_NONE_MATCH)
                .any(|known| known == "*" || is_same(known, &tag));
            let mut response = if is_known {
                Response::from(StatusCode::NOT_MODIFIED)
            } else {
                Response::builder().content_type(media_type).body(body)
            };
            response.headers_mut().extend(told.clone());
            response.headers_mut().insert(header::ETAG, tag);
            response
        };
        Answer {
            json: form(json, "application/json; charset=utf-8"),
            text: form(text, "text/plain; charset=utf-8"),
            asked: asked(request.headers()),
            of: PhantomData,
        }
    }
}

impl<T> Answer<T> {
    /// The answer, written so.
    pub(super) fn in_form(self, form: Form) -> Response {
        match form {
            Form::Json => self.json,
            Form::Text => self.text,
        }
    }
}

impl<T> From<Refused> for Answer<T> {
    fn from(refused: Refused) -> Answer<T> {
        let text = refused.text();
        Answer { json: refused.json(), text, asked: Form::Json, of: PhantomData }
    }
}

impl<T: Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let asked = self.asked;
        self.in_form(asked)
    }
}

impl Refused {
    /// A request that cannot be answered.
    pub(super) fn new(status: StatusCode, detail: String) -> Refused {
        let error = match status {
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => "http_request_error",
            StatusCode::GATEWAY_TIMEOUT => "http_response_timeout",
            _ => "destination_unavailable",
        };
        Refused { problem: Problem::new(status, error, detail), suggestions: Vec::new() }
    }

    /// Something that there is not, and what may have been meant.
    pub(super) fn unknown(detail: &str, suggestions: Vec<String>) -> Refused {
        let detail = match &suggestions[..] {
            [] => format!("{detail}: /v1/restaurants lists what there is"),
            [one] => format!("{detail}: did you mean {one}?"),
            [first @ .., last] => format!("{detail}: did you mean {} or {last}?", first.join(", ")),
        };
        Refused { suggestions, ..Refused::new(StatusCode::NOT_FOUND, detail) }
    }

    fn json(&self) -> Response {
        let mut response = self.problem.response();
        if !self.suggestions.is_empty() {
            let problem = MenuProblem {
                r#type: "about:blank".to_owned(),
                title: "Not Found".to_owned(),
                status: self.problem.status.as_u16(),
                detail: self.problem.detail.clone(),
                suggestions: Some(self.suggestions.clone()),
            };
            response.set_body(problem.to_json_string());
        }
        response
    }

    fn text(&self) -> Response {
        let mut response = self.problem.response();
        // It quotes what was asked for, and is meant for a terminal.
        response.set_body(format!("{}\n", lunch::clean(&self.problem.detail)));
        response.set_content_type("text/plain; charset=utf-8")
    }
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Refused {
        let detail = unread.to_string();
        match unread {
            Unread::Unavailable { status, retry_after, .. } => {
                let mut refused = Refused::new(status, detail);
                refused.problem.field = retry_after.map(|when| (header::RETRY_AFTER, when));
                refused
            }
            Unread::NotFound(_) | Unread::Unreadable { .. } => {
                Refused::new(StatusCode::BAD_GATEWAY, detail)
            }
        }
    }
}

/// What caches and clients need to know of an answer made of these.
fn told(sources: &[Source]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fresh = format!("max-age={}", lifetime(sources).as_secs());
    if let Ok(value) = HeaderValue::try_from(fresh) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    for source in sources {
        let Some(Ok(status)) = source.cache_status.as_ref().map(HeaderValue::to_str) else {
            continue;
        };
        let key = if status.contains("; key=") {
            String::new()
        } else {
            format!("; key=\"{}\"", source.target)
        };
        if let Ok(value) = HeaderValue::try_from(format!("{status}{key}")) {
            headers.append(CACHE_STATUS, value);
        }
    }
    headers
}

/// The form that `Accept` prefers (RFC 9110 §12.5.1): JSON, unless it names text
/// and JSON no better.
fn asked(headers: &HeaderMap) -> Form {
    let weight = |name: &str| {
        members(headers, &header::ACCEPT)
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let is_meant = parts.next().is_some_and(|range| range.eq_ignore_ascii_case(name));
                let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
                is_meant.then(|| weight.unwrap_or(1.0))
            })
            .fold(0.0, f32::max)
    };
    let text = weight("text/plain").max(weight("text/*"));
    let json = weight("application/json").max(weight("application/*"));
    if json < text { Form::Text } else { Form::Json }
}

fn is_same(known: &str, tag: &HeaderValue) -> bool {
    HeaderValue::from_str(known)
        .is_ok_and(|known| EntityTag::of(&known).weak_eq(&EntityTag::of(tag)))
}

/// A document without the numbers that count time.
fn without_ages(json: &str) -> String {
    let mut parts = json.split("\"age_seconds\":");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

impl<T: Type> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let header = |name: &str, description: &str| MetaHeader {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            required: true,
            deprecated: false,
            schema: String::schema_ref(),
        };
        let json = MetaMediaType {
            content_type: "application/json; charset=utf-8",
            schema: T::schema_ref(),
        };
        let text = MetaMediaType {
            content_type: "text/plain; charset=utf-8",
            schema: String::schema_ref(),
        };
        let headers = || {
            vec![
                header("ETag", "Changes with the content, its ages aside"),
                header(
                    "Cache-Control",
                    "`max-age`: the freshness that is left of all that it is made of",
                ),
                header("Cache-Status", "How the relay came by the list and each menu (RFC 9211)"),
            ]
        };
        let told = |status, description, content, headers| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content,
            headers,
        };
        let problem = |status, description| {
            let content = MetaMediaType {
                content_type: "application/problem+json",
                schema: MenuProblem::schema_ref(),
            };
            told(status, description, vec![content], Vec::new())
        };
        MetaResponses {
            responses: vec![
                told(200, "What there is today", vec![json, text], headers()),
                told(304, "What the client has is what there is", Vec::new(), headers()),
                problem(400, "The request cannot be read"),
                problem(
                    404,
                    "There is no such restaurant or region; perhaps one of the suggestions was meant",
                ),
                problem(500, "The relay failed"),
                problem(502, "The upstream cannot be reached, or what it says cannot be read"),
                problem(503, "The upstream may not be asked now; `Retry-After` says when"),
                problem(504, "The upstream took too long"),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        MenuProblem::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_what_most_want() {
        #[track_caller]
        fn check(accept: &'static str, form: Form) {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(asked(&headers), form, "{accept}");
        }

        check("*/*", Form::Json);
        check("application/json", Form::Json);
        check("text/html, application/xhtml+xml, */*;q=0.8", Form::Json);
        check("text/plain", Form::Text);
        check("text/plain;q=0.9, application/json;q=0.5", Form::Text);
        check("text/plain, application/json", Form::Json);
        check("text/*", Form::Text);
        assert_eq!(asked(&HeaderMap::new()), Form::Json);
    }

    #[test]
    fn ages_make_no_other_content() {
        let json = r#"{"age_seconds":12,"x":1,"y":{"age_seconds":0}}"#;
        assert_eq!(without_ages(json), r#"{,"x":1,"y":{}}"#);
    }

    #[test]
    fn who_asks_for_what_there_is_not_is_told_what_there_is() {
        let check = |suggestions: &[&str], detail: &str| {
            let suggestions = suggestions.iter().map(|&id| id.to_owned()).collect();
            let refused = Refused::unknown("there is no restaurant 'x'", suggestions);
            assert_eq!(refused.problem.detail, format!("there is no restaurant 'x': {detail}"));
        };
        check(&[], "/v1/restaurants lists what there is");
        check(&["a"], "did you mean a?");
        check(&["a", "b", "c"], "did you mean a, b or c?");
    }
}
