//! Purging by hand: by URL, by the beginning of URLs, by tag, or one entry.
//!
//! A hard purge removes; a soft one makes stale, so that what is stored answers
//! while it is validated, or where the upstream fails. Both end what is on its
//! way, and both are told to other instances.

mod refreshing;

use std::{sync::Arc, time::SystemTime};

use poem_openapi::Object;
use serde::Serialize;

pub(super) use self::refreshing::Refreshing;
use super::{
    Cache,
    fill::Landing,
    flight::{Brought, Flight},
    key::CacheKey,
    store::{Change, covers},
    stored::Prepared,
    tags,
};
pub use crate::exchange::ending::How;
use crate::{
    exchange::ending::{Ending, Scope},
    target::{ANYTHING, Refused, Target},
};

/// URIs that are shown of what was purged.
const EXAMPLES: usize = 10;

/// What is to be purged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// What.
    pub what: What,
    /// Whether it is removed or made stale.
    pub how: How,
    /// Whether it is done or only counted.
    pub mode: Mode,
}

/// What is to be purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// All that is stored for a path with its query.
    Url(String),
    /// All whose path with its query begins so.
    Prefix(String),
    /// All that has this tag.
    Tag(String),
    /// All variants of the entry with this id.
    Entry(String),
}

/// Whether a purge is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is only said what it would do.
    Dry,
    /// It is done.
    Real,
}

/// What was purged, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Purged {
    /// How many stored responses, each variant for itself.
    pub count: u64,
    /// The first of their URIs, ten at most.
    pub examples: Vec<String>,
}

/// Why nothing is purged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPurged {
    /// It is no path that the relay would answer.
    #[error("{0:?} is no path with its query: {1}")]
    Url(String, Refused),
    /// It is no beginning of a path.
    #[error("{0:?} is no beginning of a path: it has to begin with '/'")]
    Prefix(String),
    /// It can be no tag.
    #[error("a tag has 1 to {} bytes", tags::LONGEST)]
    Tag,
    /// No key has this id.
    #[error("no entry has the id {0:?}: list the entries again")]
    Entry(String),
}

impl Cache {
    /// Purges, or counts what a purge would end. What is under way is not stored
    /// when it comes, a dry run aside.
    ///
    /// A purge by prefix looks at all that is stored: not to be called where
    /// others wait.
    pub fn purge(self: &Arc<Self>, purge: &Purge) -> Result<Purged, NotPurged> {
        let scope = self.scope(&purge.what)?;
        let ending = Ending { scope, how: purge.how, at: self.clock.now() };
        if purge.mode == Mode::Real {
            // First, so that nothing older is stored behind the search.
            self.store.note(&ending);
        }
        let found = self.found(&ending);
        let examples = examples(&found);
        let count = match purge.mode {
            Mode::Dry => found.iter().map(|(_, variants)| variants.len()).sum(),
            Mode::Real => self.end(&ending, &found),
        };
        Ok(Purged { count: count as u64, examples })
    }

    /// Removes all that is stored under a target, whatever selected it: how
    /// many responses that were. What is on its way will not be stored.
    pub fn purge_target(&self, target: &Target) -> usize {
        self.outdate(&CacheKey::of(&self.in_force().rules.canonical(target.clone())))
    }

    /// Removes all that has a tag.
    pub(super) fn purge_tag(self: &Arc<Self>, tag: &str) {
        let scope = Scope::Tag(tag.to_owned());
        let ending = Ending { scope, how: How::Hard, at: self.clock.now() };
        self.store.note(&ending);
        self.end(&ending, &self.found(&ending));
    }

    /// Ends here what another instance has ended.
    pub(super) fn end_here(&self, ending: &Ending) {
        self.store.note(ending);
        let found = self.found(ending);
        self.change(ending, &keys_of(&found));
    }

    /// Ends what was found, here and in other instances; refreshes what a soft
    /// purge leaves.
    fn end(self: &Arc<Self>, ending: &Ending, found: &[Found]) -> usize {
        // Those who ask for it from now on do not find it elsewhere.
        self.purge_tier(ending);
        let count = self.change(ending, &keys_of(found));
        if ending.how == How::Soft {
            self.refresh_all(found);
        }
        count
    }

