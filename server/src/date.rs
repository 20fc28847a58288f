//! HTTP-date (RFC 9110 §5.6.7).

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{Timestamp, ToSpan, civil::DateTime, tz::Offset};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The date that a field of one line says, `None` where it says none.
///
/// `now` tells which century a year of two digits is in.
pub fn field(headers: &HeaderMap, name: &HeaderName, now: SystemTime) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => parse(line, now),
        _ => None,
    }
}

/// Reads a date in any of its three forms, whatever the case of its letters.
///
/// The day's name has to be one, but it may be that of another day: the date
/// counts.
pub fn parse(value: &HeaderValue, now: SystemTime) -> Option<SystemTime> {
    let text = value.to_str().ok()?;
    let (weekday, rest) = text.split_at_checked(text.find([',', ' '])?)?;
    let date = match rest.strip_prefix(", ") {
        Some(rest) if is_name(weekday, &WEEKDAYS) => imf_fixdate(rest),
        Some(rest) if is_name(weekday, &LONG_WEEKDAYS) => rfc850_date(rest, now),
        None if is_name(weekday, &WEEKDAYS) => asctime_date(rest.strip_prefix(' ')?),
        _ => None,
    }?;
    // A `Timestamp` ends before the last day of the year 9999, which stands for "never".
    let since_epoch = date.duration_since(EPOCH);
    if since_epoch.is_negative() {
        UNIX_EPOCH.checked_sub(since_epoch.unsigned_abs())
    } else {
        UNIX_EPOCH.checked_add(since_epoch.unsigned_abs())
    }
}

/// `06 Nov 1994 08:49:37 GMT`.
fn imf_fixdate(text: &str) -> Option<DateTime> {
    let [day, month, year, time, zone] = parts(text, ' ')?;
    if !zone.eq_ignore_ascii_case("GMT") {
        return None;
    }
    date_time(number::<4>(year)?, month, number::<2>(day)?, time)
}

/// `06-Nov-94 08:49:37 GMT`.
fn rfc850_date(text: &str, now: SystemTime) -> Option<DateTime> {
    let [date, time, zone] = parts(text, ' ')?;
    let [day, month, year] = parts(date, '-')?;
    if !zone.eq_ignore_ascii_case("GMT") {
        return None;
    }
    let now = Offset::UTC.to_datetime(Timestamp::try_from(now).ok()?);
    // "MUST interpret a timestamp that appears to be more than 50 years in the future as
    // representing the most recent year in the past that had the same last two digits."
    let day = number::<2>(day)?;
    let year = now.year() - now.year().rem_euclid(100) + number::<2>(year)?;
    let in_year = |year| date_time(year, month, day, time);
    [year + 100, year, year - 100]
        .into_iter()
        .filter_map(in_year)
        .find(|date| date.saturating_sub(50.years()) <= now)
}

/// `Nov  6 08:49:37 1994`.
fn asctime_date(text: &str) -> Option<DateTime> {
    let (month, rest) = text.split_once(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = match day.strip_prefix(' ') {
        Some(digit) => number::<1>(digit)?,
        None => number::<2>(day)?,
    };
    let [time, year] = parts(rest.strip_prefix(' ')?, ' ')?;
    date_time(number::<4>(year)?, month, day, time)
}

fn date_time(year: i16, month: &str, day: i16, time: &str) -> Option<DateTime> {
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let [hour, minute, second] = parts(time, ':')?;
    // A leap second is the end of its minute.
    let second = number::<2>(second)?;
    let second = if second == 60 { 59 } else { second };
    DateTime::new(
        year,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        i8::try_from(number::<2>(hour)?).ok()?,
        i8::try_from(number::<2>(minute)?).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()
}

/// Exactly so many parts.
fn parts<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// A number of exactly so many digits.
fn number<const DIGITS: usize>(text: &str) -> Option<i16> {
    let is_number = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_name(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A time as RFC 3339 writes it, in whole seconds.
pub fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2026-11-23.
    const NOW: u64 = 1_795_392_000;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        let value = HeaderValue::from_str(text).unwrap();
        let actual = parse(&value, UNIX_EPOCH + Duration::from_secs(NOW));
        let expected = expected.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn three_forms() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
        check("Wed Nov 16 08:49:37 1994", Some(784_975_777));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
    }

    #[test]
    fn case_has_no_meaning_and_the_date_counts_over_the_day() {
        check("SUN, 06 nov 1994 08:49:37 gmt", Some(784_111_777));
        check("Mon, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Thu, 30 Jun 2016 23:59:60 GMT", Some(1_467_331_199));
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        check("Sunday, 01-Jan-76 00:00:00 GMT", Some(3_345_062_400));
        check("Sunday, 01-Jan-77 00:00:00 GMT", Some(220_924_800));
        check("Monday, 23-Nov-76 00:00:00 GMT", Some(3_373_315_200));
        check("Monday, 23-Nov-76 00:00:01 GMT", Some(217_555_201));
        check("Sunday, 01-Jan-27 00:00:00 GMT", Some(1_798_761_600));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "tomorrow",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            check(text, None);
        }
    }
}
