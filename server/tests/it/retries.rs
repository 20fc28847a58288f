//! Retries and deadlines before a scripted upstream, on a paused clock and
//! without sockets.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use parking_lot::Mutex;
use poem::{Body, Endpoint, EndpointExt, Request, Response, endpoint::make};
use server::{
    cache::rules::Rules,
    clock::Clock,
    exchange::{Bound, Failure, Purpose, RequestHead, Since},
    telemetry::metrics::{Metrics, Retry},
    upstream::{Governed, Retried, governor::ledger::Figures},
};
use tokio::time::{Instant, advance, sleep, timeout};

use crate::{governor::config, scenarios};

/// An upstream behind its governor and retries, and when it was asked.
struct Scene {
    upstream: Box<dyn Fn(Request) -> Answer + Send + Sync>,
    figures: Box<dyn Fn() -> Figures + Send + Sync>,
    metrics: Arc<Metrics>,
    began: Instant,
    asked: Arc<Mutex<Vec<Duration>>>,
}

type Answer = futures_util::future::BoxFuture<'static, Result<Response, Failure>>;

fn closed() -> Result<Response, Failure> {
    Err(Failure::Closed("reset".to_owned()))
}

fn unreachable() -> Result<Response, Failure> {
    Err(Failure::Unreachable("refused".to_owned()))
}

fn answer(status: u16) -> Response {
    Response::builder().status(status.try_into().unwrap()).finish()
}

impl Scene {
    /// An upstream with these settings that gives the n-th request, from 0,
    /// what a function says, after so many milliseconds.
    fn new<F>(flags: &[&str], answer: F) -> Scene
    where
        F: Fn(usize) -> (u64, Result<Response, Failure>) + Send + Sync + 'static,
    {
        let began = Instant::now();
        let asked = Arc::<Mutex<Vec<Duration>>>::default();
        let upstream = make({
            let asked = Arc::clone(&asked);
            move |_| {
                let number = {
                    let mut asked = asked.lock();
                    asked.push(began.elapsed());
                    asked.len() - 1
                };
                let (millis, answer) = answer(number);
                async move {
                    sleep(Duration::from_millis(millis)).await;
                    answer.map_err(poem::Error::from)
                }
            }
        });
        let metrics = Arc::new(Metrics::new());
        let config = config(flags);
        let governed = Governed::new(upstream, &config, Clock::start(), 7);
        let watch = governed.watch();
        let retried = Arc::new(Retried::new(governed, &config, Arc::clone(&metrics), 7));
        Scene {
            upstream: Box::new(move |request| {
                let retried = Arc::clone(&retried);
                async move { retried.call(request).await.map_err(Failure::of) }.boxed()
            }),
            figures: Box::new(move || watch.figures()),
            metrics,
            began,
            asked,
        }
    }

    async fn get(&self) -> Result<Response, Failure> {
        (self.upstream)(Request::default()).await
    }

    /// How often the upstream was asked.
    fn asked(&self) -> usize {
        self.asked.lock().len()
    }

