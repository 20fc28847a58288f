//! What a cache may do with a request (RFC 9111 §4); with a response:
//! [`storing`].

pub mod storing;
pub mod terms;

use std::{sync::Arc, time::SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

use self::terms::{Audience, ForcedBy};
use super::{
    clause::Clause,
    directives::{NoCache, RequestDirectives},
    rules::{Caching, Rules},
    status::Fwd,
    store::Lookup,
    stored::Prepared,
};
use crate::exchange::RequestHead;

/// What a cache may do with a request (RFC 9111 §4).
#[derive(Debug)]
pub enum Decision {
    /// Reuse the stored response without asking the upstream first, as this
    /// clause allows.
    Reuse(Arc<Prepared>, Clause, Refresh),
    /// Ask the upstream.
    Forward(Forward),
    /// `only-if-cached`, and nothing may be reused: 504 (§5.2.1.7).
    Unsatisfiable,
}

/// Whether a reused response is validated meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It is not.
    None,
    /// It is, behind the answer (RFC 5861 §3).
    Behind,
}

/// Why and how a request goes to the upstream.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The reason, in the words of RFC 9211 §2.2.
    pub fwd: Fwd,
    /// The clause that says so.
    pub clause: Clause,
    /// Whether the answer may serve others that ask for the same.
    pub sharing: Sharing,
    /// What is stored and was selected, but may not be reused as it is.
    pub stored: Option<Arc<Prepared>>,
}

impl Forward {
    /// For one whose answer others have not brought.
    pub fn alone(fwd: Fwd) -> Forward {
        Forward { sharing: Sharing::Alone, ..miss(fwd, Clause::Vary) }
    }
}

/// Whether the upstream's answer may serve others that ask for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// It may: one request goes upstream for all who ask at once.
    Collapse,
    /// It is for this request alone.
    Alone,
}

/// Decides on a request.
///
/// `asks` is what the request's fields ask for.
pub fn decide(
    request: &RequestHead,
    asks: Asks,
    lookup: Lookup,
    rules: &Rules,
    now: SystemTime,
) -> Decision {
    // §4: "the request method associated with the stored response allows it to be used for
    // the presented request"; what is stored answers GET and HEAD (§3, RFC 9110 §9.3.2).
    if request.method != Method::GET && request.method != Method::HEAD {
        return alone(Fwd::Method, Clause::Method);
    }
    // Content has no meaning in a GET (RFC 9110 §9.3.1), but an upstream may give it one, and
    // it is not part of the key.
    if asks.has(Asks::CONTENT) {
        return alone(Fwd::Bypass, Clause::Content);
    }

    let directives = if asks.has(Asks::DIRECTIVES) {
        RequestDirectives::of(&request.headers)
    } else {
        RequestDirectives::default()
    };
    let forward = match lookup {
        Lookup::Found(stored) => match reuse(request, stored, asks, &directives, now) {
            Ok(decision) => return decision,
            Err(forward) => forward,
        },
        Lookup::VaryMiss => miss(Fwd::VaryMiss, Clause::Vary),
        Lookup::UriMiss => miss(Fwd::UriMiss, Clause::Absent),
    };

    // §5.2.1.7: "either respond using a stored response consistent with the other constraints
    // of the request or respond with a 504".
    if directives.only_if_cached {
        return Decision::Unsatisfiable;
    }
    if rules.of(request.target.path()).caching == Caching::Bypass {
        return alone(Fwd::Bypass, Clause::Bypass);
    }
    let sharing = if asks.is_for_one() || directives.no_store || request.method == Method::HEAD {
        Sharing::Alone
    } else {
        forward.sharing
    };
    Decision::Forward(Forward { sharing, ..forward })
}

