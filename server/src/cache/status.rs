//! `Cache-Status` (RFC 9211), and its words for all that happens to a request.

use std::fmt::Write;

use http::{HeaderName, HeaderValue, StatusCode};

use super::clause::Clause;
pub use crate::exchange::Fwd;
use crate::problem::NAME;

/// The field's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// How a request was answered, as the metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// From the cache, fresh.
    Hit,
    /// From the cache, though stale, without or in the place of the upstream's answer.
    Stale,
    /// By the upstream.
    Forwarded(Fwd),
    /// By the upstream's answer to another client's request.
    Collapsed,
    /// Not at all: `only-if-cached`.
    Unsatisfiable,
    /// By the relay itself: its documents, its health, its refusals.
    Own,
    /// By what another instance has stored, fresh.
    Shared,
}

impl Outcome {
    /// All of them, in the order of [`Outcome::index`].
    pub const ALL: [Outcome; 13] = [
        Outcome::Hit,
        Outcome::Stale,
        Outcome::Forwarded(Fwd::Bypass),
        Outcome::Forwarded(Fwd::Method),
        Outcome::Forwarded(Fwd::UriMiss),
        Outcome::Forwarded(Fwd::VaryMiss),
        Outcome::Forwarded(Fwd::Request),
        Outcome::Forwarded(Fwd::Stale),
        Outcome::Forwarded(Fwd::Partial),
        Outcome::Collapsed,
        Outcome::Unsatisfiable,
        Outcome::Own,
        Outcome::Shared,
    ];

    /// The place in [`Outcome::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Outcome::Hit => 0,
            Outcome::Stale => 1,
            Outcome::Forwarded(fwd) => 2 + fwd as usize,
            Outcome::Collapsed => 9,
            Outcome::Unsatisfiable => 10,
            Outcome::Own => 11,
            Outcome::Shared => 12,
        }
    }

    /// The metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Hit => "hit",
            Outcome::Stale => "stale-hit",
            Outcome::Forwarded(fwd) => fwd.as_str(),
            Outcome::Collapsed => "collapsed",
            Outcome::Unsatisfiable => "unsatisfiable",
            Outcome::Own => "own",
            Outcome::Shared => "shared-hit",
        }
    }
}

/// What `Cache-Status` says of an answer (RFC 9211 §2).
///
/// Each method adds one parameter; they are said in one order, whatever the
/// order of the calls.
#[derive(Clone, Debug, Default)]
pub struct CacheStatus<'a> {
    handling: Option<Handling>,
    fwd_status: Option<StatusCode>,
    stored: bool,
    collapsed: bool,
    ttl: Option<i64>,
    key: Option<&'a str>,
    detail: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
enum Handling {
    Hit,
    Fwd(Fwd),
}

impl<'a> CacheStatus<'a> {
    /// `hit` (§2.1): answered from the cache, the request did not go forward.
    pub fn hit() -> CacheStatus<'a> {
        CacheStatus { handling: Some(Handling::Hit), ..CacheStatus::default() }
    }

    /// `fwd` (§2.2): the request went forward, or would have.
    pub fn fwd(fwd: Fwd) -> CacheStatus<'a> {
        CacheStatus { handling: Some(Handling::Fwd(fwd)), ..CacheStatus::default() }
    }

    /// For an answer of our own to a request that did not reach the cache.
    pub fn own(detail: &'a str) -> CacheStatus<'a> {
        CacheStatus { detail: Some(detail), ..CacheStatus::default() }
    }

    /// `fwd-status` (§2.3), where it is not the answer's own status.
    #[must_use]
    pub fn fwd_status(self, status: Option<StatusCode>) -> CacheStatus<'a> {
        CacheStatus { fwd_status: status, ..self }
    }

    /// `ttl` (§2.4): seconds of freshness left, negative since it was stale.
    #[must_use]
    pub fn ttl(self, seconds: i64) -> CacheStatus<'a> {
        CacheStatus { ttl: Some(seconds), ..self }
    }

    /// `stored` (§2.5): the answer was offered to the store.
    #[must_use]
    pub fn stored(self) -> CacheStatus<'a> {
        CacheStatus { stored: true, ..self }
    }

    /// `collapsed` (§2.6): another client's request brought the answer.
    #[must_use]
    pub fn collapsed(self) -> CacheStatus<'a> {
        CacheStatus { collapsed: true, ..self }
    }

    /// `key` (§2.7), where one is given.
    #[must_use]
    pub fn key(self, key: Option<&'a str>) -> CacheStatus<'a> {
        CacheStatus { key, ..self }
    }

    /// `detail` (§2.8): what decided.
    #[must_use]
    pub fn detail(self, detail: &'a str) -> CacheStatus<'a> {
        CacheStatus { detail: Some(detail), ..self }
    }

    /// The member of the list.
    pub fn value(&self) -> HeaderValue {
        let mut line = String::with_capacity(96);
        // Writing to a String does not fail.
        let _ = self.write(&mut line);
        HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(NAME))
    }

    fn write(&self, line: &mut String) -> std::fmt::Result {
        line.push_str(NAME);
        match self.handling {
            Some(Handling::Hit) => line.push_str("; hit"),
            Some(Handling::Fwd(fwd)) => write!(line, "; fwd={}", fwd.as_str())?,
            None => {}
        }
        if let Some(status) = self.fwd_status {
            write!(line, "; fwd-status={}", status.as_u16())?;
        }
        if self.stored {
            line.push_str("; stored");
        }
        if self.collapsed {
            line.push_str("; collapsed");
        }
        if let Some(ttl) = self.ttl {
            write!(line, "; ttl={}", ttl.clamp(-MAX_INTEGER, MAX_INTEGER))?;
        }
        if let Some(key) = self.key {
            line.push_str("; key=");
            write_string(line, key);
        }
        if let Some(detail) = self.detail {
            line.push_str("; detail=");
            if is_token(detail) { line.push_str(detail) } else { write_string(line, detail) }
        }
        Ok(())
    }
}

