//! Entity tags (RFC 9110 §8.8.3), read leniently and compared carefully.
//!
//! Reading cannot fail: a tag without quotes or beyond ASCII is still a tag.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

/// Whether a tag changes with every change of the bytes (RFC 9110 §8.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It does.
    Strong,
    /// It need not: `W/`.
    Weak,
}

/// An entity tag, its quotes taken off.
///
/// There is no plain equality: RFC 9110 §8.8.3.2 has two of them.
#[derive(Clone, Copy, Debug)]
pub struct EntityTag<'a> {
    /// Whether it is marked as weak.
    pub strength: Strength,
    /// What is compared, byte by byte.
    pub opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// The tag that an `ETag` field has.
    pub fn of(value: &'a HeaderValue) -> EntityTag<'a> {
        EntityTag::read(value.as_bytes())
    }

    fn read(text: &'a [u8]) -> EntityTag<'a> {
        let text = text.trim_ascii();
        // A lowercase `w/` is no valid mark; that its sender meant it as strong
        // cannot be assumed. A field without a value vouches for nothing.
        let (strength, quoted) = match split_mark(text) {
            Some(rest) => (Strength::Weak, rest),
            None if text.is_empty() => (Strength::Weak, text),
            None => (Strength::Strong, text),
        };
        let opaque =
            quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(quoted);
        EntityTag { strength, opaque }
    }

    /// Whether it is not marked as weak.
    pub fn is_strong(&self) -> bool {
        self.strength == Strength::Strong
    }

    /// "Both are not weak and their opaque-tags match character-by-character"
    /// (RFC 9110 §8.8.3.2).
    pub fn strong_eq(&self, other: &EntityTag<'_>) -> bool {
        self.is_strong() && other.is_strong() && self.opaque == other.opaque
    }

    /// "Their opaque-tags match character-by-character, regardless of either
    /// or both being tagged as weak" (RFC 9110 §8.8.3.2).
    pub fn weak_eq(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// What follows `W/`.
fn split_mark(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"W/").or_else(|| text.strip_prefix(b"w/"))
}

/// The value of `If-None-Match` or `If-Match` (RFC 9110 §13.1.1, §13.1.2).
#[derive(Clone, Debug)]
pub enum Tags<'a> {
    /// `*`: any current representation.
    Any,
    /// The tags of all lines, none where the field is absent.
    Listed(Vec<EntityTag<'a>>),
}

impl Tags<'_> {
    /// Whether one of them is weakly equal to the tag of a representation;
    /// `*` stands for any representation, even one without a tag.
    pub fn weakly_include(&self, tag: Option<&EntityTag<'_>>) -> bool {
        match self {
            Tags::Any => true,
            Tags::Listed(tags) => {
                tag.is_some_and(|tag| tags.iter().any(|listed| listed.weak_eq(tag)))
            }
        }
    }
}

/// The tags of all lines of a field.
///
/// `*` among others is not valid (RFC 9110 §13.1.1) and stands for nothing.
pub fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Tags<'a> {
    let members = || headers.get_all(name).into_iter().flat_map(|line| members(line.as_bytes()));
    let mut firsts = members();
    match (firsts.next(), firsts.next()) {
        (Some(b"*"), None) => Tags::Any,
        _ => {
            Tags::Listed(members().filter(|member| *member != b"*").map(EntityTag::read).collect())
        }
    }
}

/// The members of a line that are not empty, trimmed; a comma inside quotes ends none.
fn members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (member, after) = rest.split_at(end_of_member(rest));
            rest = after.get(1..).unwrap_or_default();
            let member = member.trim_ascii();
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    })
}

/// Where the comma is that ends the first member.
///
/// There are no escapes in a tag. A quote that is never closed quotes nothing:
/// it must not hide what follows.
fn end_of_member(text: &[u8]) -> usize {
    let start = text.len() - text.trim_ascii_start().len();
    let marked = split_mark(&text[start..]).map_or(start, |rest| text.len() - rest.len());
    let closed = text[marked..]
        .strip_prefix(b"\"")
        .and_then(|quoted| quoted.iter().position(|byte| *byte == b'"'))
        .map_or(start, |length| marked + 1 + length);
    text[closed..].iter().position(|byte| *byte == b',').map_or(text.len(), |comma| closed + comma)
}