/// Whether the selected response may be reused (§4), and on which clause; or
/// why the request goes forward.
fn reuse(
    request: &RequestHead,
    stored: Arc<Prepared>,
    asks: Asks,
    directives: &RequestDirectives,
    now: SystemTime,
) -> Result<Decision, Forward> {
    let terms = &stored.terms;
    // §3.5 is about responses to authenticated requests. That it may not be given to one who
    // asks with `Authorization` is our own care: the upstream may have more to say to them.
    if asks.has(Asks::AUTHORIZATION) && terms.audience == Audience::Anonymous {
        return Err(Forward {
            sharing: Sharing::Alone,
            ..miss(Fwd::Bypass, Clause::Authorization)
        });
    }
    // §3.3: "A cache MUST NOT use an incomplete response to answer requests unless the
    // response has been made complete, or the request is partial and specifies a range
    // wholly within the incomplete response."
    if stored.response.part.is_some()
        && !(request.method == Method::GET
            && asks.has(Asks::RANGE)
            && !asks.has(Asks::IF_RANGE)
            && stored.response.requested_part(&request.headers).is_some())
    {
        return Err(forward(Fwd::Partial, Clause::Incomplete, stored));
    }

    // §5.2.1 makes request directives advisory; these force a call upstream only where the
    // rule of the path lets them.
    if terms.forced_by != ForcedBy::None {
        let age = stored.age_in_seconds(now);
        let lifetime = terms.lifetime.duration();
        let counts = terms.forced_by == ForcedBy::All || lifetime <= age;
        let too_old = counts && directives.max_age.is_some_and(|max_age| max_age < age);
        // §5.2.1.3: "a response whose freshness lifetime is no less than its current age plus
        // the specified time in seconds".
        let too_stale = counts
            && directives
                .min_fresh
                .is_some_and(|min_fresh| lifetime < age.saturating_add(min_fresh));
        let clause = match directives.no_cache {
            Some(NoCache::Directive) => Some(Clause::RequestNoCache),
            Some(NoCache::Pragma) => Some(Clause::Pragma),
            None if too_old => Some(Clause::RequestMaxAge),
            None if too_stale => Some(Clause::RequestMinFresh),
            None => None,
        };
        if let Some(clause) = clause {
            return Err(forward(Fwd::Request, clause, stored));
        }
    }

    // §4.2.
    if stored.is_fresh(now) {
        return Ok(Decision::Reuse(stored, Clause::Fresh, Refresh::None));
    }
    let Err(why_not) = stored.may_be_stale(now) else {
        let staleness = stored.staleness(now);
        // §5.2.1.2: "the client will accept a response that has exceeded its freshness
        // lifetime". It is answered though no window is open, and asks for no call.
        if directives.max_stale.is_some_and(|max_stale| staleness <= max_stale) {
            return Ok(Decision::Reuse(stored, Clause::RequestMaxStale, Refresh::None));
        }
        // RFC 5861 §3: "caches MAY serve the response after it becomes stale, up to the
        // indicated number of seconds", and "SHOULD attempt to revalidate it". With `max-age`,
        // "unless the max-stale request directive is also present, the client does not wish to
        // receive a stale response" (§5.2.1.1).
        let wants_fresh = terms.forced_by != ForcedBy::None
            && directives.max_age.is_some()
            && directives.max_stale.is_none();
        if staleness < terms.stale_while_revalidate && !wants_fresh {
            let clause = Clause::StaleWhileRevalidate;
            return Ok(Decision::Reuse(stored, clause, Refresh::Behind));
        }
        return Err(forward(Fwd::Stale, Clause::Stale, stored));
    };
    Err(forward(Fwd::Stale, why_not, stored))
}

fn alone(fwd: Fwd, clause: Clause) -> Decision {
    Decision::Forward(Forward { sharing: Sharing::Alone, ..miss(fwd, clause) })
}

fn miss(fwd: Fwd, clause: Clause) -> Forward {
    Forward { fwd, clause, sharing: Sharing::Collapse, stored: None }
}

fn forward(fwd: Fwd, clause: Clause, stored: Arc<Prepared>) -> Forward {
    Forward { stored: Some(stored), ..miss(fwd, clause) }
}

/// Whether the answer to a request makes what is stored under its target
/// invalid (RFC 9111 §4.4): an unsafe method, or one that is not known to be
/// safe, that has not failed.
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// What a request's fields ask for, found in one pass: that costs less than to
/// look for each name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks(u8);

impl Asks {
    /// `Authorization`.
    pub const AUTHORIZATION: Asks = Asks(1);
    /// Content, though the method has none.
    pub const CONTENT: Asks = Asks(2);
    /// `Cache-Control` or `Pragma`.
    pub const DIRECTIVES: Asks = Asks(4);
    /// A precondition that a cache evaluates (RFC 9111 §4.3.2).
    pub const CONDITION: Asks = Asks(8);
    /// A precondition that only an origin server evaluates (RFC 9110 §13.1.1,
    /// §13.1.4).
    pub const ORIGIN_CONDITION: Asks = Asks(16);
    /// A range.
    pub const RANGE: Asks = Asks(32);
    /// A condition on the range.
    pub const IF_RANGE: Asks = Asks(64);

