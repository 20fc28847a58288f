use std::time::UNIX_EPOCH;

use super::*;
use crate::{
    api::upstream::{HeldByHand, Hold, Quota},
    telemetry::ledger::account::tests::account,
};

fn standing() -> Standing {
    Standing::of("http://h/api/", UNIX_EPOCH, &account(UNIX_EPOCH, 3, 5))
}

#[track_caller]
fn check_governor(standing: &Standing, tone: Tone, what: &str, until: Option<&str>, why: &str) {
    let said = governor(standing, UNIX_EPOCH + Duration::from_hours(12));
    assert_eq!((said.tone, &*said.what, said.until.as_deref()), (tone, what, until));
    assert!(said.why.contains(why), "{}", said.why);
}

#[test]
fn the_governor_in_words() {
    let hold = Some(Hold { seconds: 59.2, bound: "hold".to_owned() });
    let minute = Some("1970-01-01T12:01:00Z");
    let open = standing();
    check_governor(&open, Tone::Good, "Open", None, "17 requests may go at once, then 1 a second");
    let holding = Standing { hold: hold.clone(), ..standing() };
    check_governor(&holding, Tone::Warn, "Holding", minute, "the upstream said when to come back");
    let broken = Standing { hold: hold.clone(), breaker: Breaker::Open, ..standing() };
    check_governor(&broken, Tone::Bad, "Broken", minute, "keeps failing");
    let probing = Standing { breaker: Breaker::HalfOpen, ..standing() };
    check_governor(&probing, Tone::Warn, "Probing", None, "one request finds out");
    let quota = Some(Quota { remaining: 0, resets_in_seconds: 60.0 });
    let waiting = Standing { quota, ..standing() };
    check_governor(&waiting, Tone::Warn, "Waiting", minute, "nothing is left");
    let mut queued = standing();
    queued.queue.waiting = 1;
    check_governor(&queued, Tone::Warn, "Asking in turn", None, "1 request wait");
    // What the operator has done is said first.
    let reason = "deploying <b>".to_owned();
    let by_hand = Some(HeldByHand { seconds: 60.0, reason });
    let by_hand = Standing { held_by_hand: by_hand, hold, ..standing() };
    check_governor(&by_hand, Tone::Warn, "Held by hand", minute, "deploying <b>");
}

#[test]
fn spans() {
    let check = |seconds: u64, expected| assert_eq!(span(seconds), expected, "{seconds}");
    check(0, "0 s");
    check(59, "59 s");
    check(60, "1 min");
    check(3_599, "59 min 59 s");
    check(3_601, "1 h");
    check(90_061, "1 d 1 h");
    check(u64::MAX, "213503982334601 d 7 h");
    assert_eq!(left(90), "1 min 30 s left");
    assert_eq!(left(-5), "stale for 5 s");
    assert_eq!(left(i64::MIN), "stale for 106751991167300 d 15 h");
}

#[test]
fn numbers() {
    let check = |value: f64, expected| assert_eq!(number(value), expected, "{value}");
    check(0.0, "0");
    check(0.333, "0.33");
    check(12.34, "12.3");
    check(2.998, "3");
    check(1234.5, "1234");
    assert_eq!(count(1_234_567_u64), "1\u{202f}234\u{202f}567");
    assert_eq!(count(999_u64), "999");
    assert_eq!((&*size(1536_u64), &*size(1024_u64)), ("1.5 KiB", "1 KiB"));
    assert_eq!(percent(0.987), "99 %");
}

#[test]
fn clauses_lead_to_their_text() {
    let check = |section, expected: Option<&str>| {
        assert_eq!(clause_url(section).as_deref(), expected, "{section}");
    };
    check("RFC 9111 5.2.2.1", Some("https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.1"));
    check("rule", None);
    check("RFC 9111", None);
    check("RFC 9111 \"x", None);
}
