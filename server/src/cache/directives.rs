//! `Cache-Control` (RFC 9111 §5.2) and the fields that stand in its place, read
//! once into plain values.
//!
//! Reading cannot fail: what makes no sense has its most careful meaning.

mod targeted;

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName, header};

/// The greatest `delta-seconds` that is told from any greater (RFC 9111 §1.2.2).
pub const MAX_DELTA: Duration = Duration::from_secs(1 << 31);

/// Response directives (RFC 9111 §5.2.2, RFC 5861, RFC 8246).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// The field that they were read from.
    pub field: Field,
    /// `s-maxage`, or zero where it is there and not a number.
    pub s_maxage: Option<Duration>,
    /// `max-age`, or zero where it is there and not a number.
    pub max_age: Option<Duration>,
    /// `stale-while-revalidate` (RFC 5861 §3), or zero.
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4), or zero.
    pub stale_if_error: Option<Duration>,
    /// `no-cache` (§5.2.2.4).
    pub no_cache: Option<Scope>,
    /// `private` (§5.2.2.7).
    pub private: Option<Scope>,
    words: u8,
}

/// The field that says how a response may be cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// `Cache-Control`, and `Expires` besides.
    #[default]
    CacheControl,
    /// One for caches like this one, in the place of both (RFC 9213).
    Targeted,
}

/// Directives without an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `no-store` (§5.2.2.5).
    NoStore = 1,
    /// `must-revalidate` (§5.2.2.2).
    MustRevalidate = 2,
    /// `must-understand` (§5.2.2.3).
    MustUnderstand = 4,
    /// `proxy-revalidate` (§5.2.2.8).
    ProxyRevalidate = 8,
    /// `public` (§5.2.2.9).
    Public = 16,
    /// `immutable` (RFC 8246 §2).
    Immutable = 32,
}

/// What `no-cache` and `private` are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The response.
    Response,
    /// These fields of it.
    Fields(Vec<HeaderName>),
}

/// Request directives (RFC 9111 §5.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-store`: the answer is not stored; a stored one may still serve.
    pub no_store: bool,
    /// `only-if-cached`: a stored answer or none.
    pub only_if_cached: bool,
    /// `no-cache`: a stored answer only after validation.
    pub no_cache: Option<NoCache>,
    /// `max-age`: the greatest age, zero where it is not a number.
    pub max_age: Option<Duration>,
    /// `min-fresh`: freshness that has to be left.
    pub min_fresh: Option<Duration>,
    /// `max-stale`: how stale an answer may be.
    pub max_stale: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4): how stale it may be where the upstream
    /// fails.
    pub stale_if_error: Option<Duration>,
}

/// The fields that a stored response is judged by when it is reused or freshened.
static NEEDED: [HeaderName; 8] = [
    header::AGE,
    header::CACHE_CONTROL,
    HeaderName::from_static("cdn-cache-control"),
    header::DATE,
    header::EXPIRES,
    HeaderName::from_static("lunch-relay-cache-control"),
    HeaderName::from_static("surrogate-control"),
    header::VARY,
];

/// How a request says `no-cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCache {
    /// By the directive (§5.2.1.4).
    Directive,
    /// By `Pragma`, there being no `Cache-Control` (§5.4).
    Pragma,
}

impl ResponseDirectives {
    /// The directives of a response's fields: of the first targeted field that
    /// is valid, of `Surrogate-Control`, or of `Cache-Control`.
    pub fn of(headers: &HeaderMap) -> ResponseDirectives {
        targeted::directives(headers).unwrap_or_else(|| {
            let mut directives = ResponseDirectives::default();
            each(headers, &header::CACHE_CONTROL, |name, argument| directives.add(name, argument));
            directives
        })
    }

    /// Whether the directive is there.
    pub fn says(&self, word: Word) -> bool {
        self.words & word as u8 != 0
    }