    fn is_idle(&self) -> bool {
        let figures = (self.figures)();
        figures.under_way == [0; 3] && figures.waiting == 0
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_passing_is_asked_for_again() {
    let scene = Scene::new(&[], |number| match number {
        0 => (5, closed()),
        1 => (5, unreachable()),
        _ => (5, Ok(answer(200))),
    });
    assert_eq!(scene.get().await.unwrap().status(), 200);
    assert_eq!(scene.asked(), 3);
    // Up to a tenth of a second, then up to two.
    let asked = scene.asked.lock().clone();
    assert!(asked[1] <= asked[0] + Duration::from_millis(105), "{asked:?}");
    assert!(asked[2] <= asked[1] + Duration::from_millis(205), "{asked:?}");
    let retries = |retry| scene.metrics.retries(retry);
    assert_eq!((retries(Retry::Failed), retries(Retry::Answered)), (1, 1));
    assert!(scene.is_idle());
}

#[tokio::test(start_paused = true)]
async fn twice_is_enough_unless_another_number_is_set() {
    for (flags, asked) in [
        (&[][..], 3),
        (&["--upstream-retries=0"], 1),
        (&["--upstream-retries=1"], 2),
        (&["--upstream-retries=5"], 6),
    ] {
        let scene = Scene::new(flags, |_| (1, closed()));
        assert_eq!(scene.get().await.unwrap_err(), closed().unwrap_err());
        assert_eq!(scene.asked(), asked, "{flags:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_an_answer() {
    for code in [200, 404, 429, 500, 502, 503, 504] {
        let scene = Scene::new(&[], move |_| (1, Ok(answer(code))));
        assert_eq!(scene.get().await.unwrap().status(), code);
        assert_eq!(scene.asked(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_do_harm_or_serve_nobody_is_not_repeated() {
    let with_body = Request::builder().method("PUT".parse().unwrap()).body("x");
    let post = Request::builder().method("POST".parse().unwrap()).finish();
    let mut refresh = Request::default();
    refresh.extensions_mut().insert(Purpose::Refresh);
    for request in [with_body, post, refresh] {
        let scene = Scene::new(&[], |_| (1, closed()));
        (scene.upstream)(request).await.unwrap_err();
        assert_eq!(scene.asked(), 1);
    }
    for (failure, asked) in [
        (Failure::TimedOut("30s".to_owned()), 1),
        (Failure::ConnectTimedOut("5s".to_owned()), 1),
        (Failure::Broken("not HTTP".to_owned()), 1),
        (Failure::Loop, 1),
    ] {
        let scene = Scene::new(&[], move |_| (1, Err(failure.clone())));
        scene.get().await.unwrap_err();
        assert_eq!(scene.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_again_is_what_was_asked() {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let upstream = make({
        let seen = Arc::clone(&seen);
        move |request: Request| {
            let since = request.extensions().get::<Since>().unwrap().0;
            seen.lock().push(format!("{request:?} {since:?} {:?}", request.remote_addr()));
            async { closed().map_err(poem::Error::from) }
        }
    });
    let retried = Retried::new(upstream, &config(&[]), Arc::new(Metrics::new()), 7);
    let request = Request::builder()
        .method("DELETE".parse().unwrap())
        .uri("/a?b".parse().unwrap())
        .header("x-a", "1")
        .header("x-a", "2")
        .finish();
    retried.call(request).await.map(drop).unwrap_err();
    let seen = seen.lock().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| *request == seen[0]), "{seen:#?}");
    assert!(seen[0].contains("DELETE") && seen[0].contains("/a?b"), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_that_would_come_too_late() {
    // Half the time each: a third one would begin after nine tenths of it.
    let scene = Scene::new(&["--upstream-timeout=30s"], |_| (14_000, closed()));
    assert_eq!(scene.get().await.unwrap_err(), closed().unwrap_err());
    assert_eq!(scene.asked(), 2);
    assert!(scene.began.elapsed() < Duration::from_secs(29), "{:?}", scene.began.elapsed());
    assert!(scene.is_idle());
}

/// Without a governor, whose breaker would end it sooner.
#[tokio::test(start_paused = true)]
async fn an_outage_is_not_multiplied() {
    let asked = Arc::new(Mutex::new(0));
    let upstream = make({
        let asked = Arc::clone(&asked);
        move |_| {
            *asked.lock() += 1;
            async { unreachable().map_err(poem::Error::from) }
        }
    });
    let metrics = Arc::new(Metrics::new());
    let retried = Retried::new(upstream, &config(&[]), Arc::clone(&metrics), 7);
    for _ in 0..100 {
        join_all((0..10).map(|_| retried.call(Request::default()))).await;
    }
    // A thousand, a tenth of them, and ten.
    let asked = *asked.lock();
    assert!((1100..=1110).contains(&asked), "{asked}");
    assert!(800 < metrics.retries(Retry::OverBudget));
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_shed_pay_for_nothing() {
    let shed = Failure::Shed { bound: Bound::Hold, retry_after: Duration::from_secs(1) };
    let fails = Arc::new(Mutex::new(closed().unwrap_err()));
    let asked = Arc::new(Mutex::new(0));
    let upstream = make({
        let (fails, asked) = (Arc::clone(&fails), Arc::clone(&asked));
        move |_| {
            *asked.lock() += 1;
            let failure = fails.lock().clone();
            async { Err::<Response, poem::Error>(failure.into()) }
        }
    });
    let retried = Retried::new(upstream, &config(&[]), Arc::new(Metrics::new()), 7);
    let ask = async |times: usize| {
        *asked.lock() = 0;
        for _ in 0..times {
            retried.call(Request::default()).await.map(drop).unwrap_err();
        }
        *asked.lock() - times
    };
    // What there is at first; nine tenths of the next are left.
    assert_eq!(ask(10).await, 10);
    *fails.lock() = shed;
    assert_eq!(ask(1000).await, 0);
    *fails.lock() = closed().unwrap_err();
    assert_eq!(ask(9).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_opens_ends_the_retries() {
    let scene = Scene::new(&["--upstream-rate=unlimited"], |_| (1, unreachable()));
    // Three times three, and the tenth opens it: its own failure is what is told.
    for _ in 0..4 {
        assert_eq!(scene.get().await.unwrap_err(), unreachable().unwrap_err());
    }
    assert_eq!(scene.asked(), 10);
    assert_eq!(scene.metrics.retries(Retry::Shed), 1);
    let failure = scene.get().await.unwrap_err();
    assert!(matches!(failure, Failure::Shed { bound: Bound::Breaker, .. }), "{failure}");
    assert_eq!(scene.asked(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_a_turn_of_its_own() {
    let flags = ["--upstream-rate=1/s", "--upstream-burst=1"];
    let scene =
        Scene::new(&flags, |number| (0, if number == 0 { closed() } else { Ok(answer(200)) }));
    assert_eq!(scene.get().await.unwrap().status(), 200);
    assert_eq!(scene.asked.lock()[1].as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_no_place_and_who_leaves_in_it_leaves_nothing() {
    let flags = ["--upstream-rate=unlimited", "--upstream-concurrency=1"];
    let scene =
        Scene::new(&flags, |number| (0, if number == 0 { closed() } else { Ok(answer(200)) }));
    let mut first = Box::pin(scene.get());
    while scene.asked() == 0 || !scene.is_idle() {
        assert!(first.as_mut().now_or_never().is_none(), "it pauses");
        advance(Duration::from_millis(1)).await;
    }
    assert_eq!(scene.get().await.unwrap().status(), 200);
    assert_eq!(scene.asked(), 2);
    drop(first);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(scene.asked(), 2);
    assert!(scene.is_idle());
}

/// A request whose wait began so many seconds ago.
fn waiting_for(seconds: u64) -> Request {
    let mut request = Request::default();
    request.extensions_mut().insert(Since(Instant::now() - Duration::from_secs(seconds)));
    request
}

#[tokio::test(start_paused = true)]
async fn the_time_in_the_queue_counts() {
    advance(Duration::from_mins(1)).await;
    let flags = ["--upstream-rate=1/s", "--upstream-burst=1", "--upstream-timeout=10s"];
    let scene = Scene::new(&flags, |_| (0, Ok(answer(200))));
    // What is left is too little for an exchange.
    let failure = (scene.upstream)(waiting_for(10)).await.unwrap_err();
    assert_eq!(failure, Failure::TimedOut("10s".to_owned()));
    assert_eq!(scene.asked(), 0);
    // The last moment to go is after nine seconds; there is a turn at once, and then each second.
    assert!((scene.upstream)(waiting_for(9)).await.is_ok());
    let failure = (scene.upstream)(waiting_for(9)).now_or_never().unwrap().unwrap_err();
    assert!(matches!(failure, Failure::Shed { bound: Bound::Rate, .. }), "{failure}");
    assert!((scene.upstream)(waiting_for(8)).await.is_ok());
    assert_eq!(scene.began.elapsed().as_secs(), 1);
    assert_eq!(scene.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_came_late_to_its_turn_does_not_say_that_the_upstream_is_down() {
    advance(Duration::from_mins(1)).await;
    let flags = ["--upstream-rate=unlimited", "--upstream-timeout=30s"];
    let scene = Scene::new(&flags, |_| (0, Err(Failure::TimedOut("30s".to_owned()))));
    for _ in 0..20 {
        (scene.upstream)(waiting_for(20)).await.unwrap_err();
    }
    assert_eq!(scene.asked(), 20);
    for _ in 0..20 {
        (scene.upstream)(waiting_for(10)).await.unwrap_err();
    }
    assert_eq!(scene.asked(), 30, "those had time enough");
}

/// Two exchanges for one answer, and one behind another's flight: the wait
/// began when the client asked.
#[tokio::test(start_paused = true)]
async fn a_request_has_one_deadline_whatever_its_way() {
    let since = Arc::<Mutex<Vec<Instant>>>::default();
    let upstream = make({
        let since = Arc::clone(&since);
        move |request: Request| {
            let number = {
                let mut since = since.lock();
                since.push(request.extensions().get::<Since>().unwrap().0);
                since.len()
            };
            async move {
                sleep(Duration::from_secs(5)).await;
                let (code, etag, control) = match number {
                    1 => (200, r#""a""#, "max-age=6"),
                    // About nothing that is stored: it is asked anew.
                    2 => (304, r#""b""#, "max-age=6"),
                    _ => (200, r#""b""#, "private"),
                };
                let answer = Response::builder().status(code.try_into().unwrap());
                let answer = answer.header("etag", etag).header("cache-control", control);
                Ok::<_, poem::Error>(answer.finish())
            }
        }
    });
    let flags = ["--default-ttl=0s"];
    let rules = Rules::new(Vec::new(), scenarios::config(&flags).fallback_rule());
    let cache = scenarios::cache_with(&flags, rules, upstream.boxed());
    let began = Instant::now();
    let get = || {
        let request = Request::builder().uri_str("/menu").finish();
        let answer = cache.answer(RequestHead::split(request).unwrap().0, Body::empty());
        async move { timeout(Duration::from_mins(1), answer).await.unwrap().status().as_u16() }
    };
    assert_eq!(get().await, 200);
    sleep(Duration::from_secs(5)).await;
    let (leader, follower) = tokio::join!(get(), async {
        sleep(Duration::from_secs(1)).await;
        get().await
    });
    assert_eq!((leader, follower), (200, 200));
    let waited: Vec<u64> = since.lock().iter().map(|at| (*at - began).as_secs()).collect();
    assert_eq!(waited, [0, 10, 10, 11]);
}