    fn change(&self, ending: &Ending, keys: &[CacheKey]) -> usize {
        let now = self.clock.now();
        let count = self.store.change(keys, |key, prepared| match ending.how {
            _ if !is_meant(ending, key, prepared) => Change::Keep,
            How::Hard => Change::Remove,
            How::Soft => Change::Replace(Arc::new(prepared.aged(now))),
        });
        self.flights.detach(|under, flight| match &ending.scope {
            Scope::Key(key) => under.key.as_str() == key,
            Scope::Prefix(prefix) => under.key.as_str().starts_with(prefix.as_str()),
            Scope::Tag(tag) => may_bring(flight, tag),
        });
        count
    }

    /// What a purge means: each key with the responses that end.
    fn found(&self, ending: &Ending) -> Vec<Found> {
        let keys = self.store.keys(&ending.scope).into_iter();
        let found = keys.map(|key| {
            let mut variants = self.store.variants(&key);
            variants.retain(|prepared| is_meant(ending, &key, prepared));
            (key, variants)
        });
        found.filter(|(_, variants)| !variants.is_empty()).collect()
    }

    fn scope(&self, what: &What) -> Result<Scope, NotPurged> {
        match what {
            What::Url(url) => {
                let refused = |refused| NotPurged::Url(url.clone(), refused);
                let target = url.parse().map_err(|_| Refused::NoPath).and_then(Target::new);
                let target = self.in_force().rules.canonical(target.map_err(refused)?);
                Ok(Scope::Key(CacheKey::of(&target).as_str().to_owned()))
            }
            What::Prefix(prefix) if prefix.starts_with('/') => Ok(Scope::Prefix(prefix.clone())),
            What::Prefix(prefix) => Err(NotPurged::Prefix(prefix.clone())),
            What::Tag(tag) if tags::is_tag(tag) => Ok(Scope::Tag(tag.clone())),
            What::Tag(_) => Err(NotPurged::Tag),
            What::Entry(id) => CacheKey::of_id(id)
                .map(|key| Scope::Key(key.as_str().to_owned()))
                .ok_or_else(|| NotPurged::Entry(id.clone())),
        }
    }
}

/// Whether a flight brings something with a tag, as far as is known: what it has
/// not brought yet it may.
fn may_bring(flight: &Flight, tag: &str) -> bool {
    match flight.landed() {
        None => true,
        Some(Landing::Shared(Brought::New(head))) => head.has_tag(tag),
        Some(Landing::Shared(Brought::Stored(stored, _) | Brought::Taken(stored))) => {
            stored.tags.has(tag)
        }
        Some(Landing::Private | Landing::Failed(_)) => false,
    }
}

/// A key, and the responses under it that are meant.
type Found = (CacheKey, Vec<Arc<Prepared>>);

fn keys_of(found: &[Found]) -> Vec<CacheKey> {
    found.iter().map(|(key, _)| key.clone()).collect()
}

/// Whether a purge means a stored response. What names no key may be heard of
/// late, when there is something newer.
fn is_meant(ending: &Ending, key: &CacheKey, prepared: &Prepared) -> bool {
    let asked_at: SystemTime = prepared.response.times.request_time;
    covers(ending, key.as_str(), &prepared.tags)
        && (ending.key().is_some() || ending.may_be_of(asked_at))
}

fn examples(found: &[Found]) -> Vec<String> {
    let mut uris: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    uris.sort_unstable();
    uris.into_iter().take(EXAMPLES).map(str::to_owned).collect()
}

/// The path with its query that somebody means who names a URL as a client
/// would: with or without the relay's address, or by the longer name.
pub fn path_of(url: &str) -> &str {
    let path = without_host(url);
    match path.strip_prefix(ANYTHING) {
        Some(below) if below.starts_with('/') => below,
        _ => path,
    }
}

/// A URL without its scheme and authority.
pub fn without_host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        &rest[end..]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_named_as_clients_name_them() {
        let check = |url, expected| assert_eq!(path_of(url), expected, "{url}");
        check("/menu?day=1", "/menu?day=1");
        check("http://relay:8080/menu?day=1", "/menu?day=1");
        check("https://relay", "");
        check("/relay_anything/docs", "/docs");
        check("/relay_anythingx", "/relay_anythingx");
        check("http://relay/relay_anything/docs?x", "/docs?x");
        check("menu", "menu");
    }
}
