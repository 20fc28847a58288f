//! Freshness (RFC 9111 §4.2): how old a response is and how old it may get.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::{
    date,
    directives::{Field, MAX_DELTA, ResponseDirectives, Word},
    rules::{Authority, Rule},
};

/// The part of the time since a response was modified that it is taken to be
/// fresh for (RFC 9111 §4.2.2).
const HEURISTIC_FRACTION: u32 = 10;
/// Longer is never guessed: who left for the night finds tomorrow's page.
const HEURISTIC_CAP: Duration = Duration::from_hours(24);

/// Where a freshness lifetime comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The response says it (§4.2.1).
    Explicit(Duration),
    /// The rule says it, for responses that do not or over what they say.
    Configured(Duration),
    /// It is guessed from the response's last modification (§4.2.2).
    Heuristic(Duration),
    /// A soft purge has ended it at this age.
    Purged(Duration),
}

impl Lifetime {
    /// The lifetime itself.
    pub fn duration(self) -> Duration {
        match self {
            Lifetime::Explicit(lifetime)
            | Lifetime::Configured(lifetime)
            | Lifetime::Heuristic(lifetime)
            | Lifetime::Purged(lifetime) => lifetime,
        }
    }

    /// Where it comes from, in words.
    pub fn origin(self) -> &'static str {
        match self {
            Lifetime::Explicit(_) => "the response",
            Lifetime::Configured(_) => "the configuration",
            Lifetime::Heuristic(_) => "its last modification",
            Lifetime::Purged(_) => "a soft purge",
        }
    }
}

/// The freshness lifetime (RFC 9111 §4.2.1), `None` where neither the response
/// nor the rule gives one and nothing can be guessed.
///
/// `response_time` stands for a missing `Date` (RFC 9110 §6.6.1).
pub fn freshness_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    rule: &Rule,
    response_time: SystemTime,
) -> Option<Lifetime> {
    let configured = rule.default_lifetime(status).map(Lifetime::Configured);
    if rule.authority == Authority::Rule && configured.is_some() {
        return configured;
    }
    explicit_lifetime(headers, directives, response_time)
        .map(Lifetime::Explicit)
        .or_else(|| configured.filter(|lifetime| !lifetime.duration().is_zero()))
        .or_else(|| {
            heuristic_lifetime(status, headers, directives, response_time).map(Lifetime::Heuristic)
        })
}

/// What the response itself says (§4.2.1), in that section's order.
fn explicit_lifetime(
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    response_time: SystemTime,
) -> Option<Duration> {
    // "If the cache is shared and the s-maxage response directive is present".
    if let Some(s_maxage) = directives.s_maxage {
        return Some(s_maxage);
    }
    if let Some(max_age) = directives.max_age {
        return Some(max_age);
    }
    // `Expires` minus `Date`; an invalid date lies in the past (§5.3). A targeted field
    // stands in its place too (RFC 9213 §2.2).
    if directives.field == Field::CacheControl && headers.contains_key(header::EXPIRES) {
        let date_value =
            date::field(headers, &header::DATE, response_time).unwrap_or(response_time);
        let lifetime = date::field(headers, &header::EXPIRES, response_time)
            .and_then(|expires| expires.duration_since(date_value).ok())
            .unwrap_or_default();
        return Some(lifetime.min(MAX_DELTA));
    }
    None
}

/// A tenth of the time since the last modification, no longer than a day
/// (§4.2.2), for the statuses that allow it or what is `public`.
fn heuristic_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    response_time: SystemTime,
) -> Option<Duration> {
    if !is_heuristically_cacheable(status) && !directives.says(Word::Public) {
        return None;
    }
    let last_modified = date::field(headers, &header::LAST_MODIFIED, response_time)?;
    let date_value = date::field(headers, &header::DATE, response_time).unwrap_or(response_time);
    Some((since(date_value, last_modified) / HEURISTIC_FRACTION).min(HEURISTIC_CAP))
}

/// Whether a status allows heuristic freshness (RFC 9110 §15.1), a 206 being
/// part of a 200.
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The age of a response when it arrived (RFC 9111 §4.2.3).
///
/// Every name is the RFC's.
pub fn corrected_initial_age(
    headers: &HeaderMap,
    request_time: SystemTime,
    response_time: SystemTime,
) -> Duration {
    let date_value = date::field(headers, &header::DATE, response_time).unwrap_or(response_time);
    let apparent_age = since(response_time, date_value);
    let response_delay = since(response_time, request_time);
    let corrected_age_value = age_value(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age_value)
}

