//! Why a response may be stored and for how long it is fresh: the clause that
//! stands for what [`super::storing`] has found.

use http::{HeaderMap, StatusCode, header};

use crate::cache::{
    clause::Clause,
    directives::{Field, ResponseDirectives, Word},
    freshness::is_heuristically_cacheable,
    rules::Rule,
};

/// The clause on which a stored response was stored: the first of what allows it
/// (RFC 9111 §3), what the response itself says before what is configured.
pub fn grounds(status: StatusCode, headers: &HeaderMap, rule: &Rule) -> Clause {
    let directives = ResponseDirectives::of(headers);
    let has_expires =
        directives.field == Field::CacheControl && headers.contains_key(header::EXPIRES);
    let is_configured = rule.default_lifetime(status).is_some_and(|lifetime| !lifetime.is_zero());
    if directives.s_maxage.is_some() {
        Clause::SMaxage
    } else if directives.max_age.is_some() {
        Clause::MaxAge
    } else if has_expires {
        Clause::Expires
    } else if directives.says(Word::Public) {
        Clause::Public
    } else if is_configured {
        Clause::Configured
    } else if is_heuristically_cacheable(status) {
        Clause::Heuristic
    } else {
        Clause::NotAllowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(status: u16, lines: &[(&'static str, &'static str)], rule: &Rule, expected: Clause) {
        let headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let actual = grounds(StatusCode::from_u16(status).unwrap(), &headers, rule);
        assert_eq!(actual, expected, "{status} {lines:?}");
    }

    #[test]
    fn the_first_that_allows_it() {
        let (rule, strict) = (Rule::default(), Rule { ttl: Duration::ZERO, ..Rule::default() });
        let control = |value| ("cache-control", value);
        check(200, &[control("max-age=5, s-maxage=6")], &rule, Clause::SMaxage);
        check(200, &[control("public, max-age=5")], &rule, Clause::MaxAge);
        check(200, &[("expires", "0")], &rule, Clause::Expires);
        check(200, &[control("public")], &rule, Clause::Public);
        check(200, &[("last-modified", "x")], &rule, Clause::Configured);
        check(200, &[("last-modified", "x")], &strict, Clause::Heuristic);
        check(200, &[("cdn-cache-control", "public"), ("expires", "0")], &strict, Clause::Public);
        check(500, &[], &rule, Clause::NotAllowed);
    }
}
