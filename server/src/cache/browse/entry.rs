//! One entry with all there is to say of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderName, HeaderValue};
use poem_openapi::Object;
use serde::Serialize;

use super::tags_of;
use crate::cache::{
    clause::Clause,
    date::rfc3339,
    freshness::since,
    key::CacheKey,
    policy::{grounds::grounds, terms::Validation},
    rules::Rule,
    stored::Prepared,
};

/// All that is stored under one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Entry {
    /// What it is found by.
    pub id: String,
    /// Path and query: the cache key.
    pub uri: String,
    /// The rule of its path.
    pub rule: String,
    /// Bytes of the bodies of all variants.
    pub bytes: u64,
    /// Requests that its variants have answered.
    pub hits: u64,
    /// What it can be purged by.
    pub tags: Vec<String>,
    /// The responses, the newest first.
    pub variants: Vec<Variant>,
}

/// A stored response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Variant {
    /// The status.
    pub status: u16,
    /// The request fields that select it (RFC 9111 §4.1); a field that was
    /// absent has no value.
    pub selected_by: Vec<FieldLine>,
    /// Its field lines as they are stored, in order.
    pub headers: Vec<FieldLine>,
    /// Which part of the whole it is (RFC 9111 §3.3); null: it is the whole.
    pub part: Option<String>,
    /// Bytes of its body.
    pub bytes: u64,
    /// Requests that it has answered.
    pub hits: u64,
    /// What it can be purged by.
    pub tags: Vec<String>,
    /// Why it is stored.
    pub stored_because: Ground,
    /// How fresh it is.
    pub freshness: Freshness,
}

/// A field line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct FieldLine {
    /// The name, in lowercase.
    pub name: String,
    /// The value; what is no UTF-8 is replaced. Null: there is none.
    pub value: Option<String>,
}

/// A clause that has decided something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Ground {
    /// What it says, in a word or two.
    pub because: String,
    /// Where it says so, such as `RFC 9111 5.2.2.1`.
    pub section: String,
}

/// The arithmetic of RFC 9111 §4.2, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Freshness {
    /// Whether it may be reused without asking.
    pub fresh: bool,
    /// When it was received or last validated (RFC 3339).
    pub received: String,
    /// The age with which it came: `corrected_initial_age` (§4.2.3).
    pub corrected_initial_age: u64,
    /// How long it has been here: `resident_time` (§4.2.3).
    pub resident_time: u64,
    /// The sum: `current_age` (§4.2.3).
    pub current_age: u64,
    /// `freshness_lifetime` (§4.2.1).
    pub freshness_lifetime: u64,
    /// Where the lifetime comes from.
    pub lifetime_from: String,
    /// Lifetime less age; negative where it is stale.
    pub ttl: i64,
    /// For how long it may be used, stale, while it is validated (RFC 5861 §3).
    pub stale_while_revalidate: u64,
    /// For how long it may be used, stale, where the upstream fails (RFC 5861 §4).
    pub stale_if_error: u64,
    /// What forbids every stale use; null: nothing does.
    pub never_stale: Option<Ground>,
    /// Whether it has to be validated before each use: `no-cache` (§5.2.2.4).
    pub always_validated: bool,
    /// When a rule ends it whatever else is said (RFC 3339); null: none does.
    pub ends: Option<String>,
    /// Whether the upstream could be asked whether it is still good (§4.3.1).
    pub has_validator: bool,
    /// How long it can be of use to requests to come.
    pub useful_for: u64,
}

impl Entry {
    pub(super) fn of(
        key: &CacheKey,
        variants: &[Arc<Prepared>],
        rule: &Rule,
        now: SystemTime,
    ) -> Entry {
        let shown: Vec<Variant> =
            variants.iter().map(|variant| Variant::of(variant, rule, now)).collect();
        Entry {
            id: key.id(),
            uri: key.as_str().to_owned(),
            rule: rule.name.to_string(),
            bytes: shown.iter().map(|variant| variant.bytes).sum(),
            hits: shown.iter().map(|variant| variant.hits).sum(),
            tags: tags_of(variants),
            variants: shown,
        }
    }
}

impl Variant {
    fn of(stored: &Prepared, rule: &Rule, now: SystemTime) -> Variant {
        let response = &stored.response;
        let grounds = grounds(response.status, &response.headers(0), rule);
        let selected_by = response.selecting.lines().flat_map(|(name, lines)| {
            let absent = lines.is_empty().then(|| FieldLine::absent(name));
            absent.into_iter().chain(lines.iter().map(|line| FieldLine::of(name, line)))
        });
        Variant {
            status: response.status.as_u16(),
            selected_by: selected_by.collect(),
            headers: response.fields.iter().map(|(name, line)| FieldLine::of(name, line)).collect(),
            part: response
                .part
                .map(|part| String::from_utf8_lossy(part.to_value().as_bytes()).into_owned()),
            bytes: response.body.len() as u64,
            hits: stored.hits(),
            tags: stored.tags.iter().map(str::to_owned).collect(),
            stored_because: Ground::of(grounds),
            freshness: Freshness::of(stored, now),
        }
    }
}

impl FieldLine {
    fn of(name: &HeaderName, value: &HeaderValue) -> FieldLine {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        FieldLine { name: name.as_str().to_owned(), value: Some(value) }
    }

    fn absent(name: &HeaderName) -> FieldLine {
        FieldLine { name: name.as_str().to_owned(), value: None }
    }
}

impl Ground {
    fn of(clause: Clause) -> Ground {
        Ground { because: clause.word().to_owned(), section: clause.section().to_owned() }
    }
}

impl Freshness {
    fn of(stored: &Prepared, now: SystemTime) -> Freshness {
        let terms = &stored.terms;
        let received = stored.response.times.response_time;
        Freshness {
            fresh: stored.is_fresh(now),
            received: rfc3339(received),
            corrected_initial_age: stored.corrected_initial_age().as_secs(),
            resident_time: since(now, received).as_secs(),
            current_age: stored.current_age(now).as_secs(),
            freshness_lifetime: terms.lifetime.duration().as_secs(),
            lifetime_from: terms.lifetime.origin().to_owned(),
            ttl: stored.ttl(now),
            stale_while_revalidate: allowed(stored, terms.stale_while_revalidate),
            stale_if_error: allowed(stored, terms.stale_if_error),
            never_stale: terms.never_stale.map(Ground::of),
            always_validated: terms.validation == Validation::Always,
            ends: terms.ends.map(rfc3339),
            has_validator: stored.has_validator(),
            useful_for: stored.useful_for(now).as_secs(),
        }
    }
}

/// A stale use, in seconds, where none is forbidden.
fn allowed(stored: &Prepared, window: Duration) -> u64 {
    if stored.terms.never_stale.is_some() { 0 } else { window.as_secs() }
}
