//! The cache over a scripted upstream, on a paused clock and without sockets.

mod browsing;
mod endings;
mod guard;
mod menus;
mod parts;
mod purges;
mod reload;
mod rules;
mod saved;
mod separation;
mod shared;
mod sharing;
mod stale;
mod validation;
mod writes;

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use poem::{Body, EndpointExt, Request, Response, endpoint::make, http::HeaderMap};
use server::{
    cache::{Cache, CacheConfig, rules::Rules},
    clock::Clock,
    exchange::{Failure, RequestHead, SentAt},
    telemetry::metrics::Metrics,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::advance,
};

/// A cache over an upstream that answers each request with the next answer of
/// a script, and the last one for ever.
struct Scenario {
    cache: Arc<Cache>,
    asked: Arc<AtomicUsize>,
}

/// The requests that an upstream has got.
type Seen = Arc<Mutex<Vec<RequestHead>>>;

/// An upstream that gives these answers in turn (status, fields, body), and the
/// last one for ever; a status of 0 is a connection that is refused.
fn scripted(flags: &[&str], answers: &'static [(u16, Fields, &'static str)]) -> (Scenario, Seen) {
    let seen = Seen::default();
    let mut answers = answers.iter().peekable();
    let script = {
        let seen = Arc::clone(&seen);
        move |request| {
            seen.lock().unwrap().push(RequestHead::split(request).unwrap().0);
            let next = if answers.len() == 1 { answers.peek().copied() } else { answers.next() };
            match next.expect("an answer is written") {
                (0, _, why) => Err(Failure::Unreachable((*why).to_owned()).into()),
                (status, fields, body) => Ok(answer(*status, fields, *body)),
            }
        }
    };
    (Scenario::with_flags(flags, script), seen)
}

/// The lines of a field in the last request that the upstream got.
fn last_asked(seen: &Seen, name: &str) -> Vec<String> {
    let seen = seen.lock().unwrap();
    let lines = seen.last().unwrap().headers.get_all(name).iter();
    lines.map(|line| line.to_str().unwrap().to_owned()).collect()
}

/// Status, `Cache-Status` and body of an answer.
async fn read(answer: Response) -> (u16, String, String) {
    (answer.status().as_u16(), cache_status(&answer), text(answer).await)
}

/// Field lines, by name and value.
type Fields = &'static [(&'static str, &'static str)];

type Script = Box<dyn FnMut(Request) -> poem::Result<Response> + Send>;

impl Scenario {
    fn new(script: impl FnMut(Request) -> poem::Result<Response> + Send + 'static) -> Scenario {
        Scenario::with_flags(&[], script)
    }

    fn with_flags(
        flags: &[&str],
        script: impl FnMut(Request) -> poem::Result<Response> + Send + 'static,
    ) -> Scenario {
        let asked = Arc::new(AtomicUsize::new(0));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let upstream = make({
            let asked = Arc::clone(&asked);
            move |request| {
                asked.fetch_add(1, Ordering::Relaxed);
                let answer = script.lock().unwrap()(request);
                async move { answer }
            }
        });
        Scenario { cache: cache(flags, upstream.boxed()), asked }
    }

    /// An upstream whose answers have these fields, and a body that counts them.
    fn counting(fields: &'static [(&'static str, &'static str)]) -> Scenario {
        let mut count = 0;
        Scenario::new(move |_| {
            count += 1;
            Ok(answer(200, fields, format!("menu {count}")))
        })
    }

    async fn get(&self, path: &str) -> Response {
        self.ask("GET", path, &[]).await
    }

