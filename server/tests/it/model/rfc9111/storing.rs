//! §3: what may be stored.

use server::cache::clause::Clause;

use super::{
    Source, Stored,
    freshness::{
        corrected_initial_age, freshness_lifetime, is_heuristically_cacheable, never_stale,
    },
    has_content, is_token, names,
};
use crate::model::{
    case::{Case, DAY, HOST, Line, Micros, PATH, SECOND, has, values},
    syntax::{date_in, delta_seconds, directives, said},
};

/// §3: "A cache MUST NOT store a response to a request unless: ..."
pub(in super::super) fn store(case: &Case) -> Result<Stored, Clause> {
    let said = said(&case.response);
    let (freshness_lifetime, source) = freshness_lifetime(case, &said);
    // The operator's word stands before all.
    if case.rule.bypass {
        return Err(Clause::Bypass);
    }

    // "the request method is understood by the cache": choice: GET, and RFC 9110 §9.3.3:
    // "Responses to POST requests are only cacheable when they include explicit freshness
    // information and a Content-Location header field that has the same value as the POST's
    // target URI". Choice: freshness of no length is none here.
    match case.method {
        "GET" => {}
        "POST"
            if source == Source::Explicit
                && freshness_lifetime != 0
                && case.status == 200
                && content_location_is_target(case) => {}
        _ => return Err(Clause::Method),
    }
    // Choice: the answer to a GET with content is not stored.
    if case.method == "GET" && has_content(&case.request) {
        return Err(Clause::Content);
    }
    // "the response status code is final".
    if case.status < 200 {
        return Err(Clause::Status);
    }
    // "if the response status code is 206 or 304, or the must-understand cache directive is
    // present: the cache understands the response status code". A 304 has nothing to store.
    let part = if case.status == 206 { content_range(&case.response) } else { None };
    if case.status == 304 {
        return Err(Clause::Status);
    }
    // §3.3: "... if it does not understand the range units used in those fields". Choice: a
    // part that nobody has asked for is not kept.
    if case.status == 206 && (part.is_none() || !has(&case.request, "range")) {
        return Err(Clause::Part);
    }
    if said.says("must-understand") && !is_defined(case.status) {
        return Err(Clause::MustUnderstand);
    }
    // Choice: what is said of a range or of a condition is not said of the resource.
    if has_range_or_condition(&case.request) && ![200, 206].contains(&case.status) {
        return Err(Clause::Status);
    }
    // "the no-store cache directive is not present in the response", but §5.2.2.3: "the cache
    // SHOULD ignore the no-store directive if it understands and implements the status code's
    // caching requirements".
    if said.says("no-store") && !said.says("must-understand") {
        return Err(Clause::NoStore);
    }
    // §5.2.1.5: "MUST NOT store any part of either this request or any response to it".
    if directives(&case.request, "cache-control").iter().any(|said| said.name == "no-store") {
        return Err(Clause::RequestNoStore);
    }
    // "if the cache is shared: the private response directive is either not present or allows
    // a shared cache to store a modified response".
    let private = said.qualified("private");
    if private.as_ref().is_some_and(Vec::is_empty) {
        return Err(Clause::Private);
    }
    // "if the cache is shared: the Authorization header field is not present in the request or
    // a response directive is present that explicitly allows shared caching": "must-revalidate,
    // public, and s-maxage" (§3.5).
    let for_all =
        ["must-revalidate", "public", "s-maxage"].iter().any(|directive| said.says(directive));
    if has(&case.request, "authorization") && !for_all {
        return Err(Clause::Authorization);
    }
    // "the response contains at least one of the following: a public response directive; an
    // Expires header field; a max-age response directive; if the cache is shared: an s-maxage
    // response directive; a cache extension that allows it to be cached; or a status code that
    // is defined as heuristically cacheable". RFC 9213 §2.2: where a targeted field counts,
    // the cache "MUST ignore the Cache-Control and Expires header fields". The rule is this
    // cache's extension.
    let has_expires = !said.is_targeted && has(&case.response, "expires");
    let is_allowed_by_rule = source == Source::Configured && freshness_lifetime != 0;
    if !(said.says("public")
        || has_expires
        || said.says("max-age")
        || said.says("s-maxage")
        || is_allowed_by_rule
        || is_heuristically_cacheable(case.status))
    {
        return Err(Clause::NotAllowed);
    }

    // From here on, all is choice. §4.1: "A stored response with a Vary header field value
    // containing a member "*" always fails to match": it is not stored.
    let selecting = selecting(&case.response).ok_or(Clause::VaryAny)?;
    // §7.3: without explicit freshness, nothing is stored that has to do with a cookie.
    if source != Source::Explicit
        && (has(&case.response, "set-cookie") || has(&case.request, "cookie"))
    {
        return Err(Clause::Cookie);
    }
    let mut withheld =
        [private, said.qualified("no-cache")].into_iter().flatten().flatten().collect::<Vec<_>>();
    withheld.sort();
    withheld.dedup();
    // A rule with authority stands over all that the response says of freshness.
    let is_overruled = case.rule.overrides && source == Source::Configured;
    // RFC 5861; the configured windows, where the response does not say, prolong a freshness
    // and make none.
    let window = |directive, configured| {
        let default = if freshness_lifetime == 0 { 0 } else { configured };
        said.least(directive).unwrap_or(default)
    };
    let stored = Stored {
        freshness_lifetime,
        source,
        corrected_initial_age: corrected_initial_age(case),
        must_always_be_validated: !is_overruled
            && said.qualified("no-cache").is_some_and(|names| names.is_empty()),
        never_stale: if is_overruled { None } else { never_stale(&said) },
        stale_while_revalidate: window("stale-while-revalidate", case.rule.stale_while_revalidate),
        stale_if_error: window("stale-if-error", case.rule.stale_if_error),
        ends: case.rule.expires_at.map(|minute| next(minute, case.response_time)),
        is_immutable: case.rule.honours_clients && said.says("immutable"),
        for_all,
        withheld,
        selecting,
        part,
    };
    // §3: "some caches will not store a response that has neither a cache validator nor an
    // explicit expiration time, as such responses are not usually useful to store": this one
    // does not store what no request could ever use.
    let age = stored.corrected_initial_age;
    let is_fresh = !stored.must_always_be_validated && age < freshness_lifetime;
    let longest = stored.stale_while_revalidate.max(stored.stale_if_error);
    let may_be_stale = stored.never_stale.is_none() && age - freshness_lifetime < longest;
    let has_validator = has(&case.response, "etag")
        || date_in(&case.response, "last-modified", case.response_time).is_some();
    if !is_fresh && !may_be_stale && !has_validator {
        return Err(Clause::OfNoUse);
    }
    Ok(stored)
}

