//! What the upstream may be asked for, was asked for, and was spared.

mod hold;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use poem_openapi::{
    Enum, Object, OpenApi, Tags,
    payload::{Form, Json},
};

pub(crate) use self::hold::HoldAsked;
use self::hold::HoldRequest;
use crate::{
    cache::saved::{self, By},
    date::rfc3339,
    exchange::{Bound, Purpose},
    problem::Problem,
    telemetry::ledger::{Books, account::Account},
    upstream::{
        governor::{
            Limits,
            ledger::{self, Circuit, Ledger},
            queue,
        },
        held::ByHand,
    },
};

/// The ledger, for the operator.
#[derive(Clone, Debug)]
pub struct UpstreamApi {
    /// Where its figures come from.
    pub books: Arc<Books>,
    /// The hold that is put on it by hand.
    pub by_hand: ByHand,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// The way to the upstream
    Upstream,
}

/// How things stand with the upstream.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Standing {
    /// Its address.
    pub upstream: String,
    /// Since when is counted: the relay's start.
    pub since: String,
    /// How long that is.
    pub uptime_seconds: u64,
    /// What the flags say.
    pub configured: Bounds,
    /// Whose budget it is.
    pub budget: Budget,
    /// What counts now: the flags, and what the upstream says or has refused.
    pub in_force: Bounds,
    /// Requests that may go at once now, of those that relays share as far as
    /// this one knows; null: nothing limits the rate.
    pub tokens: Option<u32>,
    /// What the upstream says is left (`RateLimit`); null: it says nothing.
    pub quota: Option<Quota>,
    /// Why nothing is asked now; null: something may be.
    pub hold: Option<Hold>,
    /// What the operator has put on it; null: nothing. It stands beside `hold`, and neither ends
    /// the other.
    pub held_by_hand: Option<HeldByHand>,
    /// What the circuit breaker does.
    pub breaker: Breaker,
    /// Who waits.
    pub queue: Queue,
    /// Requests under way.
    pub under_way: UnderWay,
    /// How long an exchange takes, smoothed; null before the first.
    pub typical_exchange_seconds: Option<f64>,
    /// Requests put to the upstream that have ended.
    pub spent: Spent,
    /// Requests that were not put to it, by the bound that was reached.
    pub refused: Refused,
    /// Times that it was left alone: it asked for that, or kept failing.
    pub holds: u64,
    /// Requests that waited for their turn, or for their part of a budget that
    /// relays share.
    pub waited: u64,
    /// What it was spared.
    pub saved: Saved,
    /// The same by rule: what the flags say, then the rules in their order.
    pub rules: Vec<OfRule>,
}

/// How often the upstream is asked at most; null: nothing limits that.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Bounds {
    /// The rate.
    pub requests_per_second: Option<f64>,
    /// Requests at once, where there were few before.
    pub burst: Option<u32>,
    /// Requests under way at a time.
    pub concurrency: Option<u32>,
}

/// Whose budget requests are taken from.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Budget {
    /// `own`: this relay's, always; `shared`: that of all relays together
    /// (`--shared`); `apart`: this relay's, until it can be shared again.
    pub source: String,
    /// How much of the whole is this relay's own (`--upstream-share`).
    pub share: String,
}

/// What the upstream says is left.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Quota {
    /// Requests.
    pub remaining: u32,
    /// How long until there are more.
    pub resets_in_seconds: f64,
}

/// Why nothing is asked.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Hold {
    /// How long it lasts.
    pub seconds: f64,
    /// `hold`: the upstream asked for it (429, Retry-After); `breaker`: it keeps failing.
    pub bound: String,
}

/// A hold that the operator has put on the upstream.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct HeldByHand {
    /// How long it still lasts.
    pub seconds: f64,
    /// Why, in the operator's words.
    pub reason: String,
}

/// What the circuit breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum Breaker {
    /// Requests go.
    Closed,
    /// The upstream keeps failing: nothing goes until the next probe is due.
    Open,
    /// The next request is a probe.
    HalfOpen,
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Queue {
    /// Requests that wait.
    pub waiting: u64,
    /// The most that may.
    pub places: u64,
}

/// Requests under way, until their answers' bodies have ended.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct UnderWay {
    /// For clients, the answer perhaps to be stored.
    pub client: u32,
    /// For one client, at its pace.
    pub pass_through: u32,
    /// For what is stored.
    pub refresh: u32,
}

