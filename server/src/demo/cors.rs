//! Cross-origin sharing, as each era does it: every origin is welcome.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::answer::Answer;

/// Eras A to D: an origin is echoed, so that an answer depends on it.
pub(super) fn flask(method: &Method, headers: &HeaderMap, mut answer: Answer) -> Answer {
    let Some(origin) = field(headers, &header::ORIGIN) else {
        return answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    };
    answer = answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        if let Some(asked) = field(headers, &header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        answer = answer.header(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        );
    }
    answer.header(header::VARY, "Origin")
}

/// Eras E and F, on any answer but a preflight's.
pub(super) fn fastapi(headers: &HeaderMap, answer: Answer) -> Answer {
    if !headers.contains_key(header::ORIGIN) {
        return answer;
    }
    answer
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
}

/// Eras E and F, where a preflight is answered before any path is looked at.
pub(super) fn fastapi_preflight(method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let origin = field(headers, &header::ORIGIN)?;
    let wanted = field(headers, &header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != Method::OPTIONS {
        return None;
    }

    let (status, body) = match wanted {
        "GET" => (StatusCode::OK, "OK"),
        _ => (StatusCode::BAD_REQUEST, "Disallowed CORS method"),
    };
    let mut answer = Answer::new("uvicorn", status)
        .header(header::VARY, "Origin")
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET")
        .header(header::ACCESS_CONTROL_MAX_AGE, "600")
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if let Some(asked) = field(headers, &header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
    Some(answer.body("text/plain; charset=utf-8", body.into()))
}

fn field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
