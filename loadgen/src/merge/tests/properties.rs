use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{record::Times, summary::Step};

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
    for (one, other) in one.steps.iter().zip(&other.steps) {
        assert_eq!(shown(&one.stretches), shown(&other.stretches));
    }
}

/// Start, length, histograms and rows of each interval.
fn shown(stretches: &[Stretch]) -> Vec<(Duration, Duration, Vec<(Tag, Times)>, &[IntervalRow])> {
    let shown = |stretch: &Stretch| {
        let times = stretch.hold.all_times().map(|(tag, times)| (tag, times.clone()));
        times.collect()
    };
    stretches.iter().map(|it| (it.start, it.length, shown(it), it.rows.as_slice())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn their_order_makes_no_difference(mut sources in runs()) {
        let merged = merge(&sources).unwrap();
        sources.reverse();
        assert_alike(&merged, &merge(&sources).unwrap());
    }

    /// No time is lost or told twice between the whole, its steps and intervals.
    #[test]
    fn everything_is_there_once(sources in runs()) {
        let merged = merge(&sources).unwrap();
        prop_assert!(merged.summary.totals.add_up());
        let planned: u64 = sources.iter().map(|source| source.summary.totals.planned).sum();
        prop_assert_eq!(merged.summary.totals.planned, planned);
        for recorded in &merged.steps {
            let mut sum = Record::new();
            recorded.stretches.iter().for_each(|stretch| sum.add(&stretch.hold));
            for (tag, times) in recorded.hold.all_times() {
                prop_assert_eq!(times.histogram(), sum.times(tag).unwrap().histogram());
            }
            let sent: u64 =
                recorded.stretches.iter().flat_map(|it| &it.rows).map(IntervalRow::sent).sum();
            prop_assert_eq!(sent, recorded.hold.counts.sent);
        }
    }

    #[test]
    fn one_alone_stays_as_it_is(source in runs().prop_map(|mut runs| runs.remove(0))) {
        let merged = merge(std::slice::from_ref(&source)).unwrap();
        let (was, is) = (&source.summary, &merged.summary);
        prop_assert_eq!((is.totals, &is.measures), (was.totals, &was.measures));
        prop_assert_eq!(&is.run, &was.run);
        for (is, was) in is.steps.iter().zip(&was.steps) {
            prop_assert_eq!((is.totals, &is.measures), (was.totals, &was.measures));
            prop_assert_eq!((is.errors, is.offered_rate), (was.errors, was.offered_rate));
        }
        let rows: Vec<_> =
            merged.steps.iter().flat_map(|step| &step.stretches).flat_map(|it| &it.rows).collect();
        prop_assert_eq!(rows, source.intervals.iter().collect::<Vec<_>>());
    }
}
