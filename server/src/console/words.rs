//! Figures in words, as people read them: pure. (Templates hand over references, so what
//! they call takes values and references.)

use std::{
    borrow::Borrow,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use crate::{
    api::upstream::{Breaker, Standing},
    cache::mishaps::Answered,
    date::rfc3339,
};

/// A state in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// How good that is.
    pub tone: Tone,
    /// What is the case.
    pub what: String,
    /// Until when (RFC 3339), where that is known.
    pub until: Option<String>,
    /// Why; empty where nothing is to be said.
    pub why: String,
}

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Not as it should be.
    Bad,
}

impl Tone {
    /// The class of what is shown so.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}

/// What the governor does, and why.
pub fn governor(standing: &Standing, now: SystemTime) -> Said {
    let until = |seconds: f64| {
        // A second longer than to ask too early.
        let left = Duration::try_from_secs_f64(seconds.ceil()).unwrap_or_default();
        Some(rfc3339(now + left))
    };
    let said = |tone, what: &str, until, why: &str| Said {
        tone,
        what: what.to_owned(),
        until,
        why: why.to_owned(),
    };
    if let Some(hold) = &standing.held_by_hand {
        let why = if hold.reason.is_empty() { "no reason was given" } else { &hold.reason };
        return said(Tone::Warn, "Held by hand", until(hold.seconds), why);
    }
    if let Some(hold) = &standing.hold {
        return if standing.breaker == Breaker::Open {
            let why = "the upstream keeps failing; then one request finds out";
            said(Tone::Bad, "Broken", until(hold.seconds), why)
        } else {
            let why = "the upstream said when to come back (429, Retry-After or RateLimit)";
            said(Tone::Warn, "Holding", until(hold.seconds), why)
        };
    }
    if standing.breaker == Breaker::HalfOpen {
        let why = "the upstream kept failing, and one request finds out whether it still does";
        return said(Tone::Warn, "Probing", None, why);
    }
    if let Some(quota) = standing.quota.as_ref().filter(|quota| quota.remaining == 0) {
        let why = "the upstream says that nothing is left of its quota";
        return said(Tone::Warn, "Waiting", until(quota.resets_in_seconds), why);
    }
    if 0 < standing.queue.waiting {
        let why = format!("{} wait for their turn", requests(standing.queue.waiting));
        return said(Tone::Warn, "Asking in turn", None, &why);
    }
    said(Tone::Good, "Open", None, &budget(standing))
}

/// What may be asked now.
fn budget(standing: &Standing) -> String {
    match (standing.tokens, standing.in_force.requests_per_second) {
        (Some(tokens), Some(rate)) => {
            format!("{} may go at once, then {} a second", requests(tokens.into()), number(rate))
        }
        _ => "nothing limits how often the upstream is asked".to_owned(),
    }
}

fn requests(number: u64) -> String {
    if number == 1 { "1 request".to_owned() } else { format!("{} requests", count(number)) }
}

/// A number of things, its digits in threes.
pub fn count(number: impl Borrow<u64>) -> String {
    let digits = number.borrow().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number with as many digits as tell something.
pub fn number(value: impl Borrow<f64>) -> String {
    let value: f64 = *value.borrow();
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        1.0.. => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        0.005.. => format!("{value:.2}"),
        _ => "0".to_owned(),
    }
}

/// A size, in the units of `--cache-size`.
pub fn size(bytes: impl Borrow<u64>) -> String {
    bytesize::ByteSize::b(*bytes.borrow()).display().iec().to_string().replace(".0 ", " ")
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A length of time in seconds, in its two largest units.
pub fn span(seconds: impl Borrow<u64>) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

    let seconds: u64 = *seconds.borrow();
    let Some(largest) = UNITS.iter().position(|(unit, _)| *unit <= seconds) else {
        return "0 s".to_owned();
    };
    let (unit, name) = UNITS[largest];
    let first = format!("{} {name}", seconds / unit);
    match UNITS.get(largest + 1) {
        Some((next, name)) if 0 < seconds % unit / next => {
            format!("{first} {} {name}", seconds % unit / next)
        }
        _ => first,
    }
}

/// The freshness that is left, or for how long there has been none.
pub fn left(ttl: impl Borrow<i64>) -> String {
    let ttl: i64 = *ttl.borrow();
    if 0 < ttl {
        format!("{} left", span(ttl.unsigned_abs()))
    } else {
        format!("stale for {}", span(ttl.unsigned_abs()))
    }
}

/// What clients got in the place of an answer.
pub fn answered(answered: impl Borrow<Answered>) -> &'static str {
    match answered.borrow() {
        Answered::Stored => "what is stored",
        Answered::PassedOn => "the upstream's answer",
        Answered::Error => "an error",
    }
}

/// Where a clause can be read, if it is one of an RFC: `RFC 9111 5.2.2.1`.
pub fn clause_url(section: &str) -> Option<String> {
    let rest = section.strip_prefix("RFC ")?;
    let mut words = rest.split(' ');
    let (rfc, section) = (words.next()?, words.next()?.trim_start_matches('§'));
    let is_plain = |text: &str| text.chars().all(|one| one.is_ascii_digit() || one == '.');
    (is_plain(rfc) && is_plain(section))
        .then(|| format!("https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}"))
}

#[cfg(test)]
mod tests;