/// The time from `earlier` to `later`, zero where they are the other way round.
pub fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// The `Age` field (§5.1): the first member of the list (RFC 9110 §5.6.1), zero
/// where it is no number.
fn age_value(headers: &HeaderMap) -> Duration {
    let lines = headers.get_all(header::AGE).iter();
    let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let first = members.map(<[u8]>::trim_ascii).find(|member| !member.is_empty());
    let digits = first.and_then(|first| str::from_utf8(first).ok()).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    digits.parse().map_or(MAX_DELTA, |seconds| Duration::from_secs(seconds).min(MAX_DELTA))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(seconds: i64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW.checked_add_signed(seconds).unwrap())
    }

    fn fields(lines: &[(&'static str, String)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn date(seconds: i64) -> String {
        httpdate::fmt_http_date(at(seconds))
    }

    #[track_caller]
    fn check_age(date_offset: i64, age: Option<&str>, delay: u64, expected: u64) {
        let mut lines = vec![("date", date(date_offset))];
        lines.extend(age.map(|age| ("age", age.to_owned())));
        let request_time = at(0) - Duration::from_secs(delay);
        let actual = corrected_initial_age(&fields(&lines), request_time, at(0));
        assert_eq!(actual, Duration::from_secs(expected));
    }

    #[test]
    fn age_at_arrival() {
        // Date    Age field  delay  => corrected initial age
        check_age(0, None, 0, 0);
        check_age(0, None, 2, 2);
        check_age(-5, None, 0, 5);
        check_age(0, Some("30"), 2, 32);
        check_age(0, Some("30, 60"), 0, 30);
        check_age(0, Some(", 30"), 0, 30);
        check_age(0, Some("30, \u{e9}"), 0, 30);
        check_age(-60, Some("30"), 0, 60);
        check_age(60, None, 0, 0);
        check_age(0, Some("-30"), 0, 0);
        check_age(0, Some("99999999999999999999"), 1, (1 << 31) + 1);
    }

    fn lifetime(status: u16, lines: &[(&'static str, String)], rule: &Rule) -> Option<Lifetime> {
        let headers = fields(lines);
        let directives = ResponseDirectives::of(&headers);
        freshness_lifetime(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            &directives,
            rule,
            at(0),
        )
    }

    #[track_caller]
    fn check_lifetime(status: u16, lines: &[(&'static str, String)], expected: Option<Lifetime>) {
        assert_eq!(lifetime(status, lines, &Rule::default()), expected, "{status} {lines:?}");
    }

    fn control(value: &str) -> (&'static str, String) {
        ("cache-control", value.to_owned())
    }

    #[test]
    fn explicit_and_configured_lifetimes() {
        let explicit = |seconds| Some(Lifetime::Explicit(Duration::from_secs(seconds)));
        let configured = |seconds| Some(Lifetime::Configured(Duration::from_secs(seconds)));
        check_lifetime(200, &[control("max-age=60, s-maxage=5")], explicit(5));
        check_lifetime(200, &[control("max-age=60"), ("expires", date(5))], explicit(60));
        check_lifetime(503, &[control("max-age=60")], explicit(60));
        check_lifetime(200, &[("date", date(-5)), ("expires", date(5))], explicit(10));
        check_lifetime(200, &[("expires", date(5))], explicit(5));
        check_lifetime(200, &[("expires", date(-5))], explicit(0));
        check_lifetime(200, &[("expires", "0".to_owned())], explicit(0));
        check_lifetime(
            200,
            &[("cdn-cache-control", "public".to_owned()), ("expires", date(5))],
            configured(600),
        );
        check_lifetime(200, &[], configured(600));
        check_lifetime(301, &[], configured(600));
        check_lifetime(404, &[], configured(10));
        check_lifetime(500, &[], None);
        check_lifetime(302, &[], None);
    }

    #[test]
    fn a_rule_may_count_whatever_the_response_says() {
        let rule = Rule { authority: Authority::Rule, ..Rule::default() };
        let lifetime = |status| lifetime(status, &[control("max-age=60")], &rule);
        assert_eq!(lifetime(200), Some(Lifetime::Configured(rule.ttl)));
        assert_eq!(lifetime(503), Some(Lifetime::Explicit(Duration::from_mins(1))));
    }

    #[test]
    fn a_tenth_of_the_time_since_the_last_modification_is_guessed() {
        let strict = Rule {
            ttl: Duration::ZERO,
            negative_ttl: Rule::default().negative_ttl,
            ..Rule::default()
        };
        let check = |status, lines: &[(&'static str, String)], expected: Option<u64>| {
            let expected =
                expected.map(|seconds| Lifetime::Heuristic(Duration::from_secs(seconds)));
            assert_eq!(lifetime(status, lines, &strict), expected, "{status} {lines:?}");
        };
        let modified = |seconds: i64| ("last-modified", date(-seconds));
        check(200, &[modified(1000)], Some(100));
        check(200, &[modified(1000), ("date", date(-500))], Some(50));
        check(200, &[modified(-1000)], Some(0));
        check(200, &[modified(86_400 * 365)], Some(86_400));
        check(204, &[modified(1000)], Some(100));
        check(414, &[modified(1000)], Some(100));
        check(501, &[modified(1000)], Some(100));
        check(201, &[modified(1000)], None);
        check(503, &[modified(1000)], None);
        check(599, &[modified(1000), control("public")], Some(100));
        check(200, &[], None);
        check(200, &[("last-modified", "yesterday".to_owned())], None);
    }
}
