//! More than the relay can do, and what comes after.

use loadgen::number;

use super::{
    objective::USUAL,
    reading::{argument, decimal},
};
use crate::capacity::loaded::{IntervalRow, LoadedTrial};

/// A second, or another interval, of a load that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    /// When it began, in seconds since the run did.
    pub at: f64,
    /// Requests that were sent or given up, per second.
    pub offered: f64,
    /// Answers that were no errors, per second.
    pub good: f64,
    /// The 99th percentile of the response time in seconds, of enough requests.
    pub p99: Option<f64>,
    /// Requests under way.
    pub in_flight: f64,
    /// Errors, per second.
    pub errors: f64,
    /// Requests that could not be sent in time, per second.
    pub given_up: f64,
}

/// A stretch of the load with one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Requests per second that were asked for.
    pub rate: f64,
    /// When it began, in seconds since the run did.
    pub from: f64,
    /// When it ended.
    pub until: f64,
    /// Good answers per second.
    pub good: f64,
    /// Errors of all that ended in it.
    pub error_share: f64,
    /// Of all that were due in it, how many could not be sent in time, as no
    /// connection was free.
    pub given_up: f64,
    /// The worst 99th percentile of its intervals, in seconds.
    pub worst_p99: Option<f64>,
}

/// Overload and recovery.
#[derive(Debug, Clone, PartialEq)]
pub struct Overload {
    /// The share of a processor that the relay had, if it was held to one.
    pub share: Option<f64>,
    /// Its seconds.
    pub seconds: Vec<Second>,
    /// Its stages, if it is known when they were.
    pub stages: Vec<Stage>,
    /// How long into the last stage the objective was met for good, in seconds.
    pub recovered_after: Option<f64>,
}

impl Overload {
    /// None if nothing was recorded.
    pub(super) fn of(trial: &LoadedTrial) -> Option<Self> {
        let seconds: Vec<Second> =
            trial.intervals.iter().filter(|row| 0.0 < row.length_s).map(second).collect();
        let text = argument(&trial.trial.load_arguments, "--stages").unwrap_or_default();
        let stages: Vec<Stage> =
            planned(text).into_iter().map(|plan| stage(plan, &seconds, &trial.intervals)).collect();
        let recovered_after = stages.last().and_then(|last| recovery(&seconds, last.from));
        (!seconds.is_empty()).then_some(Self {
            share: decimal(trial, "share"),
            seconds,
            stages,
            recovered_after,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "requests of a second")]
fn second(row: &IntervalRow) -> Second {
    let per_second = |count: u64| count as f64 / row.length_s;
    Second {
        at: row.start_s,
        offered: per_second(row.sent + row.dropped),
        good: per_second(row.completed.saturating_sub(row.errors)),
        p99: row.response_p99_ms.map(|ms| ms / 1000.0),
        in_flight: row.in_flight,
        errors: per_second(row.errors),
        given_up: per_second(row.dropped),
    }
}

/// Rates with their starts and ends, of `1k:0s,1k:5s,3k:0s,3k:10s`: what takes no
/// time is a jump. Nothing of what is no such list.
fn planned(text: &str) -> Vec<(f64, f64, f64)> {
    let mut from = 0.0;
    let parsed = text.split(',').map(|stage| {
        let (rate, length) = stage.split_once(':')?;
        let rate = number::rate(rate).ok()?.per_second();
        let until = from + number::duration(length).ok()?.as_secs_f64();
        let start = std::mem::replace(&mut from, until);
        Some((rate, start, until))
    });
    let all: Vec<(f64, f64, f64)> = parsed.collect::<Option<_>>().unwrap_or_default();
    all.into_iter().filter(|(_, from, until)| from < until).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn stage((rate, from, until): (f64, f64, f64), seconds: &[Second], rows: &[IntervalRow]) -> Stage {
    let within = |at: f64| (from - 0.002..until - 0.002).contains(&at);
    let own = || rows.iter().filter(|row| within(row.start_s));
    let count = |of: fn(&IntervalRow) -> u64| own().map(of).sum::<u64>() as f64;
    let length: f64 = own().map(|row| row.length_s).sum();
    let ended = count(|row| row.completed.max(row.errors));
    Stage {
        rate,
        from,
        until,
        good: if 0.0 < length {
            (count(|row| row.completed.saturating_sub(row.errors))) / length
        } else {
            0.0
        },
        error_share: count(|row| row.errors) / ended.max(1.0),
        given_up: count(|row| row.dropped) / count(|row| row.sent + row.dropped).max(1.0),
        worst_p99: seconds
            .iter()
            .filter(|second| within(second.at))
            .filter_map(|s| s.p99)
            .reduce(f64::max),
    }
}

/// How long after `from` the last interval that missed the objective ended.
/// None if the last of all missed it, or none is after it.
fn recovery(seconds: &[Second], from: f64) -> Option<f64> {
    let after: Vec<&Second> = seconds.iter().filter(|second| from - 0.002 <= second.at).collect();
    let misses = |second: &&&Second| {
        second.p99.is_some_and(|p99| USUAL.limit.as_secs_f64() < p99)
            || 0.0 < second.errors + second.given_up
    };
    let last = after.iter().rposition(|second| misses(&second));
    match last {
        None => after.first().map(|_| 0.0),
        Some(last) => after.get(last + 1).map(|next| next.at - from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_from_the_flag() {
        assert_eq!(planned("1k:5s,3000:10s"), [(1000.0, 0.0, 5.0), (3000.0, 5.0, 15.0)]);
        assert_eq!(planned("1k:0s,1k:5s,3k:0s,3k:1s"), [(1000.0, 0.0, 5.0), (3000.0, 5.0, 6.0)]);
        for hostile in ["", "1k", "1k:5s,x", "NaN:1s"] {
            assert_eq!(planned(hostile), [], "{hostile}");
        }
    }

    #[test]
    fn recovery_is_when_the_objective_is_met_for_good() {
        let second = |at, p99| Second {
            at,
            offered: 1.0,
            good: 1.0,
            p99: Some(p99),
            in_flight: 1.0,
            errors: 0.0,
            given_up: 0.0,
        };
        let late = [
            second(0.0, 1.0),
            second(10.0, 0.5),
            second(11.0, 0.001),
            second(12.0, 0.3),
            second(13.0, 0.001),
        ];
        assert_eq!(recovery(&late, 10.0), Some(3.0));
        assert_eq!(recovery(&late[..3], 10.0), Some(1.0));
        assert_eq!(recovery(&late[..2], 10.0), None);
        assert_eq!(recovery(&late[2..3], 10.0), Some(0.0));
        assert_eq!(recovery(&late, 99.0), None);
        let given_up = Second { given_up: 1.0, ..late[2] };
        assert_eq!(recovery(&[given_up, late[4]], 10.0), Some(3.0));
    }
}
