//! Who may use the operator's listener.
//!
//! Off loopback, and wherever `--admin-token` is set, a request has to bring the
//! token: as a bearer token (RFC 6750), as the password of Basic authentication
//! (RFC 7617), or as the cookie that `/login` gives for it. On loopback without
//! a token it is the browser's user that has to be protected: a page of another
//! site may not reach through it ([`site`]). What is compared, and what is
//! counted of failures ([`attempts`]), is pure.

pub mod attempts;
pub mod login;
pub mod site;
pub mod token;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use poem::{Body, Endpoint, Request, Response, error::ReadBodyError, web::RemoteAddr};
use tokio::time::{Instant, timeout};

use self::{
    attempts::Attempts,
    site::{Names, Refused},
    token::{NoRandomness, Presented, Token},
};
use crate::problem::Problem;

/// Paths that need no token: programs ask for them that have none.
const OPEN: [&str; 3] = ["/metrics", "/healthz", "/readyz"];
/// Where the token is exchanged for a cookie.
pub const LOGIN: &str = "/login";
/// Bytes of a request's body at most.
const BODY: usize = 64 << 10;
/// How long a request's body may take.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Lets the operator in, and nobody else.
#[derive(Debug)]
pub struct Guard {
    token: Option<Token>,
    names: Names,
    attempts: Mutex<Attempts>,
    started: Instant,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotLetIn {
    /// It brings no token.
    Unknown,
    /// What it brings is not the token.
    Wrong,
    /// There were too many wrong ones; so long until the next is looked at.
    TooMany(Duration),
    /// It comes from another site.
    Foreign(Refused),
}

impl Guard {
    /// The guard of a listener at this address. `token` is what `--admin-token`
    /// says; off loopback one is made where it says nothing.
    pub fn of(token: Option<&Token>, address: SocketAddr) -> Result<Guard, NoRandomness> {
        let is_loopback = address.ip().to_canonical().is_loopback();
        let token = match token {
            Some(token) => Some(token.clone()),
            None if is_loopback => None,
            None => Some(Token::random()?),
        };
        // Where a token is asked for, a name that was bound anew brings none.
        let names = if token.is_some() { Names::Any } else { Names::OfThisMachine };
        Ok(Guard { token, names, attempts: Mutex::default(), started: Instant::now() })
    }

    /// Whether a token has to be shown.
    pub fn asks(&self) -> bool {
        self.token.is_some()
    }

    /// The URL that lets a browser on this machine in, where a token is asked for.
    pub fn login_url(&self, address: SocketAddr) -> Option<String> {
        let token = self.token.as_ref()?;
        let host = match address.ip() {
            ip if ip.is_unspecified() => format!("localhost:{}", address.port()),
            _ => address.to_string(),
        };
        Some(format!("http://{host}{LOGIN}?token={}", token.encoded()))
    }

    /// The cookie for a token, if it is the right one; wrong ones are counted.
    pub fn cookie_for(&self, token: &str, peer: &RemoteAddr) -> Result<HeaderValue, Problem> {
        let Some(own) = &self.token else {
            return Err(Problem::bad_request("no token is asked for here"));
        };
        self.judge(own, &Presented::Token(token.to_owned()), peer).map_err(NotLetIn::problem)?;
        Ok(own.cookie())
    }

    /// The cookie that ends a login.
    pub fn no_cookie() -> HeaderValue {
        token::no_cookie()
    }

    fn let_in(&self, request: &Request) -> Result<(), NotLetIn> {
        let path = request.uri().path();
        if OPEN.contains(&path) {
            return Ok(());
        }
        site::check(request.method(), request.uri(), request.headers(), self.names)
            .map_err(NotLetIn::Foreign)?;
        let Some(token) = self.token.as_ref().filter(|_| path != LOGIN) else { return Ok(()) };
        match Presented::of(request.headers()) {
            Some(presented) => self.judge(token, &presented, request.remote_addr()),
            None => Err(NotLetIn::Unknown),
        }
    }

