//! §4: what is stored, and a request.

use server::cache::clause::Clause;

use super::{Answer, Stored, freshness::current_age, has_content, number};
use crate::model::{
    case::{Case, Line, Micros, SECOND, has, values},
    syntax::{Directive, INFINITE, delta_seconds, directives},
};

/// §4: "When presented with a request, a cache MUST NOT reuse a stored response
/// unless: ..."
pub(in super::super) fn reuse(case: &Case, stored: &Stored) -> Answer {
    let request = directives(&case.presented, "cache-control");
    let says = |name: &str| request.iter().any(|directive| directive.name == name);
    // "the request method associated with the stored response allows it to be used for the
    // presented request".
    if case.presented_method != "GET" && case.presented_method != "HEAD" {
        return Answer::Forward(Clause::Method);
    }
    // Choice: content in a GET may mean something to the upstream.
    if has_content(&case.presented) {
        return Answer::Forward(Clause::Content);
    }
    match reuse_without_validation(case, stored, &request) {
        Ok(clause) => Answer::Reuse(clause),
        // §5.2.1.7: "respond with either a stored response consistent with the other constraints
        // of the request or a 504".
        Err(_) if says("only-if-cached") => Answer::Unsatisfiable,
        // A rule that bypasses does so for the requests too.
        Err(_) if case.rule.bypass => Answer::Forward(Clause::Bypass),
        Err(clause) => Answer::Forward(clause),
    }
}

fn reuse_without_validation(
    case: &Case,
    stored: &Stored,
    request: &[Directive],
) -> Result<Clause, Clause> {
    let says = |name: &str| request.iter().any(|directive| directive.name == name);
    let numbers = |name: &'static str| request.iter().filter(move |found| found.name == name);
    let age = current_age(case, stored);
    // What a client says in seconds is compared with the seconds that it is told in `Age`.
    let told_age = age - age.rem_euclid(SECOND);
    let staleness = (told_age - stored.freshness_lifetime).max(0);

    // Choice: who has an authorization is given what is said to be for all, or asks anew.
    if has(&case.presented, "authorization") && !stored.for_all {
        return Err(Clause::Authorization);
    }
    // §3.3: "MUST NOT use an incomplete response to answer requests unless the response has
    // been made complete, or the request is partial and specifies a range wholly within the
    // incomplete response".
    if let Some(part) = stored.part
        && !(case.presented_method == "GET"
            && !has(&case.presented, "if-range")
            && is_within(&case.presented, part))
    {
        return Err(Clause::Incomplete);
    }
    // §5.2.1: "They are advisory; caches MAY implement them": where the rule says so.
    if case.rule.honours_clients {
        // §5.2.1.4.
        if says("no-cache") {
            return Err(Clause::RequestNoCache);
        }
        // §5.4, as RFC 7234 had it: where there is no `Cache-Control`.
        let pragma = directives(&case.presented, "pragma");
        if !has(&case.presented, "cache-control")
            && pragma.iter().any(|directive| directive.name == "no-cache")
        {
            return Err(Clause::Pragma);
        }
        // RFC 8246 §2.1: a reload, which says `max-age`, finds nothing new in what is fresh and
        // immutable.
        let counts = !stored.is_immutable || stored.freshness_lifetime <= told_age;
        // §5.2.1.1: "prefers a response whose age is less than or equal to the specified number
        // of seconds."
        if let Some(max_age) = numbers("max-age").map(|found| number(found).unwrap_or(0)).min()
            && counts
            && max_age * SECOND < told_age
        {
            return Err(Clause::RequestMaxAge);
        }
        // §5.2.1.3: "a response whose freshness lifetime is no less than its current age plus
        // the specified time in seconds".
        if let Some(min_fresh) =
            numbers("min-fresh").map(|found| number(found).unwrap_or(INFINITE)).max()
            && counts
            && stored.freshness_lifetime < told_age + min_fresh * SECOND
        {
            return Err(Clause::RequestMinFresh);
        }
    }
    let has_ended = stored.ends.is_some_and(|ends| ends <= case.now);
    // "the stored response does not contain the no-cache directive, unless it is successfully
    // validated", and is "fresh (see Section 4.2)": "freshness_lifetime > current_age".
    if !stored.must_always_be_validated && age < stored.freshness_lifetime && !has_ended {
        return Ok(Clause::Fresh);
    }
    // "or allowed to be served stale (see Section 4.2.4)".
    if let Some(clause) = stored.never_stale {
        return Err(clause);
    }
    // Choice: the end that a rule sets is the end of stale use too.
    if has_ended {
        return Err(Clause::ExpiresAt);
    }
    // §5.2.1.2: "no more than the specified number of seconds. If no value is assigned to
    // max-stale, then the client will accept a stale response of any age." It counts whatever
    // the rule says, as it asks for no call.
    let accepted = numbers("max-stale").map(|directive| match directive.argument {
        Some(_) => number(directive).unwrap_or(0) * SECOND,
        None => Micros::MAX,
    });
    if accepted.min().is_some_and(|accepted| staleness <= accepted) {
        return Ok(Clause::RequestMaxStale);
    }
    // RFC 5861 §3: "caches MAY serve the response after it becomes stale, up to the indicated
    // number of seconds". Choice: the window ends before its last moment.
    // §5.2.1.1: "Unless the max-stale request directive is also present, the client does not
    // wish to receive a stale response."
    let wishes_no_stale = case.rule.honours_clients && says("max-age") && !says("max-stale");
    if staleness < stored.stale_while_revalidate && !wishes_no_stale {
        return Ok(Clause::StaleWhileRevalidate);
    }
    Err(Clause::Stale)
}

/// RFC 5861 §4: "when the cached response is more stale than the indicated
/// amount, the cached response SHOULD NOT be used". Choice: the window ends
/// before its last moment.
pub(in super::super) fn may_stand_in(case: &Case, stored: &Stored) -> bool {
    let age = current_age(case, stored);
    let has_ended = stored.ends.is_some_and(|ends| ends <= case.now);
    let is_fresh = !stored.must_always_be_validated && age < stored.freshness_lifetime;
    let may_be_stale = stored.never_stale.is_none()
        && (age - age.rem_euclid(SECOND) - stored.freshness_lifetime).max(0)
            < stored.stale_if_error;
    !has_ended && (is_fresh || may_be_stale)
}

/// Whether a request is for one range (RFC 9110 §14.1.1) wholly within a part.
fn is_within(request: &[Line], (first, last, complete): (u64, u64, Option<u64>)) -> bool {
    let [only] = values(request, "range")[..] else { return false };
    // What the cases have: one range, from a position to another or to the end.
    let Some((from, to)) = only.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return false;
    };
    let Some(complete) = complete else { return false };
    let Some(from) = delta_seconds(from).map(i64::cast_unsigned) else { return false };
    let to = match to {
        "" => complete - 1,
        to => delta_seconds(to).map_or(0, i64::cast_unsigned).min(complete - 1),
    };
    first <= from && from <= to && to <= last
}