    async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        self.cache.answer(head(method, path, fields), Body::empty()).await
    }

    /// Asks, and checks the body and `Cache-Status`.
    #[track_caller]
    fn expect(&self, path: &str, body: &str, status: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let answer = self.cache.answer(head("GET", path, &[]), Body::empty());
        async move {
            let answer = answer.await;
            let found = cache_status(&answer);
            assert!(found.starts_with(status), "{caller}: {found}");
            assert_eq!(text(answer).await, body, "{caller}");
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

pub(crate) fn cache(
    flags: &[&str],
    upstream: poem::endpoint::BoxEndpoint<'static, Response>,
) -> Arc<Cache> {
    let rules = Rules::new(Vec::new(), config(flags).fallback_rule());
    cache_with(flags, rules, upstream)
}

pub(crate) fn cache_with(
    flags: &[&str],
    rules: Rules,
    upstream: poem::endpoint::BoxEndpoint<'static, Response>,
) -> Arc<Cache> {
    Cache::new(&config(flags), rules, Clock::start(), upstream, Arc::new(Metrics::new()))
}

/// The settings that these flags make.
pub(crate) fn config(flags: &[&str]) -> CacheConfig {
    #[derive(clap::Parser)]
    #[command(args_override_self = true)]
    struct Flags {
        #[command(flatten)]
        cache: CacheConfig,
    }
    // What no flag allows is not stale: most scenarios are of fresh answers.
    let plain = ["cache", "--stale-while-revalidate=0s", "--stale-if-error=0s"];
    <Flags as clap::Parser>::parse_from(plain.iter().chain(flags)).cache
}

fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> RequestHead {
    let request = fields
        .iter()
        .fold(Request::builder(), |request, (name, value)| request.header(*name, *value))
        .method(method.parse().unwrap())
        .uri(path.parse().unwrap())
        .finish();
    RequestHead::split(request).unwrap().0
}

fn answer(status: u16, fields: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let response = Response::builder().status(status.try_into().unwrap());
    fields
        .iter()
        .fold(response, |response, (name, value)| response.header(*name, *value))
        .body(body)
}

fn cache_status(answer: &Response) -> String {
    answer.header("cache-status").unwrap_or_default().to_owned()
}

async fn text(answer: Response) -> String {
    answer.into_body().into_string().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stored_response_is_reused_until_it_is_stale() {
    let relay = Scenario::counting(&[("cache-control", "max-age=60")]);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;

    advance(Duration::from_secs(59)).await;
    let second = relay.get("/menu").await;
    assert_eq!(second.header("age"), Some("59"));
    assert_eq!(cache_status(&second), "lunch-relay; hit; ttl=1");
    assert_eq!(text(second).await, "menu 1");

    advance(Duration::from_secs(1)).await;
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=stale; stored").await;
}

#[tokio::test(start_paused = true)]
async fn the_default_ttl_is_for_answers_that_say_nothing() {
    let relay = Scenario::with_flags(&["--default-ttl=5s"], |_| Ok(answer(200, &[], "menu")));
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    advance(Duration::from_secs(4)).await;
    relay.expect("/menu", "menu", "lunch-relay; hit; ttl=1").await;
    advance(Duration::from_secs(1)).await;
    relay.expect("/menu", "menu", "lunch-relay; fwd=stale; stored").await;
}

#[tokio::test(start_paused = true)]
async fn without_default_ttl_nothing_is_stored_that_does_not_say_so() {
    let relay = Scenario::with_flags(&["--default-ttl=0s"], |_| Ok(answer(200, &[], "menu")));
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss").await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_path_and_its_query_are_the_key() {
    let relay = Scenario::counting(&[]);
    relay.expect("/menu?a", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu?b", "menu 2", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu?", "menu 3", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu?a", "menu 1", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_from_a_stored_get() {
    let relay = Scenario::counting(&[]);
    relay.get("/menu").await.into_body().into_bytes().await.unwrap();
    let head = relay.ask("HEAD", "/menu", &[]).await;
    assert_eq!(cache_status(&head), "lunch-relay; hit; ttl=600");
    assert_eq!(head.header("content-length"), Some("6"));
    assert_eq!(text(head).await, "");
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_if_cached_is_never_forwarded() {
    let relay = Scenario::counting(&[]);
    let fields = [("cache-control", "only-if-cached")];
    assert_eq!(relay.ask("GET", "/menu", &fields).await.status(), 504);
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    assert_eq!(relay.ask("GET", "/menu", &fields).await.status(), 200);
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_variant_serves_those_that_select_it() {
    let relay = Scenario::new(|request| {
        let language = request.header("accept-language").unwrap_or("none").to_owned();
        Ok(answer(200, &[("vary", "accept-language")], language))
    });
    for (language, status) in [
        ("sv", "lunch-relay; fwd=uri-miss; stored; ttl=600"),
        ("en", "lunch-relay; fwd=vary-miss; stored; ttl=600"),
        ("sv", "lunch-relay; hit; ttl=600"),
        ("en", "lunch-relay; hit; ttl=600"),
    ] {
        let answer = relay.ask("GET", "/menu", &[("accept-language", language)]).await;
        assert_eq!(cache_status(&answer), status);
        assert_eq!(text(answer).await, language);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_for_one_client_reaches_that_client_only() {
    let cases: [(Fields, Fields); 4] = [
        (&[("authorization", "x")], &[]),
        (&[], &[("cache-control", "private, max-age=60")]),
        (&[], &[("set-cookie", "a=1")]),
        (&[("cache-control", "no-store")], &[]),
    ];
    for (asking, answering) in cases {
        let relay = Scenario::new(move |_| Ok(answer(200, answering, "mine")));
        for _ in 0..2 {
            let answer = relay.ask("GET", "/menu", asking).await;
            assert!(!cache_status(&answer).contains("stored"), "{asking:?} {answering:?}");
        }
        assert_eq!(relay.asked(), 2, "{asking:?} {answering:?}");
    }
}

/// An upstream whose answers are sent piece by piece, as the test says.
struct Slow {
    relay: Scenario,
    answers: Arc<Mutex<VecDeque<Pieces>>>,
}

type Pieces = mpsc::UnboundedReceiver<io::Result<Bytes>>;

impl Slow {
    /// An upstream that begins one answer with these fields for each body that
    /// [`Slow::body`] promises, and none without.
    fn new(flags: &[&str], fields: &'static [(&'static str, &'static str)]) -> Slow {
        let answers: Arc<Mutex<VecDeque<Pieces>>> = Arc::default();
        let relay = Scenario::with_flags(flags, {
            let answers = Arc::clone(&answers);
            move |_| {
                let pieces = answers.lock().unwrap().pop_front().expect("an answer was promised");
                let stream = stream::unfold(pieces, |mut pieces| async {
                    pieces.recv().await.map(|piece| (piece, pieces))
                });
                Ok(answer(200, fields, Body::from_bytes_stream(stream)))
            }
        });
        Slow { relay, answers }
    }

    fn body(&self) -> mpsc::UnboundedSender<io::Result<Bytes>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.answers.lock().unwrap().push_back(receiver);
        sender
    }
}

fn send(body: &mpsc::UnboundedSender<io::Result<Bytes>>, text: &'static str) {
    body.send(Ok(Bytes::from_static(text.as_bytes()))).unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_request_serves_all_who_wait() {
    let (release, gate) = oneshot::channel::<()>();
    let gate = gate.shared();
    let asked = Arc::new(AtomicUsize::new(0));
    let upstream = make({
        let asked = Arc::clone(&asked);
        move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            let gate = gate.clone();
            async move {
                let _ = gate.await;
                Ok::<_, poem::Error>(answer(200, &[], "menu"))
            }
        }
    });
    let cache = cache(&[], upstream.boxed());
    let waiting: Vec<_> = (0..1000)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(
                async move { cache.answer(head("GET", "/menu", &[]), Body::empty()).await },
            )
        })
        .collect();
    tokio::task::yield_now().await;
    release.send(()).unwrap();

    let mut collapsed = 0;
    for answer in waiting {
        let answer = answer.await.unwrap();
        collapsed += usize::from(cache_status(&answer).ends_with("; collapsed"));
        assert_eq!(text(answer).await, "menu");
    }
    assert_eq!((asked.load(Ordering::Relaxed), collapsed), (1, 999));
}

#[tokio::test(start_paused = true)]
async fn the_first_byte_comes_before_the_last_and_late_followers_get_both() {
    let upstream = Slow::new(&[], &[]);
    let body = upstream.body();
    send(&body, "fir");
    let mut leader = upstream.relay.get("/menu").await.into_body().into_bytes_stream();
    assert_eq!(leader.next().await.unwrap().unwrap(), "fir");

    let late = upstream.relay.get("/menu").await;
    assert_eq!(cache_status(&late), "lunch-relay; fwd=uri-miss; collapsed");
    send(&body, "st");
    drop(body);
    assert_eq!(leader.next().await.unwrap().unwrap(), "st");
    assert!(leader.next().await.is_none());
    assert_eq!(text(late).await, "first");
    upstream.relay.expect("/menu", "first", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_harms_nobody() {
    let upstream = Slow::new(&[], &[]);
    let body = upstream.body();
    let leader = upstream.relay.get("/menu").await;
    let follower = upstream.relay.get("/menu").await;
    drop(leader);
    send(&body, "menu");
    drop(body);
    assert_eq!(text(follower).await, "menu");
    upstream.relay.expect("/menu", "menu", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_is_finished_and_stored_though_nobody_waits_any_more() {
    let upstream = Slow::new(&[], &[]);
    let body = upstream.body();
    drop(upstream.relay.get("/menu").await);
    send(&body, "menu");
    drop(body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    upstream.relay.expect("/menu", "menu", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_never_complete_and_never_stored() {
    let upstream = Slow::new(&[], &[]);
    let body = upstream.body();
    send(&body, "men");
    let (leader, follower) = (upstream.relay.get("/menu").await, upstream.relay.get("/menu").await);
    body.send(Err(io::Error::other("reset"))).unwrap();
    for answer in [leader, follower] {
        assert!(answer.into_body().into_bytes().await.is_err());
    }
    let body = upstream.body();
    send(&body, "menu");
    drop(body);
    upstream.relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_one_sends_the_others_on_their_own_and_is_remembered() {
    let upstream = Slow::new(&[], &[("cache-control", "no-store")]);
    let bodies = [upstream.body(), upstream.body(), upstream.body()];
    for body in bodies {
        send(&body, "mine");
    }
    let (first, second) = tokio::join!(upstream.relay.get("/menu"), upstream.relay.get("/menu"));
    for answer in [first, second, upstream.relay.get("/menu").await] {
        assert_eq!(
            cache_status(&answer),
            "lunch-relay; fwd=uri-miss; detail=\"no-store, RFC 9111 5.2.2.5\""
        );
        assert_eq!(text(answer).await, "mine");
    }
    assert_eq!(upstream.relay.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_variant_that_does_not_match_sends_the_follower_on_its_own() {
    let upstream = Slow::new(&[], &[("vary", "accept-language")]);
    let (swedish, english) = (upstream.body(), upstream.body());
    send(&swedish, "fisk");
    send(&english, "fish");
    let first = upstream.relay.ask("GET", "/menu", &[("accept-language", "sv")]).await;
    let second = upstream.relay.ask("GET", "/menu", &[("accept-language", "en")]).await;
    drop((swedish, english));
    assert_eq!(text(first).await, "fisk");
    assert_eq!(
        cache_status(&second),
        "lunch-relay; fwd=uri-miss; detail=\"asked for one client, RFC 9111 3\""
    );
    assert_eq!(text(second).await, "fish");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_all_who_wait_and_for_a_second_to_who_comes() {
    let mut failing = true;
    let relay = Scenario::new(move |_| {
        if std::mem::replace(&mut failing, false) {
            Err(Failure::Unreachable("refused".to_owned()).into())
        } else {
            Ok(answer(200, &[], "menu"))
        }
    });
    let (first, second) = tokio::join!(relay.get("/menu"), relay.get("/menu"));
    for answer in [first, second] {
        assert_eq!(answer.status(), 502);
        assert_eq!(
            cache_status(&answer),
            "lunch-relay; fwd=uri-miss; detail=destination_unavailable"
        );
    }
    tokio::time::sleep(Duration::from_millis(999)).await;
    assert_eq!(relay.get("/menu").await.status(), 502);
    assert_eq!(relay.asked(), 1);
    tokio::time::sleep(Duration::from_millis(2)).await;
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_upstream_fails_those_who_wait_and_frees_the_key() {
    let mut failing = true;
    let relay = Scenario::new(move |_| {
        if std::mem::replace(&mut failing, false) {
            std::panic::resume_unwind(Box::new("upstream"));
        }
        Ok(answer(200, &[], "menu"))
    });
    assert_eq!(relay.get("/menu").await.status(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_is_streamed_and_not_stored() {
    let relay = Scenario::with_flags(&["--max-object-size=10"], |_| {
        Ok(answer(200, &[("content-length", "20")], "x".repeat(20)))
    });
    for _ in 0..2 {
        let answer = relay.get("/large").await;
        assert_eq!(
            cache_status(&answer),
            "lunch-relay; fwd=uri-miss; detail=\"too large, max-object-size\""
        );
        assert_eq!(text(answer).await.len(), 20);
    }
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_turns_out_large_passes_those_who_read_it() {
    let upstream = Slow::new(&["--max-object-size=10"], &[]);
    let (body, alone) = (upstream.body(), upstream.body());
    send(&body, "0123456789");
    let (leader, follower) =
        (upstream.relay.get("/large").await, upstream.relay.get("/large").await);
    send(&body, "more");
    drop(body);
    let (leader, follower) = tokio::join!(text(leader), text(follower));
    assert_eq!((leader.as_str(), follower.as_str()), ("0123456789more", "0123456789more"));

    send(&alone, "again");
    drop(alone);
    upstream.relay.expect("/large", "again", "lunch-relay; fwd=uri-miss").await;
    assert_eq!(upstream.relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_line_of_a_stored_field_comes_back() {
    let relay = Scenario::new(|_| {
        let mut answer = answer(200, &[("cache-control", "max-age=60")], "menu");
        let headers: &mut HeaderMap = answer.headers_mut();
        for value in ["a=1", "b=2", "a=1"] {
            headers.append("set-cookie", value.parse().unwrap());
        }
        headers.append(
            "x-unknown",
            poem::http::HeaderValue::from_bytes(b"r\xe4ksm\xf6rg\xe5s").unwrap(),
        );
        Ok(answer)
    });
    for _ in 0..2 {
        let answer = relay.get("/menu").await;
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2", "a=1"]);
        assert_eq!(answer.headers()["x-unknown"].as_bytes(), b"r\xe4ksm\xf6rg\xe5s");
    }
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_asked_too_often_is_not_asked_more_often_for_it() {
    let mut first = true;
    let relay = Scenario::new(move |_| {
        let status = if std::mem::replace(&mut first, false) { 429 } else { 200 };
        Ok(answer(status, &[], "menu"))
    });
    assert_eq!(relay.get("/menu").await.status(), 429);
    tokio::time::sleep(Duration::from_millis(1001)).await;
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
    relay.expect("/menu", "menu", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_stored_response_without_a_date_has_that_of_its_arrival() {
    let relay = Scenario::counting(&[("cache-control", "max-age=60")]);
    let first = relay.get("/menu").await.header("date").map(str::to_owned);
    assert!(first.is_some());
    advance(Duration::from_secs(30)).await;
    assert_eq!(relay.get("/menu").await.header("date").map(str::to_owned), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crowd_that_comes_as_a_fill_ends_is_answered() {
    let upstream = make(|_| async { Ok::<_, poem::Error>(answer(200, &[], "menu")) });
    let cache = cache(&[], upstream.boxed());
    for key in 0..2000 {
        let crowd: Vec<_> = (0..32)
            .map(|_| {
                let cache = Arc::clone(&cache);
                let path = format!("/{key}");
                tokio::spawn(async move {
                    text(cache.answer(head("GET", &path, &[]), Body::empty()).await).await
                })
            })
            .collect();
        for answer in crowd {
            let answer = tokio::time::timeout(Duration::from_secs(5), answer).await;
            assert_eq!(answer.expect("nobody waits for ever").unwrap(), "menu", "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_cookie_is_not_answered_for_others_unless_the_upstream_says_so() {
    let cookie = [("cookie", "user=1")];
    let relay = Scenario::counting(&[]);
    let mine = relay.ask("GET", "/menu", &cookie).await;
    assert_eq!(cache_status(&mine), "lunch-relay; fwd=uri-miss; detail=\"cookie, RFC 9111 7.3\"");
    relay.expect("/menu", "menu 2", "lunch-relay; fwd=uri-miss; stored").await;

    let relay = Scenario::counting(&[("cache-control", "max-age=60")]);
    assert!(cache_status(&relay.ask("GET", "/menu", &cookie).await).contains("; stored"));
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_request_that_succeeds_invalidates_what_is_stored() {
    let mut count = 0;
    let relay = Scenario::new(move |request| {
        count += 1;
        let status = if request.header("x-fail").is_some() { 500 } else { 200 };
        Ok(answer(status, &[], format!("menu {count}")))
    });
    relay.expect("/menu", "menu 1", "lunch-relay; fwd=uri-miss; stored").await;
    relay.ask("PUT", "/menu", &[("x-fail", "1")]).await;
    relay.expect("/menu", "menu 1", "lunch-relay; hit").await;
    relay.ask("PUT", "/menu", &[]).await;
    relay.expect("/menu", "menu 4", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_for_everyone_names_nobody() {
    let relay = Scenario::new(|request| {
        let known =
            request.header("host").is_some() || request.remote_addr().as_socket_addr().is_some();
        Ok(answer(200, &[], if known { "named" } else { "nobody" }))
    });
    let mut asking = head("GET", "/menu", &[("host", "relay.example")]);
    asking.remote =
        poem::web::RemoteAddr("192.0.2.1:1".parse::<std::net::SocketAddr>().unwrap().into());
    let answer = relay.cache.answer(asking.clone(), Body::empty()).await;
    assert_eq!(text(answer).await, "nobody");

    asking.headers.insert("authorization", "x".parse().unwrap());
    let answer = relay.cache.answer(asking, Body::empty()).await;
    assert_eq!(text(answer).await, "named");
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_its_turn_makes_no_answer_older() {
    let clock = Clock::start();
    let upstream = make(move |_| {
        let clock = clock.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let sent_at = SentAt(clock.now());
            tokio::time::sleep(Duration::from_secs(2)).await;
            let mut answer = answer(200, &[("cache-control", "max-age=10")], "menu");
            answer.extensions_mut().insert(sent_at);
            Ok::<_, poem::Error>(answer)
        }
    });
    let cache = cache(&[], upstream.boxed());
    for status in ["lunch-relay; fwd=uri-miss; stored; ttl=8", "lunch-relay; hit; ttl=8"] {
        let answer = cache.answer(head("GET", "/menu", &[]), Body::empty()).await;
        assert_eq!(cache_status(&answer), status);
    }
}
