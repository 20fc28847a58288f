//! What the API was asked, for tests that count: a relay's own count proves
//! little about the relay.

use std::collections::BTreeMap;

use http::{StatusCode, Uri};
use serde::Serialize;

use super::answer::Answer;

/// Where it is told, outside of the API.
pub(super) const PATH: &str = "/requests";

/// Targets that are counted apart; more of them are only in the sum.
const MAX_TARGETS: usize = 10_000;

/// Requests to the API, by target.
#[derive(Debug, Default, Serialize)]
pub(super) struct Heard {
    /// All of them, also those that were refused or struck by a fault.
    total: u64,
    /// By path and query, as they came.
    targets: BTreeMap<String, u64>,
}

impl Heard {
    /// Counts one, and says how many there were before it.
    pub(super) fn add(&mut self, uri: &Uri) -> u64 {
        let before = self.total;
        self.total += 1;
        let target = uri.path_and_query().map_or(uri.path(), http::uri::PathAndQuery::as_str);
        if let Some(count) = self.targets.get_mut(target) {
            *count += 1;
        } else if self.targets.len() < MAX_TARGETS {
            self.targets.insert(target.to_owned(), 1);
        }
        before
    }

    /// The counts, as JSON.
    pub(super) fn answer(&self) -> Answer {
        let answer = Answer::new("demo", StatusCode::OK);
        // Numbers by strings are always JSON.
        let body = serde_json::to_vec(self).unwrap_or_default();
        answer.header(http::header::CACHE_CONTROL, "no-store").body("application/json", body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_counted_apart() {
        let mut heard = Heard::default();
        let targets = ["/api/a?b=1", "/api/a", "/api/a?b=1"];
        let before = targets.map(|target| heard.add(&Uri::from_static(target)));
        assert_eq!(before, [0, 1, 2]);
        let said = String::from_utf8(heard.answer().body).unwrap();
        assert_eq!(said, r#"{"total":3,"targets":{"/api/a":1,"/api/a?b=1":2}}"#);
    }

    #[test]
    fn too_many_targets_are_only_in_the_sum() {
        let mut heard = Heard::default();
        for number in 0..MAX_TARGETS + 5 {
            heard.add(&format!("/api/{number}").parse().unwrap());
        }
        heard.add(&Uri::from_static("/api/0"));
        assert_eq!(heard.total, MAX_TARGETS as u64 + 6);
        assert_eq!(heard.targets.len(), MAX_TARGETS);
        assert_eq!(heard.targets["/api/0"], 2);
    }
}
