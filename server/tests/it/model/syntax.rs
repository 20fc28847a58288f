//! The model's own parsers: slow, and after the letter of the grammars.

use super::case::{DAY, Line, Micros, SECOND, has, values};

/// 2^31, which stands for all that is greater (RFC 9111 §1.2.2).
pub(super) const INFINITE: i64 = 2_147_483_648;

/// A cache-directive (RFC 9111 §5.2), its name in lower case, its argument
/// without quotes.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) argument: Option<String>,
}

/// "Cache-Control = #cache-directive", of all lines of a field.
pub(super) fn directives(lines: &[Line], field: &str) -> Vec<Directive> {
    // RFC 9110 §5.3 lets a recipient combine the lines of a list. The choice made here: a
    // quote that one line leaves open does not reach into the next.
    values(lines, field).into_iter().flat_map(members).map(|member| directive(&member)).collect()
}

/// "cache-directive = token [ "=" ( token / quoted-string ) ]".
fn directive(member: &str) -> Directive {
    // Choice: what is no token is compared with no name, and white space around "=", which
    // the grammar does not have, means nothing.
    match member.find('=') {
        None => Directive { name: member.to_ascii_lowercase(), argument: None },
        Some(at) => Directive {
            name: ows(&member[..at]).to_ascii_lowercase(),
            argument: Some(unquoted(ows(&member[at + 1..]))),
        },
    }
}

/// "#element => [ element ] *( OWS "," OWS [ element ] )" (RFC 9110 §5.6.1.2),
/// commas in quoted strings not counted.
pub(super) fn members(text: &str) -> Vec<String> {
    let text: Vec<char> = text.chars().collect();
    let mut found = vec![String::new()];
    let mut at = 0;
    while at < text.len() {
        let end = match text[at] {
            '"' => closing_quote(&text, at).map_or(at + 1, |closing| closing + 1),
            _ => at + 1,
        };
        if text[at] == ',' {
            found.push(String::new());
        } else {
            found.last_mut().unwrap().extend(&text[at..end]);
        }
        at = end;
    }
    let found = found.iter().map(|member| ows(member).to_owned());
    // "Empty elements do not contribute to the count of elements present."
    found.filter(|member| !member.is_empty()).collect()
}