    /// What these fields ask for.
    pub fn of(headers: &HeaderMap) -> Asks {
        let bits = headers.iter().fold(0, |bits, (name, value)| {
            bits | match *name {
                header::AUTHORIZATION => Asks::AUTHORIZATION.0,
                header::TRANSFER_ENCODING => Asks::CONTENT.0,
                header::CONTENT_LENGTH if value != "0" => Asks::CONTENT.0,
                header::CACHE_CONTROL | header::PRAGMA => Asks::DIRECTIVES.0,
                header::IF_NONE_MATCH | header::IF_MODIFIED_SINCE => Asks::CONDITION.0,
                header::IF_MATCH | header::IF_UNMODIFIED_SINCE => Asks::ORIGIN_CONDITION.0,
                header::RANGE => Asks::RANGE.0,
                header::IF_RANGE => Asks::IF_RANGE.0,
                _ => 0,
            }
        });
        Asks(bits)
    }

    /// Whether they ask for this.
    pub fn has(self, what: Asks) -> bool {
        self.0 & what.0 != 0
    }

    /// Whether what the upstream answers depends on fields that others who ask
    /// for the same do not send.
    fn is_for_one(self) -> bool {
        let one = Asks::AUTHORIZATION.0 | Asks::ORIGIN_CONDITION.0 | Asks::IF_RANGE.0;
        self.0 & one != 0
    }
}

