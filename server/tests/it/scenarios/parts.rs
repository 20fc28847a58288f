//! Ranges (RFC 9110 §14) and partial content (RFC 9111 §3.3, §3.4).

use super::*;

const PART: Fields =
    &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("content-range", "bytes 0-4/10")];
const REST: Fields = &[
    ("cache-control", "max-age=60"),
    ("etag", "\"a\""),
    ("content-range", "bytes 5-9/10"),
    ("x", "new"),
];
const FIRST_HALF: [(&str, &str); 1] = [("range", "bytes=0-4")];

async fn part(relay: &Scenario, range: &str) -> (u16, String, String) {
    read(relay.ask("GET", "/menu", &[("range", range)]).await).await
}

#[tokio::test(start_paused = true)]
async fn a_part_is_stored_and_answers_what_lies_within_it() {
    let (relay, seen) = scripted(&[], &[(206, PART, "01234")]);
    let first = relay.ask("GET", "/menu", &FIRST_HALF).await;
    assert_eq!(last_asked(&seen, "range"), ["bytes=0-4"]);
    assert_eq!(first.header("content-range"), Some("bytes 0-4/10"));
    assert_eq!(read(first).await.2, "01234");

    let within = relay.ask("GET", "/menu", &[("range", "bytes=1-2")]).await;
    assert_eq!(within.header("content-range"), Some("bytes 1-2/10"));
    let status = "lunch-relay; hit; ttl=60";
    assert_eq!(read(within).await, (206, status.to_owned(), "12".to_owned()));
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_completed_by_what_is_missing() {
    let (relay, seen) = scripted(&[], &[(206, PART, "01234"), (206, REST, "56789")]);
    part(&relay, "bytes=0-4").await;
    let whole = relay.get("/menu").await;
    assert_eq!(last_asked(&seen, "range"), ["bytes=5-"]);
    assert_eq!(last_asked(&seen, "if-range"), ["\"a\""]);
    assert_eq!(whole.header("content-range"), None);
    assert_eq!(whole.header("content-length"), Some("10"));
    assert_eq!(whole.header("x"), Some("new"));
    let status = "lunch-relay; fwd=partial; fwd-status=206; stored; ttl=60";
    assert_eq!(read(whole).await, (200, status.to_owned(), "0123456789".to_owned()));
    assert_eq!(part(&relay, "bytes=3-6").await.2, "3456");
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_not_put_to_another_representation() {
    let (relay, seen) = scripted(
        &[],
        &[
            (206, PART, "01234"),
            (
                206,
                &[
                    ("cache-control", "max-age=60"),
                    ("etag", "\"b\""),
                    ("content-range", "bytes 5-9/10"),
                ],
                "fghij",
            ),
            (200, &[("cache-control", "max-age=60"), ("etag", "\"b\"")], "abcdefghij"),
        ],
    );
    part(&relay, "bytes=0-4").await;
    relay.expect("/menu", "abcdefghij", "lunch-relay; fwd=partial; stored").await;
    assert!(last_asked(&seen, "range").is_empty());
    relay.expect("/menu", "abcdefghij", "lunch-relay; hit").await;
}

#[tokio::test(start_paused = true)]
async fn a_part_without_a_strong_validator_is_not_completed() {
    let (relay, seen) = scripted(
        &[],
        &[
            (206, &[("cache-control", "max-age=60"), ("content-range", "bytes 0-4/10")], "01234"),
            (200, &[("cache-control", "max-age=60")], "0123456789"),
        ],
    );
    part(&relay, "bytes=0-4").await;
    relay.expect("/menu", "0123456789", "lunch-relay; fwd=partial; stored").await;
    assert!(last_asked(&seen, "range").is_empty());
}

#[tokio::test(start_paused = true)]
async fn parts_that_touch_are_combined() {
    let (relay, _) = scripted(&[], &[(206, PART, "01234"), (206, REST, "56789")]);
    part(&relay, "bytes=0-4").await;
    assert_eq!(part(&relay, "bytes=5-9").await.2, "56789");
    relay.expect("/menu", "0123456789", "lunch-relay; hit").await;
    assert_eq!(relay.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_request_serves_all_who_ask_for_the_same_range() {
    let (relay, _) = scripted(&[], &[(206, PART, "01234")]);
    let (first, second) = tokio::join!(part(&relay, "bytes=0-4"), part(&relay, "bytes=0-4"));
    assert_eq!((first.0, first.2.as_str()), (206, "01234"));
    assert_eq!((second.0, second.2.as_str()), (206, "01234"));
    assert!(second.1.contains("; collapsed"), "{}", second.1);
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_the_upstream_ignores_is_stored_whole() {
    let (relay, _) = scripted(&[], &[(200, &[("cache-control", "max-age=60")], "0123456789")]);
    assert_eq!(part(&relay, "bytes=0-4").await.2, "0123456789");
    let (status, _, body) = part(&relay, "bytes=0-4").await;
    assert_eq!((status, body.as_str()), (206, "01234"));
    assert_eq!(relay.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_cannot_be_satisfied_is_said_so_and_not_stored() {
    let (relay, _) = scripted(
        &[],
        &[
            (416, &[("cache-control", "max-age=60"), ("content-range", "bytes */10")], ""),
            (200, &[("cache-control", "max-age=60")], "0123456789"),
        ],
    );
    assert_eq!(part(&relay, "bytes=10-").await.0, 416);
    relay.expect("/menu", "0123456789", "lunch-relay; fwd=uri-miss; stored").await;
    let answer = relay.ask("GET", "/menu", &[("range", "bytes=10-")]).await;
    assert_eq!(
        (answer.status().as_u16(), answer.header("content-range")),
        (416, Some("bytes */10"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_validated_whole_for_a_range() {
    let (relay, seen) = scripted(
        &[],
        &[
            (200, &[("cache-control", "max-age=60"), ("etag", "\"a\"")], "0123456789"),
            (304, &[("etag", "\"a\"")], ""),
        ],
    );
    relay.expect("/menu", "0123456789", "lunch-relay; fwd=uri-miss").await;
    advance(Duration::from_mins(1)).await;
    let (status, line, body) = part(&relay, "bytes=0-4").await;
    assert_eq!((status, body.as_str()), (206, "01234"));
    assert_eq!(line, "lunch-relay; fwd=stale; fwd-status=304; stored; ttl=60");
    assert!(last_asked(&seen, "range").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_part_never_stands_in_for_what_it_does_not_hold() {
    let (relay, _) =
        scripted(&["--stale-if-error=1h"], &[(206, PART, "01234"), (503, &[], "error")]);
    part(&relay, "bytes=0-4").await;
    assert_eq!(part(&relay, "bytes=5-9").await.0, 503);
    assert_eq!(relay.get("/menu").await.status(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_another_length_than_announced_is_broken_off_and_not_stored() {
    let (relay, _) = scripted(
        &[],
        &[(200, &[("content-length", "9")], "menu"), (200, &[("content-length", "4")], "menu")],
    );
    assert!(relay.get("/menu").await.into_body().into_bytes().await.is_err());
    relay.expect("/menu", "menu", "lunch-relay; fwd=uri-miss; stored").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_once_it_is_complete_is_not_stored() {
    let relay = Scenario::with_flags(&["--max-object-size=1KiB"], |request| {
        const HALF: &str = "x";
        let fields = [("cache-control", "max-age=60"), ("etag", "\"a\"")];
        let (range, length) = match request.header("range") {
            Some("bytes=0-799") => ("bytes 0-799/1600", 800),
            Some("bytes=800-") => ("bytes 800-1599/1600", 800),
            _ => return Ok(answer(200, &fields, HALF.repeat(1600))),
        };
        let mut part = answer(206, &fields, HALF.repeat(length));
        part.headers_mut().insert("content-range", range.parse().unwrap());
        Ok(part)
    });
    assert_eq!(part(&relay, "bytes=0-799").await.0, 206);
    assert_eq!(text(relay.get("/menu").await).await.len(), 1600);
    let again = relay.get("/menu").await;
    assert!(!cache_status(&again).contains("hit"), "{}", cache_status(&again));
}
