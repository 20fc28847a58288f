//! How figures are shown: pure.

use std::borrow::Borrow;

use http::StatusCode;

use crate::{
    cache::browse::{Freshness, Summary},
    console::words::{self, Tone},
};

/// How much of a bar is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    /// Of its length.
    pub(super) percent: u64,
    pub(super) tone: Tone,
}

/// The share of the freshness lifetime that is left.
pub(super) fn freshness(ttl: i64, lifetime: u64) -> Fill {
    let left = u64::try_from(ttl).unwrap_or_default();
    // At least what can be seen, where there is anything.
    let percent = (u128::from(left) * 100).div_ceil(u128::from(lifetime.max(1))).min(100);
    let percent = u64::try_from(percent).unwrap_or(100);
    let tone = match percent {
        0 => Tone::Bad,
        1..=20 => Tone::Warn,
        _ => Tone::Good,
    };
    Fill { percent, tone }
}

/// The bar of a stored response.
pub(super) fn fill(freshness: &Freshness) -> Fill {
    self::freshness(freshness.ttl, freshness.freshness_lifetime)
}

/// How a status looks.
pub(super) fn status_tone(status: impl Borrow<u16>) -> Tone {
    match StatusCode::from_u16(*status.borrow()) {
        Ok(status) if status.is_server_error() => Tone::Bad,
        Ok(status) if status.is_client_error() => Tone::Warn,
        _ => Tone::Good,
    }
}

/// An entry in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) uri: String,
    pub(super) status: u16,
    pub(super) status_tone: Tone,
    pub(super) fill: Fill,
    pub(super) left: String,
    pub(super) age: String,
    pub(super) hits: String,
    pub(super) size: String,
    pub(super) variants: u64,
    pub(super) tags: Vec<String>,
}

impl Row {
    pub(super) fn of(summary: Summary) -> Row {
        Row {
            fill: bar(&summary),
            left: words::left(summary.ttl),
            status_tone: status_tone(summary.status),
            age: words::span(summary.age),
            hits: words::count(summary.hits),
            size: words::size(summary.bytes),
            id: summary.id,
            uri: summary.uri,
            status: summary.status,
            variants: summary.variants,
            tags: summary.tags,
        }
    }
}

/// The bar of an entry: its lifetime is its age and what is left.
fn bar(summary: &Summary) -> Fill {
    let lifetime = summary.age.saturating_add_signed(summary.ttl);
    freshness(if summary.stale { summary.ttl.min(0) } else { summary.ttl }, lifetime)
}

/// A restaurant whose menu is stored.
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) fill: Fill,
    pub(super) left: String,
}

impl Place {
    /// The restaurant that an entry is the menu of, if it is one.
    pub(super) fn of(summary: &Summary) -> Option<Place> {
        let path = summary.uri.split('?').next().unwrap_or_default();
        let name = path.strip_prefix("/restaurant")?.strip_prefix('/')?.trim_matches('/');
        let name = if name.is_empty() { "all restaurants" } else { name };
        (summary.status == 200 && !name.contains('/')).then(|| Place {
            id: summary.id.clone(),
            name: name.to_owned(),
            fill: bar(summary),
            left: words::left(summary.ttl),
        })
    }
}

#[cfg(test)]
mod tests;
