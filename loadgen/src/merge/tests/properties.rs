use proptest::{collection::vec, prelude::*};

use super::*;
use crate::summary::Step;

fn runs() -> impl Strategy<Value = Vec<Source>> {
    let intervals = vec(vec(1..80_000_000_u64, 0..4), 1..3);
    let run = (0..3000_u64, vec(intervals, 2));
    vec(run, 1..4).prop_map(|runs| {
        let named = |(index, (after, steps)): (usize, (u64, Vec<Intervals>))| {
            source(&format!("run {index}"), after, &steps)
        };
        runs.into_iter().enumerate().map(named).collect()
    })
}

/// What is to be the same whatever the order.
#[track_caller]
fn assert_alike(one: &Merged, other: &Merged) {
    let [(a, b), ..] = [(&one.summary, &other.summary)];
    assert_eq!((a.totals, &a.measures, a.verdict), (b.totals, &b.measures, b.verdict));
    assert_eq!((one.started, &a.thresholds), (other.started, &b.thresholds));
    let numbers = |step: &Step| {
        let rates = [step.offered_rate, step.completed_rate, step.hold_seconds];
        (step.index, step.totals, step.errors, rates, step.start_seconds, step.measures.clone())
    };
    let all = |summary: &Summary| summary.steps.iter().map(numbers).collect::<Vec<_>>();
    assert_eq!(all(a), all(b));
    for index in 0..a.steps.len() {
        assert_eq!(shown(one, index), shown(other, index));
    }
}

/// An interval as its start, length, histograms and rows.
type Shown = ([Duration; 2], Vec<(Tag, Times)>, Vec<IntervalRow>);

fn shown(merged: &Merged, index: usize) -> Vec<Shown> {
    let shown = |stretch: Stretch| {
        let times = stretch.hold.all_times().map(|(tag, times)| (tag, times.clone()));
        ([stretch.start, stretch.length], times.collect(), stretch.rows)
    };
    merged.stretches(index).map(shown).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn their_order_makes_no_difference(mut sources in runs()) {
        let merged = merge(sources.clone()).unwrap();
        sources.reverse();
        assert_alike(&merged, &merge(sources).unwrap());
    }

    /// No time is lost or told twice between the whole, its steps and intervals.
    #[test]
    fn everything_is_there_once(sources in runs()) {
        let planned: u64 = sources.iter().map(|source| source.summary.totals.planned).sum();
        let merged = merge(sources).unwrap();
        prop_assert!(merged.summary.totals.add_up());
        prop_assert_eq!(merged.summary.totals.planned, planned);
        for (index, hold) in merged.holds.iter().enumerate() {
            let (mut sum, mut sent) = (Record::new(), 0);
            for stretch in merged.stretches(index) {
                sum.add(&stretch.hold);
                sent += stretch.rows.iter().map(IntervalRow::sent).sum::<u64>();
            }
            for (tag, times) in hold.all_times() {
                prop_assert_eq!(times.histogram(), sum.times(tag).unwrap().histogram());
            }
            prop_assert_eq!(sent, hold.counts.sent);
        }
    }

    #[test]
    fn one_alone_stays_as_it_is(source in runs().prop_map(|mut runs| runs.remove(0))) {
        let merged = merge(vec![source.clone()]).unwrap();
        let (was, is) = (&source.summary, &merged.summary);
        prop_assert_eq!((is.totals, &is.measures), (was.totals, &was.measures));
        prop_assert_eq!(&is.run, &was.run);
        for (is, was) in is.steps.iter().zip(&was.steps) {
            prop_assert_eq!((is.totals, &is.measures), (was.totals, &was.measures));
            prop_assert_eq!((is.errors, is.offered_rate), (was.errors, was.offered_rate));
        }
        let rows = |index| merged.stretches(index).flat_map(|stretch| stretch.rows);
        let rows: Vec<_> = (0..merged.holds.len()).flat_map(rows).collect();
        prop_assert_eq!(rows, source.intervals);
    }
}
