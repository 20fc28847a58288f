//! `Cache-Status` (RFC 9211), and its words for all that happens to a request.

use std::{fmt::Write, time::Duration};

use http::{HeaderName, HeaderValue};

use crate::problem::NAME;

/// The field's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went forward (RFC 9211 §2.2): the decision, the parameter,
/// the log field and the metric label in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fwd {
    /// The cache was told not to handle the request.
    Bypass,
    /// The method's semantics ask for it.
    Method,
    /// No stored response has this key.
    UriMiss,
    /// A stored response has this key, but was selected by other fields.
    VaryMiss,
    /// The request's own directives ask for it.
    Request,
    /// The stored response is stale.
    Stale,
}

impl Fwd {
    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fwd::Bypass => "bypass",
            Fwd::Method => "method",
            Fwd::UriMiss => "uri-miss",
            Fwd::VaryMiss => "vary-miss",
            Fwd::Request => "request",
            Fwd::Stale => "stale",
        }
    }
}

/// How a request was answered, as the metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// From the cache.
    Hit,
    /// By the upstream.
    Forwarded(Fwd),
    /// By the upstream's answer to another client's request.
    Collapsed,
    /// Not at all: `only-if-cached`.
    Unsatisfiable,
    /// By the relay itself: its documents, its health, its refusals.
    Own,
}

impl Outcome {
    /// All of them, in the order of [`Outcome::index`].
    pub const ALL: [Outcome; 10] = [
        Outcome::Hit,
        Outcome::Forwarded(Fwd::Bypass),
        Outcome::Forwarded(Fwd::Method),
        Outcome::Forwarded(Fwd::UriMiss),
        Outcome::Forwarded(Fwd::VaryMiss),
        Outcome::Forwarded(Fwd::Request),
        Outcome::Forwarded(Fwd::Stale),
        Outcome::Collapsed,
        Outcome::Unsatisfiable,
        Outcome::Own,
    ];

    /// The place in [`Outcome::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Outcome::Hit => 0,
            Outcome::Forwarded(fwd) => 1 + fwd as usize,
            Outcome::Collapsed => 7,
            Outcome::Unsatisfiable => 8,
            Outcome::Own => 9,
        }
    }

    /// The metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Hit => "hit",
            Outcome::Forwarded(fwd) => fwd.as_str(),
            Outcome::Collapsed => "collapsed",
            Outcome::Unsatisfiable => "unsatisfiable",
            Outcome::Own => "own",
        }
    }
}

/// Whether the answer of a forwarded request was offered to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storing {
    /// It was (§2.4).
    Stored,
    /// It was not, or not by this request.
    NotStored,
}

/// `hit`, with the freshness that is left.
pub fn hit(ttl: Duration) -> HeaderValue {
    value(format_args!("{NAME}; hit; ttl={}", ttl.as_secs()))
}

/// `fwd`, for an answer of the upstream's.
pub fn forwarded(fwd: Fwd, storing: Storing) -> HeaderValue {
    let stored = match storing {
        Storing::Stored => "; stored",
        Storing::NotStored => "",
    };
    value(format_args!("{NAME}; fwd={}{stored}", fwd.as_str()))
}

/// `fwd` and `collapsed`, for an answer that another request fetched.
pub fn collapsed(fwd: Fwd) -> HeaderValue {
    value(format_args!("{NAME}; fwd={}; collapsed", fwd.as_str()))
}

/// For an answer of our own where the request would have gone forward.
pub fn failed(fwd: Fwd, error: &'static str) -> HeaderValue {
    value(format_args!("{NAME}; fwd={}; detail={error}", fwd.as_str()))
}

/// For an answer of our own to a request that did not reach the cache.
pub fn own(detail: &'static str) -> HeaderValue {
    value(format_args!("{NAME}; detail={detail}"))
}

fn value(text: std::fmt::Arguments<'_>) -> HeaderValue {
    let mut line = String::with_capacity(64);
    // Writing to a String does not fail, and all that is written is ASCII.
    let _ = line.write_fmt(text);
    HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let check = |value: HeaderValue, line: &str| assert_eq!(value, line);
        check(hit(Duration::from_secs(598)), "lunch-relay; hit; ttl=598");
        check(hit(Duration::MAX), "lunch-relay; hit; ttl=18446744073709551615");
        check(forwarded(Fwd::UriMiss, Storing::Stored), "lunch-relay; fwd=uri-miss; stored");
        check(forwarded(Fwd::Method, Storing::NotStored), "lunch-relay; fwd=method");
        check(collapsed(Fwd::Stale), "lunch-relay; fwd=stale; collapsed");
        check(
            failed(Fwd::UriMiss, "connection_timeout"),
            "lunch-relay; fwd=uri-miss; detail=connection_timeout",
        );
    }

    #[test]
    fn each_outcome_has_its_place() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), at, "{outcome:?}");
        }
    }
}
