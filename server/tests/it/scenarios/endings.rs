//! Each way that a flight can end, with followers attached: what they get, and
//! that nothing is left.
//!
//! The upstream's answer may be for all, for nobody, or never come; the body
//! may be whole, broken off, too large or too slow; the key may be purged.

use futures_util::future::join_all;

use super::*;

/// What a client gets.
type Got = (u16, Result<String, ()>);

/// Three clients at once, what they get, how often the upstream is asked for
/// that, and what the next client gets.
async fn ending(
    flags: &[&str],
    script: impl FnMut(usize) -> poem::Result<Response> + Send + 'static,
) -> (Vec<Got>, usize, Got) {
    let (mut script, mut asked) = (script, 0);
    let script = Mutex::new(move || {
        asked += 1;
        script(asked)
    });
    let count = Arc::new(AtomicUsize::new(0));
    let upstream = make({
        let count = Arc::clone(&count);
        move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            let answer = script.lock().unwrap()();
            async move {
                // Those who ask at once are there before it answers.
                tokio::time::sleep(Duration::from_millis(100)).await;
                answer
            }
        }
    });
    let cache = cache(flags, upstream.boxed());
    let get = || async {
        let answer = cache.answer(head("GET", "/menu", &[]), Body::empty()).await;
        let status = answer.status().as_u16();
        (status, answer.into_body().into_string().await.map_err(drop))
    };
    let crowd = join_all((0..3).map(|_| get())).await;
    let asked = count.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let next = get().await;
    assert_eq!(cache.figures().in_flight, 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    (crowd, asked, next)
}

fn whole(status: u16, body: &str) -> Got {
    (status, Ok(body.to_owned()))
}

fn menu(count: usize, fields: &[(&str, &str)]) -> Response {
    answer(200, fields, format!("menu {count}"))
}

#[tokio::test(start_paused = true)]
async fn done_all_have_the_answer() {
    let (crowd, asked, next) = ending(&[], |count| Ok(menu(count, &[]))).await;
    assert_eq!((crowd, asked, next), (vec![whole(200, "menu 1"); 3], 1, whole(200, "menu 1")));
}

#[tokio::test(start_paused = true)]
async fn failed_all_are_told_and_the_next_asks_anew() {
    let script = |count| match count {
        1 => Err(Failure::Unreachable("refused".to_owned()).into()),
        _ => Ok(menu(count, &[])),
    };
    let (crowd, asked, next) = ending(&[], script).await;
    assert_eq!(asked, 1);
    assert!(crowd.iter().all(|(status, _)| *status == 502), "{crowd:?}");
    assert_eq!(next, whole(200, "menu 2"));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_everyones_and_the_next_asks_anew() {
    let script = |count| match count {
        1 => Ok(answer(500, &[], "error")),
        _ => Ok(menu(count, &[])),
    };
    let (crowd, asked, next) = ending(&[], script).await;
    assert_eq!((crowd, asked, next), (vec![whole(500, "error"); 3], 1, whole(200, "menu 2")));
}

#[tokio::test(start_paused = true)]
async fn given_up_each_asks_for_itself() {
    let script = |count| Ok(menu(count, &[("cache-control", "private")]));
    let (mut crowd, asked, next) = ending(&[], script).await;
    crowd.sort();
    let own = ["menu 1", "menu 2", "menu 3"].map(|own| whole(200, own));
    assert_eq!((crowd, asked, next), (own.to_vec(), 3, whole(200, "menu 4")));
}

#[tokio::test(start_paused = true)]
async fn fresh_for_no_time_it_is_for_those_who_waited() {
    let script = |count| Ok(menu(count, &[("cache-control", "max-age=0")]));
    let (crowd, asked, next) = ending(&[], script).await;
    assert_eq!((crowd, asked, next), (vec![whole(200, "menu 1"); 3], 1, whole(200, "menu 2")));
}

#[tokio::test(start_paused = true)]
async fn dangling_all_are_told_and_the_next_asks_anew() {
    let script = |count| match count {
        1 => Err(poem::Error::from_string("panics", poem::http::StatusCode::OK)),
        _ => Ok(menu(count, &[])),
    };
    let (script, asked) = (Mutex::new(script), AtomicUsize::new(0));
    let upstream = make(move |_| {
        let count = asked.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = script.lock().unwrap()(count);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if answer.is_err() {
                std::panic::resume_unwind(Box::new("in flight"));
            }
            answer
        }
    });
    let cache = cache(&[], upstream.boxed());
    let get = || cache.answer(head("GET", "/menu", &[]), Body::empty());
    for answer in join_all((0..3).map(|_| get())).await {
        assert_eq!(answer.status(), 500);
    }
    assert_eq!(text(get().await).await, "menu 2");
}

