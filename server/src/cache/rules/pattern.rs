//! Which paths a rule is for.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt::{self, Write as _},
    str::FromStr,
    sync::Arc,
};

use globset::GlobBuilder;
use regex_automata::{
    Anchored, Input,
    dfa::{Automaton as _, StartKind, dense},
    util::{primitives::StateID, syntax},
};

/// The pattern for every path.
const ANY: &str = "/**";
/// Bytes that the automaton of one pattern may take.
const LARGEST: usize = 1 << 18;
/// States after which nobody knows whether some patterns cover another.
const MOST_STATES: usize = 1 << 12;

/// A glob over whole paths.
///
/// `*` is any part of a segment, `?` one byte of it, `**` any number of whole
/// segments, `{a,b}` either; `/a/**` is all that is below `/a/`, not `/a` itself.
///
/// However a client has encoded a path, it is one path: patterns and paths are
/// compared in the normal form of RFC 3986 §6.2.2.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    /// `None` for `/**`, which is every path.
    automaton: Option<Arc<Automaton>>,
}

/// The pattern as a deterministic automaton: matching takes one step a byte,
/// and whether patterns cover another can be found out.
struct Automaton {
    states: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Pattern {
    /// The pattern for every path, `/**`.
    pub fn any() -> Pattern {
        Pattern { text: ANY.into(), automaton: None }
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is for this path.
    pub fn matches(&self, path: &str) -> bool {
        let Some(automaton) = &self.automaton else { return true };
        let mut state = automaton.start;
        for byte in normal(path).bytes() {
            state = automaton.states.next_state(state, byte);
            if automaton.states.is_dead_state(state) {
                return false;
            }
        }
        automaton.ends(state)
    }
}

impl Automaton {
    fn of(regex: &str) -> Option<Automaton> {
        let states = dense::Builder::new()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .dfa_size_limit(Some(LARGEST))
                    .determinize_size_limit(Some(LARGEST)),
            )
            .build(regex)
            .ok()?;
        let start = states.start_state_forward(&Input::new("").anchored(Anchored::Yes)).ok()?;
        Some(Automaton { states, start })
    }

    /// Whether a path may end in this state.
    fn ends(&self, state: StateID) -> bool {
        self.states.is_match_state(self.states.next_eoi_state(state))
    }
}

/// Whether each path of `pattern` is one of `others` too.
///
/// "No" may also mean that it takes too long to find out.
pub(super) fn is_covered(pattern: &Pattern, others: &[&Pattern]) -> bool {
    if others.iter().any(|other| other.automaton.is_none()) {
        return true;
    }
    let Some(pattern) = &pattern.automaton else { return false };
    let others: Vec<_> = others.iter().filter_map(|other| other.automaton.as_ref()).collect();

    // All walk the same paths together; each set of states is visited once.
    let start = (pattern.start, others.iter().map(|other| other.start).collect::<Vec<_>>());
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some((state, beside)) = open.pop() {
        let mut others_here = others.iter().zip(&beside);
        if pattern.ends(state) && !others_here.any(|(other, state)| other.ends(*state)) {
            return false;
        }
        for byte in of_paths() {
            let next = pattern.states.next_state(state, byte);
            if pattern.states.is_dead_state(next) {
                continue;
            }
            let others_next = others
                .iter()
                .zip(&beside)
                .map(|(other, state)| other.states.next_state(*state, byte))
                .collect::<Vec<_>>();
            let next = (next, others_next);
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
        if MOST_STATES < seen.len() {
            return false;
        }
    }
    true
}

/// The bytes that a path may have, and some that none has.
fn of_paths() -> impl Iterator<Item = u8> {
    (0x21..=0xff).filter(|byte| !b"?#".contains(byte))
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        if text == ANY {
            return Ok(Pattern::any());
        }
        readable(text)?;
        let glob = GlobBuilder::new(&normal(text))
            .literal_separator(true)
            .backslash_escape(false)
            .empty_alternates(true)
            .build()
            .map_err(|error| error.kind().to_string())?;
        let automaton = Automaton::of(glob.regex())
            .ok_or_else(|| "it is too complicated: write it as several rules".to_owned())?;
        Ok(Pattern { text: text.into(), automaton: Some(Arc::new(automaton)) })
    }
}

/// The normal form of a path or a pattern (RFC 3986 §6.2.2.1, §6.2.2.2):
/// nothing is encoded that need not be, and what is has capital digits.
///
/// What is not ASCII is encoded, as by RFC 3987 §3.1.
fn normal(path: &str) -> Cow<'_, str> {
    if path.bytes().all(|byte| byte.is_ascii() && byte != b'%') {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let mut byte = *byte;
        let mut encoded = !byte.is_ascii();
        if byte == b'%'
            && let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            byte = high << 4 | low;
            encoded = !(byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
            rest = after;
        }
        if encoded {
            // A string takes all that is written to it.
            let _ = write!(normal, "%{byte:02X}");
        } else {
            normal.push(byte.into());
        }
    }
    Cow::Owned(normal)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

/// Refuses what is a glob but not one that means what its writer thinks.
fn readable(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err("begin it with '/'".to_owned());
    }
    if text.contains('?') && text.contains(['=', '&']) {
        return Err("leave the query out: '?' stands for any one byte of the path".to_owned());
    }
    let odd = |char: char| char.is_whitespace() || char.is_control() || "[]\\#".contains(char);
    if let Some(odd) = text.chars().find(|char| odd(*char)) {
        return Err(format!("{odd:?} is in no path: percent-encode it, as clients do"));
    }
    for (at, _) in text.match_indices("**") {
        let before = text[..at].ends_with('/');
        let after = text[at + 2..].chars().next().is_none_or(|after| "/,}".contains(after));
        if !before || !after {
            return Err("'**' stands for whole segments: write it between slashes".to_owned());
        }
    }
    Ok(())
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, matching: &[&str], others: &[&str]) {
        let pattern = pattern(text);
        for path in matching {
            assert!(pattern.matches(path), "{text} {path}");
        }
        for path in others {
            assert!(!pattern.matches(path), "{text} {path}");
        }
    }

    #[test]
    fn paths() {
        check("/", &["/"], &["", "/a", "//"]);
        check("/a", &["/a"], &["/", "/a/", "/ab", "/x/a"]);
        check("/*", &["/", "/a", "/.x"], &["/a/", "/a/b"]);
        check("/**", &["/", "/a", "/a/b/", "//", "/å"], &[]);
        check("/a/**", &["/a/", "/a/b", "/a/b/c"], &["/a", "/ab"]);
        check("/a/**/z", &["/a/z", "/a/b/c/z"], &["/az", "/a/z/"]);
        check("/a/*/z", &["/a/b/z", "/a//z"], &["/a/z", "/a/b/c/z"]);
        check("/a?c", &["/abc", "/a?c"], &["/ac", "/a/c"]);
        check("/{a,b/c}", &["/a", "/b/c"], &["/b", "/c"]);
        check("/a{,/**}", &["/a", "/a/", "/a/b/c"], &["/ab", "/x/a"]);
        check("/a.b+(c)$", &["/a.b+(c)$"], &["/axb+(c)$"]);
        check("/å*", &["/å", "/åäö"], &["/a"]);
    }

    #[test]
    fn a_path_is_the_same_however_it_is_encoded() {
        for text in ["/%C3%A5", "/%c3%a5", "/å"] {
            check(text, &["/%C3%A5", "/%c3%A5", "/å"], &["/%C3", "/%25C3%25A5"]);
        }
        for text in ["/a-b", "/%61%2Db"] {
            check(text, &["/a-b", "/%61-%62", "/a%2db"], &["/%2561-b", "/a%b"]);
        }
        check("/a/**", &["/%61/b", "/a/%2F"], &["/a%2Fb", "/a%2f"]);
        check("/a%2fb", &["/a%2Fb"], &["/a/b"]);
        check("/%2A", &["/%2a"], &["/*", "/a"]);
        check("/%zz%", &["/%zz%"], &["/%ZZ%"]);
        check("/%+1", &["/%+1"], &["/%01"]);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let message = text.parse::<Pattern>().unwrap_err();
        assert!(message.contains(expected), "{text}: {message}");
    }

    #[test]
    fn what_would_mean_something_else_is_refused() {
        check_refused("", "begin it with '/'");
        check_refused("a", "begin it with '/'");
        check_refused("**", "begin it with '/'");
        check_refused("/a?b=c", "leave the query out");
        check_refused("/a b", "' ' is in no path");
        check_refused("/[ab]", "'[' is in no path");
        check_refused("/a\\*", "is in no path");
        check_refused("/a#b", "'#' is in no path");
        check_refused("/a**", "whole segments");
        check_refused("/**a", "whole segments");
        check_refused("/***", "whole segments");
        check_refused("/{a", "unclosed");
        check_refused("/a}", "unopened");
        check_refused(&format!("/{}", "*a".repeat(400)), "too complicated");
    }

    #[track_caller]
    fn check_covered(text: &str, others: &[&str], expected: bool) {
        let others: Vec<Pattern> = others.iter().map(|other| pattern(other)).collect();
        let others: Vec<&Pattern> = others.iter().collect();
        assert_eq!(is_covered(&pattern(text), &others), expected, "{text} {others:?}");
    }

    #[test]
    fn covering() {
        let check = check_covered;
        check("/a", &["/a"], true);
        check("/a", &["/b"], false);
        check("/a", &[], false);
        check("/a", &["/*"], true);
        check("/*", &["/a"], false);
        check("/a*/**", &["/**"], true);
        check("/**", &["/*"], false);
        check("/a/b", &["/a/**"], true);
        check("/a", &["/a/**"], false);
        check("/a/*/c", &["/a/**"], true);
        check("/a/*/c", &["/a/**/c"], true);
        check("/a/**/c", &["/a/*/c"], false);
        check("/a{,/b}", &["/a{,/**}"], true);
        check("/{a,b}", &["/b", "/a"], true);
        check("/{a,b}", &["/b"], false);
        check("/**", &["/**"], true);
        check("/x/**", &["/x/", "/x/*", "/x/*/**"], true);
        check("/x/**", &["/x/", "/x/*/**"], false);
        check("/???", &["/*"], true);
        check("/å", &["/*"], true);
        check("/å", &["/?"], false);
        check("/å", &["/%c3%a5"], true);
    }
}