/// Where the quoted-string (RFC 9110 §5.6.4) that begins here ends. Choice: one
/// that does not end quotes nothing.
fn closing_quote(text: &[char], opening: usize) -> Option<usize> {
    let mut at = opening + 1;
    while at < text.len() {
        match text[at] {
            '"' => return Some(at),
            '\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// "Recipients that process the value of a quoted-string MUST handle a
/// quoted-pair as if it were replaced by the octet following the backslash."
fn unquoted(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.first() != Some(&'"') || closing_quote(&all, 0) != Some(all.len() - 1) {
        // Choice: neither form, left as it is, which is no number and no field name.
        return text.to_owned();
    }
    let mut value = String::new();
    let mut inside = all[1..all.len() - 1].iter();
    while let Some(character) = inside.next() {
        value.push(if *character == '\\' { *inside.next().unwrap() } else { *character });
    }
    value
}

/// "OWS = *( SP / HTAB )" (RFC 9110 §5.6.3), taken away at both ends.
fn ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// "delta-seconds = 1*DIGIT" (RFC 9111 §1.2.2).
pub(super) fn delta_seconds(text: &str) -> Option<i64> {
    if text.is_empty() || !text.chars().all(|character| character.is_ascii_digit()) {
        return None;
    }
    // "... the cache MUST consider the value to be 2147483648".
    let mut value = 0;
    for digit in text.bytes() {
        value = (value * 10 + i64::from(digit - b'0')).min(INFINITE);
    }
    Some(value)
}

/// The `age_value` (RFC 9111 §4.2.3) in seconds.
pub(super) fn age_value(lines: &[Line]) -> i64 {
    // §5.1: "a cache encountering a message with a list-based Age field value SHOULD use the
    // first member of the field value, discarding subsequent ones."
    let all: Vec<String> =
        values(lines, "age").iter().flat_map(|line| line.split(',')).map(str::to_owned).collect();
    let first = all.iter().map(|member| ows(member)).find(|member| !member.is_empty());
    // "If the field value is invalid, a cache SHOULD ignore the field": "or 0, if not
    // available".
    first.and_then(delta_seconds).unwrap_or(0)
}

/// The date in a field, none where it is missing, invalid, or there are two:
/// "either the first occurrence should be used or the response should be
/// considered stale" (§4.2.1), and the choice is not to use it.
pub(super) fn date_in(lines: &[Line], field: &str, now: Micros) -> Option<Micros> {
    match values(lines, field)[..] {
        [only] => http_date(only, now),
        _ => None,
    }
}

/// "HTTP-date = IMF-fixdate / obs-date" (RFC 9110 §5.6.7), "case-insensitively"
/// (RFC 9111 §4.2).
pub(super) fn http_date(text: &str, now: Micros) -> Option<Micros> {
    let text = text.to_ascii_lowercase();
    imf_fixdate(&text).or_else(|| rfc850_date(&text, now)).or_else(|| asctime_date(&text))
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// "day-name "," SP date1 SP time-of-day SP GMT". Choice: the day's name is not
/// held against the date.
fn imf_fixdate(text: &str) -> Option<Micros> {
    let [day_name, day, month, year, time, gmt] = split::<6>(text, ' ')?;
    let day_name = day_name.strip_suffix(',')?;
    // "A cache recipient SHOULD consider a date with a zone abbreviation other than "GMT" to
    // be invalid" (RFC 9111 §4.2).
    (is_day_name(day_name) && gmt == "gmt").then_some(())?;
    instant(digits(year, 4)?, month_number(month)?, digits(day, 2)?, time)
}

/// "day-name-l "," SP date2 SP time-of-day SP GMT".
fn rfc850_date(text: &str, now: Micros) -> Option<Micros> {
    let [day_name, date, time, gmt] = split::<4>(text, ' ')?;
    let day_name = day_name.strip_suffix(',')?;
    (DAYS.contains(&day_name) && gmt == "gmt").then_some(())?;
    let [day, month, year] = split::<3>(date, '-')?;
    let (year, month, day) = (digits(year, 2)?, month_number(month)?, digits(day, 2)?);
    // "MUST interpret a timestamp that appears to be more than 50 years in the future as
    // representing the most recent year in the past that had the same last two digits."
    for century in (15..30).rev() {
        let year = century * 100 + year;
        let Some(date) = instant(year, month, day, time) else { continue };
        // Fifty years before a leap day there is none.
        let before = instant(year - 50, month, day, time);
        let before = before.or_else(|| instant(year - 50, month, day - 1, time));
        if before.is_some_and(|before| before <= now) {
            return Some(date);
        }
    }
    None
}

/// "day-name SP date3 SP time-of-day SP year".
fn asctime_date(text: &str) -> Option<Micros> {
    let day_name = text.get(..3)?;
    let month = text.get(3..8)?.strip_prefix(' ')?.strip_suffix(' ')?;
    // "date3 = month SP ( 2DIGIT / ( SP 1DIGIT ))".
    let day = text.get(8..10)?;
    let day = match day.strip_prefix(' ') {
        Some(digit) => digits(digit, 1)?,
        None => digits(day, 2)?,
    };
    let [time, year] = split::<2>(text.get(10..)?.strip_prefix(' ')?, ' ')?;
    is_day_name(day_name).then_some(())?;
    instant(digits(year, 4)?, month_number(month)?, day, time)
}

fn is_day_name(text: &str) -> bool {
    DAYS.iter().any(|day| &day[..3] == text)
}

fn month_number(text: &str) -> Option<usize> {
    MONTHS.iter().position(|month| *month == text)
}

fn split<const N: usize>(text: &str, by: char) -> Option<[&str; N]> {
    <[&str; N]>::try_from(text.split(by).collect::<Vec<_>>()).ok()
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count).then_some(())?;
    delta_seconds(text)
}

/// "time-of-day = hour ":" minute ":" second", on a day of the calendar.
fn instant(year: i64, month: usize, day: i64, time: &str) -> Option<Micros> {
    let [hour, minute, second] = split::<3>(time, ':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    // "00:00:00 - 23:59:60 (leap second)"; this clock knows none, and takes "the nearest time
    // equal to or earlier than the received value" (RFC 9111 §4.2).
    if 23 < hour || 59 < minute || 60 < second || year < 0 {
        return None;
    }
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap_year { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if day < 1 || lengths[month] < day {
        return None;
    }
    let days = days_before(year) + lengths[..month].iter().sum::<i64>() + day - 1;
    Some(days * DAY + ((hour * 60 + minute) * 60 + second.min(59)) * SECOND)
}

/// The days from the epoch to the first of January.
fn days_before(year: i64) -> i64 {
    let leap_days = |year: i64| (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    365 * (year - 1970) + leap_days(year) - leap_days(1970)
}

/// The directives that count for a response, and whether they come from a
/// field "in the place" of `Cache-Control` and `Expires`.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) is_targeted: bool,
    pub(super) directives: Vec<Directive>,
}

/// "an ordered list of the targeted field names that it uses" (RFC 9213 §2.2).
pub(super) const TARGET_LIST: [&str; 2] = ["lunch-relay-cache-control", "cdn-cache-control"];

/// RFC 9213 §2.2: "the cache MUST select the first (in target-list order) field
/// with a valid, non-empty value and use its value to determine the caching
/// policy for the response, and it MUST ignore the Cache-Control and Expires
/// header fields in that response".
pub(super) fn said(response: &[Line]) -> Said {
    for field in TARGET_LIST {
        if let Some(directives) = targeted(response, field) {
            return Said { is_targeted: true, directives };
        }
    }
    let directives = surrogate(response);
    if !directives.is_empty() {
        return Said { is_targeted: true, directives };
    }
    Said { is_targeted: false, directives: directives_of_cache_control(response) }
}

fn directives_of_cache_control(lines: &[Line]) -> Vec<Directive> {
    directives(lines, "cache-control")
}

/// RFC 9213 §2.1: "Targeted fields are Dictionary Structured Fields. Each
/// member of the Dictionary is an HTTP cache response directive".
fn targeted(lines: &[Line], field: &str) -> Option<Vec<Directive>> {
    if !has(lines, field) {
        return None;
    }
    // "If a targeted field in a given response is empty, or a parsing error is encountered,
    // that field MUST be ignored by the cache".
    let text = values(lines, field).join(",");
    let dictionary: sfv::Dictionary = sfv::Parser::new(&text).parse().ok()?;
    if dictionary.is_empty() {
        return None;
    }
    // "Implementations SHOULD NOT consume values that violate these inferred constraints."
    let consumed = |(name, value): (&sfv::Key, &sfv::ListEntry)| {
        let sfv::ListEntry::Item(item) = value else { return None };
        let argument = match (name.as_str(), &item.bare_item) {
            (
                "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error",
                sfv::BareItem::Integer(seconds),
            ) => Some(seconds.to_string()),
            ("max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error", _) => {
                return None;
            }
            // "no-cache has a value that can be either Boolean true or a string containing a
            // comma-delimited list of field names." Choice: a token is such a list of one.
            ("no-cache" | "private", sfv::BareItem::String(names)) => {
                Some(names.as_str().to_owned())
            }
            ("no-cache" | "private", sfv::BareItem::Token(name)) => Some(name.as_str().to_owned()),
            (_, sfv::BareItem::Boolean(true)) => None,
            _ => return None,
        };
        Some(Directive { name: name.as_str().to_owned(), argument })
    };
    Some(dictionary.iter().filter_map(consumed).collect())
}

/// `Surrogate-Control` is no RFC's: of it, all choice, `max-age=N[+M]` and
/// `no-store` count, and where it has neither it is as if it were not there.
fn surrogate(lines: &[Line]) -> Vec<Directive> {
    let mut counting = Vec::new();
    for Directive { name, argument } in directives(lines, "surrogate-control") {
        match (name.as_str(), argument) {
            ("no-store", argument) => counting.push(Directive { name, argument }),
            // What follows a semicolon names another device.
            ("max-age", Some(argument)) if !argument.contains(';') => {
                let fresh = argument.split('+').next().map(str::to_owned);
                counting.push(Directive { name, argument: fresh });
            }
            _ => {}
        }
    }
    counting
}
