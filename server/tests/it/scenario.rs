//! The cache over a scripted upstream, in few words: for tests that are as
//! short as the requirement that they are of.
//!
//! Requests, answers and what is expected are texts of parts between bars, as
//! in `200 | max-age=60 | etag: "a" | body: menu`. A part is
//!
//! - a field line, `name: value`, in which `{-5}` is the date five seconds
//!   before the scenario began;
//! - in an answer: the status, `body: …` (else it is `menu`, and a number that
//!   counts them), `breaks off: …` for a body without an end, `trailer: …` for
//!   the field `x-trailer` after it, or `takes: 5` for seconds until it begins;
//! - in what is expected: the status, `body: …`, `-name` for a field that is
//!   not there, or else parameters of our member of `Cache-Status`, `!stored`
//!   for one that is not there;
//! - in a request or an answer else: `Cache-Control`.

use std::{
    collections::VecDeque,
    io,
    panic::Location,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{future::ready, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use http_body_util::{BodyExt, Full};
use poem::{Body, EndpointExt, Request, Response, endpoint::make};
use server::{
    cache::{Cache, rules::Rules},
    clock::Clock,
    exchange::{Failure, RequestHead},
    hop,
};
use tokio::time::{advance, sleep};

use crate::scenarios;

/// The path of all requests that name none.
const PATH: &str = "/menu";
/// RFC 9111 to the letter: nothing is fresh or used stale that does not say so.
const STRICT: [&str; 2] = ["--default-ttl=0s", "--negative-ttl=0s"];
/// The body of an answer that broke off.
const BROKEN: &str = "(broken off)";

/// A cache over an upstream that gives the answers of a script in turn, and
/// the last one for ever.
pub(crate) struct Scenario {
    cache: Arc<Cache>,
    began: SystemTime,
    asked: Arc<Mutex<Vec<RequestHead>>>,
}

/// A cache that keeps RFC 9111 to the letter, over these answers.
pub(crate) fn origin<const N: usize>(answers: [&'static str; N]) -> Scenario {
    Scenario::new(&[], answers)
}

impl Scenario {
    /// A cache with these flags over these answers.
    pub(crate) fn new<const N: usize>(flags: &[&str], answers: [&'static str; N]) -> Scenario {
        let flags: Vec<&str> = STRICT.iter().chain(flags).copied().collect();
        let rules = Rules::new(Vec::new(), scenarios::config(&flags).fallback_rule());
        Scenario::over(&flags, rules, answers.into())
    }

    /// A cache with these rules over these answers.
    pub(crate) fn ruled<const N: usize>(rules: Rules, answers: [&'static str; N]) -> Scenario {
        Scenario::over(&[], rules, answers.into())
    }

    fn over(flags: &[&str], rules: Rules, mut script: VecDeque<&'static str>) -> Scenario {
        let began = Clock::start().now();
        let asked = Arc::<Mutex<Vec<RequestHead>>>::default();
        let next =
            Mutex::new(
                move || if script.len() == 1 { script[0] } else { script.pop_front().unwrap() },
            );
        let upstream = {
            let asked = Arc::clone(&asked);
            make(move |request: Request| {
                let mut head = RequestHead::split(request).unwrap().0;
                hop::to_upstream(&mut head.headers, Version::HTTP_11, None);
                let count = {
                    let mut asked = asked.lock().unwrap();
                    asked.push(head);
                    asked.len()
                };
                let (delay, answer) = answer(next.lock().unwrap()(), count, began);
                async move {
                    sleep(delay).await;
                    answer
                }
            })
        };
        let cache = scenarios::cache_with(flags, rules, upstream.boxed());
        Scenario { cache, began, asked }
    }

    /// Puts a request, such as `GET /menu | range: bytes=0-1`, and checks the
    /// answer.
    #[track_caller]
    pub(crate) fn check(&self, request: &str, expected: &str) -> impl Future<Output = ()> {
        let caller = Location::caller();
        let answer = self.answer(request);
        async move {
            let answer = answer.await;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body = answer.into_body().into_string().await;
            let found = Found { status, headers, body: body.unwrap_or_else(|_| BROKEN.to_owned()) };
            found.check(expected, self.began, caller);
        }
    }

    /// Puts a request.
    pub(crate) async fn answer(&self, request: &str) -> Response {
        self.cache.answer(head(request, self.began), Body::empty()).await
    }

    /// Lets so many seconds go by, and what runs behind the answers run.
    pub(crate) async fn after(&self, seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    /// Checks the last request that the upstream got.
    #[track_caller]
    pub(crate) fn upstream_got(&self, expected: &str) {
        let asked = self.asked.lock().unwrap();
        let last = asked.last().expect("the upstream was asked");
        let (line, fields) = expected.split_once(" | ").unwrap_or((expected, ""));
        let (method, path) = line.split_once(' ').unwrap_or((line, PATH));
        let found = (last.method.as_str(), last.target.as_str());
        assert_eq!(found, (method, path));
        let found = Found { status: 0, headers: last.headers.clone(), body: String::new() };
        found.check(fields, self.began, Location::caller());
    }

    /// Checks how often the upstream was asked.
    #[track_caller]
    pub(crate) fn asked(&self, times: usize) {
        assert_eq!(self.asked.lock().unwrap().len(), times, "requests that went upstream");
    }
}

/// What came of a request.
#[derive(Debug)]
struct Found {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Found {
    fn check(&self, expected: &str, began: SystemTime, caller: &Location<'_>) {
        for part in parts(expected) {
            let holds = if let Ok(status) = part.parse::<u16>() {
                self.status == status
            } else if let Some(body) = part.strip_prefix("body: ") {
                self.body == dated(body, began)
            } else if let Some((name, value)) = part.split_once(": ") {
                self.lines(name) == dated(value, began)
            } else if let Some(name) = part.strip_prefix('-') {
                !self.headers.contains_key(name)
            } else {
                part.split("; ").all(|parameter| self.has_parameter(parameter))
            };
            assert!(holds, "{caller}: {part}\nin {expected}\nfound {self:#?}");
        }
    }

    fn lines(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        lines.join(", ")
    }

    fn has_parameter(&self, parameter: &str) -> bool {
        let status = self.headers.get_all("cache-status").iter().next_back();
        let member = status.and_then(|line| line.to_str().ok()).unwrap_or_default();
        let has = |name| member.split("; ").skip(1).any(|parameter| parameter == name);
        match parameter.strip_prefix('!') {
            Some(name) => !has(name),
            None => has(parameter),
        }
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(" | ").filter(|part| !part.is_empty())
}

/// A text with its dates written out; other braces stay.
fn dated(text: &str, began: SystemTime) -> String {
    let Some((before, rest)) = text.split_once('{') else { return text.to_owned() };
    let date = rest.split_once('}').and_then(|(seconds, after)| {
        let seconds: i64 = seconds.parse().ok()?;
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let date = if seconds < 0 { began - distance } else { began + distance };
        Some((httpdate::fmt_http_date(date), after))
    });
    match date {
        Some((date, after)) => format!("{before}{date}{}", dated(after, began)),
        None => format!("{before}{{{}", dated(rest, began)),
    }
}

/// Adds a part that is a field line or `Cache-Control`.
fn add(headers: &mut HeaderMap, part: &str, began: SystemTime) {
    let (name, value) = part.split_once(": ").unwrap_or((header::CACHE_CONTROL.as_str(), part));
    let value = HeaderValue::from_bytes(dated(value, began).as_bytes()).unwrap();
    headers.append(name.parse::<HeaderName>().unwrap(), value);
}

fn head(text: &str, began: SystemTime) -> RequestHead {
    let mut parts = parts(text);
    let line = parts.next().unwrap();
    let (method, path) = line.split_once(' ').unwrap_or((line, PATH));
    let request =
        Request::builder().method(method.parse().unwrap()).uri(path.parse().unwrap()).finish();
    let mut head = RequestHead::split(request).unwrap().0;
    for part in parts {
        add(&mut head.headers, part, began);
    }
    head
}

/// An answer of the script, and how long it takes to begin.
fn answer(
    text: &str,
    count: usize,
    began: SystemTime,
) -> (Duration, Result<Response, poem::Error>) {
    let mut parts = parts(text);
    let mut delay = Duration::ZERO;
    let Some(Ok(status)) = parts.next().map(str::parse::<u16>) else {
        let delay = parts.find_map(|part| part.strip_prefix("takes: ")?.parse().ok());
        let delay = Duration::from_secs(delay.unwrap_or_default());
        return (delay, Err(Failure::Unreachable("refused".to_owned()).into()));
    };
    let has_body = !matches!(status, 100..=199 | 204 | 304);
    let body = if has_body { format!("menu {count}") } else { String::new() };
    let mut answer = Response::builder().status(status.try_into().unwrap()).body(body);
    for part in parts {
        match part.split_once(": ") {
            Some(("body", text)) => answer.set_body(text.to_owned()),
            Some(("breaks off", text)) => answer.set_body(broken(text)),
            Some(("trailer", value)) => {
                answer.set_body(with_trailer(format!("menu {count}"), value));
            }
            Some(("takes", seconds)) => delay = Duration::from_secs(seconds.parse().unwrap()),
            _ => add(answer.headers_mut(), part, began),
        }
    }
    hop::from_upstream(answer.headers_mut(), Version::HTTP_11);
    (delay, Ok(answer))
}

fn broken(text: &str) -> Body {
    let pieces = [Ok(Bytes::from(text.to_owned())), Err(io::Error::other("reset"))];
    Body::from_bytes_stream(stream::iter(pieces))
}

fn with_trailer(body: String, value: &str) -> Body {
    let trailers = HeaderMap::from_iter([(
        HeaderName::from_static("x-trailer"),
        HeaderValue::from_str(value).unwrap(),
    )]);
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    BodyExt::boxed(body.with_trailers(ready(Some(Ok(trailers))))).into()
}