    fn judge(&self, own: &Token, presented: &Presented, peer: &RemoteAddr) -> Result<(), NotLetIn> {
        let now = self.started.elapsed();
        let peer = peer.as_socket_addr().map(|peer: &SocketAddr| peer.ip().to_canonical());
        let peer: IpAddr = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let mut attempts = self.attempts.lock();
        attempts.may_try(peer, now).map_err(NotLetIn::TooMany)?;
        if own.is(presented) {
            return Ok(());
        }
        attempts.failed(peer, now);
        Err(NotLetIn::Wrong)
    }
}

impl NotLetIn {
    fn problem(self) -> Problem {
        let unauthorized = |detail: &str| Problem {
            field: Some((header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGES))),
            ..Problem::new(StatusCode::UNAUTHORIZED, "http_request_denied", detail)
        };
        match self {
            NotLetIn::Unknown => unauthorized(
                "the operator's listener asks for a token (--admin-token, or the one in the log): \
                 send it as 'Authorization: Bearer TOKEN', or log in at /login",
            ),
            NotLetIn::Wrong => unauthorized("that is not the token (--admin-token)"),
            NotLetIn::TooMany(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() != 0);
                let detail = "too many wrong tokens came from this address: wait";
                Problem {
                    field: Some((header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))),
                    ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "http_request_denied", detail)
                }
            }
            NotLetIn::Foreign(refused) => {
                Problem::new(StatusCode::FORBIDDEN, "http_request_denied", refused.to_string())
            }
        }
    }
}

/// What a request without a token may answer with (RFC 9110 §11.6.1).
const CHALLENGES: &str = "Bearer realm=\"lunch-relay\", Basic realm=\"lunch-relay\"";

/// Endpoints behind a guard; their requests' bodies are small, and there.
#[derive(Debug)]
pub struct Guarded<E> {
    guard: Arc<Guard>,
    inner: E,
}

impl<E> Guarded<E> {
    /// Puts a guard before endpoints.
    pub fn new(guard: Arc<Guard>, inner: E) -> Guarded<E> {
        Guarded { guard, inner }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if let Err(refused) = self.guard.let_in(&request) {
            return Ok(refusal(refused, &request));
        }
        let body = match timeout(BODY_TIME, request.take_body().into_bytes_limit(BODY)).await {
            Ok(Ok(body)) => body,
            Ok(Err(ReadBodyError::PayloadTooLarge)) => {
                let detail = format!("a request to the operator has {BODY} bytes at most");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Ok(Problem::new(status, "http_request_error", detail).response());
            }
            Ok(Err(error)) => return Ok(Problem::bad_request(error.to_string()).response()),
            Err(_) => {
                let (status, detail) = (StatusCode::REQUEST_TIMEOUT, "the body did not come");
                return Ok(Problem::new(status, "http_request_error", detail).response());
            }
        };
        request.set_body(Body::from_bytes(body));
        self.inner.call(request).await
    }
}

/// The answer to a request that is not let in: who looks at a page is led to
/// where the token can be typed.
fn refusal(refused: NotLetIn, request: &Request) -> Response {
    let accepts = request.header(header::ACCEPT).unwrap_or_default();
    if refused == NotLetIn::Unknown && request.method().is_safe() && accepts.contains("text/html") {
        return Response::builder()
            .status(StatusCode::SEE_OTHER)
            .header(header::LOCATION, LOGIN)
            .header(header::CACHE_CONTROL, "no-store")
            .finish();
    }
    refused.problem().response()
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const TOKEN: &str = "a-token-of-the-test";

    fn guard(token: Option<&str>, address: &str) -> Guard {
        let token = token.map(|token| token.parse().unwrap());
        Guard::of(token.as_ref(), address.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_asked_for_off_loopback_and_where_one_is_set() {
        let check = |token, address, expected: bool| {
            assert_eq!(guard(token, address).asks(), expected, "{token:?} {address}");
        };
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            check(None, address, false);
            check(Some(TOKEN), address, true);
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[2001:db8::1]:1"] {
            check(None, address, true);
        }
    }

    #[test]
    fn the_url_that_is_logged_can_be_followed() {
        let url = |token, address: &str| guard(token, address).login_url(address.parse().unwrap());
        assert_eq!(url(None, "127.0.0.1:1"), None);
        let expected = format!("http://localhost:1/login?token={TOKEN}");
        assert_eq!(url(Some(TOKEN), "[::]:1"), Some(expected));
        let expected = format!("http://10.0.0.1:1/login?token={TOKEN}");
        assert_eq!(url(Some(TOKEN), "10.0.0.1:1"), Some(expected));
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_tokens_in_the_form_are_limited_and_then_a_right_one_waits_too() {
        let guard = guard(Some(TOKEN), "0.0.0.0:1");
        let log_in = |token| guard.cookie_for(token, &RemoteAddr::default());
        let status = |token| log_in(token).map_err(|problem| problem.status.as_u16()).err();
        assert_eq!(status(TOKEN), None);
        for _ in 0..10 {
            assert_eq!(status("another-token-of-it"), Some(401));
        }
        assert_eq!(status("another-token-of-it"), Some(429));
        assert_eq!(status(TOKEN), Some(429));
        advance(Duration::from_secs(5)).await;
        assert_eq!(status(TOKEN), None);
    }
}
