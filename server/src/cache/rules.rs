//! The operator's rules: what counts for which path.
//!
//! The first rule whose pattern matches a path has the say; what no rule says
//! comes from the flags. A rule is resolved when it is made, so that whoever
//! asks it gets an answer.

mod pattern;
mod query;
mod time_of_day;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use http::{HeaderName, StatusCode, header};

use self::pattern::is_covered;
pub use self::{
    pattern::Pattern,
    query::{Names, Order, QueryRule},
    time_of_day::TimeOfDay,
};
use super::guard::Guard;
use crate::target::Target;

/// The rules in force: the first whose path matches wins.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Arc<[Arc<Rule>]>,
    fallback: Arc<Rule>,
}

/// What counts for the paths of one pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its place among the rules, where what it saves is counted: 0 for what the
    /// flags say, else from 1; [`Rules::new`] sets it.
    pub place: usize,
    /// How messages call it.
    pub name: RuleName,
    /// The paths that it is for.
    pub path: Pattern,
    /// Freshness of a 200, 203, 300, 301 or 308 that says nothing of its own.
    pub ttl: Duration,
    /// Freshness of errors that say nothing of their own.
    pub negative_ttl: NegativeTtl,
    /// Whose word on freshness counts.
    pub authority: Authority,
    /// How long a stale response may serve while it is fetched anew, where it
    /// does not say (RFC 5861 §3).
    pub stale_while_revalidate: Duration,
    /// How long a stale response may stand in for an error, where it does not
    /// say (RFC 5861 §4).
    pub stale_if_error: Duration,
    /// When freshness and what may follow it end, whatever else is said.
    pub expires_at: Option<TimeOfDay>,
    /// What becomes of the query.
    pub query: QueryRule,
    /// Whether a client's word on freshness counts.
    pub client_directives: ClientDirectives,
    /// Whether the cache has to do with these paths at all.
    pub caching: Caching,
    /// The request fields that go upstream with what is asked for the cache;
    /// `None` for all that are end-to-end.
    pub request_fields: Option<Vec<HeaderName>>,
    /// What answers must have to replace what is stored.
    pub guard: Option<Arc<Guard>>,
}

/// How messages call a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleName {
    /// What the flags say.
    Flags,
    /// A rule of a preset.
    Preset {
        /// The preset.
        preset: &'static str,
        /// The rule's name, or its path.
        label: String,
    },
    /// A rule of the operator's file.
    Numbered {
        /// Its place, from 1.
        number: usize,
        /// Its name, or its path.
        label: String,
    },
}

/// Freshness of responses that tell of an error, status by status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegativeTtl(BTreeMap<StatusCode, Duration>);

/// Whose word on freshness counts.
///
/// `no-store`, `private` and `Vary: *` count in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// The response's, and the rule's where the response says nothing.
    #[default]
    Response,
    /// The rule's, whatever the response says.
    Rule,
}

/// Whether a client's `no-cache`, `max-age` and `min-fresh` may force a request
/// upstream (they are advisory, RFC 9111 §5.2.1).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClientDirectives {
    /// They may not
    #[default]
    Ignore,
    /// They may
    Honour,
}

/// Whether the cache has to do with a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// What may be stored is stored.
    #[default]
    Store,
    /// Requests go past the cache.
    Bypass,
}

/// A rule that can never match, as earlier ones are for all its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The rule.
    pub rule: RuleName,
    /// Those that hide it, in their order.
    pub hidden_by: Vec<RuleName>,
}

impl Rules {
    /// These rules, and for paths that none of them matches, `fallback`.
    pub fn new(rules: Vec<Rule>, fallback: Rule) -> Rules {
        let placed = |(rule, place)| Arc::new(Rule { place, ..rule });
        Rules {
            rules: rules.into_iter().zip(1..).map(placed).collect(),
            fallback: Arc::new(Rule { place: 0, ..fallback }),
        }
    }

    /// The same rules at other places.
    #[must_use]
    pub fn placed(self, place: impl Fn(&RuleName) -> usize) -> Rules {
        let at =
            |rule: &Arc<Rule>| Arc::new(Rule { place: place(&rule.name), ..Rule::clone(rule) });
        Rules { rules: self.rules.iter().map(at).collect(), fallback: at(&self.fallback) }
    }

    /// How messages call the rules, each at its place.
    pub fn names(&self) -> impl Iterator<Item = &RuleName> {
        std::iter::once(&self.fallback).chain(self.rules.iter()).map(|rule| &rule.name)
    }

    /// The rule for a path, which has no query.
    pub fn of(&self, path: &str) -> &Arc<Rule> {
        self.rules.iter().find(|rule| rule.path.matches(path)).unwrap_or(&self.fallback)
    }

