//! The head of a new response, as those get it who wait for it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::combinators::BoxBody;
use poem::Response;

use crate::cache::{
    conditions::{self, Evaluated, Validators},
    date,
    freshness::{corrected_initial_age, since},
    policy::storing::{Storable, Times},
};

/// The head of a new response that is for all.
#[derive(Debug)]
pub(in crate::cache) struct SharedHead {
    pub(super) status: StatusCode,
    /// The fields for everyone.
    pub(super) headers: HeaderMap,
    /// The fields for the one whose request brought it (RFC 9111 §5.2.2.7).
    pub(super) withheld: HeaderMap,
    pub(super) storable: Storable,
    pub(super) times: Times,
}

impl SharedHead {
    /// Splits a response that is for all from what of it is for one.
    pub(super) fn split(
        answer: Response,
        storable: Storable,
        times: Times,
    ) -> (SharedHead, BoxBody<Bytes, std::io::Error>) {
        let (parts, body) = answer.into_parts();
        let mut headers = parts.headers;
        let mut withheld = HeaderMap::new();
        for name in &storable.withheld {
            for value in headers.get_all(name) {
                withheld.append(name.clone(), value.clone());
            }
            headers.remove(name);
        }
        let head = SharedHead { status: parts.status, headers, withheld, storable, times };
        (head, body.into())
    }

    fn age(&self, now: SystemTime) -> Duration {
        let Times { request_time, response_time } = self.times;
        corrected_initial_age(&self.headers, request_time, response_time)
            .saturating_add(since(now, response_time))
    }

    /// The freshness it has on its arrival, in seconds.
    pub(super) fn ttl(&self) -> i64 {
        let age = self.age(self.times.response_time).as_secs();
        let lifetime = self.storable.terms.lifetime.duration().as_secs();
        i64::try_from(lifetime).unwrap_or(i64::MAX).saturating_sub_unsigned(age)
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
        self.storable.part.is_none()
            && conditions::evaluate(request, self.status, &validators) == Evaluated::NotModified
    }
}
