//! On what terms a stored response may be reused: read from it once, when it is
//! stored or freshened.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use crate::cache::{
    clause::Clause,
    directives::{ResponseDirectives, Scope, Word},
    freshness::{Lifetime, freshness_lifetime},
    rules::{Authority, ClientDirectives, Rule},
};

/// The terms of a stored response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The place of the rule that they were read with, where its reuse is counted.
    pub rule: usize,
    /// How long it is fresh; zero where nothing says so.
    pub lifetime: Lifetime,
    /// When it has to be validated.
    pub validation: Validation,
    /// The clause that forbids every stale use.
    pub never_stale: Option<Clause>,
    /// For how long it may be used while it is validated (RFC 5861 §3).
    pub stale_while_revalidate: Duration,
    /// For how long it may be used where the upstream fails (RFC 5861 §4).
    pub stale_if_error: Duration,
    /// When its freshness and every stale use end, whatever else is said.
    pub ends: Option<SystemTime>,
    /// Whom it may be given to.
    pub audience: Audience,
    /// Which request directives force a call upstream while it is fresh.
    pub forced_by: ForcedBy,
}

/// Which request directives force a call upstream though the stored response
/// is fresh (RFC 9111 §5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedBy {
    /// None: they are advisory.
    None,
    /// `no-cache` alone: the response is `immutable`, so that a reload, which
    /// asks with `max-age=0`, finds nothing new (RFC 8246 §2).
    NoCache,
    /// `no-cache`, `max-age` and `min-fresh`.
    All,
}

/// When a stored response has to be validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// When it is stale (RFC 9111 §4.2).
    WhenStale,
    /// Before each use: `no-cache` (§5.2.2.4).
    Always,
}

/// Whom a stored response may be given to (RFC 9111 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone.
    Everyone,
    /// Those who ask without `Authorization`.
    Anonymous,
}

impl Terms {
    /// The terms that a response and the rule of its path state together.
    pub fn of(
        status: StatusCode,
        headers: &HeaderMap,
        directives: &ResponseDirectives,
        rule: &Rule,
        response_time: SystemTime,
    ) -> Terms {
        let lifetime = freshness_lifetime(status, headers, directives, rule, response_time)
            .unwrap_or(Lifetime::Heuristic(Duration::ZERO));
        // Where the rule stands over the response, it does so over all it says of freshness.
        let is_overruled =
            rule.authority == Authority::Rule && matches!(lifetime, Lifetime::Configured(_));
        let never_stale = if is_overruled { None } else { never_stale(directives) };
        // §4.2: "If an origin server wishes to force a cache to validate every request, it can
        // assign an explicit expiration time in the past": what is configured prolongs a
        // freshness and makes none.
        let window = |said: Option<Duration>, configured| {
            let configured =
                if lifetime.duration().is_zero() { Duration::ZERO } else { configured };
            said.unwrap_or(configured)
        };
        Terms {
            rule: rule.place,
            lifetime,
            validation: match &directives.no_cache {
                Some(Scope::Response) if !is_overruled => Validation::Always,
                _ => Validation::WhenStale,
            },
            never_stale,
            stale_while_revalidate: window(
                directives.stale_while_revalidate,
                rule.stale_while_revalidate,
            ),
            stale_if_error: window(directives.stale_if_error, rule.stale_if_error),
            ends: rule.expires_at.as_ref().map(|time| time.next_after(response_time)),
            audience: if is_for_all(directives) { Audience::Everyone } else { Audience::Anonymous },
            forced_by: match rule.client_directives {
                ClientDirectives::Ignore => ForcedBy::None,
                ClientDirectives::Honour if directives.says(Word::Immutable) => ForcedBy::NoCache,
                ClientDirectives::Honour => ForcedBy::All,
            },
        }
    }

    /// Whether a response of this age may answer before the upstream is asked.
    pub fn is_reusable(&self, age: Duration) -> bool {
        let lifetime = self.lifetime.duration();
        let is_fresh = self.validation == Validation::WhenStale && age < lifetime;
        let window = lifetime.saturating_add(self.stale_while_revalidate);
        is_fresh || (self.never_stale.is_none() && age < window)
    }