#[cfg(test)]
pub(in crate::cache) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;
    use http::{HeaderName, HeaderValue, Version};
    use poem::web::RemoteAddr;

    use super::*;
    use crate::{
        cache::{
            AddEtag,
            directives::ResponseDirectives,
            policy::{storing::Times, terms::Terms},
            range::ContentRange,
            rules::{ClientDirectives, Rule},
            stored::StoredResponse,
            vary::Selecting,
        },
        target::Target,
    };

    pub(in crate::cache) fn fields(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in text.lines().map(|line| line.split_once(": ").unwrap()) {
            headers
                .append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// A rule that leaves all to the response, but for a default freshness.
    pub(in crate::cache) fn plain() -> Rule {
        Rule {
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            ..Rule::default()
        }
    }

    pub(in crate::cache) fn request(method: &str, text: &str) -> RequestHead {
        RequestHead {
            method: method.parse().unwrap(),
            target: Target::new("/x".parse().unwrap()).unwrap(),
            version: Version::HTTP_11,
            headers: fields(text),
            remote: RemoteAddr::default(),
        }
    }

    /// A response that was received at the epoch, with ten bytes in its body.
    fn stored(text: &str, part: Option<ContentRange>, rule: &Rule) -> Lookup {
        let headers = fields(text);
        let directives = ResponseDirectives::of(&headers);
        let response = StoredResponse {
            status: StatusCode::OK,
            fields: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            selecting: Selecting::default(),
            part,
            times: Times { request_time: UNIX_EPOCH, response_time: UNIX_EPOCH },
            body: Bytes::from_static(b"0123456789"),
        };
        let terms = Terms::of(response.status, &headers, &directives, rule, UNIX_EPOCH);
        Lookup::Found(Arc::new(Prepared::new(response, terms, AddEtag::Never)))
    }

    fn decided(request: &RequestHead, lookup: Lookup, rules: &Rules, seconds: u64) -> String {
        let now = UNIX_EPOCH + Duration::from_secs(seconds);
        match decide(request, Asks::of(&request.headers), lookup, rules, now) {
            Decision::Reuse(_, clause, Refresh::None) => format!("reuse: {}", clause.word()),
            Decision::Reuse(_, clause, Refresh::Behind) => format!("refresh: {}", clause.word()),
            Decision::Forward(Forward { fwd, clause, sharing, .. }) => {
                format!("{} {sharing:?}: {}", fwd.as_str(), clause.word())
            }
            Decision::Unsatisfiable => "unsatisfiable".to_owned(),
        }
    }

    /// Decides on a request, so many seconds after the response was received
    /// that has these fields.
    #[track_caller]
    fn check(method: &str, asks: &str, stored_with: &str, seconds: u64, expected: &str) {
        let lookup = stored(stored_with, None, &plain());
        let actual = decided(&request(method, asks), lookup, &Rules::default(), seconds);
        assert_eq!(actual, expected, "{method} {asks:?} of {stored_with:?} after {seconds}");
    }

    #[test]
    fn fresh_and_stale() {
        check("GET", "", "cache-control: max-age=5", 4, "reuse: fresh");
        check("HEAD", "", "cache-control: max-age=5", 4, "reuse: fresh");
        check("GET", "", "cache-control: max-age=5", 5, "stale Collapse: stale");
        check("HEAD", "", "cache-control: max-age=5", 5, "stale Alone: stale");
        check("GET", "", "cache-control: no-cache, max-age=5", 4, "stale Collapse: no-cache");
        check("GET", "", "cache-control: no-cache=\"x\", max-age=5", 4, "reuse: fresh");
        check(
            "GET",
            "",
            "cache-control: max-age=5, must-revalidate",
            5,
            "stale Collapse: must-revalidate",
        );
    }

    #[test]
    fn stale_while_revalidate() {
        let allowed = "cache-control: max-age=5, stale-while-revalidate=5";
        check("GET", "", allowed, 9, "refresh: stale-while-revalidate");
        check("GET", "", allowed, 10, "stale Collapse: stale");
        let forbidden = "cache-control: s-maxage=5, stale-while-revalidate=5";
        check("GET", "", forbidden, 5, "stale Collapse: s-maxage");
    }

    #[test]
    fn methods_and_content() {
        let fresh = "cache-control: max-age=5";
        check("POST", "", fresh, 0, "method Alone: method");
        check("OPTIONS", "", fresh, 0, "method Alone: method");
        check("M-SEARCH", "", fresh, 0, "method Alone: method");
        check("GET", "content-length: 5", fresh, 0, "bypass Alone: content");
        check("GET", "content-length: 0", fresh, 0, "reuse: fresh");
        check("GET", "transfer-encoding: chunked", fresh, 0, "bypass Alone: content");
    }

    #[test]
    fn authorization() {
        check(
            "GET",
            "authorization: x",
            "cache-control: max-age=5",
            0,
            "bypass Alone: authorization",
        );
        for for_all in ["max-age=5, public", "s-maxage=5", "max-age=5, must-revalidate"] {
            check(
                "GET",
                "authorization: x",
                &format!("cache-control: {for_all}"),
                0,
                "reuse: fresh",
            );
        }
    }

    #[test]
    fn client_directives_that_always_count() {
        let fresh = "cache-control: max-age=5";
        check("GET", "cache-control: no-store", fresh, 0, "reuse: fresh");
        check("GET", "cache-control: no-store", fresh, 5, "stale Alone: stale");
        check("GET", "cache-control: only-if-cached", fresh, 0, "reuse: fresh");
        check("GET", "cache-control: only-if-cached", fresh, 5, "unsatisfiable");
        check("GET", "cache-control: max-stale", fresh, 500, "reuse: max-stale in request");
        check("GET", "cache-control: max-stale=3", fresh, 8, "reuse: max-stale in request");
        check("GET", "cache-control: max-stale=3", fresh, 9, "stale Collapse: stale");
        let strict = "cache-control: max-age=5, proxy-revalidate";
        check("GET", "cache-control: max-stale", strict, 6, "stale Collapse: proxy-revalidate");
    }

    #[test]
    fn client_directives_that_count_where_a_rule_lets_them() {
        let honour = Rule { client_directives: ClientDirectives::Honour, ..Rule::default() };
        let check = |asks: &str, seconds, ignored: &str, honoured: &str| {
            let control = "cache-control: max-age=50";
            for (rule, expected) in [(&Rule::default(), ignored), (&honour, honoured)] {
                let lookup = stored(control, None, rule);
                let actual = decided(&request("GET", asks), lookup, &Rules::default(), seconds);
                assert_eq!(actual, expected, "{asks}");
            }
        };
        let fresh = "reuse: fresh";
        check("cache-control: no-cache", 0, fresh, "request Collapse: no-cache in request");
        check("pragma: no-cache", 0, fresh, "request Collapse: pragma in request");
        check("cache-control: max-age=3", 3, fresh, fresh);
        check("cache-control: max-age=3", 4, fresh, "request Collapse: max-age in request");
        check("cache-control: min-fresh=9", 41, fresh, fresh);
        check("cache-control: min-fresh=9", 42, fresh, "request Collapse: min-fresh in request");
        let stale = "refresh: stale-while-revalidate";
        check("cache-control: min-fresh=0", 50, stale, stale);
        check("cache-control: min-fresh=0", 51, stale, "request Collapse: min-fresh in request");
        check("cache-control: max-age=60", 50, stale, "stale Collapse: stale");
        let accepted = "reuse: max-stale in request";
        check("cache-control: max-age=60, max-stale", 50, accepted, accepted);
    }

    #[test]
    fn a_reload_finds_nothing_new_in_what_is_immutable() {
        let honour = Rule { client_directives: ClientDirectives::Honour, ..Rule::default() };
        let check = |asks: &str, expected: &str| {
            let lookup = stored("cache-control: max-age=50, immutable", None, &honour);
            assert_eq!(decided(&request("GET", asks), lookup, &Rules::default(), 9), expected);
        };
        check("cache-control: max-age=0", "reuse: fresh");
        check("cache-control: no-cache", "request Collapse: no-cache in request");
    }

    #[test]
    fn nothing_stored() {
        let check = |asks: &str, lookup, expected: &str| {
            let actual = decided(&request("GET", asks), lookup, &Rules::default(), 0);
            assert_eq!(actual, expected, "{asks}");
        };
        check("", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
        check("", Lookup::VaryMiss, "vary-miss Collapse: vary");
        check("if-none-match: \"a\"", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
        check("range: bytes=0-1", Lookup::UriMiss, "uri-miss Collapse: nothing stored");
        check(
            "range: bytes=0-1\nif-range: \"a\"",
            Lookup::UriMiss,
            "uri-miss Alone: nothing stored",
        );
        check("if-match: \"a\"", Lookup::UriMiss, "uri-miss Alone: nothing stored");
        check("authorization: x", Lookup::UriMiss, "uri-miss Alone: nothing stored");
        check("cache-control: no-store", Lookup::UriMiss, "uri-miss Alone: nothing stored");
        check("cache-control: only-if-cached", Lookup::UriMiss, "unsatisfiable");
    }

    #[test]
    fn a_part_answers_what_lies_within_it() {
        let check = |asks: &str, expected: &str| {
            let part = ContentRange { first: 10, last: 19, complete: Some(30) };
            let lookup = stored("cache-control: max-age=5", Some(part), &plain());
            assert_eq!(
                decided(&request("GET", asks), lookup, &Rules::default(), 0),
                expected,
                "{asks}"
            );
        };
        check("range: bytes=12-19", "reuse: fresh");
        check("range: bytes=12-20", "partial Collapse: incomplete");
        check("range: bytes=-20", "partial Collapse: incomplete");
        check("", "partial Collapse: incomplete");
        check("range: bytes=12-19\nif-range: \"a\"", "partial Alone: incomplete");
    }

    #[test]
    fn a_rule_bypasses_and_ends() {
        let bypass = Rule { caching: Caching::Bypass, ..Rule::default() };
        let rules = Rules::new(Vec::new(), bypass);
        let actual = decided(&request("GET", ""), Lookup::UriMiss, &rules, 0);
        assert_eq!(actual, "bypass Alone: bypass");

        let ends = Rule { expires_at: Some("00:01 UTC".parse().unwrap()), ..Rule::default() };
        let control = "cache-control: max-age=500, stale-while-revalidate=500";
        let at = |seconds| {
            decided(&request("GET", ""), stored(control, None, &ends), &Rules::default(), seconds)
        };
        assert_eq!(at(59), "reuse: fresh");
        assert_eq!(at(60), "stale Collapse: expires-at");
    }

    #[test]
    fn an_unsafe_method_that_has_not_failed_invalidates() {
        let check = |method: &str, status: u16, expected| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                invalidates(&method.parse().unwrap(), status),
                expected,
                "{method} {status}"
            );
        };
        check("PUT", 204, true);
        check("POST", 303, true);
        check("M-SEARCH", 200, true);
        check("DELETE", 404, false);
        check("POST", 500, false);
        check("GET", 200, false);
        check("OPTIONS", 200, false);
    }
}
