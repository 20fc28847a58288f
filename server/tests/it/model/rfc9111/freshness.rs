//! §4.2: freshness and age.

use server::cache::clause::Clause;

use super::{Source, Stored};
use crate::model::{
    case::{Case, DAY, Micros, SECOND, has},
    syntax::{INFINITE, Said, age_value, date_in},
};

/// §4.2.1: "using the first match".
pub(super) fn freshness_lifetime(case: &Case, said: &Said) -> (Micros, Source) {
    // Choice: the rule's ttl is for the statuses with an answer in them, 404 and its like have
    // their own, and all others none.
    let configured = match case.status {
        200 | 203 | 300 | 301 | 308 => Some(case.rule.ttl),
        404 | 405 | 410 => Some(case.rule.negative_ttl),
        500 => case.rule.negative_500,
        _ => None,
    };
    if let Some(configured) = configured.filter(|_| case.rule.overrides) {
        return (configured, Source::Configured);
    }
    // "If the cache is shared and the s-maxage response directive is present, use its value".
    if let Some(s_maxage) = said.least("s-maxage") {
        return (s_maxage, Source::Explicit);
    }
    // "If the max-age response directive is present, use its value".
    if let Some(max_age) = said.least("max-age") {
        return (max_age, Source::Explicit);
    }
    // "If the Expires response header field is present, use its value minus the value of the
    // Date response header field (using the time the message was received if it is not
    // present)".
    if !said.is_targeted && has(&case.response, "expires") {
        // §5.3: "A cache recipient MUST interpret invalid date formats, especially the value
        // "0", as representing a time in the past".
        let expires = date_in(&case.response, "expires", case.response_time);
        let lifetime = expires.map_or(0, |expires| (expires - date_value(case)).max(0));
        return (lifetime.min(INFINITE * SECOND), Source::Explicit);
    }
    // "Otherwise, no explicit expiration time is present in the response." What is configured
    // comes before what could be guessed.
    if let Some(configured) = configured.filter(|configured| *configured != 0) {
        return (configured, Source::Configured);
    }
    // §4.2.2: "heuristics can only be used on responses without explicit freshness whose status
    // codes are defined as heuristically cacheable and on responses without explicit freshness
    // that have been marked as explicitly cacheable".
    let is_allowed = is_heuristically_cacheable(case.status) || said.says("public");
    let last_modified = date_in(&case.response, "last-modified", case.response_time);
    let lifetime = match last_modified.filter(|_| is_allowed) {
        // "A typical setting of this fraction might be 10%." Choice: a day at most.
        Some(last_modified) => ((date_value(case) - last_modified).max(0) / 10).min(DAY),
        None => 0,
    };
    (lifetime, Source::Heuristic)
}

/// RFC 9110 §6.6.1: "A recipient with a clock that receives a response with an
/// invalid Date header field value MAY replace that value with the time that
/// response was received", as it must where there is none.
fn date_value(case: &Case) -> Micros {
    date_in(&case.response, "date", case.response_time).unwrap_or(case.response_time)
}

/// §4.2.3.
pub(super) fn corrected_initial_age(case: &Case) -> Micros {
    let apparent_age = (case.response_time - date_value(case)).max(0);
    // A clock that was put back meanwhile says nothing of the delay.
    let response_delay = (case.response_time - case.request_time).max(0);
    let corrected_age_value = age_value(&case.response) * SECOND + response_delay;
    apparent_age.max(corrected_age_value)
}

pub(super) fn current_age(case: &Case, stored: &Stored) -> Micros {
    let resident_time = (case.now - case.response_time).max(0);
    stored.corrected_initial_age + resident_time
}

/// §4.2.4: "prohibited by an explicit in-protocol directive (e.g., by a
/// no-cache response directive, a must-revalidate response directive, or an
/// applicable s-maxage or proxy-revalidate response directive; see Section
/// 5.2.2)", the first of them in the order of that section.
pub(super) fn never_stale(said: &Said) -> Option<Clause> {
    if said.says("no-cache") && said.qualified("no-cache").is_some_and(|names| names.is_empty()) {
        // It has no other order than that it forbids every use.
        return Some(Clause::NoCache);
    }
    if said.says("must-revalidate") {
        return Some(Clause::MustRevalidate);
    }
    if said.says("proxy-revalidate") {
        return Some(Clause::ProxyRevalidate);
    }
    said.says("s-maxage").then_some(Clause::SMaxage)
}

/// RFC 9110 §15.1.
pub(super) fn is_heuristically_cacheable(status: u16) -> bool {
    [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501].contains(&status)
}
