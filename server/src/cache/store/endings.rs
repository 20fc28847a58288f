//! Purges that name no key: what is on its way is told by them that it has
//! ended, though nobody knew of it.
//!
//! The last of them are remembered. A response that was asked for before one of
//! these is compared with it, and one that was asked for before one that is
//! forgotten is not stored.

use std::{collections::VecDeque, time::SystemTime};

use crate::{
    cache::tags::Tags,
    exchange::ending::{Ending, Scope},
};

/// How many are remembered.
const MOST: usize = 256;

/// The last purges that name no key.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// How many there have been.
    number: u64,
    /// The last of them, the oldest first.
    last: VecDeque<Ending>,
    /// The latest of those that are forgotten.
    forgotten: Option<Ending>,
}

impl Endings {
    /// Remembers one: how many there have been.
    pub(super) fn note(&mut self, ending: Ending) -> u64 {
        self.number += 1;
        self.last.push_back(ending);
        if MOST < self.last.len()
            && let Some(oldest) = self.last.pop_front()
        {
            let latest = self.forgotten.take().filter(|latest| oldest.at < latest.at);
            self.forgotten = latest.or(Some(oldest));
        }
        self.number
    }

    /// Whether a response has ended that was asked for when there had been
    /// `since` of them.
    pub(super) fn end_since(&self, since: u64, key: &str, tags: &Tags) -> bool {
        let forgotten = self.number - self.last.len() as u64;
        let unseen = usize::try_from(since.saturating_sub(forgotten)).unwrap_or(usize::MAX);
        since < forgotten || self.last.iter().skip(unseen).any(|one| covers(one, key, tags))
    }

    /// Whether a response has ended that was asked for at this time, perhaps by
    /// another instance.
    pub(super) fn end_of(&self, asked_at: SystemTime, key: &str, tags: &Tags) -> bool {
        self.forgotten.as_ref().is_some_and(|latest| latest.may_be_of(asked_at))
            || self.last.iter().any(|one| one.may_be_of(asked_at) && covers(one, key, tags))
    }
}

/// Whether a purge means what is under a key and has these tags.
pub(in crate::cache) fn covers(ending: &Ending, key: &str, tags: &Tags) -> bool {
    match &ending.scope {
        Scope::Key(own) => own == key,
        Scope::Prefix(prefix) => key.starts_with(prefix.as_str()),
        Scope::Tag(tag) => tags.has(tag),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::exchange::ending::How;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn prefix(prefix: &str, seconds: u64) -> Ending {
        Ending { scope: Scope::Prefix(prefix.to_owned()), how: How::Hard, at: at(seconds) }
    }

    fn tags(value: &'static str) -> Tags {
        let line = (HeaderName::from_static("cache-tag"), HeaderValue::from_static(value));
        Tags::of(&HeaderMap::from_iter([line]))
    }

    #[test]
    fn what_is_covered() {
        let tag = Ending { scope: Scope::Tag("fish".to_owned()), ..prefix("", 0) };
        let check = |ending: &Ending, key: &str, own: &'static str, expected: bool| {
            assert_eq!(covers(ending, key, &tags(own)), expected, "{ending} {key} {own}");
        };
        check(&prefix("/menu", 0), "/menus?x", "", true);
        check(&prefix("/menu", 0), "/men", "", false);
        check(&prefix("/", 0), "/", "", true);
        check(&tag, "/menu", "soup,fish", true);
        check(&tag, "/fish", "Fish", false);
        check(&Ending::of_key("/a", How::Hard), "/a", "", true);
        check(&Ending::of_key("/a", How::Hard), "/a?b", "", false);
    }

    #[test]
    fn what_was_asked_for_before_has_ended() {
        let mut endings = Endings::default();
        let none = Tags::default();
        assert!(!endings.end_since(0, "/a", &none) && !endings.end_of(at(0), "/a", &none));
        assert_eq!(endings.note(prefix("/a", 10)), 1);
        assert_eq!(endings.note(prefix("/b", 20)), 2);
        assert!(endings.end_since(0, "/a", &none) && endings.end_since(0, "/b", &none));
        assert!(!endings.end_since(1, "/a", &none) && endings.end_since(1, "/b", &none));
        assert!(!endings.end_since(2, "/b", &none) && !endings.end_since(0, "/c", &none));
        assert!(endings.end_of(at(12), "/a", &none) && !endings.end_of(at(13), "/a", &none));
    }

    #[test]
    fn what_was_asked_for_before_one_that_is_forgotten_has_ended_too() {
        let mut endings = Endings::default();
        let none = Tags::default();
        for second in 0..=MOST as u64 {
            endings.note(prefix("/a", second + 100));
        }
        assert!(endings.end_since(0, "/other", &none) && !endings.end_since(1, "/other", &none));
        assert!(endings.end_of(at(102), "/other", &none));
        assert!(!endings.end_of(at(103), "/other", &none));
        assert!(!endings.end_since(MOST as u64 + 1, "/a", &none));
    }
}
