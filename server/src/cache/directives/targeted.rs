//! Fields that tell some caches what others are not to know: targeted fields
//! (RFC 9213), and `Surrogate-Control` behind them.

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::{Field, ResponseDirectives, Word, each};

/// The target list (RFC 9213 §2.2), from most to least applicable.
static TARGETED: [HeaderName; 2] = [
    HeaderName::from_static("lunch-relay-cache-control"),
    HeaderName::from_static("cdn-cache-control"),
];
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// The directives that stand in the place of `Cache-Control` and `Expires`,
/// where a field on the target list is valid and not empty.
pub(super) fn directives(headers: &HeaderMap) -> Option<ResponseDirectives> {
    TARGETED.iter().find_map(|name| targeted(headers, name)).or_else(|| surrogate(headers))
}

/// The directives of a targeted field, `None` where it is missing, empty or no
/// structured field: such a one is ignored (RFC 9213 §2.1).
fn targeted(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() {
        return None;
    }
    let dictionary: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    if dictionary.is_empty() {
        return None;
    }
    let mut directives =
        ResponseDirectives { field: Field::Targeted, ..ResponseDirectives::default() };
    for (name, value) in &dictionary {
        let ListEntry::Item(item) = value else { continue };
        // A value of another type than the directive has is not consumed (§2.1).
        match (kind(name.as_str()), &item.bare_item) {
            (Kind::Seconds, BareItem::Integer(seconds)) => {
                directives.add(name.as_str(), Some(&seconds.to_string()));
            }
            (Kind::Word | Kind::Scope, BareItem::Boolean(true)) => {
                directives.add(name.as_str(), None);
            }
            (Kind::Scope, BareItem::String(names)) => {
                directives.add(name.as_str(), Some(names.as_str()));
            }
            (Kind::Scope, BareItem::Token(name_of_one)) => {
                directives.add(name.as_str(), Some(name_of_one.as_str()));
            }
            _ => {}
        }
    }
    Some(directives)
}

/// The type of a directive's value.
enum Kind {
    Seconds,
    Word,
    Scope,
}

fn kind(directive: &str) -> Kind {
    match directive {
        "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error" => Kind::Seconds,
        "no-cache" | "private" => Kind::Scope,
        _ => Kind::Word,
    }
}

/// `max-age` and `no-store` of `Surrogate-Control` (Edge Architecture
/// Specification §2.3); what is meant for one device by its name is not for us.
fn surrogate(headers: &HeaderMap) -> Option<ResponseDirectives> {
    let mut directives =
        ResponseDirectives { field: Field::Targeted, ..ResponseDirectives::default() };
    each(headers, &SURROGATE_CONTROL, |name, argument| {
        if name.eq_ignore_ascii_case("no-store") {
            directives.add(name, argument);
        } else if name.eq_ignore_ascii_case("max-age")
            && let Some(argument) = argument.filter(|argument| !argument.contains(';'))
        {
            // `max-age=60+30` allows a stale use that we do not make.
            directives.add(name, argument.split('+').next());
        }
    });
    let is_there = directives.max_age.is_some() || directives.says(Word::NoStore);
    is_there.then_some(directives)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::directives::Scope;

    fn of(lines: &[(&'static str, &'static str)]) -> ResponseDirectives {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        ResponseDirectives::of(&headers)
    }

    #[track_caller]
    fn check_max_age(lines: &[(&'static str, &'static str)], seconds: Option<u64>) {
        assert_eq!(of(lines).max_age, seconds.map(Duration::from_secs), "{lines:?}");
    }

    const OURS: &str = "lunch-relay-cache-control";
    const CDN: &str = "cdn-cache-control";
    const PLAIN: &str = "cache-control";
    const SURROGATE: &str = "surrogate-control";

    #[test]
    fn the_most_applicable_valid_field_counts() {
        let check = check_max_age;
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age=2"), (OURS, "max-age=3")], Some(3));
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age=2")], Some(2));
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age=2"), (OURS, "")], Some(2));
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age=2"), (OURS, "&&")], Some(2));
        check(&[(PLAIN, "max-age=1"), (CDN, "Max-Age=2")], Some(1));
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age =2")], Some(1));
        check(&[(PLAIN, "max-age=1"), (CDN, "max-age=2, &&")], Some(1));
        check(&[(PLAIN, "max-age=1"), (CDN, "public")], None);
        check(&[(CDN, "max-age=2"), (CDN, "public")], Some(2));
        check(&[(CDN, "max-age=99999999999")], Some(1 << 31));
        check(&[(CDN, "max-age=-1")], Some(0));
        check(&[(CDN, "max-age=2;x=1, foo=(a b), bar=1.5")], Some(2));
        check(&[(PLAIN, "max-age=1"), (SURROGATE, "max-age=4+60, content=\"x\"")], Some(4));
        check(&[(CDN, "max-age=2"), (SURROGATE, "max-age=4")], Some(2));
        check(&[(PLAIN, "max-age=1"), (SURROGATE, "content=\"x\"")], Some(1));
        check(&[(PLAIN, "max-age=1"), (SURROGATE, "max-age=4;other")], Some(1));
    }

    #[test]
    fn a_value_of_another_type_is_not_consumed() {
        check_max_age(&[(CDN, "max-age=\"60\"")], None);
        check_max_age(&[(CDN, "max-age=1.5")], None);
        assert!(!of(&[(CDN, "no-store=?0")]).says(Word::NoStore));
        assert!(!of(&[(CDN, "no-store=1")]).says(Word::NoStore));
    }

    #[test]
    fn words_and_scopes() {
        assert!(of(&[(CDN, "no-store")]).says(Word::NoStore));
        assert!(of(&[(SURROGATE, "no-store")]).says(Word::NoStore));
        assert_eq!(of(&[(CDN, "private")]).private, Some(Scope::Response));
        let fields = Scope::Fields(vec!["a".parse().unwrap(), "b".parse().unwrap()]);
        assert_eq!(of(&[(CDN, "no-cache=\"a, b\"")]).no_cache, Some(fields));
        assert_eq!(of(&[(CDN, "max-age=1"), (PLAIN, "private")]).private, None);
    }
}
