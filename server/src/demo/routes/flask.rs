//! Eras A to D: Flask behind gunicorn.

use http::{Method, StatusCode, header, request};

use super::{
    super::{
        Era,
        answer::Answer,
        pages,
        target::{Base, Resource, Slash, Target, field},
    },
    HTML, JSON, State, Workers,
};

pub(super) fn answer(state: &State, request: &request::Parts, workers: Workers) -> Answer {
    let era = state.era;
    let line =
        request.method.as_str().len() + request.uri.to_string().len() + " HTTP/1.1\r\n".len();
    if line > pages::REQUEST_LINE_LIMIT {
        return Answer::new(server(era), StatusCode::BAD_REQUEST)
            .body("text/html", pages::request_line_too_large(line).into_bytes())
            .header(header::CONNECTION, "close");
    }

    let target = Target::collapsing_slashes(&request.uri);
    let target = target.filter(|target| is_routed(era, target));
    let answer = match &target {
        Some(target) => route(state, request, target, workers),
        None => not_found(era),
    };
    share(request, answer)
}

/// Whether there is anything at that path, though it may be a redirect.
fn is_routed(era: Era, target: &Target<'_>) -> bool {
    let exists = match target.resource {
        Resource::Root | Resource::List | Resource::Menu(_) | Resource::Slack => true,
        Resource::Version => era == Era::D,
        Resource::OpenApi | Resource::Docs => false,
    };
    exists && (target.slash == Slash::Absent || canonical(era, target) == Slash::Present)
}

/// How the path ends that needs no redirect.
fn canonical(era: Era, target: &Target<'_>) -> Slash {
    match target.resource {
        Resource::Slack => Slash::Present,
        _ if era == Era::A => Slash::Present,
        _ => Slash::Absent,
    }
}

fn route(state: &State, request: &request::Parts, target: &Target<'_>, workers: Workers) -> Answer {
    let era = state.era;
    let allow = methods(era, &target.resource);
    let method = request.method.as_str();
    if !allow.split(", ").any(|allowed| allowed == method) {
        return page(era, StatusCode::METHOD_NOT_ALLOWED, pages::method_not_allowed(era))
            .header(header::ALLOW, allow);
    }

    let base = Base::of(&request.headers);
    if target.slash != canonical(era, target) {
        let location = base.url(&format!("{}/", target.path), request.uri.query());
        return page(era, StatusCode::PERMANENT_REDIRECT, pages::redirecting(&location))
            .header(header::LOCATION, &location);
    }
    if request.method == Method::OPTIONS {
        return page(era, StatusCode::OK, String::new()).header(header::ALLOW, allow);
    }
    if target.resource == Resource::Slack {
        // The command's field is in the body, which is not read: as without it.
        return page(era, StatusCode::BAD_REQUEST, pages::bad_request(era));
    }
    match state.document(&target.resource, workers, &base.url(target.path, None)) {
        Some(body) => Answer::new(server(era), StatusCode::OK).body(JSON, body),
        None if matches!(era, Era::B | Era::D) => {
            page(era, StatusCode::INTERNAL_SERVER_ERROR, pages::internal_server_error(era))
        }
        None => not_found(era),
    }
}

fn not_found(era: Era) -> Answer {
    page(era, StatusCode::NOT_FOUND, pages::not_found(era))
}

fn page(era: Era, status: StatusCode, page: String) -> Answer {
    Answer::new(server(era), status).body(HTML, page.into_bytes())
}

fn server(era: Era) -> &'static str {
    if era == Era::A { "gunicorn/20.0.4" } else { "gunicorn" }
}

/// The methods of a path; they are a set, in whatever order it fell.
fn methods(era: Era, resource: &Resource) -> &'static str {
    match (resource, era) {
        (Resource::Slack, Era::B) => "POST, OPTIONS",
        (Resource::Slack, _) => "OPTIONS, POST",
        (_, Era::B) => "HEAD, GET, OPTIONS",
        (_, Era::C) => "GET, OPTIONS, HEAD",
        _ => "GET, HEAD, OPTIONS",
    }
}

/// Shares the answer with every origin: one that is named is echoed, so that the
/// answer depends on it.
fn share(request: &request::Parts, mut answer: Answer) -> Answer {
    let headers = &request.headers;
    let Some(origin) = field(headers, &header::ORIGIN) else {
        return answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    };
    answer = answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let is_preflight = request.method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        if let Some(asked) = field(headers, &header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        let methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
        answer = answer.header(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    answer.header(header::VARY, "Origin")
}
