//! Exchanging the token for a cookie, for those who come with a browser.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use poem::{
    Endpoint, FromRequest, Request, RequestBody, Response, Route,
    endpoint::{make, make_sync},
    get, post,
    web::Form,
};
use serde::Deserialize;

use super::{Guard, LOGIN};
use crate::problem::Problem;

/// Where a login ends.
pub const LOGOUT: &str = "/logout";
/// Where it leads to.
const HOME: &str = "/";

/// The form in which the token is typed: no script, and nothing from elsewhere.
const FORM: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <title>lunch-relay</title>\n<link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n<main>\n\
    <h1>lunch-relay</h1>\n<form method=\"post\" action=\"/login\">\n\
    <p><label for=\"token\">Token (<code>--admin-token</code>, or the one in the log)</label></p>\n\
    <p><input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" \
    required autofocus>\n<button>Log in</button></p>\n</form>\n</main>\n</body>\n</html>\n";
const FORM_POLICY: &str = "default-src 'none'; img-src data:; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// What is sent to log in.
#[derive(Deserialize)]
struct Credentials {
    token: Option<String>,
}

/// `/login` and `/logout` beside other routes.
pub fn routes(routes: Route, guard: &Arc<Guard>) -> Route {
    let by_link = Arc::clone(guard);
    let by_form = Arc::clone(guard);
    let link = make_sync(move |request| by_link.log_in_by_link(&request));
    let form = make(move |request| {
        let guard = Arc::clone(&by_form);
        async move { Ok::<_, poem::Error>(guard.log_in_by_form(request).await) }
    });
    routes.at(LOGIN, get(link).post(form)).at(LOGOUT, post(log_out()))
}

fn log_out() -> impl Endpoint<Output = Response> {
    make_sync(|_| redirect(LOGIN, Guard::no_cookie()))
}

impl Guard {
    /// The link in the log brings the token; who has none is shown the form.
    fn log_in_by_link(&self, request: &Request) -> Response {
        if !self.asks() {
            return to_home();
        }
        match request.params::<Credentials>().ok().and_then(|said| said.token) {
            Some(token) => self.logged_in(&token, request).unwrap_or_else(|no| no.response()),
            None => form(StatusCode::OK),
        }
    }

    async fn log_in_by_form(&self, mut request: Request) -> Response {
        let mut body = RequestBody::new(request.take_body());
        let said = Form::<Credentials>::from_request(&request, &mut body).await.ok();
        let Some(token) = said.and_then(|said| said.0.token) else {
            return Problem::bad_request("the form has a field 'token'").response();
        };
        match self.logged_in(&token, &request) {
            Ok(answer) => answer,
            // No 401: its challenge would have the browser ask in its own way.
            Err(no) if no.status == StatusCode::UNAUTHORIZED => form(StatusCode::FORBIDDEN),
            Err(no) => no.response(),
        }
    }

    fn logged_in(&self, token: &str, request: &Request) -> Result<Response, Problem> {
        Ok(redirect(HOME, self.cookie_for(token.trim(), request.remote_addr())?))
    }
}

fn to_home() -> Response {
    see_other(HOME)
}

fn redirect(to: &'static str, cookie: HeaderValue) -> Response {
    let mut answer = see_other(to);
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

fn see_other(to: &'static str) -> Response {
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, to)
        .header(header::CACHE_CONTROL, "no-store")
        // The link has the token in it.
        .header(header::REFERRER_POLICY, "no-referrer")
        .finish()
}

fn form(status: StatusCode) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, FORM_POLICY)
        .body(FORM)
}
