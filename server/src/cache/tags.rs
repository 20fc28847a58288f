//! The tags of a response: names by which what belongs together is purged
//! together.
//!
//! An upstream gives them in `Surrogate-Key` (separated by spaces), `Cache-Tag`
//! (by commas) and `Cache-Groups` (RFC 9875: a list of strings). They are one
//! set, and compared to the letter.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::list::members;

/// Tags that a response has at most; RFC 9875 §2 asks for 32.
pub const MOST: usize = 128;
/// Bytes of a tag at most; RFC 9875 §2 asks for 32 characters.
pub const LONGEST: usize = 256;

static SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
static CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
static CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
static CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The tags of a response, each once and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Box<[Box<str>]>);

impl Tags {
    /// The tags that a response's fields give it: the first that there is room
    /// for. What is too long is none.
    pub fn of(headers: &HeaderMap) -> Tags {
        let lines = headers.get_all(&SURROGATE_KEY).into_iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let keys = lines.flat_map(str::split_ascii_whitespace).map(str::to_owned);
        let tags = members(headers, &CACHE_TAG).map(str::to_owned);
        Tags::from_all(keys.chain(tags).chain(strings(headers, &CACHE_GROUPS)))
    }

    /// The groups that the answer to an unsafe request says it invalidates
    /// (RFC 9875 §3).
    pub fn invalidated_by(headers: &HeaderMap) -> Tags {
        Tags::from_all(strings(headers, &CACHE_GROUP_INVALIDATION))
    }

    fn from_all(all: impl Iterator<Item = String>) -> Tags {
        let mut tags: Vec<Box<str>> =
            all.filter(|tag| is_tag(tag)).take(MOST).map(String::into_boxed_str).collect();
        tags.sort_unstable();
        tags.dedup();
        Tags(tags.into())
    }

    /// Whether a response has this tag.
    pub fn has(&self, tag: &str) -> bool {
        self.0.binary_search_by(|own| (**own).cmp(tag)).is_ok()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tag| &**tag)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether this may be a tag at all.
pub fn is_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= LONGEST
}

/// The strings in a list (RFC 9651 §3.1). One that is not such a list is ignored
/// as a whole (§4.2); so is a member that is no string.
fn strings(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + use<> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    let list: List = Parser::new(&lines.join(&b", "[..])).parse().unwrap_or_default();
    list.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::String(text) => Some(text.as_str().to_owned()),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(lines: &[(&'static str, &str)], expected: &[&str]) {
        let tags = Tags::of(&fields(lines));
        assert_eq!(tags.iter().collect::<Vec<_>>(), expected, "{lines:?}");
        assert!(expected.iter().all(|tag| tags.has(tag)) && !tags.has("not there"));
    }

    #[test]
    fn three_fields_give_one_set() {
        check(&[], &[]);
        check(&[("surrogate-key", "b  a b")], &["a", "b"]);
        check(&[("surrogate-key", "a"), ("surrogate-key", "c,d")], &["a", "c,d"]);
        check(&[("cache-tag", " a b ,c,, a b")], &["a b", "c"]);
        check(&[("cache-groups", "\"a\", \"b, c\";x=1")], &["a", "b, c"]);
        check(&[("cache-groups", "\"a\""), ("cache-groups", "\"b\"")], &["a", "b"]);
        check(
            &[("surrogate-key", "x"), ("cache-tag", "x,y"), ("cache-groups", "\"x\"")],
            &["x", "y"],
        );
        check(&[("cache-tag", "A,a")], &["A", "a"]);
    }

    #[test]
    fn what_is_no_list_of_strings_is_ignored() {
        check(&[("cache-groups", "\"a\", b, 1, (\"c\")")], &["a"]);
        check(&[("cache-groups", "\"a\", \"b")], &[]);
        check(&[("cache-groups", "")], &[]);
        check(&[("cache-groups", "\"\"")], &[]);
    }

    #[test]
    fn there_are_bounds() {
        let longest = "x".repeat(LONGEST);
        check(&[("cache-tag", &format!("{longest},{longest}y"))], &[&longest]);
        let many = (0..MOST + 9).map(|number| format!("t{number:03}")).collect::<Vec<_>>();
        let tags = Tags::of(&fields(&[("surrogate-key", &many.join(" "))]));
        assert_eq!(tags.iter().count(), MOST);
        // RFC 9875 §2: "at least 32 groups", "at least 32 characters in each".
        let groups: Vec<String> = (0..32).map(|number| format!("{number:032}")).collect();
        let line = groups.iter().map(|group| format!("\"{group}\"")).collect::<Vec<_>>();
        let expected: Vec<&str> = groups.iter().map(String::as_str).collect();
        check(&[("cache-groups", &line.join(", "))], &expected);
    }

    #[test]
    fn groups_that_a_write_invalidates() {
        let headers = fields(&[("cache-group-invalidation", "\"a\", \"b\"")]);
        assert_eq!(Tags::invalidated_by(&headers).iter().collect::<Vec<_>>(), ["a", "b"]);
        assert!(Tags::of(&headers).is_empty());
    }
}