/// The freshness that is left, as a member of [`CacheStatus`] says it.
pub fn ttl_of(member: &HeaderValue) -> Option<i64> {
    // Before the strings, in which anything may be.
    let parameters = member.to_str().ok()?.split('"').next()?;
    parameters.split("; ").find_map(|parameter| parameter.strip_prefix("ttl="))?.parse().ok()
}

/// Whether what a member of [`CacheStatus`] is about serves although it is not
/// fresh any more.
pub fn is_stale(member: &HeaderValue) -> bool {
    const CLAUSES: [Clause; 4] = [
        Clause::StaleWhileRevalidate,
        Clause::StaleIfError,
        Clause::RequestMaxStale,
        Clause::Guard,
    ];
    let text = member.to_str().unwrap_or_default();
    let is_of = |clause: Clause| text.ends_with(&format!("; detail=\"{}\"", clause.as_str()));
    ttl_of(member).is_some_and(|ttl| ttl < 0) || CLAUSES.into_iter().any(is_of)
}

/// The greatest integer of a structured field (RFC 9651 §3.3.1).
const MAX_INTEGER: i64 = 999_999_999_999_999;

/// Whether a text is a token of a structured field (RFC 9651 §3.3.4).
fn is_token(text: &str) -> bool {
    let is_of_token =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'*')
        && text.bytes().all(is_of_token)
}

/// Writes a string of a structured field (RFC 9651 §3.3.3); what is beyond it
/// is percent-encoded.
fn write_string(line: &mut String, text: &str) {
    line.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => line.extend(['\\', char::from(byte)]),
            b' '..=b'~' => line.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => drop(write!(line, "%{byte:02X}")),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: &CacheStatus, line: &str) {
        assert_eq!(status.value(), line);
        // What is said is a structured field (RFC 9651).
        sfv::Parser::new(line).parse::<sfv::List>().unwrap();
    }

    #[test]
    fn lines() {
        check(&CacheStatus::hit().ttl(598), "lunch-relay; hit; ttl=598");
        check(&CacheStatus::hit().ttl(i64::MAX), "lunch-relay; hit; ttl=999999999999999");
        check(
            &CacheStatus::hit().ttl(-3).detail("stale-while-revalidate, RFC 5861 3"),
            "lunch-relay; hit; ttl=-3; detail=\"stale-while-revalidate, RFC 5861 3\"",
        );
        check(
            &CacheStatus::fwd(Fwd::UriMiss).ttl(60).stored(),
            "lunch-relay; fwd=uri-miss; stored; ttl=60",
        );
        check(&CacheStatus::fwd(Fwd::Stale).collapsed(), "lunch-relay; fwd=stale; collapsed");
        check(
            &CacheStatus::fwd(Fwd::Stale).fwd_status(Some(StatusCode::NOT_MODIFIED)),
            "lunch-relay; fwd=stale; fwd-status=304",
        );
        check(
            &CacheStatus::fwd(Fwd::UriMiss).detail("connection_timeout"),
            "lunch-relay; fwd=uri-miss; detail=connection_timeout",
        );
        check(&CacheStatus::own("options"), "lunch-relay; detail=options");
        check(
            &CacheStatus::hit().key(Some("/a\"\\å")),
            "lunch-relay; hit; key=\"/a\\\"\\\\%C3%A5\"",
        );
    }

    #[test]
    fn the_freshness_left_is_read_as_it_was_written() {
        for ttl in [-29, 0, 600] {
            let status = CacheStatus::fwd(Fwd::Stale).stored().ttl(ttl).key(Some("/; ttl=1"));
            assert_eq!(ttl_of(&status.value()), Some(ttl));
        }
        assert_eq!(ttl_of(&CacheStatus::fwd(Fwd::Stale).key(Some("/; ttl=1")).value()), None);
    }

    #[test]
    fn what_serves_though_it_is_stale_is_told_apart() {
        let check = |status: &CacheStatus, stale| assert_eq!(is_stale(&status.value()), stale);
        check(&CacheStatus::hit().ttl(5), false);
        check(&CacheStatus::hit().ttl(-1), true);
        // It has just come, and is fresh for no time.
        check(&CacheStatus::fwd(Fwd::UriMiss).stored().ttl(0), false);
        check(&CacheStatus::fwd(Fwd::UriMiss).detail(Clause::NoStore.as_str()), false);
        for clause in [Clause::StaleIfError, Clause::StaleWhileRevalidate, Clause::Guard] {
            check(&CacheStatus::fwd(Fwd::Stale).ttl(0).detail(clause.as_str()), true);
        }
    }

    #[test]
    fn each_outcome_has_its_place() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), at, "{outcome:?}");
        }
    }
}