/// How every tag of our own begins.
const OWN: &[u8] = b"lr-";
/// The bits of a hash that are in a tag, in base64url.
const HASH_CHARACTERS: usize = 22;

/// A strong tag of our own for a body that came without one: its content
/// decides it alone, so that it is the same after a restart and on another relay.
pub fn own(body: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(body);
    let (half, _) = hash.split_at(16);
    let tag = format!("\"lr-{}\"", BASE64.encode(half));
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
}

/// A weak tag of our own for what is said of this content.
pub fn weak(content: &[u8]) -> HeaderValue {
    let mut tag = b"W/".to_vec();
    tag.extend_from_slice(own(content).as_bytes());
    HeaderValue::from_bytes(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether a tag is one of [`own`], weakened on its way or not.
pub fn is_own(tag: &EntityTag<'_>) -> bool {
    tag.opaque.strip_prefix(OWN).is_some_and(|hash| {
        hash.len() == HASH_CHARACTERS
            && hash.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    })
}

/// Removes our own tags from a request that goes to the upstream, which does
/// not know them.
///
/// What is left is what the client would have sent without our tags: a field
/// that is left empty is removed. An `If-Match` of our tags alone stays: the
/// client wants no change without the condition (RFC 9110 §13.1.1), and the
/// upstream refuses what matches nothing.
pub fn strip_own(headers: &mut HeaderMap) {
    strip_members(headers, &header::IF_NONE_MATCH);
    let if_match: Vec<HeaderValue> = headers.get_all(header::IF_MATCH).iter().cloned().collect();
    strip_members(headers, &header::IF_MATCH);
    if !headers.contains_key(header::IF_MATCH) {
        restore(headers, &header::IF_MATCH, if_match);
    }
    // A range without its condition could be one of another representation.
    if headers.get_all(header::IF_RANGE).iter().any(|value| is_own(&EntityTag::of(value))) {
        headers.remove(header::IF_RANGE);
        headers.remove(header::RANGE);
    }
}

fn strip_members(headers: &mut HeaderMap, name: &HeaderName) {
    let ours = |member: &[u8]| is_own(&EntityTag::read(member));
    let has_ours = |line: &HeaderValue| members(line.as_bytes()).any(ours);
    if !headers.get_all(name).iter().any(has_ours) {
        return;
    }
    let lines = headers
        .get_all(name)
        .iter()
        .filter_map(|line| {
            if !has_ours(line) {
                return Some(line.clone());
            }
            let kept: Vec<&[u8]> =
                members(line.as_bytes()).filter(|member| !ours(member)).collect();
            if kept.is_empty() {
                return None;
            }
            HeaderValue::from_bytes(&kept.join(&b", "[..])).ok()
        })
        .collect();
    headers.remove(name);
    restore(headers, name, lines);
}

fn restore(headers: &mut HeaderMap, name: &HeaderName, lines: Vec<HeaderValue>) {
    for line in lines {
        headers.append(name, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_bytes(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check_equal(one: &str, other: &str, strongly: bool, weakly: bool) {
        let (one, other) = (value(one), value(other));
        let (a, b) = (EntityTag::of(&one), EntityTag::of(&other));
        assert_eq!((a.strong_eq(&b), a.weak_eq(&b)), (strongly, weakly), "{one:?} {other:?}");
        assert_eq!((b.strong_eq(&a), b.weak_eq(&a)), (strongly, weakly), "{other:?} {one:?}");
    }

    #[test]
    fn equal() {
        let check = check_equal;
        // The table of §8.8.3.2.
        check("W/\"1\"", "W/\"1\"", false, true);
        check("W/\"1\"", "W/\"2\"", false, false);
        check("W/\"1\"", "\"1\"", false, true);
        check("\"1\"", "\"1\"", true, true);
        check("\"a\"", "\"A\"", false, false);
        check("w/\"1\"", "\"1\"", false, true);
        check("w/\"1\"", "w/\"1\"", false, true);
        check("1", "\"1\"", true, true);
        check("W/1", "\"1\"", false, true);
        check("\"r\u{e4}ks\"", "\"r\u{e4}ks\"", true, true);
        check("\"a,b\"", "\"a,b\"", true, true);
        check("\"a", "a", false, false);
        check("\"", "\"\"", false, false);
        check("", "\"\"", false, true);
    }

    fn lines(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), value(line))).collect()
    }

    #[track_caller]
    fn check_list(text: &[&str], expected: &str) {
        let headers = lines(&header::IF_NONE_MATCH, text);
        let actual = match list(&headers, &header::IF_NONE_MATCH) {
            Tags::Any => "any".to_owned(),
            Tags::Listed(tags) => {
                let show = |tag: &EntityTag<'_>| {
                    let mark = if tag.is_strong() { "" } else { "W/" };
                    format!("{mark}<{}>", String::from_utf8_lossy(tag.opaque))
                };
                tags.iter().map(show).collect::<Vec<_>>().concat()
            }
        };
        assert_eq!(actual, expected, "{text:?}");
    }

    #[test]
    fn lists() {
        let check = check_list;
        check(&[], "");
        check(&["\"a\""], "<a>");
        check(&["\"a\" , W/\"b\",,", "\"c\""], "<a>W/<b><c>");
        check(&["\"a,b\",w/\"c, d\""], "<a,b>W/<c, d>");
        check(&["\"a\\\", \"b\""], "<a\\><b>");
        check(&["a, b"], "<a><b>");
        check(&["\"a\", \"b, c"], "<a><\"b><c>");
        check(&["a\"b, c\""], "<a\"b><c\">");
        check(&["*"], "any");
        check(&[" *,"], "any");
        check(&["\"*\""], "<*>");
        check(&["*, \"a\""], "<a>");
        check(&["*", "*"], "");
    }

    #[test]
    fn a_tag_of_our_own_is_of_the_bytes_alone() {
        let tag = own(b"menu");
        assert_eq!(tag, own(b"menu"));
        assert_ne!(tag, own(b"menus"));
        assert_eq!(tag, "\"lr-OYmRAJ2h0lF5LrNToLexhQ\"");
        assert!(EntityTag::of(&tag).is_strong());
    }

    #[test]
    fn knows_its_own() {
        let check = |text: &str, expected| {
            assert_eq!(is_own(&EntityTag::of(&value(text))), expected, "{text}");
        };
        check("\"lr-V7evBqNHPtYQk0kSsR4TNA\"", true);
        check("W/\"lr-V7evBqNHPtYQk0kSsR4-_A\"", true);
        check("\"V7evBqNHPtYQk0kSsR4TNA\"", false);
        check("\"lr-V7evBqNHPtYQk0kSsR4TN\"", false);
        check("\"lr-V7evBqNHPtYQk0kSsR4TN.\"", false);
    }

    #[track_caller]
    fn check_strip(given: &str, expected: &str) {
        let ours = own(b"menu").to_str().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        for (name, text) in given.lines().map(|line| line.split_once(": ").unwrap()) {
            headers.append(name.parse::<HeaderName>().unwrap(), value(&text.replace("OWN", &ours)));
        }
        strip_own(&mut headers);
        let mut left: Vec<String> = headers
            .iter()
            .map(|(name, value)| {
                format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
                    .replace(&ours, "OWN")
            })
            .collect();
        left.sort();
        assert_eq!(left.join("\n"), expected, "{given}");
    }

    #[test]
    fn strips_its_own() {
        let check = check_strip;
        check("if-none-match: OWN", "");
        check("if-none-match: W/OWN", "");
        check("if-none-match: OWN\nif-none-match: \"a\"", "if-none-match: \"a\"");
        check("if-none-match: \"a\" ,OWN,, W/\"b,c\"", "if-none-match: \"a\", W/\"b,c\"");
        check("if-none-match: \"a\" ,, b", "if-none-match: \"a\" ,, b");
        check(
            "if-none-match: \"a\" ,, b\nif-none-match: OWN, c",
            "if-none-match: \"a\" ,, b\nif-none-match: c",
        );
        check("if-none-match: OWN, \"r\u{e4}ks\"", "if-none-match: \"r\u{e4}ks\"");
        check("if-none-match: *", "if-none-match: *");
        check("if-none-match: OWN\nif-modified-since: x", "if-modified-since: x");
        check("if-match: OWN, \"a\"", "if-match: \"a\"");
        check("if-match: OWN, W/OWN", "if-match: OWN, W/OWN");
        check("if-range: OWN\nrange: bytes=0-1", "");
        check("if-range: \"a\"\nrange: bytes=0-1", "if-range: \"a\"\nrange: bytes=0-1");
        check("range: bytes=0-1", "range: bytes=0-1");
    }
}
