//! A panic ends one request or one task, and is answered where somebody waits.

use std::{
    io::{BufReader, Read, Write},
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Parser;
use poem::{Body, Endpoint, EndpointExt, Request, Response, endpoint::make};
use server::{
    exchange::RequestHead,
    serve::{self, Drain, ServeConfig},
    telemetry::metrics::Metrics,
};
use tokio::{runtime, task::yield_now};

use crate::{
    scenarios::cache,
    support::{Answer, connect, get, read_answer},
};

/// An upstream that panics while it is told to.
fn upstream(panics: &Arc<AtomicBool>) -> poem::endpoint::BoxEndpoint<'static, Response> {
    let panics = Arc::clone(panics);
    make(move |_| {
        let panics = Arc::clone(&panics);
        async move {
            if panics.load(Ordering::SeqCst) {
                // Without the hook, which would print it among the tests.
                resume_unwind(Box::new("in the upstream"));
            }
            let answer = Response::builder()
                .header("cache-control", "max-age=0, stale-while-revalidate=600");
            Ok::<_, poem::Error>(answer.body("menu"))
        }
    })
    .boxed()
}

fn head(method: &str, path: &str) -> RequestHead {
    let request =
        Request::builder().method(method.parse().unwrap()).uri(path.parse().unwrap()).finish();
    RequestHead::split(request).unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_panics_is_answered_500_and_its_key_is_free() {
    let panics = Arc::new(AtomicBool::new(true));
    let cache = cache(&[], upstream(&panics));
    let answer = cache.answer(head("GET", "/menu"), Body::empty()).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.content_type(), Some("application/problem+json"));

    panics.store(false, Ordering::SeqCst);
    let answer = cache.answer(head("GET", "/menu"), Body::empty()).await;
    assert_eq!(answer.into_body().into_string().await.unwrap(), "menu");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_panics_is_nobodys_answer() {
    let panics = Arc::new(AtomicBool::new(false));
    let cache = cache(&[], upstream(&panics));
    let get = || async {
        let answer = cache.answer(head("GET", "/menu"), Body::empty()).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.into_body().into_string().await.unwrap(), "menu");
        // The task behind it has its turn.
        for _ in 0..10 {
            yield_now().await;
        }
    };
    get().await;
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    panics.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        get().await;
    }
}

/// An endpoint that panics at once, while it waits, or within its body.
struct Panicking;

impl Endpoint for Panicking {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let path = request.uri().path().to_owned();
        if path == "/at-once" {
            resume_unwind(Box::new("at once"));
        }
        async move {
            yield_now().await;
            match path.as_str() {
                "/later" => resume_unwind(Box::new("later")),
                "/body" => {
                    let body = futures_util::stream::poll_fn(
                        |_| -> std::task::Poll<Option<std::io::Result<&'static [u8]>>> {
                            resume_unwind(Box::new("in the body"))
                        },
                    );
                    Ok(Response::builder().body(Body::from_bytes_stream(body)))
                }
                _ => Ok(Response::builder().body("menu")),
            }
        }
    }
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    serve: ServeConfig,
}

#[test]
fn a_request_that_panics_is_answered_500_and_the_next_is_served() {
    let runtime = runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(async { serve::bind(([127, 0, 0, 1], 0).into()) }).unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Flags::parse_from(["relay"]).serve.limits();
    let metrics = Arc::new(Metrics::new());
    runtime.spawn(serve::serve(listener, &Panicking, limits, Drain::default(), metrics));

    // One connection sees both panics, and goes on.
    let mut stream = BufReader::new(connect(address));
    let mut ask = |path: &str| -> Answer {
        write!(stream.get_mut(), "GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        read_answer(&mut stream)
    };
    for path in ["/at-once", "/later"] {
        let answer = ask(path);
        assert_eq!(answer.status(), 500, "{path}");
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
    }
    assert_eq!(ask("/menu").text(), "menu");

    // An answer that has begun can only be broken off, with its connection.
    let mut stream = connect(address);
    stream.write_all(b"GET /body HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"));
    assert_eq!(get(address, "/menu", "").text(), "menu");
}