    /// Takes one more directive in; of two that say the same, the more
    /// restrictive one counts.
    fn add(&mut self, name: &str, argument: Option<&str>) {
        let least = |known: Option<Duration>| {
            let this = delta_seconds(argument).unwrap_or_default();
            Some(known.map_or(this, |known| known.min(this)))
        };
        match name.to_ascii_lowercase().as_str() {
            "s-maxage" => self.s_maxage = least(self.s_maxage),
            "max-age" => self.max_age = least(self.max_age),
            "stale-while-revalidate" => {
                self.stale_while_revalidate = least(self.stale_while_revalidate);
            }
            "stale-if-error" => self.stale_if_error = least(self.stale_if_error),
            "no-cache" => self.no_cache = Some(Scope::with(self.no_cache.take(), argument)),
            "private" => self.private = Some(Scope::with(self.private.take(), argument)),
            "no-store" => self.words |= Word::NoStore as u8,
            "must-revalidate" => self.words |= Word::MustRevalidate as u8,
            "must-understand" => self.words |= Word::MustUnderstand as u8,
            "proxy-revalidate" => self.words |= Word::ProxyRevalidate as u8,
            "public" => self.words |= Word::Public as u8,
            "immutable" => self.words |= Word::Immutable as u8,
            _ => {}
        }
    }
}

impl Scope {
    /// The scope of a directive with this argument, together with what another
    /// one of that name said before.
    fn with(before: Option<Scope>, argument: Option<&str>) -> Scope {
        let names = argument.map(|names| {
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse)
        });
        // Where no field is named, or one that cannot be, the whole is meant; so it is where
        // this cache could not go on without a field: "often handled by caches as if an
        // unqualified directive was received" (§5.2.2.4, §5.2.2.7).
        let fields = names.and_then(|names| names.collect::<Result<Vec<HeaderName>, _>>().ok());
        let can_go_without = |fields: &Vec<HeaderName>| {
            !fields.is_empty() && !fields.iter().any(|name| NEEDED.contains(name))
        };
        match (before, fields.filter(can_go_without)) {
            (None, Some(fields)) => Scope::Fields(fields),
            (Some(Scope::Fields(mut all)), Some(fields)) => {
                all.extend(fields);
                Scope::Fields(all)
            }
            _ => Scope::Response,
        }
    }
}

impl RequestDirectives {
    /// The directives of a request's fields.
    pub fn of(headers: &HeaderMap) -> RequestDirectives {
        let mut directives = RequestDirectives::default();
        each(headers, &header::CACHE_CONTROL, |name, argument| directives.add(name, argument));
        // "When the Cache-Control header field is not present in a request, caches MUST
        // consider the no-cache request pragma-directive" (§5.4, as RFC 7234 had it).
        if !headers.contains_key(header::CACHE_CONTROL) {
            each(headers, &header::PRAGMA, |name, _| {
                if name.eq_ignore_ascii_case("no-cache") {
                    directives.no_cache = Some(NoCache::Pragma);
                }
            });
        }
        directives
    }

    fn add(&mut self, name: &str, argument: Option<&str>) {
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "only-if-cached" => self.only_if_cached = true,
            "no-cache" => self.no_cache = Some(NoCache::Directive),
            "max-age" => {
                let this = delta_seconds(argument).unwrap_or_default();
                self.max_age = Some(self.max_age.map_or(this, |known| known.min(this)));
            }
            "min-fresh" => {
                let this = delta_seconds(argument).unwrap_or(MAX_DELTA);
                self.min_fresh = Some(self.min_fresh.map_or(this, |known| known.max(this)));
            }
            "max-stale" => {
                // Without a value, "a stale response of any age" will do (§5.2.1.2).
                let this = argument.map_or(Some(Duration::MAX), |_| delta_seconds(argument));
                let this = this.unwrap_or_default();
                self.max_stale = Some(self.max_stale.map_or(this, |known| known.min(this)));
            }
            "stale-if-error" => self.stale_if_error = delta_seconds(argument),
            _ => {}
        }
    }
}

