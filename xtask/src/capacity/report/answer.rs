//! What there is to know if one reads no further.

use std::fmt::Write;

use loadgen::schedule::Rate;

use super::words::{confidence, counted, rate, suspect, suspect_short};
use crate::capacity::{
    analysis::{Interval, isotonic::Crossing, mean_of, whole},
    findings::{Findings, limit::Limit, objective::USUAL},
    loaded::Loaded,
    page::{Answer, Fact, Prose},
};

/// The share of what it can do to which an instance should be used.
pub(super) const UTILISATION: f64 = 0.7;

/// Estimates that are further apart than this share disagree.
const DISAGREEMENT: f64 = 0.15;

pub(super) fn answer(loaded: &Loaded, findings: &Findings) -> Answer {
    let facts = [
        Some(objective(findings)),
        saturation(findings),
        knee(findings),
        Some(limited_by(&findings.limit)),
        operating_point(findings),
    ];
    let notes = [
        opinions(findings),
        super::sizing::line(findings),
        Some(reservations(loaded, findings)),
        failed_checks(findings),
    ];
    Answer {
        claim: Prose::marked(&claim(findings)),
        facts: facts.into_iter().flatten().collect(),
        notes: notes.into_iter().flatten().map(|note| Prose::marked(&note)).collect(),
    }
}

fn fact(name: impl Into<String>, value: impl Into<String>, detail: impl Into<String>) -> Fact {
    Fact { name: name.into(), value: value.into(), detail: detail.into() }
}

fn claim(findings: &Findings) -> String {
    let capacity = match findings.capacity() {
        Ok(capacity) => capacity,
        Err(why) => {
            return format!(
                "What one instance on *this machine* serves with {USUAL} cannot be said: {why}."
            );
        }
    };
    let (rate, Interval { low, high }) = (rate(capacity.crossing.rate()), capacity.interval);
    let interval = format!("95 % CI {} to {}", super::words::rate(low), super::words::rate(high));
    match capacity.crossing {
        Crossing::At(_) => format!(
            "One instance on *this machine* serves **{rate} requests per second** with {USUAL} and errors below 0.1 % ({interval})."
        ),
        Crossing::Above(_) => format!(
            "One instance on *this machine* serves **at least {rate} requests per second** with {USUAL} and errors \
             below 0.1 %: {}.",
            if findings.generator_limited().next().is_some() {
                "faster than that the generator, on the same machine, could not ask on time"
            } else {
                "faster was not tried"
            }
        ),
        Crossing::Below(_) => format!(
            "One instance on *this machine* does not meet {USUAL} even at {rate} requests per second, the lowest rate that was tried."
        ),
    }
}

fn objective(findings: &Findings) -> Fact {
    let name = format!("meets {USUAL}");
    match findings.capacity() {
        Ok(capacity) => {
            let Interval { low, high } = capacity.interval;
            let least = if matches!(capacity.crossing, Crossing::Above(_)) { "≥ " } else { "" };
            let value = format!("{least}{} req/s", rate(capacity.crossing.rate()));
            let detail = match capacity.crossing {
                Crossing::At(_) => format!("95 % CI {} to {}", rate(low), rate(high)),
                Crossing::Above(_) => "the highest valid rate".to_owned(),
                Crossing::Below(_) => "not even that".to_owned(),
            };
            fact(name, value, detail)
        }
        Err(_) => fact(name, "not known", "too few trials or rates that count"),
    }
}

fn saturation(findings: &Findings) -> Option<Fact> {
    let bracket = findings.saturation.bracket;
    let (value, detail) = match (bracket.passed, bracket.failed) {
        (Some(passed), Some(failed)) => (
            format!("{} to {} req/s", rate(passed), rate(failed)),
            "kept up with the one, not with the other".to_owned(),
        ),
        (Some(passed), None) => {
            (format!("≥ {} req/s", rate(passed)), "kept up with every rate that counts".to_owned())
        }
        (None, Some(failed)) => {
            (format!("< {} req/s", rate(failed)), "kept up with none".to_owned())
        }
        (None, None) => return None,
    };
    Some(fact("saturates (open model)", value, detail))
}

fn knee(findings: &Findings) -> Option<Fact> {
    let value = findings.saturation.knees.power?;
    let detail = match findings.saturation.knee_interval {
        Some(Interval { low, high }) => format!("95 % CI {} to {}", rate(low), rate(high)),
        None => "no interval: it is at an end in too many draws".to_owned(),
    };
    Some(fact("knee", format!("{} req/s", rate(value)), detail))
}

fn limited_by(limit: &Limit) -> Fact {
    match limit.by {
        Some((by, sure)) => {
            let evidence = limit.attribution.evidence.len();
            let detail = format!(
                "confidence {}; {} compared",
                confidence(sure),
                counted(evidence, "pair", "pairs")
            );
            fact("limited by", suspect_short(by), detail)
        }
        None => fact("limited by", "not identified", limit.basis),
    }
}

