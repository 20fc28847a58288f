//! The same case for the model and for the implementation.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use poem::Request;
use server::{
    cache::{
        AddEtag,
        clause::Clause,
        freshness::Lifetime,
        policy::{
            Asks, Decision, Refresh, decide,
            storing::{Storable, Times, storable},
            terms::{Audience, ForcedBy, Validation},
        },
        rules::{Authority, Caching, ClientDirectives, NegativeTtl, Rule, Rules},
        store::Lookup,
        stored::{Prepared, StoredResponse},
    },
    exchange::RequestHead,
};

use super::{
    case::{Case, Line, Micros, PATH, RuleOfCase},
    generator::time,
    rfc9111::{self, Answer, Source, Stored},
    syntax,
};

/// Where the implementation differs from the model, in words.
pub(super) fn difference(case: &Case, expected: &Result<Stored, Clause>) -> Option<String> {
    let rule = rule(case.rule);
    let request = head(case.method, &case.request);
    let status = StatusCode::from_u16(case.status).unwrap();
    let headers = headers(&case.response);
    let times =
        Times { request_time: time(case.request_time), response_time: time(case.response_time) };
    let actual = storable(&request, status, &headers, &rule, times);
    let (actual, expected) = match (actual, expected) {
        (Ok(actual), Ok(expected)) => (actual, expected),
        (Err(actual), Err(expected)) if actual == *expected => return None,
        (actual, expected) => {
            let actual = actual.map(|storable| storable.terms);
            return Some(format!("storable: {actual:#?}\nmodel: {expected:#?}"));
        }
    };
    let prepared = prepared(&actual, status, &headers, times);
    let actual = in_words_of_model(&actual, &prepared);
    if actual != *expected {
        return Some(format!("stored with: {actual:#?}\nmodel: {expected:#?}"));
    }

    let now = time(case.now);
    let stands_in = prepared.may_stand_in(None, now);
    if stands_in != rfc9111::may_stand_in(case, expected) {
        return Some(format!("stands in for an error: {stands_in}\n{expected:#?}"));
    }
    let presented = head(case.presented_method, &case.presented);
    let asks = Asks::of(&presented.headers);
    let rules = Rules::new(Vec::new(), rule);
    let actual = match decide(&presented, asks, Lookup::Found(Arc::new(prepared)), &rules, now) {
        // RFC 5861 §3: "the cache SHOULD attempt to revalidate it while still serving stale
        // responses".
        Decision::Reuse(_, clause, refresh) => {
            let is_behind = refresh == Refresh::Behind;
            if is_behind != (clause == Clause::StaleWhileRevalidate) {
                return Some(format!("refresh: {refresh:?} for {clause:?}"));
            }
            Answer::Reuse(clause)
        }
        Decision::Forward(forward) => Answer::Forward(forward.clause),
        Decision::Unsatisfiable => Answer::Unsatisfiable,
    };
    let model = rfc9111::reuse(case, expected);
    (actual != model).then(|| format!("decision: {actual:?}\nmodel: {model:?}\n{expected:#?}"))
}

/// What the model finds in a case.
pub(super) fn classes(case: &Case, stored: &Result<Stored, Clause>) -> Vec<&'static str> {
    let stored = match stored {
        Err(clause) => return vec![clause.as_str()],
        Ok(stored) => stored,
    };
    let mut classes = vec!["stored"];
    let mut class = |is_so: bool, name| {
        if is_so {
            classes.push(name);
        }
    };
    class(stored.source == Source::Explicit, "explicit");
    class(stored.source == Source::Configured, "configured");
    class(stored.source == Source::Heuristic && stored.freshness_lifetime != 0, "heuristic");
    class(syntax::said(&case.response).is_targeted, "targeted");
    class(stored.never_stale.is_some(), "never stale");
    class(stored.must_always_be_validated, "always validated");
    class(!stored.withheld.is_empty(), "withheld");
    class(stored.part.is_some(), "part");
    class(stored.ends.is_some(), "ends");
    let answer = rfc9111::reuse(case, stored);
    class(answer == Answer::Reuse(Clause::Fresh), "fresh");
    class(answer == Answer::Reuse(Clause::StaleWhileRevalidate), "stale-while-revalidate");
    class(answer == Answer::Reuse(Clause::RequestMaxStale), "max-stale in request");
    class(answer == Answer::Unsatisfiable, "unsatisfiable");
    class(matches!(answer, Answer::Forward(_)), "forwarded");
    if let Answer::Forward(clause) = answer {
        class(true, clause.word());
    }
    let is_fresh = answer == Answer::Reuse(Clause::Fresh);
    class(!is_fresh && rfc9111::may_stand_in(case, stored), "stands in though stale");
    classes
}

