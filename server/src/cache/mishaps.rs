//! The last times that the upstream did not answer as it should, for the
//! operator: what was asked for, what went wrong, and what the client got.
//!
//! One for each exchange, not for each client that waited for it.

use std::{collections::VecDeque, time::SystemTime};

use http::StatusCode;
use parking_lot::Mutex;
use poem_openapi::{Enum, Object};
use serde::Serialize;

use super::key::CacheKey;
use crate::{date::rfc3339, exchange::Failure};

/// How many are remembered.
const MOST: usize = 256;
/// Bytes of a URI that are shown.
const LONGEST_URI: usize = 512;

/// What went wrong, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
#[oai(rename = "Error")]
pub struct Mishap {
    /// When (RFC 3339).
    pub at: String,
    /// Path and query, cut to 512 bytes.
    pub uri: String,
    /// The kind: `status` for an answer that is an error, `guard` for one that a
    /// rule calls worse than what is stored, or the proxy error type (RFC 9209
    /// §2.3), such as `connection_timeout`.
    pub kind: String,
    /// The status that the upstream answered; null: it did not answer.
    pub status: Option<u16>,
    /// What is known of it, for people.
    pub detail: String,
    /// What was answered.
    pub answered: Answered,
}

/// What was answered where something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// What is stored stood in.
    Stored,
    /// The upstream's own answer was passed on.
    PassedOn,
    /// An error of the relay's.
    Error,
}

/// What the upstream did.
#[derive(Clone, Copy, Debug)]
pub(super) enum Did<'a> {
    /// It answered with an error.
    Answer(StatusCode),
    /// It answered with something worse than what is stored.
    Worse(StatusCode),
    /// It did not answer, or was not asked.
    Fail(&'a Failure),
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Mishaps(Mutex<VecDeque<Mishap>>);

impl Mishaps {
    /// Remembers one; the oldest is forgotten.
    pub(super) fn note(&self, key: &CacheKey, did: Did<'_>, answered: Answered, now: SystemTime) {
        let (kind, status, detail) = match did {
            Did::Answer(status) => {
                let detail = status.canonical_reason().unwrap_or("an error").to_owned();
                ("status", Some(status.as_u16()), detail)
            }
            Did::Worse(status) => {
                let detail = "a rule's guard calls it worse than what is stored".to_owned();
                ("guard", Some(status.as_u16()), detail)
            }
            Did::Fail(failure) => (failure.problem().error, None, failure.to_string()),
        };
        let uri = cut(key.as_str()).to_owned();
        let mishap =
            Mishap { at: rfc3339(now), uri, kind: kind.to_owned(), status, detail, answered };
        let mut last = self.0.lock();
        if MOST <= last.len() {
            last.pop_front();
        }
        last.push_back(mishap);
    }

    /// All that are remembered, the last first.
    pub(super) fn all(&self) -> Vec<Mishap> {
        self.0.lock().iter().rev().cloned().collect()
    }
}

/// As much of a text as is shown.
fn cut(text: &str) -> &str {
    let end = (0..=LONGEST_URI.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn so_many_are_remembered_and_so_much_of_each() {
        let mishaps = Mishaps::default();
        let key = |text: &str| CacheKey::of_text(text).unwrap();
        for number in 0..=MOST {
            let did = Did::Answer(StatusCode::BAD_GATEWAY);
            mishaps.note(&key(&format!("/{number}")), did, Answered::Stored, UNIX_EPOCH);
        }
        let long = format!("/{}", "å".repeat(400));
        let failure = Failure::Loop;
        mishaps.note(&key(&long), Did::Fail(&failure), Answered::Error, UNIX_EPOCH);
        let all = mishaps.all();
        assert_eq!(all.len(), MOST);
        assert_eq!((all[0].uri.len(), all[0].status), (LONGEST_URI - 1, None));
        assert_eq!((&*all[0].kind, &*all[0].at), ("proxy_loop_detected", "1970-01-01T00:00:00Z"));
        assert_eq!((&*all[1].uri, all[1].status), ("/256", Some(502)));
        assert_eq!(&*all[MOST - 1].uri, "/2");
    }
}
