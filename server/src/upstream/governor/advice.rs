//! What an answer says of the upstream's limits: `Retry-After` (RFC 9110
//! §10.2.3), `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers), `X-RateLimit-*`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sfv::{BareItem, Item, List, ListEntry, Parser};

use crate::date;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A window that sets the rate. In a longer one only what remains counts: spread
/// evenly, a thousand a day would be one in a minute and a half.
const SHORT: Duration = Duration::from_mins(1);
/// From here on a reset is a moment, in seconds since the Unix epoch: nobody
/// waits for thirty years.
const EPOCH_FROM: u64 = 1_000_000_000;
/// From here on it is one in milliseconds.
const EPOCH_MILLIS_FROM: u64 = 1_000_000_000_000;

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The tightest policy that sets a rate.
    pub policy: Option<Policy>,
    /// How many requests may be under way at a time.
    pub concurrency: Option<u32>,
    /// What is left.
    pub quota: Option<Quota>,
    /// How many there are at most in a window of unknown length.
    pub limit: Option<u32>,
}

/// So many requests in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many.
    pub quota: u32,
    /// In how much time.
    pub window: Duration,
}

/// How many requests are left, until there are more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub remaining: u32,
    /// How long until there are more.
    pub reset: Duration,
}

impl Advice {
    /// Reads an answer's fields; what makes no sense says nothing.
    pub fn of(headers: &HeaderMap, now: SystemTime) -> Advice {
        let mut advice = Advice { retry_after: retry_after(headers, now), ..Advice::default() };
        let policies = list(headers, &RATELIMIT_POLICY);
        for policy in &policies {
            advice.add_policy(policy);
        }
        // Of several limits the one that is nearest counts.
        advice.quota = list(headers, &RATELIMIT)
            .iter()
            .filter_map(|limit| quota(limit, &policies))
            .chain(x_quota(headers, now))
            .min_by_key(|quota| (quota.remaining, std::cmp::Reverse(quota.reset)));
        advice.limit = number(headers, &X_LIMIT).map(bounded);
        advice
    }

    fn add_policy(&mut self, item: &Item) {
        let Some(quota) = parameter(item, "q").map(bounded) else { return };
        match unit(item) {
            "requests" => {
                let Some(window) = parameter(item, "w").map(Duration::from_secs) else { return };
                let policy = Policy { quota, window };
                if !window.is_zero()
                    && window <= SHORT
                    && self.policy.is_none_or(|other| policy.rate() < other.rate())
                {
                    self.policy = Some(policy);
                }
            }
            "concurrent-requests" => {
                self.concurrency = Some(self.concurrency.unwrap_or(u32::MAX).min(quota));
            }
            _ => {}
        }
    }
}

impl Policy {
    /// Requests a second.
    fn rate(self) -> f64 {
        f64::from(self.quota) / self.window.as_secs_f64()
    }

    /// How many may go at once, and how many a second, so that in no window of
    /// this length there are more than the quota, wherever it begins.
    pub fn spread(self) -> (u32, f64) {
        ((self.quota / 10).max(1), 0.9 * self.rate())
    }
}

/// `Retry-After`: seconds, or a date, which the answer's own `Date` makes a
/// length of time whatever the upstream's clock says.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(seconds) = number(headers, &header::RETRY_AFTER) {
        return Some(Duration::from_secs(seconds));
    }
    let then = date::field(headers, &header::RETRY_AFTER, now)?;
    let said_at = date::field(headers, &header::DATE, now).unwrap_or(now);
    Some(then.duration_since(said_at).unwrap_or_default())
}

/// A service limit (§4.1 of the draft); where it does not say when there will
/// be more, its policy's window does.
fn quota(limit: &Item, policies: &[Item]) -> Option<Quota> {
    let policy = policies.iter().find(|policy| policy.bare_item == limit.bare_item);
    if policy.is_some_and(|policy| unit(policy) != "requests") {
        return None;
    }
    let reset = parameter(limit, "t").or_else(|| parameter(policy?, "w"))?;
    let remaining = bounded(parameter(limit, "r")?);
    Some(Quota { remaining, reset: Duration::from_secs(reset) })
}

fn x_quota(headers: &HeaderMap, now: SystemTime) -> Option<Quota> {
    let remaining = bounded(number(headers, &X_REMAINING)?);
    let reset = match number(headers, &X_RESET)? {
        seconds if seconds < EPOCH_FROM => Duration::from_secs(seconds),
        moment => {
            let since_epoch = if moment < EPOCH_MILLIS_FROM {
                Duration::from_secs(moment)
            } else {
                Duration::from_millis(moment)
            };
            let said_at = date::field(headers, &header::DATE, now).unwrap_or(now);
            since_epoch.saturating_sub(said_at.duration_since(UNIX_EPOCH).ok()?)
        }
    };
    Some(Quota { remaining, reset })
}

/// The items of a list field, none where it is not one (RFC 9651 §4.2).
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<Item> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let Ok(list) = Parser::new(&lines.join(&b", "[..])).parse::<List>() else { return Vec::new() };
    list.into_iter()
        .filter_map(|entry| match entry {
            ListEntry::Item(item) => Some(item),
            ListEntry::InnerList(_) => None,
        })
        .collect()
}

/// A parameter that is a number, and not negative.
fn parameter(item: &Item, name: &str) -> Option<u64> {
    i64::from(item.params.get(name)?.as_integer()?).try_into().ok()
}