/// Calls `read` with the name and argument of each directive of each line.
fn each(headers: &HeaderMap, field: &HeaderName, mut read: impl FnMut(&str, Option<&str>)) {
    for line in headers.get_all(field) {
        // A value beyond ASCII can hide no directive: their names are tokens.
        let text = String::from_utf8_lossy(line.as_bytes());
        each_member(&text, |member| {
            let (name, argument) = match member.split_once('=') {
                Some((name, argument)) => (ows(name), Some(unquoted(ows(argument)))),
                None => (ows(member), None),
            };
            read(name, argument.as_deref());
        });
    }
}

/// Calls `read` with each member of a list, commas in quoted strings passed over.
///
/// A quote that is never closed quotes nothing: it must not hide what follows.
fn each_member(text: &str, mut read: impl FnMut(&str)) {
    let mut all = Quotes::default();
    text.bytes().enumerate().for_each(|(at, byte)| all.pass(at, byte));
    let unclosed = all.opening.unwrap_or(text.len());
    let mut quotes = Quotes::default();
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if at < unclosed {
            quotes.pass(at, byte);
        }
        if byte == b',' && quotes.opening.is_none() {
            read(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    read(text.get(start..).unwrap_or_default());
}

/// Which quoted string (RFC 9110 §5.6.4) a place in a text is in.
#[derive(Debug, Default)]
struct Quotes {
    opening: Option<usize>,
    escaped: bool,
}

impl Quotes {
    fn pass(&mut self, at: usize, byte: u8) {
        match (self.opening, byte) {
            _ if self.escaped => self.escaped = false,
            (Some(_), b'\\') => self.escaped = true,
            (Some(_), b'"') => self.opening = None,
            (None, b'"') => self.opening = Some(at),
            _ => {}
        }
    }
}

/// What a quoted string says, its quoted pairs replaced by what they quote (RFC
/// 9110 §5.6.4). What is not wholly one stays as it is, which no number and no
/// name is.
fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.into();
    };
    if !inside.contains(['"', '\\']) {
        return inside.into();
    }
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(quoted) => value.push(quoted),
                None => return text.into(),
            },
            '"' => return text.into(),
            plain => value.push(plain),
        }
    }
    value.into()
}

