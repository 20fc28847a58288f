//! Numbers out of a trial's files. What is not there is none, never zero.

use std::collections::BTreeMap;

use loadgen::{
    output::hlog::Scope,
    record::{Clock, Tag, Times},
    summary::Step,
};

use crate::capacity::{
    analysis::mean_of,
    loaded::LoadedTrial,
    raw::{Counters, Sample},
};

/// The level of a factor.
pub(super) fn factor<'a>(trial: &'a LoadedTrial, name: &str) -> Option<&'a str> {
    trial.trial.factors.get(name).map(String::as_str)
}

/// The level of a factor that is a number with a point.
pub(super) fn decimal(trial: &LoadedTrial, name: &str) -> Option<f64> {
    let level: f64 = factor(trial, name)?.parse().ok()?;
    (0.0 < level && level.is_finite()).then_some(level)
}

/// The level of a factor that is a whole number.
pub(super) fn number(trial: &LoadedTrial, name: &str) -> Option<u32> {
    factor(trial, name)?.parse().ok()
}

/// The value of a flag among arguments.
pub(super) fn argument<'a>(arguments: &'a [String], flag: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == flag)?;
    arguments.get(at + 1).map(String::as_str)
}

/// The step that holds a rate.
pub(super) fn step_at(trial: &LoadedTrial, rate: f64) -> Option<&Step> {
    trial.summary.steps.iter().find(|step| step.rate == Some(rate))
}

/// From when to when a step was judged, in seconds since the Unix epoch.
pub(super) fn held(trial: &LoadedTrial, step: &Step) -> (f64, f64) {
    let from = trial.summary.run.started_unix + step.start_seconds + step.settle_seconds;
    (from, from + step.hold_seconds)
}

/// From when to when any step was judged, in seconds since the Unix epoch.
pub(super) fn lasted(trial: &LoadedTrial) -> (f64, f64) {
    let start = trial.summary.run.started_unix;
    let steps = &trial.summary.steps;
    let from = steps.first().map_or(start, |step| held(trial, step).0);
    let until = steps.last().map_or(start, |step| held(trial, step).1);
    (from, until)
}

/// All times of a step by one clock.
pub(super) fn times(trial: &LoadedTrial, step: u32, clock: Clock) -> Option<&Times> {
    let is_it = |scope, tag| scope == Scope::Step(step) && tag == Tag::all(clock);
    trial.log.lines.iter().find(|line| is_it(line.scope, line.tag)).map(|line| &line.times)
}

/// The times of each interval while a step held, with its start in seconds
/// since the run's.
pub(super) fn intervals<'a>(
    trial: &'a LoadedTrial,
    step: &Step,
    clock: Clock,
) -> impl Iterator<Item = (f64, &'a Times)> + use<'a> {
    let from = step.start_seconds + step.settle_seconds;
    let until = from + step.hold_seconds + step.drain_seconds;
    trial.log.lines.iter().filter_map(move |line| {
        let start = line.start.as_secs_f64();
        // A log has its times to the millisecond.
        let within = (from - 0.002..until).contains(&start);
        let is_it = line.scope == Scope::Interval && line.tag == Tag::all(clock);
        (is_it && within).then_some((start, &line.times))
    })
}

/// Answers per second, over the steps of a trial.
pub(super) fn throughput(trial: &LoadedTrial) -> Option<f64> {
    let rates: Vec<f64> = trial.summary.steps.iter().map(|step| step.throughput).collect();
    let rate = mean_of(&rates);
    (0.0 < rate && rate.is_finite()).then_some(rate)
}

/// By how much the counters of this name grew in all relays, whatever their
/// labels, as far as `counts` says of each whether it counts.
pub(super) fn grown(
    counters: &BTreeMap<String, Counters>,
    name: &str,
    counts: impl Fn(&str) -> bool,
) -> Option<f64> {
    let sum = |of: &BTreeMap<String, f64>| {
        let labelled = |sample: &&String| {
            let (own, labels) = sample.split_once('{').unwrap_or((sample.as_str(), ""));
            own == name && counts(labels)
        };
        let found: Vec<f64> =
            of.iter().filter(|(sample, _)| labelled(sample)).map(|(_, value)| *value).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>())
    };
    let of_relay =
        |counters: &Counters| Some(sum(&counters.after)? - sum(&counters.before).unwrap_or(0.0));
    let grown: Vec<f64> = counters.values().filter_map(of_relay).collect();
    (!grown.is_empty()).then(|| grown.iter().sum())
}

