//! The head of a new response, as those get it who wait for it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Extensions, HeaderMap, StatusCode, header};
use http_body_util::combinators::BoxBody;
use hyper::ext::ReasonPhrase;
use poem::Response;

use crate::cache::{
    clause::Clause,
    conditions::{self, Evaluated, Validators},
    date,
    directives::ResponseDirectives,
    freshness::{corrected_initial_age, since},
    policy::storing::{Storable, Times, withheld},
    status::CacheStatus,
    tags::Tags,
    vary::Selecting,
};

/// The head of a new response that is for all.
#[derive(Debug)]
pub(in crate::cache) struct SharedHead {
    pub(super) status: StatusCode,
    /// What stands for the status in words, where it is not the usual.
    reason: Option<ReasonPhrase>,
    /// The fields for everyone.
    pub(super) headers: HeaderMap,
    /// The fields for the one whose request brought it (RFC 9111 §5.2.2.7).
    pub(super) withheld: HeaderMap,
    /// What becomes of it.
    pub(super) fate: Fate,
    pub(super) times: Times,
}

/// What becomes of a new response that is for all who wait for it.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is stored.
    Stored(Storable),
    /// It is not, as this clause says; it is for those whose fields select it.
    Shared(Selecting, Clause),
}

impl Fate {
    /// The request fields that select the response.
    pub(super) fn selecting(&self) -> &Selecting {
        match self {
            Fate::Stored(storable) => &storable.selecting,
            Fate::Shared(selecting, _) => selecting,
        }
    }
}

impl SharedHead {
    /// Whether it can be purged by a tag.
    pub(in crate::cache) fn has_tag(&self, tag: &str) -> bool {
        Tags::of(&self.headers).has(tag)
    }

    /// Splits a response that is for all from what of it is for one.
    pub(super) fn split(
        answer: Response,
        fate: Fate,
        times: Times,
    ) -> (SharedHead, BoxBody<Bytes, std::io::Error>) {
        let (parts, body) = answer.into_parts();
        let mut headers = parts.headers;
        let mut for_one = HeaderMap::new();
        let names = match &fate {
            Fate::Stored(storable) => storable.withheld.clone(),
            Fate::Shared(..) => withheld(&ResponseDirectives::of(&headers)),
        };
        for name in names {
            for value in headers.get_all(&name) {
                for_one.append(name.clone(), value.clone());
            }
            headers.remove(&name);
        }
        let reason = parts.extensions.get().cloned();
        let head =
            SharedHead { status: parts.status, reason, headers, withheld: for_one, fate, times };
        (head, body.into())
    }

    fn is_part(&self) -> bool {
        matches!(&self.fate, Fate::Stored(storable) if storable.part.is_some())
    }

    fn age(&self, now: SystemTime) -> Duration {
        let Times { request_time, response_time } = self.times;
        corrected_initial_age(&self.headers, request_time, response_time)
            .saturating_add(since(now, response_time))
    }

    /// The status in words, as an extension of a response.
    pub(super) fn reason(&self) -> Extensions {
        let mut extensions = Extensions::new();
        if let Some(reason) = &self.reason {
            extensions.insert(reason.clone());
        }
        extensions
    }

    /// What there is to say of it to one for whom it went forward.
    pub(super) fn tell_fate<'a>(&self, status: CacheStatus<'a>) -> CacheStatus<'a> {
        match &self.fate {
            Fate::Stored(storable) => {
                // The freshness it has on its arrival.
                let age = self.age(self.times.response_time).as_secs();
                let lifetime = storable.terms.lifetime.duration().as_secs();
                let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);
                status.stored().ttl(lifetime.saturating_sub_unsigned(age))
            }
            Fate::Shared(_, clause) => status.detail(clause.as_str()),
        }
    }

    /// What there is to say of it to one who follows.
    pub(super) fn tell_error<'a>(&self, status: CacheStatus<'a>) -> CacheStatus<'a> {
        match &self.fate {
            Fate::Shared(_, clause) => status.detail(clause.as_str()),
            Fate::Stored(_) => status,
        }
    }

    /// Whether one who asks only now may have it too: it is an error that came
    /// within the time for which those are shared, or could be reused from the
    /// store.
    pub(super) fn may_be_joined(&self, error_ttl: Duration, now: SystemTime) -> bool {
        match &self.fate {
            Fate::Stored(storable) => storable.terms.is_reusable(self.age(now)),
            Fate::Shared(..) => self.is_error() && since(now, self.times.response_time) < error_ttl,
        }
    }

    /// Whether it tells of an error.
    pub(super) fn is_error(&self) -> bool {
        matches!(self.fate, Fate::Shared(..))
            && (self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS)
    }

    /// Says how old it is to one who comes late (RFC 9111 §5.1).
    pub(super) fn tell_age(&self, headers: &mut HeaderMap, now: SystemTime) {
        let age = self.age(now).as_secs();
        if age != 0 {
            headers.insert(header::AGE, age.into());
        }
    }

    /// Whether the client has it already, as the response that is being stored
    /// tells (RFC 9111 §4.3.2).
    pub(super) fn satisfies_condition(&self, request: &HeaderMap) -> bool {
        let received = self.times.response_time;
        let validators = Validators {
            etag: self.headers.get(header::ETAG),
            last_modified: date::field(&self.headers, &header::LAST_MODIFIED, received),
            date: date::field(&self.headers, &header::DATE, received).unwrap_or(received),
        };
        !self.is_part()
            && conditions::evaluate(request, self.status, &validators) == Evaluated::NotModified
    }
}