#[tokio::test(start_paused = true)]
async fn broken_off_nobody_has_it_whole_and_it_is_not_stored() {
    let script = |count| match count {
        1 => {
            let pieces = [Ok(Bytes::from_static(b"me")), Err(io::Error::other("reset"))];
            Ok(answer(200, &[], Body::from_bytes_stream(stream::iter(pieces))))
        }
        _ => Ok(menu(count, &[])),
    };
    let (crowd, asked, next) = ending(&[], script).await;
    assert_eq!((crowd, asked, next), (vec![(200, Err(())); 3], 1, whole(200, "menu 2")));
}

#[tokio::test(start_paused = true)]
async fn too_large_each_has_it_and_it_is_not_stored() {
    let large = "x".repeat(9000);
    let body = large.clone();
    let script = move |_| {
        let pieces: Vec<io::Result<Bytes>> =
            body.as_bytes().chunks(100).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(answer(200, &[], Body::from_bytes_stream(stream::iter(pieces))))
    };
    let (crowd, asked, next) = ending(&["--max-object-size=8000B"], script).await;
    assert_eq!((crowd, next), (vec![whole(200, &large); 3], whole(200, &large)));
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn the_leader_leaves_and_the_others_have_the_answer() {
    let upstream = Slow::new(&[], &[]);
    let body = upstream.body();
    let mut leader = Box::pin(upstream.relay.get("/menu"));
    assert!((&mut leader).now_or_never().is_none());
    let follower = upstream.relay.get("/menu");
    drop(leader);
    let follower = follower.await;
    send(&body, "menu");
    drop(body);
    assert_eq!(cache_status(&follower), "lunch-relay; fwd=uri-miss; collapsed");
    assert_eq!(text(follower).await, "menu");
    assert_eq!(upstream.relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn purged_those_who_waited_have_it_and_the_next_asks_anew() {
    let upstream = Slow::new(&[], &[]);
    let (body, next) = (upstream.body(), upstream.body());
    let waiting = upstream.relay.get("/menu").await;
    let target = server::target::Target::of(&"/menu".parse().unwrap()).unwrap();
    upstream.relay.cache.purge_target(&target);
    send(&body, "old");
    send(&next, "new");
    drop((body, next));
    assert_eq!(text(waiting).await, "old");
    upstream.relay.expect("/menu", "new", "lunch-relay; fwd=uri-miss").await;
    upstream.relay.expect("/menu", "new", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn cut_off_who_falls_behind_and_the_others_have_it() {
    let upstream = Slow::new(&["--max-object-size=1KiB"], &[]);
    let body = upstream.body();
    let (quick, slow) = tokio::join!(upstream.relay.get("/menu"), upstream.relay.get("/menu"));
    let reading = tokio::spawn(quick.into_body().into_bytes());
    for _ in 0..100 {
        body.send(Ok(Bytes::from(vec![b'x'; 10_000]))).unwrap();
        tokio::task::yield_now().await;
    }
    drop(body);
    assert_eq!(reading.await.unwrap().unwrap().len(), 1_000_000);
    assert!(slow.into_body().into_bytes().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn timed_out_all_are_told_within_their_deadline() {
    let script = |count| match count {
        1 => Err(Failure::TimedOut("30s".to_owned()).into()),
        _ => Ok(menu(count, &[])),
    };
    let (crowd, asked, next) = ending(&[], script).await;
    assert_eq!((asked, next), (1, whole(200, "menu 2")));
    assert!(crowd.iter().all(|(status, _)| *status == 504), "{crowd:?}");
}