/// Requests that the relays sent upstream, by their own count.
pub(super) fn upstream(trial: &LoadedTrial) -> Option<f64> {
    grown(&trial.trial.counters, "lunch_relay_upstream_requests_total", |_| true)
}

/// How fast something that only grows grew between two moments, per second. None
/// if samples do not cover enough of the time, or are no numbers.
pub(super) fn growth(
    samples: &[Sample],
    (from, until): (f64, f64),
    value: impl Fn(&Sample) -> Option<f64>,
) -> Option<f64> {
    /// A shorter stretch has too few ticks of the kernel's clock in it.
    const LEAST_SECONDS: f64 = 0.2;
    let point = |sample: &Sample| Some((sample.at_unix, value(sample)?));
    let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let series: Vec<(f64, f64)> = samples.iter().filter_map(point).filter(finite).collect();
    let (first, last) = (series.first()?, series.last()?);
    let (from, until) = (from.max(first.0), until.min(last.0));
    if until - from < LEAST_SECONDS {
        return None;
    }
    Some((at(&series, until)? - at(&series, from)?) / (until - from))
}

/// The value at a moment, on the straight line between its neighbours.
fn at(series: &[(f64, f64)], when: f64) -> Option<f64> {
    let after = series.partition_point(|(moment, _)| *moment < when);
    let next = series.get(after.min(series.len().checked_sub(1)?))?;
    let before = series.get(after.saturating_sub(1))?;
    let length = next.0 - before.0;
    let share = if 0.0 < length { (when - before.0) / length } else { 0.0 };
    Some(before.1 + (next.1 - before.1) * share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::raw::MachineSample;

    fn sample(at_unix: f64, overflows: u64) -> Sample {
        Sample {
            at_unix,
            processes: BTreeMap::new(),
            machine: MachineSample {
                listen_overflows: Some(overflows),
                ..MachineSample::default()
            },
        }
    }

    #[test]
    fn growth_is_that_of_the_time_asked_for() {
        let samples = [sample(10.0, 0), sample(11.0, 100), sample(12.0, 400), sample(13.0, 400)];
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let of = |from, until| {
            growth(&samples, (from, until), |sample| {
                sample.machine.listen_overflows.map(|n| n as f64)
            })
        };
        assert_eq!(of(10.0, 11.0), Some(100.0));
        assert_eq!(of(10.5, 11.5), Some(200.0));
        // What lies beyond the samples is not known.
        assert_eq!(of(5.0, 11.0), Some(100.0));
        assert_eq!(of(12.0, 99.0), Some(0.0));
        assert_eq!(of(20.0, 21.0), None);
        assert_eq!(of(11.0, 11.1), None);
        assert_eq!(growth(&[], (0.0, 1.0), |_| Some(1.0)), None);
        assert_eq!(growth(&samples, (10.0, 12.0), |_| Some(f64::NAN)), None);
    }

    #[test]
    fn counters_of_a_name_are_added_over_labels_and_relays() {
        let map =
            |values: [(&str, f64); 3]| values.map(|(name, value)| (name.to_owned(), value)).into();
        let counters = Counters {
            before: map([("a{x=\"1\"}", 1.0), ("a{x=\"2\"}", 2.0), ("ab", 9.0)]),
            after: map([("a{x=\"1\"}", 5.0), ("a{x=\"2\"}", 2.0), ("ab", 90.0)]),
        };
        let relays = [("relay-1".to_owned(), counters.clone()), ("relay-2".to_owned(), counters)];
        assert_eq!(grown(&relays.clone().into(), "a", |_| true), Some(8.0));
        assert_eq!(grown(&relays.clone().into(), "a", |labels| labels.contains('2')), Some(0.0));
        assert_eq!(grown(&relays.into(), "c", |_| true), None);
    }

    #[test]
    fn values_of_flags() {
        let arguments = ["--workers", "2", "--log"].map(str::to_owned);
        assert_eq!(argument(&arguments, "--workers"), Some("2"));
        assert_eq!(argument(&arguments, "--log"), None);
        assert_eq!(argument(&arguments, "--other"), None);
    }
}
