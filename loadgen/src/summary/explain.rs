//! What the numbers mean, a sentence each: pure.

use super::{Model, Summary};
use crate::{
    program::{Ended as SearchEnd, Judgement, SearchResult},
    schedule::Rate,
    verdict::Verdict,
};

/// From this ratio on response and service times differ by more than their
/// histograms' precision,
const NOTEWORTHY: f64 = 1.1;

/// and by more than what it takes to wake a thread.
const WAKE_UP_US: f64 = 100.0;

/// Why response and service times are alike, or are not.
pub(super) fn difference(summary: &Summary) -> Option<String> {
    if summary.run.model == Model::Closed {
        return Some(
            "Closed model: each user waits for its answer before it asks again, so a slow server \
             is asked less, and the wait of those who would have come is not in these times."
                .to_owned(),
        );
    }
    let times = &summary.measures.times;
    let (response, service) = (times.get("response")?, times.get("service")?);
    let (lag, lateness) = (times.get("lag")?, times.get("lateness")?);
    let quantiles = [
        ("p50", response.p50_us, service.p50_us, lag.p50_us, lateness.p50_us),
        ("p90", response.p90_us, service.p90_us, lag.p90_us, lateness.p90_us),
        ("p99", response.p99_us, service.p99_us, lag.p99_us, lateness.p99_us),
        ("p99.9", response.p999_us, service.p999_us, lag.p999_us, lateness.p999_us),
    ];
    let known: Vec<_> = quantiles
        .into_iter()
        .filter_map(|(name, a, b, c, d)| Some((name, a?, b?, c?, d?)))
        .collect();
    // Told where the two are furthest apart.
    let apart = |response: f64, service: f64| response / (service * NOTEWORTHY + WAKE_UP_US);
    let (name, response, service, lag, lateness) = known
        .iter()
        .copied()
        .max_by(|one, other| apart(one.1, one.2).total_cmp(&apart(other.1, other.2)))?;
    if apart(response, service) <= 1.0 {
        let (highest, ..) = known.last()?;
        return Some(format!(
            "Response and service time agree up to {highest}: requests were sent when they were due."
        ));
    }
    let ms = |us: f64| {
        if us < 1e6 { format!("{:.1} ms", us / 1e3) } else { format!("{:.2} s", us / 1e6) }
    };
    let cause = if lag / 2.0 < lateness {
        "the generator itself sent requests late"
    } else {
        "requests waited for a free connection, as users would for their turn"
    };
    Some(format!(
        "At {name} a request took {} from when it was due, and {} from when it was sent: {cause}.",
        ms(response),
        ms(service)
    ))
}

/// What a search has found.
pub(super) fn search(result: &SearchResult) -> String {
    let rate = |rate: Rate| format!("{:.1}/s", rate.per_second());
    let bounds = match (result.lower, result.upper) {
        (Some(lower), Some(upper)) => {
            format!("met at {}, missed at {}", rate(lower), rate(upper))
        }
        (Some(lower), None) => format!("met at {}", rate(lower)),
        (None, Some(upper)) => format!("missed at {}", rate(upper)),
        (None, None) => "no load could be judged".to_owned(),
    };
    let ended = match result.ended {
        SearchEnd::Converged => "the highest rate that is met lies between",
        SearchEnd::LowestMissed => "begin lower",
        SearchEnd::HighestMet => "search higher",
        SearchEnd::GeneratorLimited if result.lower.is_none() => {
            "the generator was the limit of even the lowest"
        }
        SearchEnd::GeneratorLimited => "above that the generator was the limit, not the target",
        SearchEnd::Inconclusive => "the loads between could not be judged: hold them for longer",
        SearchEnd::OutOfTrials => "no closer within the trials that there may be",
        SearchEnd::Interrupted => "broken off",
    };
    let doubt = if result.inconsistent {
        " Trials contradict each other: the target does not always do the same."
    } else {
        ""
    };
    format!("search: {bounds}; {ended}.{doubt}")
}

/// What a trial of a search came to, after its verdict. One that the generator
/// could not make has said so already.
pub(super) fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Met => ", met",
        Judgement::Missed => ", missed",
        Judgement::Invalid => "",
        Judgement::Unknown => ", not to be told",
    }
}

/// What the run is worth.
pub(super) fn verdict(summary: &Summary) -> String {
    let worst = summary.steps.iter().max_by_key(|step| step.health.verdict);
    let reasons = worst.map(|step| step.health.reasons.join("; ")).unwrap_or_default();
    let own = |step: &super::Step| step.measures.times.get("lateness").and_then(|t| t.p99_us);
    let lateness = summary.steps.iter().filter_map(own).fold(0.0, f64::max);
    match summary.verdict {
        Verdict::Valid if 0.0 < lateness => format!(
            "generator: valid; it was late by {:.3} ms at p99, and had processor time to spare",
            lateness / 1000.0
        ),
        Verdict::Valid => "generator: valid".to_owned(),
        Verdict::Suspect => format!("generator: suspect: {reasons}"),
        Verdict::GeneratorLimited => format!("generator: the limit was here: {reasons}"),
    }
}