fn headers(lines: &[Line]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn head(method: &str, lines: &[Line]) -> RequestHead {
    static PLAIN: LazyLock<RequestHead> = LazyLock::new(|| {
        let request = Request::builder().uri(PATH.parse().unwrap()).finish();
        RequestHead::split(request).unwrap().0
    });
    RequestHead { method: method.parse().unwrap(), headers: headers(lines), ..PLAIN.clone() }
}

fn rule(of: RuleOfCase) -> Rule {
    let duration = |micros: Micros| Duration::from_micros(micros.cast_unsigned());
    let mut negative_ttl = NegativeTtl::new(duration(of.negative_ttl));
    if let Some(ttl) = of.negative_500 {
        negative_ttl = negative_ttl.with(StatusCode::INTERNAL_SERVER_ERROR, duration(ttl));
    }
    let expires_at =
        of.expires_at.map(|minute| format!("{:02}:{:02} UTC", minute / 60, minute % 60));
    Rule {
        ttl: duration(of.ttl),
        negative_ttl,
        authority: if of.overrides { Authority::Rule } else { Authority::Response },
        stale_while_revalidate: duration(of.stale_while_revalidate),
        stale_if_error: duration(of.stale_if_error),
        expires_at: expires_at.map(|time| time.parse().unwrap()),
        client_directives: if of.honours_clients {
            ClientDirectives::Honour
        } else {
            ClientDirectives::Ignore
        },
        caching: if of.bypass { Caching::Bypass } else { Caching::Store },
        ..Rule::default()
    }
}

/// What is stored: the response less what is for one client.
fn prepared(
    storable: &Storable,
    status: StatusCode,
    headers: &HeaderMap,
    times: Times,
) -> Prepared {
    let kept = |name: &HeaderName| !storable.withheld.contains(name);
    let fields = headers.iter().filter(|(name, _)| kept(name));
    let response = StoredResponse {
        status,
        fields: fields.map(|(name, value)| (name.clone(), value.clone())).collect(),
        selecting: storable.selecting.clone(),
        part: storable.part,
        times,
        body: Bytes::new(),
    };
    Prepared::new(response, storable.terms.clone(), AddEtag::Never)
}

fn in_words_of_model(storable: &Storable, prepared: &Prepared) -> Stored {
    let terms = &prepared.terms;
    let micros = |duration: Duration| Micros::try_from(duration.as_micros()).unwrap();
    let source = match terms.lifetime {
        Lifetime::Explicit(_) => Source::Explicit,
        Lifetime::Configured(_) => Source::Configured,
        Lifetime::Heuristic(_) => Source::Heuristic,
        Lifetime::Purged(_) => unreachable!("nothing is purged here"),
    };
    let names = |names: &mut dyn Iterator<Item = &HeaderName>| {
        let mut names: Vec<String> = names.map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        names
    };
    Stored {
        freshness_lifetime: micros(terms.lifetime.duration()),
        source,
        corrected_initial_age: micros(prepared.current_age(prepared.response.times.response_time)),
        must_always_be_validated: terms.validation == Validation::Always,
        never_stale: terms.never_stale,
        stale_while_revalidate: micros(terms.stale_while_revalidate),
        stale_if_error: micros(terms.stale_if_error),
        ends: terms.ends.map(|ends| micros(ends.duration_since(UNIX_EPOCH).unwrap())),
        is_immutable: terms.forced_by == ForcedBy::NoCache,
        for_all: terms.audience == Audience::Everyone,
        withheld: names(&mut storable.withheld.iter()),
        selecting: names(&mut storable.selecting.names()),
        part: storable.part.map(|part| (part.first, part.last, part.complete)),
    }
}