fn has_range_or_condition(request: &[Line]) -> bool {
    ["range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]
        .iter()
        .any(|name| has(request, name))
}

/// Those of RFC 9110 §15 that are final, 304 aside; 306 and 418 are unused.
fn is_defined(status: u16) -> bool {
    [200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 305, 307, 308].contains(&status)
        || [400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412].contains(&status)
        || [413, 414, 415, 416, 417, 421, 422, 426].contains(&status)
        || [500, 501, 502, 503, 504, 505].contains(&status)
}

/// RFC 9110 §8.7, for what the cases have.
fn content_location_is_target(case: &Case) -> bool {
    let locations = values(&case.response, "content-location");
    let host = values(&case.request, "host").first().is_some_and(|host| *host == HOST);
    match locations.first() {
        Some(location) => {
            *location == PATH || (host && *location == format!("http://{HOST}{PATH}"))
        }
        None => false,
    }
}

/// "Content-Range = range-unit SP ( range-resp / unsatisfied-range )" (RFC 9110
/// §14.4); none where it is invalid, or in another unit than bytes.
fn content_range(response: &[Line]) -> Option<(u64, u64, Option<u64>)> {
    let [only] = values(response, "content-range")[..] else { return None };
    let range = only.to_ascii_lowercase();
    let (positions, complete) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = positions.split_once('-')?;
    let number = |text: &str| delta_seconds(text).map(i64::cast_unsigned);
    let (first, last) = (number(first)?, number(last)?);
    let complete = if complete == "*" { None } else { Some(number(complete)?) };
    (first <= last && complete.is_none_or(|complete| last < complete))
        .then_some((first, last, complete))
}

/// The field names of `Vary`, none where a member is `*` or no name.
fn selecting(response: &[Line]) -> Option<Vec<String>> {
    let mut all: Vec<String> =
        values(response, "vary").iter().flat_map(|line| names(line)).collect();
    all.sort();
    all.dedup();
    all.iter().all(|name| name != "*" && is_token(name)).then_some(all)
}

/// The next time of day after a time: the end that a rule sets, a choice.
fn next(minute: i64, after: Micros) -> Micros {
    let midnight = after - after.rem_euclid(DAY);
    let today = midnight + minute * 60 * SECOND;
    if after < today { today } else { today + DAY }
}