/// Requests put to the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Spent {
    /// All of them.
    pub requests: u64,
    /// Bytes of bodies that came from it.
    pub body_bytes: u64,
    /// For clients, the answer perhaps to be stored.
    pub client: Outcomes,
    /// For one client, at its pace.
    pub pass_through: Outcomes,
    /// For what is stored.
    pub refresh: Outcomes,
}

/// How requests came out.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Outcomes {
    /// The upstream answered.
    pub answered: u64,
    /// It said that there were too many requests, or when to come back.
    pub limited: u64,
    /// It could not be reached, did not answer, or said that it is down.
    pub failed: u64,
    /// Nobody waited for the answer any more, or the client broke off.
    pub abandoned: u64,
}

/// Requests that were not put to the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Refused {
    /// All of them.
    pub requests: u64,
    /// `--upstream-rate`.
    pub rate: u64,
    /// `--upstream-concurrency`.
    pub concurrency: u64,
    /// Half of it, for what goes at its client's pace.
    pub pass_through: u64,
    /// The places in the queue.
    pub queue: u64,
    /// What the upstream says is left.
    pub quota: u64,
    /// The time until which it asked to be left alone.
    pub hold: u64,
    /// The circuit breaker.
    pub breaker: u64,
    /// The operator's hold.
    pub by_hand: u64,
}

/// What the upstream was spared.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Saved {
    /// Client requests answered without one to it: hits, stale and collapsed.
    pub requests: u64,
    /// Answered by a fresh response.
    pub hits: u64,
    /// Answered by a stale one: while it was validated, or in the place of an
    /// error, whose request is among the spent if it was put.
    pub stale: u64,
    /// Answered by the answer to another client's request.
    pub collapsed: u64,
    /// Requests among the spent whose answer was a 304: the body was spared.
    pub validated: u64,
    /// Bytes of bodies that it did not send.
    pub body_bytes: u64,
}

/// What a rule saved.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct OfRule {
    /// How messages call it.
    pub rule: String,
    /// What it saved.
    #[oai(flatten)]
    pub saved: Saved,
}

#[OpenApi(tag = "Topic::Upstream")]
#[expect(clippy::unused_async, reason = "the macro asks for async functions")]
impl UpstreamApi {
    /// How do things stand with the upstream?
    ///
    /// What it may be asked for now, what it was asked for, and what it was spared.
    #[oai(path = "/v1/upstream", method = "get", operation_id = "upstream")]
    async fn upstream(&self) -> Json<Standing> {
        Json(self.standing())
    }

    /// Leave the upstream alone for a time
    ///
    /// Nothing is put to it meanwhile, refreshes included: what is stored answers, stale where it
    /// may be, and all else is told when to come back. A hold before this one ends.
    #[oai(path = "/v1/upstream/hold", method = "post", operation_id = "upstream_hold")]
    async fn hold(&self, asked: HoldRequest) -> poem::Result<Json<Standing>> {
        let (HoldRequest::Json(Json(asked)) | HoldRequest::Form(Form(asked))) = asked;
        self.put_hold(asked)?;
        Ok(Json(self.standing()))
    }

    /// End a hold that was put on the upstream by hand
    ///
    /// What the upstream has asked for itself goes on.
    #[oai(path = "/v1/upstream/release", method = "post", operation_id = "upstream_release")]
    async fn release(&self) -> Json<Standing> {
        self.end_hold();
        Json(self.standing())
    }
}

impl UpstreamApi {
    /// Leaves the upstream alone for a time.
    pub(crate) fn put_hold(&self, asked: HoldAsked) -> Result<(), Problem> {
        let (time, reason) = asked.read()?;
        self.by_hand.hold(time, &reason);
        tracing::warn!(seconds = time.as_secs(), reason, "the operator holds the upstream");
        Ok(())
    }

    /// Ends a hold by hand, if there is one.
    pub fn end_hold(&self) {
        if self.by_hand.release() {
            tracing::warn!("the operator has released the upstream");
        }
    }

    /// How things stand with the upstream.
    pub fn standing(&self) -> Standing {
        let (upstream, since) = (self.books.upstream(), self.books.since());
        let held = self.by_hand.held();
        let held_by_hand =
            held.map(|held| HeldByHand { seconds: seconds(held.left), reason: held.reason });
        Standing { held_by_hand, ..Standing::of(upstream, since, &self.books.account()) }
    }
}