fn operating_point(findings: &Findings) -> Option<Fact> {
    let capacity = findings.capacity().ok()?;
    let low = capacity.interval.low.min(capacity.crossing.rate());
    Some(fact(
        "run it at up to",
        format!("{} req/s", rate(UTILISATION * low)),
        "70 % of the interval’s lower end",
    ))
}

/// What other estimates say of the same, and whether they agree.
fn opinions(findings: &Findings) -> Option<String> {
    let mut parts = Vec::new();
    let knees = findings.saturation.knees;
    let named =
        [("power", knees.power), ("a broken line", knees.broken_stick), ("Kneedle", knees.kneedle)];
    let found: Vec<String> = named
        .iter()
        .filter_map(|(name, knee)| Some(format!("{} by {name}", rate((*knee)?))))
        .collect();
    if 1 < found.len() {
        let agree = if findings.saturation.knees_agree() {
            "they agree within 15 %"
        } else {
            "**they differ by more than 15 %**, so take the knee as a region"
        };
        parts.push(format!("The knee is at {}: {agree}.", found.join(", ")));
    }
    parts.extend(closed_model(findings));
    parts.extend(search(findings));
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What a closed model reached, beside the open one.
fn closed_model(findings: &Findings) -> Option<String> {
    let best = findings.users.best()?;
    let closed = best.throughput();
    let open = findings.saturation.most;
    let beside = open.map_or_else(String::new, |open| {
        let apart = (closed - open).abs() / closed.min(open);
        let word = if apart <= DISAGREEMENT {
            "which agrees within 15 %"
        } else {
            "which **differs by more than 15 %**"
        };
        format!(" the open model reached {}, {word}.", rate(open))
    });
    let end = if beside.is_empty() { "." } else { ";" };
    Some(format!(
        "A closed model of {} reached {} requests per second{end}{beside}",
        counted(whole(best.load), "user", "users"),
        rate(closed)
    ))
}

/// What a search of its own found for the objective.
fn search(findings: &Findings) -> Option<String> {
    let search = findings.saturation.search.as_ref()?;
    let [lower, upper] = [search.lower, search.upper].map(|rate| rate.map(Rate::per_second));
    let found = match (lower, upper) {
        (Some(lower), Some(upper)) => format!("between {} and {}", rate(lower), rate(upper)),
        (Some(lower), None) => format!("at least {}", rate(lower)),
        (None, Some(upper)) => format!("less than {}", rate(upper)),
        (None, None) => return None,
    };
    let bounds: Vec<f64> = [lower, upper].into_iter().flatten().collect();
    let apart = findings.capacity().ok().map(|capacity| {
        let (one, other) = (capacity.crossing.rate(), mean_of(&bounds));
        (one - other).abs() / one.min(other)
    });
    let word = match apart {
        Some(apart) if apart <= DISAGREEMENT => ", which agrees within 15 %",
        Some(_) => ", which **differs by more than 15 %** from the ramp’s",
        None => "",
    };
    Some(format!("A search for {USUAL} found {found} requests per second{word}."))
}

/// What cannot be concluded here.
fn reservations(loaded: &Loaded, findings: &Findings) -> String {
    let layout = &loaded.raw.layout;
    let shared = layout.relay.iter().any(|processor| layout.generator.contains(processor));
    let place = if shared {
        "The generator ran on the relay’s own processors"
    } else {
        "The generator ran on the same machine"
    };
    let cores = counted(layout.relay.len(), "processor", "processors");
    let mut text = format!(
        "**What this does not tell.** {place}, over loopback; the relay had {cores}. How it scales over many processors, what \
         a network and TLS add, and what other hardware does cannot be concluded from it. The generator is on time up to {} \
         requests per second.",
        rate(loaded.raw.calibration.ceiling_rate)
    );
    let limited: Vec<String> = findings.generator_limited().map(|step| rate(step.rate)).collect();
    if let [first, ..] = &limited[..] {
        let _ = write!(
            text,
            " From {first} requests per second on the generator was the limit in {} that {} shown but not counted: what is said of the relay is *at least*.",
            counted(limited.len(), "rate", "rates"),
            if limited.len() == 1 { "is" } else { "are" },
        );
    }
    text
}

fn failed_checks(findings: &Findings) -> Option<String> {
    let failed: Vec<String> =
        findings.failures().map(|check| format!("{} ({})", check.name, check.detail)).collect();
    (!failed.is_empty()).then(|| {
        format!(
            "**This measurement contradicts itself: do not rely on it.** {}.",
            failed.join("; ")
        )
    })
}

/// What limits it, as a sentence.
pub(super) fn limit_sentence(limit: &Limit) -> String {
    match limit.by {
        Some((by, sure)) => format!(
            "What limits it is **{}**, with {} confidence, {}.",
            suspect(by),
            confidence(sure),
            limit.basis
        ),
        None => "What limits it is **not identified**: nothing that was changed moved the throughput as it should, and \
                 nothing was used up."
            .to_owned(),
    }
}