/// A value without the white space around it (RFC 9110 §5.6.3).
fn ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `delta-seconds` (RFC 9111 §1.2.2), `None` where it is not a number; what is
/// too great is [`MAX_DELTA`].
fn delta_seconds(argument: Option<&str>) -> Option<Duration> {
    let digits = argument.filter(|argument| {
        !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit())
    })?;
    Some(digits.parse().map_or(MAX_DELTA, |seconds| Duration::from_secs(seconds).min(MAX_DELTA)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(field: &HeaderName, lines: &[&str]) -> HeaderMap {
        let value = |line: &&str| HeaderValue::from_bytes(line.as_bytes()).unwrap();
        lines.iter().map(|line| (field.clone(), value(line))).collect()
    }

    fn response(lines: &[&str]) -> ResponseDirectives {
        ResponseDirectives::of(&headers(&header::CACHE_CONTROL, lines))
    }

    fn request(lines: &[&str]) -> RequestDirectives {
        RequestDirectives::of(&headers(&header::CACHE_CONTROL, lines))
    }

    #[track_caller]
    fn check_max_age(lines: &[&str], seconds: Option<u64>) {
        assert_eq!(response(lines).max_age, seconds.map(Duration::from_secs), "{lines:?}");
    }

    #[test]
    fn numbers() {
        check_max_age(&["max-age=60"], Some(60));
        check_max_age(&["public, Max-Age = \"60\" "], Some(60));
        check_max_age(&["max-age=60, max-age=5"], Some(5));
        check_max_age(&["max-age=5", "max-age=60"], Some(5));
        check_max_age(&["max-age=0060"], Some(60));
        check_max_age(&["max-age=99999999999999999999"], Some(1 << 31));
        check_max_age(&["max-age=-1"], Some(0));
        check_max_age(&["max-age=1.5"], Some(0));
        check_max_age(&["max-age='60'"], Some(0));
        check_max_age(&["max-age"], Some(0));
        check_max_age(&["max-age=\"6\\0\""], Some(60));
        check_max_age(&["max-age=\"60", "max-age=60\""], Some(0));
        check_max_age(&["max-age=\"\"60\"\""], Some(0));
        check_max_age(&["max-age=\"60\\\""], Some(0));
        check_max_age(&["x=\"max-age=60\""], None);
        check_max_age(&["x=\"a\\\", max-age=60\""], None);
        check_max_age(&["s-maxage=60"], None);
        check_max_age(&[], None);
    }

    #[test]
    fn stale_windows() {
        let found = response(&["stale-while-revalidate=30, Stale-If-Error=60"]);
        assert_eq!(found.stale_while_revalidate, Some(Duration::from_secs(30)));
        assert_eq!(found.stale_if_error, Some(Duration::from_mins(1)));
        assert_eq!(response(&["stale-if-error=x"]).stale_if_error, Some(Duration::ZERO));
    }

    #[test]
    fn words() {
        let found = response(&["NO-STORE", "must-revalidate ,immutable", "public"]);
        for word in [Word::NoStore, Word::MustRevalidate, Word::Immutable, Word::Public] {
            assert!(found.says(word), "{word:?}");
        }
        assert!(!found.says(Word::ProxyRevalidate) && !found.says(Word::MustUnderstand));
        // A quote that is never closed hides nothing, and shows nothing that another hides.
        assert!(response(&["x=\"a, no-store"]).says(Word::NoStore));
        assert!(response(&["x=\"a, public\", \"b, no-store"]).says(Word::NoStore));
        assert!(!response(&["x=\"a, public, b\"\"c, d"]).says(Word::Public));
        assert_eq!(
            response(&["x-no-store, ,=,no-store-x", "räksås"]),
            ResponseDirectives::default()
        );
    }

    #[track_caller]
    fn check_private(lines: &[&str], expected: Option<&[&str]>) {
        let expected = expected.map(|names| match names {
            [] => Scope::Response,
            names => Scope::Fields(names.iter().map(|name| name.parse().unwrap()).collect()),
        });
        assert_eq!(response(lines).private, expected, "{lines:?}");
    }

    #[test]
    fn scopes() {
        check_private(&["private"], Some(&[]));
        check_private(&["private=\"Set-Cookie, x\""], Some(&["set-cookie", "x"]));
        check_private(&["private=x"], Some(&["x"]));
        check_private(&["private=\"x\"", "private=\"y\""], Some(&["x", "y"]));
        check_private(&["private=\"x\", private"], Some(&[]));
        check_private(&["private, private=\"x\""], Some(&[]));
        check_private(&["private=\"\""], Some(&[]));
        check_private(&["private=\"a b\""], Some(&[]));
        check_private(&["private=\"a"], Some(&[]));
        check_private(&["private=\"a, Vary\""], Some(&[]));
        check_private(&["no-cache=\"x\""], None);
        assert_eq!(response(&["no-cache"]).no_cache, Some(Scope::Response));
    }

    #[test]
    fn of_a_request() {
        let found = request(&["no-cache, Only-If-Cached, no-store"]);
        assert!(found.only_if_cached && found.no_store);
        assert_eq!(found.no_cache, Some(NoCache::Directive));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(request(&["max-age=5, max-age=3"]).max_age, seconds(3));
        assert_eq!(request(&["max-age=x"]).max_age, seconds(0));
        assert_eq!(request(&["min-fresh=5, min-fresh=9"]).min_fresh, seconds(9));
        assert_eq!(request(&["max-stale"]).max_stale, Some(Duration::MAX));
        assert_eq!(request(&["max-stale=5"]).max_stale, seconds(5));
        assert_eq!(request(&["max-stale=x"]).max_stale, seconds(0));
        assert_eq!(request(&["stale-if-error=5"]).stale_if_error, seconds(5));
    }

    #[test]
    fn pragma_counts_where_there_is_no_cache_control() {
        let pragma = headers(&header::PRAGMA, &["x, No-Cache"]);
        assert_eq!(RequestDirectives::of(&pragma).no_cache, Some(NoCache::Pragma));
        let mut both = pragma;
        both.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-stale"));
        assert_eq!(RequestDirectives::of(&both).no_cache, None);
    }
}
