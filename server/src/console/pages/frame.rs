//! What all pages have, and how they are sent.

use askama::Template;
use http::{StatusCode, header};
use poem::{FromRequest, Request, RequestBody, Response, web::Form};
use serde::de::DeserializeOwned;

use crate::{
    console::{Console, Login},
    problem::Problem,
    release,
};

/// What pages may load: what is this listener's own, and nothing that stands in
/// the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a page is about, as the navigation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Cache,
    Explain,
    Upstream,
}

impl Tab {
    pub(super) const ALL: [Tab; 4] = [Tab::Overview, Tab::Cache, Tab::Explain, Tab::Upstream];

    pub(super) fn path(self) -> &'static str {
        match self {
            Tab::Overview => "/",
            Tab::Cache => "/cache",
            Tab::Explain => "/explain",
            Tab::Upstream => "/upstream",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Cache => "Cache",
            Tab::Explain => "Explain",
            Tab::Upstream => "Upstream",
        }
    }
}

/// What stands around the content.
pub(super) struct Frame {
    pub(super) tab: Tab,
    pub(super) version: &'static str,
    pub(super) upstream: String,
    /// Whether there is a login that can be ended.
    pub(super) asks: bool,
}

impl Frame {
    pub(super) fn of(console: &Console, tab: Tab) -> Frame {
        Frame {
            tab,
            version: release::VERSION,
            upstream: console.upstream.books.upstream().to_owned(),
            asks: console.login == Login::Asked,
        }
    }

    /// The page that says why not.
    pub(super) fn refused(self, problem: &Problem) -> Response {
        let title = problem.status.canonical_reason().unwrap_or("Error");
        let page = Refused { frame: self, title, detail: &problem.detail };
        html(problem.status, &page)
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
}

/// The question whether something is to be done, with the form that does it.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// What would happen.
    pub(super) lines: Vec<String>,
    /// To what, at most so much of it.
    pub(super) examples: Vec<String>,
    /// Whether there is more than the examples.
    pub(super) more: bool,
    /// Where the form is sent to, with these fields.
    pub(super) action: &'static str,
    pub(super) fields: Vec<(&'static str, String)>,
    /// The button that sends it, and how it looks.
    pub(super) button: &'static str,
    pub(super) tone: &'static str,
    /// Where to go instead.
    pub(super) back: String,
}

/// A page as an answer.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Response::builder()
            .status(status)
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::REFERRER_POLICY, "same-origin")
            .header(header::CACHE_CONTROL, "no-store")
            .body(text),
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "proxy_internal_error", error.to_string()).response()
        }
    }
}

/// Leads to a page after something was done, so that to load it again does not
/// do it again.
pub(super) fn see_other(location: &str) -> Response {
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, location)
        .header(header::CACHE_CONTROL, "no-store")
        .finish()
}

/// What a query says.
pub(super) fn query<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    request.params().map_err(|error| Problem::bad_request(error.to_string()))
}

/// What a form says.
pub(super) async fn form<T: DeserializeOwned>(mut request: Request) -> Result<T, Problem> {
    let mut body = RequestBody::new(request.take_body());
    let form = Form::<T>::from_request(&request, &mut body).await;
    form.map(|form| form.0).map_err(|error| Problem::bad_request(error.to_string()))
}
