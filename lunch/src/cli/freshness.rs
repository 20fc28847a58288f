//! How old an answer of the relay is, by its fields.

use std::time::Duration;

use jiff::civil::DateTime;
use sfv::{BareItem, List, ListEntry, Parser};

use crate::entry::Freshness;

/// The name that the relay goes by in `Cache-Status` (RFC 9211).
const RELAY: &str = "lunch-relay";

/// Reads `Age` and `Cache-Status`.
///
/// An answer is stale where its `ttl` is negative, or where `detail` says that
/// it stands in for another that is none or worse.
pub(super) fn read(age: Option<&str>, cache_status: &str) -> Freshness {
    let age = age.and_then(|age| age.trim().parse().ok()).map(Duration::from_secs);
    let list = Parser::new(cache_status).parse::<List>().unwrap_or_default();
    let ours = list.iter().rev().find_map(|entry| match entry {
        ListEntry::Item(item) if is_ours(&item.bare_item) => Some(&item.params),
        _ => None,
    });
    let stale = ours.is_some_and(|params| {
        let expired = matches!(params.get("ttl"), Some(BareItem::Integer(ttl)) if *ttl < 0.into());
        let detail = params.get("detail").and_then(text).unwrap_or_default();
        expired || detail.starts_with("stale") || detail.starts_with("better than")
    });
    Freshness { age, stale }
}

/// Whether an answer of this age is of another day.
pub(super) fn is_of_another_day(age: Option<Duration>, now: DateTime) -> bool {
    // An age that no date can bear is of another day too.
    age.is_some_and(|age| now.checked_sub(age).map_or(true, |then| then.date() != now.date()))
}

fn is_ours(name: &BareItem) -> bool {
    text(name) == Some(RELAY)
}

fn text(item: &BareItem) -> Option<&str> {
    match item {
        BareItem::Token(token) => Some(token.as_str()),
        BareItem::String(text) => Some(text.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_relay_says_what_is_stale() {
        #[track_caller]
        fn check(cache_status: &str, stale: bool) {
            assert_eq!(read(Some("9"), cache_status).stale, stale);
        }

        check("lunch-relay; hit; ttl=598", false);
        check("lunch-relay; fwd=uri-miss; stored; ttl=600", false);
        check("lunch-relay; hit; ttl=-3; detail=\"stale-while-revalidate, RFC 5861 3\"", true);
        check(
            "lunch-relay; fwd=stale; fwd-status=502; detail=\"stale-if-error, RFC 5861 4\"",
            true,
        );
        check("lunch-relay; hit; detail=\"better than the answer, rule\"", true);
        check("near; hit; ttl=-5, lunch-relay; hit; ttl=5", false);
        check("lunch-relay; hit; ttl=-5, near; hit; ttl=5", true);
        check("", false);
        check("lunch-relay; ttl=", false);
    }

    #[test]
    fn age_is_in_seconds() {
        assert_eq!(
            read(Some(" 61 "), "").age,
            Some(Duration::from_mins(1) + Duration::from_secs(1))
        );
        assert_eq!(read(Some("soon"), "").age, None);
        assert_eq!(read(None, "").age, None);
    }

    #[test]
    fn yesterday_ends_at_midnight() {
        let now = date(2026, 11, 24).at(0, 10, 0, 0);
        assert!(!is_of_another_day(None, now));
        assert!(!is_of_another_day(Some(Duration::from_mins(10)), now));
        assert!(is_of_another_day(Some(Duration::from_secs(601)), now));
        assert!(is_of_another_day(Some(Duration::MAX), now));
    }
}