    /// Whether a response of this age may answer in some case though it is stale.
    pub fn is_usable_stale(&self, age: Duration) -> bool {
        let window = self.stale_while_revalidate.max(self.stale_if_error);
        self.never_stale.is_none() && age < self.lifetime.duration().saturating_add(window)
    }
}

/// The directive that forbids every stale use (RFC 9111 §4.2.4).
fn never_stale(directives: &ResponseDirectives) -> Option<Clause> {
    // §5.2.2.4: not "without successful validation".
    if directives.no_cache == Some(Scope::Response) {
        return Some(Clause::NoCache);
    }
    // §5.2.2.2.
    if directives.says(Word::MustRevalidate) {
        return Some(Clause::MustRevalidate);
    }
    // §5.2.2.8: the same for shared caches.
    if directives.says(Word::ProxyRevalidate) {
        return Some(Clause::ProxyRevalidate);
    }
    // §5.2.2.10: `s-maxage` "incorporates the semantics of the proxy-revalidate directive".
    directives.s_maxage.map(|_| Clause::SMaxage)
}

/// Whether the response to a request with `Authorization` may be stored and
/// given to others (RFC 9111 §3.5): `must-revalidate`, `public` or `s-maxage`.
pub fn is_for_all(directives: &ResponseDirectives) -> bool {
    directives.says(Word::MustRevalidate)
        || directives.says(Word::Public)
        || directives.s_maxage.is_some()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderValue, header};

    use super::*;

    fn terms(control: &'static str, rule: &Rule) -> Terms {
        let headers =
            HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(control))]);
        let directives = ResponseDirectives::of(&headers);
        Terms::of(StatusCode::OK, &headers, &directives, rule, UNIX_EPOCH)
    }

    #[track_caller]
    fn check_never_stale(control: &'static str, expected: Option<Clause>) {
        assert_eq!(terms(control, &Rule::default()).never_stale, expected, "{control}");
    }

    #[test]
    fn what_forbids_stale_use() {
        check_never_stale("max-age=1", None);
        check_never_stale("max-age=1, must-revalidate", Some(Clause::MustRevalidate));
        check_never_stale("max-age=1, proxy-revalidate", Some(Clause::ProxyRevalidate));
        check_never_stale("s-maxage=1", Some(Clause::SMaxage));
        check_never_stale("no-cache", Some(Clause::NoCache));
        check_never_stale("max-age=1, no-cache=\"x\"", None);
    }

    #[test]
    fn the_response_comes_before_the_rule_for_stale_windows() {
        let rule = Rule { stale_while_revalidate: Duration::from_secs(7), ..Rule::default() };
        let window = |control| terms(control, &rule).stale_while_revalidate.as_secs();
        assert_eq!(window("max-age=1"), 7);
        assert_eq!(window("max-age=1, stale-while-revalidate=3"), 3);
        assert_eq!(window("max-age=1, stale-while-revalidate=0"), 0);
    }

    #[test]
    fn the_rules_stale_windows_prolong_a_freshness_and_make_none() {
        let rule = Rule::default();
        let windows = |control| {
            let Terms { stale_while_revalidate, stale_if_error, .. } = terms(control, &rule);
            (stale_while_revalidate.as_secs(), stale_if_error.as_secs())
        };
        assert_eq!(windows("max-age=1"), (3600, 86_400));
        assert_eq!(windows("max-age=0"), (0, 0));
        assert_eq!(windows("max-age=0, stale-while-revalidate=3"), (3, 0));
        assert_eq!(windows("max-age=0, stale-if-error=3"), (0, 3));
    }

    #[test]
    fn a_rule_with_authority_stands_over_all_that_is_said_of_freshness() {
        let rule = Rule { authority: Authority::Rule, ..Rule::default() };
        let terms = terms("no-cache, must-revalidate", &rule);
        assert_eq!(terms.lifetime, Lifetime::Configured(rule.ttl));
        assert_eq!(terms.validation, Validation::WhenStale);
        assert_eq!(terms.never_stale, None);
    }
}
