//! An answer of the demo before it is sent.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::pages;

/// Says on every answer whose it is.
pub(super) const DEMO: HeaderName = HeaderName::from_static("x-demo");
/// What [`DEMO`] says.
pub(super) const DEMO_NOTICE: &str = "lunch-relay demo upstream, not the real API";

/// An answer, complete but for `Date` and `Connection`.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// An answer from the named server.
    pub(super) fn new(server: &'static str, status: StatusCode) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::SERVER, HeaderValue::from_static(server));
        headers.insert(DEMO, HeaderValue::from_static(DEMO_NOTICE));
        Answer { status, headers, body: Vec::new() }
    }

    /// A page of the proxy in front of the API.
    pub(super) fn nginx(status: StatusCode) -> Answer {
        Answer::new("nginx", status)
            .body("text/html", pages::nginx(&status.to_string()).into_bytes())
    }

    /// With this body, and its length.
    pub(super) fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Answer {
        self.headers.insert(header::CONTENT_LENGTH, body.len().into());
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    /// With an empty body, whose length is said but whose type is not.
    pub(super) fn no_body(mut self) -> Answer {
        self.headers.insert(header::CONTENT_LENGTH, 0.into());
        self
    }

    /// With this header; one that cannot be sent is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}