fn unit(item: &Item) -> &str {
    item.params.get("qu").and_then(BareItem::as_string).map_or("requests", |unit| unit.as_str())
}

/// The number that a field of one line is.
fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let mut lines = headers.get_all(name).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let text = line.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn bounded(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06 08:49:37 GMT.
    const NOW: u64 = 784_111_777;

    fn advice(fields: &str) -> Advice {
        let mut headers = HeaderMap::new();
        for line in fields.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::try_from(name).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        Advice::of(&headers, UNIX_EPOCH + Duration::from_secs(NOW))
    }

    #[test]
    fn when_to_come_back() {
        #[track_caller]
        fn check(fields: &str, seconds: Option<u64>) {
            assert_eq!(advice(fields).retry_after, seconds.map(Duration::from_secs), "{fields}");
        }
        check("retry-after: 120", Some(120));
        check("retry-after: 0", Some(0));
        check("retry-after: Sun, 06 Nov 1994 08:50:07 GMT", Some(30));
        check("retry-after: Sun Nov  6 08:50:07 1994", Some(30));
        // By the upstream's own clock, which is ten minutes slow.
        check(
            "retry-after: Sun, 06 Nov 1994 08:40:07 GMT\ndate: Sun, 06 Nov 1994 08:39:37 GMT",
            Some(30),
        );
        check("retry-after: Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("retry-after: soon", None);
        check("retry-after: -1", None);
        check("retry-after: 1.5", None);
        check("retry-after: ", None);
        check("retry-after: 99999999999999999999999", None);
        check("retry-after: 1\nretry-after: 2", None);
        check("x: y", None);
    }

    #[test]
    fn what_sets_the_rate() {
        #[track_caller]
        fn check(field: &str, expected: Option<(u32, u64)>) {
            let policy = advice(&format!("ratelimit-policy: {field}")).policy;
            let policy = policy.map(|policy| (policy.quota, policy.window.as_secs()));
            assert_eq!(policy, expected, "{field}");
        }
        check(r#""demo";q=5;w=1"#, Some((5, 1)));
        check(r#""s";q=5;w=1, "m";q=60;w=60"#, Some((60, 60)));
        // A day's quota is no rate.
        check(r#""m";q=50;w=60,"d";q=100;w=86400"#, Some((50, 60)));
        check(r#""d";q=100;w=86400"#, None);
        check(r#""b";q=65535;qu="content-bytes";w=10"#, None);
        check(r#""r";q=5;qu="requests";w=10;pk=:cHsdsRa894==:"#, Some((5, 10)));
        check(r#""z";q=5;w=0"#, None);
        check(r#""z";q=-5;w=1"#, None);
        check(r#""z";w=1"#, None);
        check(r#""z";q=5;w=1, ("#, None);
        check(r#"("a" "b")"#, None);
    }

    #[test]
    fn what_is_left() {
        #[track_caller]
        fn check(fields: &str, expected: Option<(u32, u64)>) {
            let quota = advice(fields).quota;
            let quota = quota.map(|quota| (quota.remaining, quota.reset.as_secs()));
            assert_eq!(quota, expected, "{fields}");
        }
        check(r#"ratelimit: "default";r=50;t=30"#, Some((50, 30)));
        check(r#"ratelimit: "s";r=1;t=1, "d";r=0;t=3600"#, Some((0, 3600)));
        check("ratelimit: \"s\";r=1;t=1\nratelimit: \"d\";r=0;t=3600", Some((0, 3600)));
        // The policy says what the limit leaves open.
        check("ratelimit: \"s\";r=0\nratelimit-policy: \"s\";q=9;w=10", Some((0, 10)));
        check(r#"ratelimit: "s";r=0"#, None);
        check(
            "ratelimit: \"s\";r=0;t=9\nratelimit-policy: \"s\";q=9;w=9;qu=\"content-bytes\"",
            None,
        );
        check("x-ratelimit-remaining: 3\nx-ratelimit-reset: 60", Some((3, 60)));
        check("x-ratelimit-remaining: 0\nx-ratelimit-reset: 1784111777", Some((0, 1_000_000_000)));
        check("x-ratelimit-remaining: 0", None);
        check("x-ratelimit-remaining: none\nx-ratelimit-reset: 60", None);
    }

    #[test]
    fn a_moment_and_a_concurrency_and_a_limit() {
        let at = NOW + 1_000_000_000;
        let now = UNIX_EPOCH + Duration::from_secs(at);
        let reset = |value: u64| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REMAINING, 0.into());
            headers.insert(X_RESET, value.into());
            Advice::of(&headers, now).quota.unwrap().reset
        };
        assert_eq!(reset(at + 60), Duration::from_mins(1));
        assert_eq!(reset((at + 60) * 1000), Duration::from_mins(1));
        assert_eq!(reset(at - 60), Duration::ZERO);

        let policy = r#"ratelimit-policy: "c";q=3;qu="concurrent-requests", "r";q=5;w=1"#;
        assert_eq!(advice(policy).concurrency, Some(3));
        assert_eq!(advice("x-ratelimit-limit: 60").limit, Some(60));
    }

    #[test]
    fn no_window_has_more_than_the_quota() {
        for quota in 1..200_u32 {
            let window = Duration::from_secs(10);
            let (burst, rate) = Policy { quota, window }.spread();
            // A burst, and what comes back from its first token to the last.
            let most = f64::from(burst - 1) + (rate * window.as_secs_f64()).floor() + 1.0;
            assert!(most <= f64::from(quota), "{quota}: {most}");
        }
    }
}
