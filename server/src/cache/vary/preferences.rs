//! Lists of names with qvalues (RFC 9110 §12.4.2): `Accept-Encoding` and
//! `Accept-Language`.

use http::{HeaderMap, header};

/// The members of a list, in lowercase, each with its qvalue in thousandths;
/// sorted, each once.
pub(super) type Preferences = Vec<(String, u16)>;

/// Reads all lines of a field; `None` where they are not such a list, so that
/// they are compared as they are.
pub(super) fn read<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Preferences> {
    let mut preferences = Preferences::new();
    for line in lines {
        for member in str::from_utf8(line).ok()?.split(',').map(trim) {
            if !member.is_empty() {
                preferences.push(preference(member)?);
            }
        }
    }
    preferences.sort_unstable();
    preferences.dedup();
    Some(preferences)
}

fn preference(member: &str) -> Option<(String, u16)> {
    let (name, weight) = match member.split_once(';') {
        Some((name, weight)) => (trim(name), thousandths(trim(weight))?),
        None => (member, 1000),
    };
    is_name(name).then(|| (name.to_ascii_lowercase(), weight))
}

/// A weight (RFC 9110 §12.4.2): `q=`, zero to one, three digits at most.
fn thousandths(weight: &str) -> Option<u16> {
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", _) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// Whether all is of letters, digits and what else a coding or a language range
/// has; what is not is compared as text.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+*".contains(&byte))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The language of a response for one audience, in lowercase (RFC 9110 §8.5).
pub(super) fn content_language(response: &HeaderMap) -> Option<String> {
    let mut lines = response.get_all(header::CONTENT_LANGUAGE).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let language = trim(line.to_str().ok()?);
    let is_tag = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_tag.then(|| language.to_ascii_lowercase())
}

/// Whether a language is what a list prefers to all else: one range alone has
/// the highest qvalue, it matches the language (RFC 4647 §3.3.1), and no other
/// range says something of that language in particular.
pub(super) fn prefers(preferences: &Preferences, language: &str) -> bool {
    let highest = preferences.iter().map(|(_, weight)| *weight).max().unwrap_or_default();
    let mut most = preferences.iter().filter(|(_, weight)| *weight == highest);
    let (Some((range, 1..)), None) = (most.next(), most.next()) else { return false };
    let mut others = preferences.iter().filter(|(_, weight)| *weight != highest);
    matches(range, language)
        && !others.any(|(other, _)| matches(other, language) && range.len() <= other.len())
}

/// Basic filtering: the range is the tag, or its first subtags. `*` names no language.
fn matches(range: &str, language: &str) -> bool {
    language.strip_prefix(range).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::{super::Selecting, *};

    #[track_caller]
    fn check(one: &[&str], other: &[&str], expected: bool) {
        let read = |lines: &[&str]| read(lines.iter().map(|line| line.as_bytes())).unwrap();
        assert_eq!(read(one) == read(other), expected, "{one:?} {other:?}");
    }

    #[test]
    fn same() {
        check(&["gzip, br"], &["br,gzip"], true);
        check(&["gzip, br"], &["gzip", "br"], true);
        check(&["gzip, , br"], &["gzip,br"], true);
        check(&["gzip"], &["GZip"], true);
        check(&["gzip"], &["gzip;q=1"], true);
        check(&["gzip"], &["gzip ; Q=1.000"], true);
        check(&["gzip"], &["gzip, gzip;q=1.0"], true);
        check(&["gzip;q=0.5"], &["gzip;q=0.500"], true);
        check(&["gzip;q=0.5"], &["gzip;q=0.05"], false);
        check(&["gzip;q=0.5"], &["gzip"], false);
        check(&["gzip"], &["gzip, br;q=0"], false);
        check(&["gzip;q=0"], &["gzip;q=0."], true);
        check(&["gzip"], &["gzip, *"], false);
        check(&["gzip"], &["x-gzip"], false);
        check(&["en-GB"], &["en-gb"], true);
    }

    #[test]
    fn not_such_a_list() {
        for line in [
            "gzip;q=2",
            "gzip;q=1.001",
            "gzip;q=0.1234",
            "gzip;q=",
            "gzip;q=-1",
            "gzip;q=.5",
            "gzip;q=0.+1",
            "gzip;q",
            "gzip;level=1",
            "gzip;q=1;x",
            "gzip;q =1",
            "g zip",
            ";q=1",
            "\"a",
            "r\u{e4}ks",
        ] {
            assert_eq!(read([line.as_bytes()].into_iter()), None, "{line}");
        }
        assert_eq!(read([&b"\xff"[..]].into_iter()), None);
    }

    #[track_caller]
    fn check_prefers(list: &str, language: &str, expected: bool) {
        let preferences = read([list.as_bytes()].into_iter()).unwrap();
        assert_eq!(prefers(&preferences, language), expected, "{list} {language}");
    }

    #[test]
    fn preferring() {
        let check = check_prefers;
        check("de", "de", true);
        check("DE", "de", true);
        check("fr;q=0.5, de;q=1.0", "de", true);
        check("fr;q=0.5, de;q=0.6, *;q=0.1", "de", true);
        check("fr, de;q=0.5", "de", false);
        check("fr, de", "de", false);
        check("de;q=0", "de", false);
        check("", "de", false);
        check("de", "de-at", true);
        check("de", "den", false);
        check("de-at", "de", false);
        check("*", "de", false);
        check("de, de-at;q=0.5", "de-at", false);
        check("de, de-ch;q=0.5", "de-at", true);
        check("de-at, de;q=0.5", "de-at", true);
        check("de, de;q=0", "de", false);
    }

    #[track_caller]
    fn check_selects(response: &str, stored: &str, presented: &str, expected: bool) {
        let fields = |text: &str| -> HeaderMap {
            text.lines()
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| {
                    (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
                })
                .collect()
        };
        let selecting = Selecting::of(&fields(response), &fields(stored)).unwrap();
        let actual = selecting.selects(&fields(presented));
        assert_eq!(actual, expected, "{response} / {stored} / {presented}");
    }

    #[test]
    fn selecting_by_preferences() {
        let check = |name: &str, stored: &str, presented: &str, expected| {
            let (stored, presented) = (format!("{name}: {stored}"), format!("{name}: {presented}"));
            check_selects(&format!("vary: {name}"), &stored, &presented, expected);
        };
        check("accept-encoding", "gzip, br", "BR,gzip;q=1", true);
        check("accept-encoding", "gzip, br", "br", false);
        check("accept-encoding", "gzip, br", "br, gzip\naccept-encoding: br", true);
        check("accept-language", "en, de", "DE, en", true);
        // Not such a list: as it is, and never the same as one that is.
        check("accept-encoding", "gzip;q=7, br", "gzip;q=7,br", true);
        check("accept-encoding", "gzip;q=7, br", "br, gzip;q=7", false);
        // In other fields, order and case may have a meaning.
        check("accept", "a, b", "b, a", false);
        check("accept", "a, b", "A, b", false);
        check_selects("vary: accept-encoding", "accept-encoding: ", "", false);
        check_selects("vary: accept-encoding", "", "accept-encoding: ", false);
    }

    #[test]
    fn selecting_by_language() {
        let check = |response: &str, presented: &str, expected| {
            check_selects(response, "accept-language: en, de", presented, expected);
        };
        let german = "vary: accept-language\ncontent-language: de";
        check(german, "accept-language: fr;q=0.5, de;q=1.0", true);
        check(german, "accept-language: fr;q=0.5\naccept-language: de", true);
        check(german, "accept-language: fr, de;q=0.5", false);
        check(german, "accept-language: fr, de", false);
        check(german, "accept-language: de, fr;q=7", false);
        check(german, "", false);
        check("vary: accept-language\ncontent-language: DE-at", "accept-language: De", true);
        check("vary: accept-language\ncontent-language: de, en", "accept-language: de", false);
        let several = "vary: accept-language\ncontent-language: de-AT, en";
        check(several, "accept-language: de", false);
        check("vary: accept-language\ncontent-language: ", "accept-language: de", false);
        check("vary: accept-language", "accept-language: de", false);
        let two = "vary: accept-language\ncontent-language: de\ncontent-language: de";
        check(two, "accept-language: de", false);
        // It is of no other field that the language speaks.
        let both = "vary: accept-language, accept-encoding\ncontent-language: de";
        check(both, "accept-language: de\naccept-encoding: de", false);
        check(both, "accept-language: de", true);
    }
}
