//! RFC 9111 sentence by sentence, in its order, with RFC 5861 and RFC 9213
//! where they belong; and, said to be such, what this cache chooses where they
//! leave it a choice.
//!
//! Clauses are named by the words of the implementation; nothing else here is
//! the implementation's.

mod freshness;
mod reusing;
mod storing;

use server::cache::clause::Clause;

pub(super) use self::{
    reusing::{may_stand_in, reuse},
    storing::store,
};
use super::{
    case::{Line, Micros, SECOND, has, values},
    syntax::{Directive, Said, TARGET_LIST, delta_seconds},
};

/// Where a freshness lifetime comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Explicit,
    Configured,
    Heuristic,
}

/// What the model says of a stored response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) freshness_lifetime: Micros,
    pub(super) source: Source,
    pub(super) corrected_initial_age: Micros,
    /// `no-cache`: before each use.
    pub(super) must_always_be_validated: bool,
    pub(super) never_stale: Option<Clause>,
    pub(super) stale_while_revalidate: Micros,
    pub(super) stale_if_error: Micros,
    pub(super) ends: Option<Micros>,
    /// RFC 8246, where the rule honours what clients say.
    pub(super) is_immutable: bool,
    /// Whether it may be given to those who ask with `Authorization`.
    pub(super) for_all: bool,
    /// Names of fields that are not stored, in lower case, sorted.
    pub(super) withheld: Vec<String>,
    /// Names of the fields in `Vary`, sorted.
    pub(super) selecting: Vec<String>,
    /// The first and the last position, and the length of the whole.
    pub(super) part: Option<(u64, u64, Option<u64>)>,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Reuse the stored response without validation.
    Reuse(Clause),
    /// Ask the upstream.
    Forward(Clause),
    /// 504.
    Unsatisfiable,
}

impl Said {
    pub(super) fn says(&self, name: &str) -> bool {
        self.directives.iter().any(|directive| directive.name == name)
    }

    /// The number that a directive has. §4.2.1: "If directives conflict, the
    /// most restrictive directive should be honored. Caches are encouraged to
    /// consider responses that have invalid freshness information to be stale."
    /// Choice: the least of several; zero for what is no number.
    pub(super) fn least(&self, name: &str) -> Option<Micros> {
        let named = self.directives.iter().filter(|directive| directive.name == name);
        named.map(|directive| number(directive).unwrap_or(0) * SECOND).min()
    }

    /// The fields that a directive is limited to, none of them where it is for
    /// the whole response. Choice: so it is where one of its names is none, or
    /// is that of a field without which this cache could not go on.
    pub(super) fn qualified(&self, name: &str) -> Option<Vec<String>> {
        let mut all = Vec::new();
        let mut is_whole = false;
        for directive in self.directives.iter().filter(|directive| directive.name == name) {
            let names = names(directive.argument.as_deref().unwrap_or_default());
            is_whole |= names.is_empty() || !names.iter().all(|name| may_be_withheld(name));
            all.extend(names);
        }
        (is_whole || !all.is_empty()).then(|| if is_whole { Vec::new() } else { all })
    }
}

fn number(directive: &Directive) -> Option<i64> {
    directive.argument.as_deref().and_then(delta_seconds)
}

/// "#field-name", "Field names are case-insensitive."
fn names(list: &str) -> Vec<String> {
    let trimmed = list.split(',').map(|name| name.trim_matches([' ', '\t']).to_ascii_lowercase());
    trimmed.filter(|name| !name.is_empty()).collect()
}

fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn may_be_withheld(name: &str) -> bool {
    let needed = ["age", "cache-control", "date", "expires", "surrogate-control", "vary"];
    is_token(name) && !needed.contains(&name) && !TARGET_LIST.contains(&name)
}

fn has_content(request: &[Line]) -> bool {
    has(request, "transfer-encoding")
        || values(request, "content-length").iter().any(|length| *length != "0")
}
