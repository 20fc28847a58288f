//! What would happen to a request now, and which clause says so: the decision
//! as data, without performing it.

use poem_openapi::{Enum, Object};
use serde::Serialize;

use super::{
    Cache,
    clause::Clause,
    key::CacheKey,
    policy::{Asks, Decision, Forward, Refresh, Sharing, decide},
    store::Lookup,
    stored::Prepared,
};
use crate::exchange::RequestHead;

/// What would happen to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Explanation {
    /// The cache key, which is the target that would be asked of the upstream.
    pub key: String,
    /// The rule of its path.
    pub rule: String,
    /// What would be done.
    pub decision: Verdict,
    /// Why it would go forward (RFC 9211 §2.2).
    pub fwd: Option<String>,
    /// What decided, in a word or two.
    pub because: String,
    /// Where that is written, such as `RFC 9111 4.2`.
    pub section: String,
    /// How many responses are stored under the key.
    pub variants: u64,
    /// The one that the request selects.
    pub stored: Option<Stored>,
}

/// What would be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Enum)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The stored response would answer.
    Reuse,
    /// It would answer, and be validated behind the answer.
    ReuseAndRefresh,
    /// The upstream would be asked once for all who ask for this.
    ForwardForAll,
    /// The upstream would be asked for this client alone.
    ForwardAlone,
    /// 504: `only-if-cached`.
    Unsatisfiable,
}

/// What is stored, as far as decisions depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
pub struct Stored {
    /// The status.
    pub status: u16,
    /// The current age in seconds (RFC 9111 §4.2.3).
    pub age: u64,
    /// The freshness lifetime in seconds (RFC 9111 §4.2.1).
    pub freshness_lifetime: u64,
    /// Where the freshness lifetime comes from.
    pub lifetime_from: String,
    /// The freshness that is left in seconds, negative where it is stale.
    pub ttl: i64,
    /// What forbids every stale use, if anything does.
    pub never_stale: Option<String>,
    /// Whether the upstream could be asked whether it is still good.
    pub has_validator: bool,
    /// The bytes of its body.
    pub bytes: u64,
}

impl Cache {
    /// What would happen to a request now.
    pub fn explain(&self, mut request: RequestHead) -> Explanation {
        let now = self.clock.now();
        let in_force = self.in_force();
        let rules = &in_force.rules;
        request.target = rules.canonical(request.target);
        let key = CacheKey::of(&request.target);
        let asks = Asks::of(&request.headers);
        let lookup = self.store.lookup(&key, &request.headers);
        let stored = match &lookup {
            Lookup::Found(stored) => Some(Stored::of(stored, now)),
            _ => None,
        };
        let (decision, fwd, clause) = match decide(&request, asks, lookup, rules, now) {
            Decision::Reuse(_, clause, Refresh::None | Refresh::Ahead) => {
                (Verdict::Reuse, None, clause)
            }
            Decision::Reuse(_, clause, Refresh::Behind) => (Verdict::ReuseAndRefresh, None, clause),
            Decision::Forward(Forward { fwd, clause, sharing, .. }) => {
                let verdict = match sharing {
                    Sharing::Collapse if !self.is_uncacheable(&key, &request, now) => {
                        Verdict::ForwardForAll
                    }
                    _ => Verdict::ForwardAlone,
                };
                (verdict, Some(fwd.as_str()), clause)
            }
            Decision::Unsatisfiable => (Verdict::Unsatisfiable, None, Clause::OnlyIfCached),
        };
        Explanation {
            rule: rules.of(request.target.path()).name.to_string(),
            decision,
            fwd: fwd.map(str::to_owned),
            because: clause.word().to_owned(),
            section: clause.section().to_owned(),
            variants: self.store.variants(&key).len() as u64,
            key: key.as_str().to_owned(),
            stored,
        }
    }
}

impl Stored {
    fn of(stored: &Prepared, now: std::time::SystemTime) -> Stored {
        Stored {
            status: stored.response.status.as_u16(),
            age: stored.current_age(now).as_secs(),
            freshness_lifetime: stored.terms.lifetime.duration().as_secs(),
            lifetime_from: stored.terms.lifetime.origin().to_owned(),
            ttl: stored.ttl(now),
            never_stale: stored.terms.never_stale.map(|clause| clause.as_str().to_owned()),
            has_validator: stored.has_validator(),
            bytes: stored.response.body.len() as u64,
        }
    }
}