    /// The one form of a target, its query written as the rule for its path
    /// says: what the cache has as a key and the upstream is asked.
    pub fn canonical(&self, target: Target) -> Target {
        let Some(query) = target.path_and_query().query() else { return target };
        let path = target.path_and_query().path();
        let applied = match &self.of(path).query {
            QueryRule::Kept => return target,
            rule => rule.apply(query),
        };
        let whole = match applied.as_str() {
            "" => path.to_owned(),
            same if same == query => return target,
            other => format!("{path}?{other}"),
        };
        // Members of a query make a query, and the path is the one that was there.
        whole.parse().ok().and_then(|whole| Target::new(whole).ok()).unwrap_or(target)
    }

    /// The rules of the operator's file that can never match.
    ///
    /// A preset's rules may well be hidden: that is how the file changes them.
    pub fn never_match(&self) -> Vec<Unreachable> {
        let mut earlier: Vec<&Rule> = Vec::new();
        let mut found = Vec::new();
        for rule in self.rules.iter() {
            if matches!(rule.name, RuleName::Numbered { .. })
                && let Some(hidden_by) = hiding(rule, &earlier)
            {
                found.push(Unreachable { rule: rule.name.clone(), hidden_by });
            }
            earlier.push(rule);
        }
        found
    }
}

/// Which of the earlier rules leave a rule no path.
fn hiding(rule: &Rule, earlier: &[&Rule]) -> Option<Vec<RuleName>> {
    let covered = |by: &[&Rule]| {
        let patterns: Vec<&Pattern> = by.iter().map(|rule| &rule.path).collect();
        is_covered(&rule.path, &patterns)
    };
    if let Some(one) = earlier.iter().find(|one| covered(&[one])) {
        return Some(vec![one.name.clone()]);
    }
    if !covered(earlier) {
        return None;
    }
    // Those without which the others still leave it none are not to blame.
    let mut needed = earlier.to_vec();
    for one in earlier.iter().rev() {
        let rest: Vec<&Rule> = needed.iter().filter(|rule| rule != &one).copied().collect();
        if covered(&rest) {
            needed = rest;
        }
    }
    Some(needed.into_iter().map(|rule| rule.name.clone()).collect())
}

impl Rule {
    /// Freshness of a response that says nothing of its own, `None` where such
    /// a response is not stored.
    pub fn default_lifetime(&self, status: StatusCode) -> Option<Duration> {
        if NegativeTtl::may_have(status) { self.negative_ttl.of(status) } else { Some(self.ttl) }
    }

    /// Whether what is asked for the cache carries this field upstream.
    pub fn sends(&self, name: &HeaderName) -> bool {
        // A guard reads no content that is coded.
        let is_readable = self.guard.is_none() || *name != header::ACCEPT_ENCODING;
        is_readable && self.request_fields.as_ref().is_none_or(|names| names.contains(name))
    }

    /// Whether this field can have selected what was asked for the cache: no
    /// answer differs by what did not go upstream.
    pub fn selects(&self, name: &HeaderName) -> bool {
        *name != header::HOST && self.sends(name)
    }
}

impl Default for Rule {
    /// What the flags say where nobody sets them.
    fn default() -> Rule {
        Rule {
            place: 0,
            name: RuleName::Flags,
            path: Pattern::any(),
            ttl: Duration::from_mins(10),
            negative_ttl: NegativeTtl::new(Duration::from_secs(10)),
            authority: Authority::default(),
            stale_while_revalidate: Duration::from_hours(1),
            stale_if_error: Duration::from_hours(24),
            expires_at: None,
            query: QueryRule::default(),
            client_directives: ClientDirectives::default(),
            caching: Caching::default(),
            request_fields: None,
            guard: None,
        }
    }
}

impl NegativeTtl {
    /// The same for 404, 405 and 410, and none for any other status.
    pub fn new(ttl: Duration) -> NegativeTtl {
        let statuses = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::GONE];
        NegativeTtl(statuses.map(|status| (status, ttl)).into())
    }

    /// Sets that of one status.
    #[must_use]
    pub fn with(mut self, status: StatusCode, ttl: Duration) -> NegativeTtl {
        self.0.insert(status, ttl);
        self
    }

    /// That of a status.
    pub fn of(&self, status: StatusCode) -> Option<Duration> {
        self.0.get(&status).copied()
    }

    /// Whether a status is not one of those that a rule's `ttl` is for.
    pub fn may_have(status: StatusCode) -> bool {
        !matches!(status.as_u16(), 200 | 203 | 300 | 301 | 308)
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleName::Flags => f.write_str("flags"),
            RuleName::Preset { preset, label } => write!(f, "preset {preset} ({label})"),
            RuleName::Numbered { number, label } => write!(f, "rule {number} ({label})"),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matches = if self.hidden_by.len() == 1 { "matches" } else { "together match" };
        write!(f, "{} never matches: ", self.rule)?;
        for (at, name) in self.hidden_by.iter().enumerate() {
            write!(f, "{}{name}", if at == 0 { "" } else { " and " })?;
        }
        write!(f, " {matches} all its paths first")
    }
}

#[cfg(test)]
mod tests;
