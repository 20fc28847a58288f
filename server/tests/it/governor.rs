//! The governor before a scripted upstream, on a paused clock and without
//! sockets.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use poem::{Body, Endpoint, Request, Response, endpoint::make, http::StatusCode};
use server::{
    clock::Clock,
    exchange::{Asker, Bound, Failure, Purpose, SentAt},
    upstream::{
        Governed, UpstreamConfig, Watch,
        governor::ledger::{Ledger, Spent},
    },
};
use tokio::{
    sync::mpsc,
    time::{Instant, advance, sleep, timeout},
};

/// The settings that these flags make.
pub(crate) fn config(flags: &[&str]) -> UpstreamConfig {
    #[derive(clap::Parser)]
    #[command(args_override_self = true)]
    struct Flags {
        #[command(flatten)]
        upstream: UpstreamConfig,
    }
    <Flags as clap::Parser>::parse_from(["relay"].iter().chain(flags)).upstream
}

fn governed<E: Endpoint<Output = Response>>(flags: &[&str], upstream: E) -> Governed<E> {
    Governed::new(upstream, &config(flags), Clock::start(), 7)
}

fn request(path: &str, purpose: Purpose) -> Request {
    let mut request = Request::builder().uri_str(path).finish();
    request.extensions_mut().insert(purpose);
    request
}

/// Asks for something in nobody's name.
async fn get(governed: &impl Endpoint<Output = Response>, path: &str) -> Result<Response, Failure> {
    governed.call(request(path, Purpose::Client)).await.map_err(Failure::of)
}

#[track_caller]
fn shed(answer: Result<Response, Failure>) -> (Bound, Duration) {
    match answer {
        Err(Failure::Shed { bound, retry_after }) => (bound, retry_after),
        other => panic!("not shed: {other:?}"),
    }
}

fn idle(watch: &Watch) -> bool {
    let figures = watch.figures();
    figures.total_under_way() == 0 && figures.waiting == 0
}

#[tokio::test(start_paused = true)]
async fn the_upstream_is_asked_at_its_rate_however_many_ask() {
    let started = Instant::now();
    let times = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let upstream = make({
        let times = Arc::clone(&times);
        move |_| {
            times.lock().push(started.elapsed());
            async { Ok::<_, poem::Error>(Response::default()) }
        }
    });
    let governed = governed(&["--upstream-rate=10/s", "--upstream-burst=20"], upstream);
    let answers = join_all((0..1000).map(|at| {
        let governed = &governed;
        async move { (get(governed, &format!("/{at}")).await, started.elapsed()) }
    }))
    .await;

    // Twenty at once, then ten a second for nine tenths of half a minute; who would wait longer
    // is told at once.
    let times = times.lock().clone();
    assert_eq!(times.len(), 290);
    assert_eq!(times.iter().filter(|at| at.is_zero()).count(), 20);
    assert_eq!(times.last().unwrap().as_secs(), 27);
    for (answer, at) in answers {
        if let Err(failure) = answer {
            assert_eq!(shed(Err(failure)).0, Bound::Rate);
            assert_eq!(at, Duration::ZERO, "nobody waits in vain");
        }
    }
    assert!(idle(&governed.watch()));
}

