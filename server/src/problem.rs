//! Errors of our own: problem details (RFC 9457), never confused with an
//! upstream answer.

use http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Response, error::ResponseError};
use serde::Serialize;

/// The name this relay goes by in `Via`, `CDN-Loop`, `Cache-Status` and
/// `Proxy-Status`.
pub const NAME: &str = "lunch-relay";

/// `Proxy-Status` (RFC 9209): the mark that tells our errors from the
/// upstream's.
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// An error that the relay itself answers with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// The proxy error type (RFC 9209 §2.3), for programs.
    pub error: &'static str,
    /// What is wrong and what to do about it, for people.
    pub detail: String,
    /// A field that the status calls for, as `Allow` for 405.
    pub field: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem without a field of its own.
    pub fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, error, detail: detail.into(), field: None }
    }

    /// 400: the request cannot be relayed as it is.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "http_request_error", detail)
    }

    /// 405: the method is not relayed; `allow` lists those that are.
    pub fn method_not_allowed(detail: impl Into<String>, allow: &'static str) -> Problem {
        let mut problem =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "http_request_denied", detail);
        problem.field = Some((header::ALLOW, HeaderValue::from_static(allow)));
        problem
    }

    /// The answer.
    pub fn response(&self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: &'static str,
            title: &'a str,
            status: u16,
            detail: &'a str,
        }

        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let mut response = Response::builder()
            .status(self.status)
            .content_type("application/problem+json")
            .header(PROXY_STATUS, format!("{NAME}; error={}", self.error))
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .body(serde_json::to_vec(&body).unwrap_or_default());
        if let Some((name, value)) = &self.field {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn as_response(&self) -> Response {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_what_is_wrong_in_json_and_marks_itself() {
        let response = Problem::method_not_allowed("TRACE is not relayed", "GET").response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("proxy-status"), Some("lunch-relay; error=http_request_denied"));
        assert_eq!(response.header("allow"), Some("GET"));
        assert_eq!(
            response.into_body().into_string().await.unwrap(),
            r#"{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"TRACE is not relayed"}"#
        );
    }
}