impl Standing {
    /// What an account says.
    pub fn of(upstream: &str, since: SystemTime, account: &Account) -> Standing {
        let figures = &account.governor;
        let under_way = |purpose: Purpose| figures.under_way[purpose as usize];
        Standing {
            upstream: upstream.to_owned(),
            since: rfc3339(since),
            uptime_seconds: account.at.duration_since(since).unwrap_or_default().as_secs(),
            configured: Bounds::configured(figures.limits),
            budget: Budget {
                source: figures.source.as_str().to_owned(),
                share: figures.limits.share.to_string(),
            },
            in_force: Bounds {
                requests_per_second: figures.rate,
                burst: figures.burst,
                concurrency: figures.concurrency,
            },
            tokens: figures.tokens,
            quota: figures.quota.map(|quota| Quota {
                remaining: quota.remaining,
                resets_in_seconds: seconds(quota.reset),
            }),
            hold: figures.hold.map(|hold| Hold {
                seconds: seconds(hold.retry_after),
                bound: hold.bound.as_str().to_owned(),
            }),
            held_by_hand: None,
            breaker: match figures.circuit {
                Circuit::Closed => Breaker::Closed,
                Circuit::Open => Breaker::Open,
                Circuit::HalfOpen => Breaker::HalfOpen,
            },
            queue: Queue { waiting: figures.waiting, places: queue::PLACES as u64 },
            under_way: UnderWay {
                client: under_way(Purpose::Client),
                pass_through: under_way(Purpose::PassThrough),
                refresh: under_way(Purpose::Refresh),
            },
            typical_exchange_seconds: figures.typical.map(seconds),
            spent: Spent::of(&figures.ledger, account.received_bytes),
            refused: Refused::of(&figures.ledger),
            holds: figures.ledger.held,
            waited: figures.ledger.waited,
            saved: Saved::of(&account.saved()),
            rules: account
                .saved
                .iter()
                .map(|(rule, saved)| OfRule { rule: rule.clone(), saved: Saved::of(saved) })
                .collect(),
        }
    }
}

impl Bounds {
    fn configured(limits: Limits) -> Bounds {
        Bounds {
            requests_per_second: limits.rate,
            // Without a rate there is nothing to save up for a burst.
            burst: limits.rate.map(|_| limits.burst).filter(|burst| *burst != u32::MAX),
            concurrency: limits.concurrency,
        }
    }
}

impl Spent {
    fn of(ledger: &Ledger, body_bytes: u64) -> Spent {
        let outcomes = |purpose| {
            let spent = |how| ledger.spent(purpose, how);
            Outcomes {
                answered: spent(ledger::Spent::Answered),
                limited: spent(ledger::Spent::Limited),
                failed: spent(ledger::Spent::Failed),
                abandoned: spent(ledger::Spent::Abandoned),
            }
        };
        let all = Purpose::ALL
            .iter()
            .flat_map(|purpose| ledger::Spent::ALL.iter().map(|how| ledger.spent(*purpose, *how)));
        Spent {
            requests: all.sum(),
            body_bytes,
            client: outcomes(Purpose::Client),
            pass_through: outcomes(Purpose::PassThrough),
            refresh: outcomes(Purpose::Refresh),
        }
    }
}

impl Refused {
    fn of(ledger: &Ledger) -> Refused {
        Refused {
            requests: Bound::ALL.iter().map(|bound| ledger.refused(*bound)).sum(),
            rate: ledger.refused(Bound::Rate),
            concurrency: ledger.refused(Bound::Concurrency),
            pass_through: ledger.refused(Bound::PassThrough),
            queue: ledger.refused(Bound::Queue),
            quota: ledger.refused(Bound::Quota),
            hold: ledger.refused(Bound::Hold),
            breaker: ledger.refused(Bound::Breaker),
            by_hand: ledger.refused(Bound::ByHand),
        }
    }
}

impl Saved {
    fn of(figures: &saved::Figures) -> Saved {
        let by = |by| figures.by(by).requests;
        Saved {
            requests: figures.requests(),
            hits: by(By::Hit),
            stale: by(By::Stale),
            collapsed: by(By::Collapsed),
            validated: by(By::Validated),
            body_bytes: figures.bytes(),
        }
    }
}

/// To a thousandth.
fn seconds(time: Duration) -> f64 {
    f64::from(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)) / 1000.0
}

#[cfg(test)]
mod tests;
