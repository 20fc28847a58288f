//! What the governor makes of how an exchange went.

use std::time::Duration;

use http::StatusCode;

use super::{
    Came, Governor, Grant,
    advice::{Advice, Quota},
    breaker::Went,
    gate::{Gate, Probe, Role},
    ledger::Spent,
};

/// What the upstream says is believed for so long at most.
pub(super) const LONGEST_HOLD: Duration = Duration::from_hours(1);
/// How long the upstream is left alone that says that there were too many
/// requests and not when to come back; doubled each time.
const FIRST_HOLD: Duration = Duration::from_secs(1);
/// The most that comes of doubling.
const LONGEST_OWN_HOLD: Duration = Duration::from_mins(1);
/// Answers whose resets are so close tell of the same window.
const SAME_WINDOW: Duration = Duration::from_secs(1);

impl Governor {
    /// How an exchange went.
    pub fn came(&mut self, grant: &mut Grant, came: Came<'_>, now: Duration) {
        let role = self.role(grant);
        let spent = match came {
            Came::Answer(status, advice) => {
                self.learn(advice, now);
                match status {
                    // Too many requests (RFC 6585 §4).
                    StatusCode::TOO_MANY_REQUESTS => {
                        self.pace.refused(grant.sent_at, now);
                        let told = advice.retry_after.or(self.exhausted(now));
                        self.hold(told.unwrap_or_else(|| self.own_hold()), role, now);
                        Spent::Limited
                    }
                    // Unavailable until then (RFC 9110 §15.6.4).
                    StatusCode::SERVICE_UNAVAILABLE if let Some(told) = advice.retry_after => {
                        self.hold(told, role, now);
                        Spent::Limited
                    }
                    // A 500 says something of a resource, not of the upstream.
                    StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT => Spent::Failed,
                    _ => Spent::Answered,
                }
            }
            Came::Failure => Spent::Failed,
        };
        match spent {
            Spent::Answered => {
                // What was sent before says nothing of how things are since.
                if self.shut_at <= grant.sent_at {
                    self.limited = 0;
                }
                self.pace.answered(now);
                if role == Role::Probe {
                    self.breaker.close();
                    self.gate = Gate::Open;
                } else {
                    self.breaker.note(Went::Well, now);
                }
            }
            Spent::Failed => self.failed(role, now),
            Spent::Limited | Spent::Abandoned => {}
        }
        grant.spent = Some(spent);
        self.settle(now);
    }

    fn learn(&mut self, advice: &Advice, now: Duration) {
        self.pace.told(advice.policy, advice.limit, now);
        if let Some(most) = advice.concurrency {
            self.told_concurrency = Some(most.max(1));
        }
        let Some(told) = advice.quota.filter(|quota| !quota.reset.is_zero()) else { return };
        // The upstream may not have counted those that are under way yet.
        let others = self.total().saturating_sub(1);
        let mut quota = Quota {
            remaining: told.remaining.saturating_sub(others),
            reset: now + told.reset.min(LONGEST_HOLD),
        };
        if told.remaining == 0 {
            self.budget.learned(quota.reset);
        }
        // Answers may come in another order than they were given.
        if let Some(known) = self.quota
            && now < known.reset
            && known.reset.abs_diff(quota.reset) <= SAME_WINDOW
        {
            quota.remaining = quota.remaining.min(known.remaining);
        }
        self.quota = Some(quota);
    }

    /// How long there is nothing left.
    fn exhausted(&self, now: Duration) -> Option<Duration> {
        let quota = self.quota.filter(|quota| quota.remaining == 0)?;
        quota.reset.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// How long to leave an upstream alone that does not say it.
    fn own_hold(&self) -> Duration {
        (FIRST_HOLD * 2_u32.pow(self.limited.min(8))).min(LONGEST_OWN_HOLD)
    }

    fn hold(&mut self, told: Duration, role: Role, now: Duration) {
        self.limited = self.limited.saturating_add(1);
        // Those that were under way say the same thing again.
        if !matches!(self.gate, Gate::Held { probe: Probe::None, .. }) {
            self.ledger.held += 1;
        }
        let told = told.clamp(FIRST_HOLD, LONGEST_HOLD);
        // Not all who were told the same come back at the same moment.
        let until = now + told + self.random.up_to((told / 10).min(Duration::from_secs(5)));
        self.gate.hold(until, role);
        self.budget.learned(until);
        self.shut_at = now;
        // Nothing has been saved up when it is over.
        self.bucket.empty(now);
    }

    fn failed(&mut self, role: Role, now: Duration) {
        let opens = self.breaker.note(Went::Badly, now);
        match self.gate {
            // The time that the upstream asked for is over, and it fails for another reason.
            Gate::Held { .. } if role == Role::Probe && !opens => self.gate = Gate::Open,
            Gate::Held { .. } | Gate::Broken { .. } if role == Role::Ordinary => {}
            Gate::Open if !opens => {}
            _ => {
                self.ledger.held += 1;
                let pause = self.breaker.pause();
                self.gate = Gate::Broken { until: now + pause };
                self.shut_at = now;
            }
        }
    }
}
