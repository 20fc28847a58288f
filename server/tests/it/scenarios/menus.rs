//! Menus read through the cache.

use lunch::{Serving, State};
use poem::web::RemoteAddr;
use server::menus::{Menus, Unread};

use super::*;

const MENU: &str = r#"{"restaurant":{"title":"x","menu":[{"dish":"Ärtsoppa"}]}}"#;

/// Menus of an API that answers a path after so many seconds with a status and
/// a body.
fn menus(
    api: impl Fn(&str) -> (u64, u16, String) + Send + Sync + 'static,
) -> (Menus, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let upstream = make({
        let asked = Arc::clone(&asked);
        move |request: Request| {
            let path = request.uri().path().to_owned();
            let (seconds, status, body) = api(&path);
            asked.lock().unwrap().push(path);
            async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok::<_, poem::Error>(answer(status, &[], body))
            }
        }
    });
    (Menus::new(cache(&[], upstream.boxed())), asked)
}

fn list_of(count: usize) -> String {
    let one = |number| format!(r#"{{"identifier":"r{number}","name":"R{number}"}}"#);
    format!(r#"{{"restaurants":[{}]}}"#, (0..count).map(one).collect::<Vec<_>>().join(","))
}

#[tokio::test(start_paused = true)]
async fn menus_are_read_some_at_a_time_and_waited_for_no_longer_than_half_a_minute() {
    let (menus, asked) = menus(|path| match path {
        "/restaurant/" => (0, 200, list_of(20)),
        "/restaurant/r7" => (3600, 200, MENU.to_owned()),
        _ => (1, 200, MENU.to_owned()),
    });
    let nobody = RemoteAddr::default();
    let list = menus.list(&nobody).await.unwrap();
    let began = tokio::time::Instant::now();
    let served = menus.menus(list.places, &nobody).await;
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    for (at, served) in served.iter().enumerate() {
        assert_eq!(served.entry.place.id, format!("r{at}"), "in their order");
        match &served.entry.serving {
            Serving::Known(today, _) => assert_eq!(today.state(), State::Open),
            Serving::Missing(why) => assert!(at == 7 && why.contains("too long"), "{at}: {why}"),
        }
    }
    assert_eq!(asked.lock().unwrap().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn of_a_list_without_end_some_menus_are_read() {
    let (menus, asked) = menus(|path| match path {
        "/restaurant/" => (0, 200, list_of(1000)),
        _ => (0, 200, MENU.to_owned()),
    });
    let nobody = RemoteAddr::default();
    let list = menus.list(&nobody).await.unwrap();
    assert_eq!(menus.menus(list.places, &nobody).await.len(), 1000);
    assert_eq!(asked.lock().unwrap().len(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_none_says_what_is_wrong() {
    let check = async |status: u16, body: &'static str, expected: &str| {
        let (menus, _) = menus(move |_| (0, status, body.to_owned()));
        let error = menus.list(&RemoteAddr::default()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        error
    };
    let error = check(404, "", "the upstream has nothing at /restaurant/").await;
    assert_eq!(error, Unread::NotFound("/restaurant/".to_owned()));
    check(200, "<h1>hello</h1>", "what the upstream says at /restaurant/ cannot be read").await;
    check(500, "", "the upstream answered 500").await;
}
