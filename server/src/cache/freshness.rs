//! Freshness (RFC 9111 §4.2): how old a response is and how old it may get.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::directives::{MAX_DELTA, ResponseDirectives};

/// Freshness for responses that have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// For 200, 203, 300, 301 and 308.
    pub ttl: Duration,
    /// For 404, 405 and 410.
    pub negative_ttl: Duration,
}

/// Where a freshness lifetime comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The response says it (§4.2.1).
    Explicit(Duration),
    /// It is the configured one.
    Default(Duration),
}

impl Lifetime {
    /// The lifetime itself.
    pub fn duration(self) -> Duration {
        match self {
            Lifetime::Explicit(lifetime) | Lifetime::Default(lifetime) => lifetime,
        }
    }
}

/// The freshness lifetime (RFC 9111 §4.2.1), `None` where neither the response
/// nor the configuration gives one.
///
/// `response_time` stands for a missing `Date` (RFC 9110 §6.6.1).
pub fn freshness_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    defaults: &Defaults,
    response_time: SystemTime,
) -> Option<Lifetime> {
    // "If the cache is shared and the s-maxage response directive is present".
    if let Some(s_maxage) = directives.s_maxage {
        return Some(Lifetime::Explicit(s_maxage));
    }
    if let Some(max_age) = directives.max_age {
        return Some(Lifetime::Explicit(max_age));
    }
    // `Expires` minus `Date`; an invalid date lies in the past (§5.3).
    if headers.contains_key(header::EXPIRES) {
        let date = http_date(headers, header::DATE).unwrap_or(response_time);
        let lifetime = http_date(headers, header::EXPIRES)
            .and_then(|expires| expires.duration_since(date).ok())
            .unwrap_or_default();
        return Some(Lifetime::Explicit(lifetime.min(MAX_DELTA)));
    }
    let default = match status.as_u16() {
        200 | 203 | 300 | 301 | 308 => defaults.ttl,
        404 | 405 | 410 => defaults.negative_ttl,
        _ => return None,
    };
    Some(Lifetime::Default(default))
}

/// The age of a response when it arrived (RFC 9111 §4.2.3).
///
/// Every name is the RFC's.
pub fn corrected_initial_age(
    headers: &HeaderMap,
    request_time: SystemTime,
    response_time: SystemTime,
) -> Duration {
    let date_value = http_date(headers, header::DATE).unwrap_or(response_time);
    let apparent_age = since(response_time, date_value);
    let response_delay = since(response_time, request_time);
    let corrected_age_value = age_value(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age_value)
}

/// The time from `earlier` to `later`, zero where they are the other way round.
pub fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// The `Age` field (§5.1): the first member of the list, zero where it is no number.
fn age_value(headers: &HeaderMap) -> Duration {
    let Some(value) = headers.get(header::AGE).and_then(|value| value.to_str().ok()) else {
        return Duration::ZERO;
    };
    let digits = value.split(',').next().unwrap_or_default().trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Duration::ZERO;
    }
    digits.parse().map_or(MAX_DELTA, |seconds| Duration::from_secs(seconds).min(MAX_DELTA))
}

/// A field that is one HTTP-date (RFC 9110 §5.6.7), `None` where it is not.
fn http_date(headers: &HeaderMap, name: header::HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let (first, None) = (lines.next()?, lines.next()) else { return None };
    httpdate::parse_http_date(first.to_str().ok()?).ok()
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
        check_age(-60, Some("30"), 0, 60);
        check_age(60, None, 0, 0);
        check_age(0, Some("-30"), 0, 0);
        check_age(0, Some("99999999999999999999"), 1, (1 << 31) + 1);
    }

    #[track_caller]
    fn check_lifetime(status: u16, lines: &[(&'static str, String)], expected: Option<Lifetime>) {
        let headers = fields(lines);
        let defaults =
            Defaults { ttl: Duration::from_mins(10), negative_ttl: Duration::from_secs(10) };
        let actual = freshness_lifetime(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            &ResponseDirectives::of(&headers),
            &defaults,
            at(0),
        );
        assert_eq!(actual, expected, "{status} {lines:?}");
    }

    #[test]
    fn lifetimes() {
        let explicit = |seconds| Some(Lifetime::Explicit(Duration::from_secs(seconds)));
        let default = |seconds| Some(Lifetime::Default(Duration::from_secs(seconds)));
        let control = |value: &str| ("cache-control", value.to_owned());

        check_lifetime(200, &[control("max-age=60, s-maxage=5")], explicit(5));
        check_lifetime(200, &[control("max-age=60"), ("expires", date(5))], explicit(60));
        check_lifetime(503, &[control("max-age=60")], explicit(60));
        check_lifetime(200, &[("date", date(-5)), ("expires", date(5))], explicit(10));
        check_lifetime(200, &[("expires", date(5))], explicit(5));
        check_lifetime(200, &[("expires", date(-5))], explicit(0));
        check_lifetime(200, &[("expires", "0".to_owned())], explicit(0));
        check_lifetime(200, &[], default(600));
        check_lifetime(301, &[], default(600));
        check_lifetime(404, &[], default(10));
        check_lifetime(500, &[], None);
        check_lifetime(302, &[], None);
    }
}