#[tokio::test(start_paused = true)]
async fn each_client_has_its_turn() {
    let governed = governed(
        &["--upstream-rate=1/s", "--upstream-burst=1"],
        make(|_| async { Ok::<_, poem::Error>(Response::default()) }),
    );
    let started = Instant::now();
    let ask = |client: [u8; 4]| {
        let mut request = request("/", Purpose::Client);
        request.extensions_mut().insert(Asker(client.into()));
        let answer = governed.call(request);
        async move {
            answer.await.unwrap();
            started.elapsed().as_secs()
        }
    };
    let (crowd, late) =
        tokio::join!(join_all((0..10).map(|_| ask([192, 0, 2, 1]))), ask([192, 0, 2, 2]));
    // Whoever is alone does not wait for all of the crowd's.
    assert_eq!(late, 2);
    assert_eq!(crowd.last(), Some(&10));
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_until_the_body_has_ended_or_nobody_wants_it() {
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let receiver = Arc::new(parking_lot::Mutex::new(Some(receiver)));
    let governed = governed(
        &["--upstream-rate=unlimited", "--upstream-concurrency=1"],
        make(move |_| {
            let body = receiver.lock().take().map_or_else(Body::empty, |mut receiver| {
                Body::from_bytes_stream(stream::poll_fn(move |cx| {
                    receiver.poll_recv(cx).map(|piece| piece.map(Ok::<_, io::Error>))
                }))
            });
            async { Ok::<_, poem::Error>(Response::builder().body(body)) }
        }),
    );
    let mut first = get(&governed, "/1").await.unwrap().into_body().into_bytes_stream();
    let mut second = Box::pin(get(&governed, "/2"));
    sender.send(Bytes::from_static(b"half")).unwrap();
    assert_eq!(first.next().await.unwrap().unwrap(), "half");
    advance(Duration::from_secs(20)).await;
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(governed.watch().figures().total_under_way(), 1);

    drop(sender);
    assert!(first.next().await.is_none());
    second.await.unwrap();
    assert!(idle(&governed.watch()));
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_the_calls_until_then_and_a_probe_follows() {
    let asked = Arc::new(AtomicUsize::new(0));
    let governed = governed(
        &["--upstream-rate=unlimited"],
        make({
            let asked = Arc::clone(&asked);
            move |_| {
                let answer = match asked.fetch_add(1, Ordering::Relaxed) {
                    0 => Response::builder()
                        .status(StatusCode::TOO_MANY_REQUESTS)
                        .header("retry-after", "20")
                        .finish(),
                    _ => Response::default(),
                };
                async {
                    sleep(Duration::from_secs(3)).await;
                    Ok::<_, poem::Error>(answer)
                }
            }
        }),
    );
    // The upstream's own word is copied to who got it.
    assert_eq!(get(&governed, "/").await.unwrap().status(), 429);
    let started = Instant::now();
    let mut until = Duration::ZERO;
    while started.elapsed() < Duration::from_secs(20) {
        let (bound, retry_after) = shed(get(&governed, "/").await);
        assert_eq!(bound, Bound::Hold);
        until = started.elapsed() + retry_after;
        advance(Duration::from_millis(100)).await;
    }
    assert!((20..=22).contains(&until.as_secs()), "{until:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    advance(until.saturating_sub(started.elapsed())).await;
    let mut crowd = Box::pin(join_all((0..3).map(|_| get(&governed, "/"))));
    assert!(timeout(Duration::from_secs(2), &mut crowd).await.is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 2, "one goes first");
    assert!(crowd.await.iter().all(Result::is_ok));
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    let ledger = governed.watch().figures().ledger;
    assert_eq!(ledger.spent(Purpose::Client, Spent::Limited), 1);
    assert_eq!(ledger.spent(Purpose::Client, Spent::Answered), 3);
    assert_eq!(ledger.held, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_upstream_is_probed_and_left_alone() {
    let asked = Arc::new(AtomicUsize::new(0));
    let governed = governed(
        &[],
        make({
            let asked = Arc::clone(&asked);
            move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                async {
                    let refused = Failure::Unreachable("refused".to_owned());
                    Err::<Response, poem::Error>(refused.into())
                }
            }
        }),
    );
    for _ in 0..10_000 {
        let failure = get(&governed, "/").await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_) | Failure::Shed { .. }), "{failure}");
        advance(Duration::from_millis(60)).await;
    }
    // Ten minutes: ten, then after 1, 2, 4 and 8 seconds, then every ten.
    let asked = asked.load(Ordering::Relaxed);
    assert!((70..=74).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_to_us_takes_no_second_place() {
    let governed = governed(&[], make(|_| async { Ok::<_, poem::Error>(Response::default()) }));
    let mut back = request("/", Purpose::Client);
    back.headers_mut().insert("cdn-loop", "lunch-relay".parse().unwrap());
    let failure = Failure::of(governed.call(back).await.unwrap_err());
    assert_eq!(failure, Failure::Loop);
    assert_eq!(governed.watch().figures().ledger, Ledger::default());
}

/// Clients of all kinds come and leave at every point that there is; whatever
/// the order, no place is lost and nobody is left waiting.
#[test]
fn whoever_leaves_leaves_nothing() {
    for seed in 0..200 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(crowd(seed));
    }
}

async fn crowd(seed: u64) {
    let busy = Arc::new(AtomicUsize::new(0));
    let governed = governed(
        &[
            "--upstream-rate=20/s",
            "--upstream-burst=2",
            "--upstream-concurrency=3",
            "--upstream-timeout=2s",
        ],
        make({
            let busy = Arc::clone(&busy);
            move |request: Request| {
                let busy = Arc::clone(&busy);
                async move {
                    let number: u64 = request.uri().path()[1..].parse().unwrap();
                    assert!(busy.fetch_add(1, Ordering::Relaxed) < 3);
                    let leave = Leave(busy);
                    sleep(Duration::from_millis(number % 90)).await;
                    let status = if number.is_multiple_of(19) { 503 } else { 200 };
                    let body = stream::unfold((0, leave), |(piece, leave)| async move {
                        sleep(Duration::from_millis(10)).await;
                        (piece < 2).then(|| {
                            (Ok::<_, io::Error>(Bytes::from_static(b"x")), (piece + 1, leave))
                        })
                    });
                    Ok::<_, poem::Error>(
                        Response::builder()
                            .status(StatusCode::from_u16(status).unwrap())
                            .body(Body::from_bytes_stream(body)),
                    )
                }
            }
        }),
    );
    let governed = Arc::new(governed);
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    let clients: Vec<_> = (0..80)
        .map(|_| {
            let (comes, stays, number) = (draw(2000), draw(600), draw(1000));
            let purpose = Purpose::ALL[usize::try_from(draw(3)).unwrap()];
            let governed = Arc::clone(&governed);
            tokio::spawn(async move {
                sleep(Duration::from_millis(comes)).await;
                let exchange = async {
                    let request = request(&format!("/{number}"), purpose);
                    let answer = governed.call(request).await?;
                    answer.into_body().into_bytes().await.map(drop).map_err(poem::Error::from)
                };
                // Most leave before they have all of it.
                let _ = timeout(Duration::from_millis(stays), exchange).await;
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert!(idle(&governed.watch()), "seed {seed}: {:?}", governed.watch().figures());
    assert_eq!(busy.load(Ordering::Relaxed), 0);
    sleep(Duration::from_secs(10)).await;
    let all = (0..3).map(|number| get(&*governed, if number == 0 { "/1" } else { "/2" }));
    assert!(join_all(all).await.iter().all(Result::is_ok), "seed {seed}: a place was lost");
}

/// Counts one less when dropped.
struct Leave(Arc<AtomicUsize>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_when_its_turn_had_come() {
    let clock = Clock::start();
    let upstream = make(|_| async { Ok::<_, poem::Error>(Response::default()) });
    let flags = config(&["--upstream-rate=1/s", "--upstream-burst=1"]);
    let governed = Governed::new(upstream, &flags, clock.clone(), 7);
    get(&governed, "/a").await.unwrap();
    let asked_at = clock.now();
    let answer = get(&governed, "/b").await.unwrap();
    let SentAt(sent_at) = *answer.extensions().get().unwrap();
    assert_eq!(sent_at.duration_since(asked_at).unwrap().as_secs(), 1);
}
