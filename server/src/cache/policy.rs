//! What a cache may do with a request (RFC 9111 §4); with a response:
//! [`storing`].

pub mod grounds;
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
    /// It is soon to be stale: if many ask for it, it is, so that none of them
    /// gets a stale answer.
    Ahead,
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
        let refresh = if stored.is_due(now) { Refresh::Ahead } else { Refresh::None };
        return Ok(Decision::Reuse(stored, Clause::Fresh, refresh));
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
pub(in crate::cache) mod tests;
