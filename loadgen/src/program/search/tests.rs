//! Searches against simulated targets.

use proptest::prelude::*;

use super::*;

fn rate(per_second: f64) -> Rate {
    Rate::new(per_second).unwrap()
}

fn options(lowest: f64, highest: f64, precision: f64, trials: u32) -> SearchOptions {
    SearchOptions {
        lowest: rate(lowest),
        highest: rate(highest),
        precision,
        trials: NonZeroU32::new(trials).unwrap(),
        hold: Duration::from_secs(10),
        settle: Duration::from_secs(2),
        arrivals: Arrivals::Poisson { seed: 1 },
    }
}

/// Searches to the end, where `judge` is told the rate and the trial.
fn found(options: SearchOptions, mut judge: impl FnMut(f64, u32) -> Judgement) -> SearchResult {
    let mut search = Search::new(options).unwrap();
    while let Some(step) = search.next() {
        assert_eq!(search.result().ended, Ended::Interrupted);
        assert_eq!(search.next(), Some(step.clone()), "asking changes nothing");
        search.judged(judge(step.rate.unwrap().per_second(), step.trial));
    }
    let result = search.result();
    search.judged(Judgement::Met);
    assert_eq!(search.result(), result, "nothing follows the end");
    assert!(result.trials.len() <= MAX_TRIALS);
    result
}

/// A target, or a generator, that is as good as it gets up to a rate.
fn up_to(capacity: f64, otherwise: Judgement) -> impl Fn(f64, u32) -> Judgement {
    move |rate, _| if rate <= capacity { Judgement::Met } else { otherwise }
}

#[track_caller]
fn check(
    judge: impl Fn(f64, u32) -> Judgement,
    rates: &[f64],
    bounds: (Option<f64>, Option<f64>),
    ended: Ended,
) {
    let result = found(options(100.0, 1000.0, 0.25, 1), judge);
    let tried: Vec<_> = result.trials.iter().map(|it| it.rate.per_second().round()).collect();
    assert_eq!(tried, rates);
    let whole = |rate: Option<Rate>| rate.map(|rate| rate.per_second().round());
    assert_eq!((whole(result.lower), whole(result.upper)), bounds);
    assert_eq!(result.ended, ended);
}

#[test]
fn ends() {
    use Judgement::{Invalid, Missed, Unknown};
    let halved = [100.0, 200.0, 400.0, 800.0, 566.0, 476.0];
    check(up_to(500.0, Missed), &halved, (Some(476.0), Some(566.0)), Ended::Converged);
    check(up_to(99.0, Missed), &[100.0], (None, Some(100.0)), Ended::LowestMissed);
    let doubled = [100.0, 200.0, 400.0, 800.0, 1000.0];
    check(up_to(1000.0, Missed), &doubled, (Some(1000.0), None), Ended::HighestMet);
    check(up_to(99.0, Invalid), &[100.0], (None, None), Ended::GeneratorLimited);
    check(up_to(500.0, Invalid), &halved, (Some(476.0), None), Ended::GeneratorLimited);
    check(up_to(99.0, Unknown), &doubled, (None, None), Ended::Inconclusive);
    check(up_to(800.0, Unknown), &doubled, (Some(800.0), None), Ended::Inconclusive);
}

#[test]
fn what_a_low_rate_does_not_tell_a_higher_one_may() {
    let judge = |rate, trial| {
        if rate < 300.0 { Judgement::Unknown } else { up_to(500.0, Judgement::Missed)(rate, trial) }
    };
    let rates = [100.0, 200.0, 400.0, 800.0, 566.0, 476.0];
    check(judge, &rates, (Some(476.0), Some(566.0)), Ended::Converged);
    // Nothing that is met is left between what is not known and what is missed.
    let judge = |rate, trial| {
        if rate < 500.0 { Judgement::Unknown } else { up_to(0.0, Judgement::Missed)(rate, trial) }
    };
    check(judge, &rates, (None, Some(566.0)), Ended::Inconclusive);
}

/// A limit of the generator above the target's does not hide the target's.
#[test]
fn the_target_may_be_slower_than_the_generator() {
    let judge = |rate, _| match rate {
        rate if rate < 500.0 => Judgement::Met,
        rate if rate < 700.0 => Judgement::Missed,
        _ => Judgement::Invalid,
    };
    let rates = [100.0, 200.0, 400.0, 800.0, 566.0, 476.0];
    check(judge, &rates, (Some(476.0), Some(566.0)), Ended::Converged);
}

/// The first trial of every load is unlucky: a search that believed it would
/// say that not even the lowest is met.
#[test]
fn one_unlucky_trial_leads_nowhere() {
    let judge = |rate, trial| match trial {
        0 => Judgement::Missed,
        _ => up_to(500.0, Judgement::Missed)(rate, trial),
    };
    let result = found(options(100.0, 1000.0, 0.25, 3), judge);
    assert_eq!(result.ended, Ended::Converged);
    assert!(result.lower < Some(rate(500.0)) && Some(rate(500.0)) < result.upper);
    assert!(result.inconsistent);
}

#[test]
fn trials_are_not_alike() {
    let mut search = Search::new(options(100.0, 1000.0, 0.25, 3)).unwrap();
    let first = search.next().unwrap();
    search.judged(Judgement::Met);
    let second = search.next().unwrap();
    assert_eq!((first.rate, second.rate), (Some(rate(100.0)), Some(rate(100.0))));
    assert_eq!((first.trial, second.trial), (0, 1));
    assert_ne!(first.load, second.load);
}

#[test]
fn what_cannot_be_is_named() {
    #[track_caller]
    fn fails(options: SearchOptions, expected: &str) {
        assert_eq!(Search::new(options).unwrap_err().to_string(), expected);
    }
    fails(options(0.0, 1.0, 0.1, 1), "a search needs a lowest rate of more than 0");
    fails(options(2.0, 1.0, 0.1, 1), "the lowest rate, 2, is above the highest, 1");
    for (precision, said) in [(0.0, "0"), (f64::NAN, "NaN"), (2.0, "2"), (-0.1, "-0.1")] {
        let expected = format!("a precision of {said}: it is a number from 0.001 to 1");
        fails(options(1.0, 2.0, precision, 1), &expected);
    }
    fails(options(1.0, 2.0, 0.1, 21), "21 trials of each load are too many: at most 20");
    let endless = SearchOptions { hold: Duration::MAX, ..options(1.0, 2.0, 0.1, 1) };
    fails(endless, "a schedule lasts a year at most");
}

#[test]
fn results_are_read_as_they_were_written() {
    let result = found(options(100.0, 1000.0, 0.25, 3), up_to(500.0, Judgement::Invalid));
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(json["upper"], serde_json::Value::Null);
    assert_eq!(json["ended"], "generator_limited");
    assert_eq!(json["trials"][0], serde_json::json!({ "rate": 100.0, "judgement": "met" }));
    let schema = serde_json::to_value(schemars::schema_for!(SearchResult)).unwrap();
    assert!(jsonschema::is_valid(&schema, &json));
    assert_eq!(serde_json::from_value::<SearchResult>(json).unwrap(), result);
    let negative = r#"{ "rate": -1, "judgement": "met" }"#;
    assert!(serde_json::from_str::<TrialRecord>(negative).is_err());
}

fn searches() -> impl Strategy<Value = SearchOptions> {
    (-2.0..7.0, 0.0..6.0, 0.001..1.0, 1_u32..=20).prop_map(
        |(lowest, decades, precision, trials)| {
            let lowest = 10_f64.powf(lowest);
            options(lowest, (lowest * 10_f64.powf(decades)).min(1e8), precision, trials)
        },
    )
}

fn judgements() -> impl Strategy<Value = Judgement> {
    use Judgement::{Invalid, Met, Missed, Unknown};
    prop::sample::select(vec![Met, Missed, Invalid, Unknown])
}

proptest! {
    #[test]
    fn any_answers_lead_to_an_end(
        options in searches(),
        answers in prop::collection::vec(judgements(), MAX_TRIALS),
    ) {
        let mut answers = answers.into_iter();
        let (lowest, highest) = (options.lowest, options.highest);
        let result = found(options, |_, _| answers.next().unwrap());
        for TrialRecord { rate, .. } in &result.trials {
            prop_assert!(lowest <= *rate && *rate <= highest);
        }
        if let (Some(lower), Some(upper)) = (result.lower, result.upper) {
            prop_assert!(lower < upper);
        }
        prop_assert_ne!(result.ended, Ended::Interrupted);
    }

    #[test]
    fn the_interval_has_the_capacity_in_it(
        options in searches(),
        place in -0.2..1.2,
    ) {
        let (lowest, highest) = (options.lowest.per_second(), options.highest.per_second());
        let capacity = lowest * (highest / lowest).powf(place);
        let precision = options.precision;
        let result = found(options, up_to(capacity, Judgement::Missed));
        let (lower, upper) =
            (result.lower.map(Rate::per_second), result.upper.map(Rate::per_second));
        prop_assert!(!result.inconsistent);
        prop_assert!(lower.is_none_or(|lower| lower <= capacity));
        prop_assert!(upper.is_none_or(|upper| capacity < upper));
        match result.ended {
            Ended::Converged => prop_assert!(upper.unwrap() <= lower.unwrap() * (1.0 + precision)),
            Ended::LowestMissed => prop_assert!(capacity < lowest && lower.is_none()),
            Ended::HighestMet => prop_assert!(highest <= capacity && upper.is_none()),
            other => prop_assert_eq!(other, Ended::OutOfTrials),
        }
    }

    /// Near the capacity answers are a matter of luck, further away they are not.
    #[test]
    fn noise_near_the_capacity_moves_the_interval_no_further(
        capacity in 200.0..10_000.0,
        answers in prop::collection::vec(any::<bool>(), MAX_TRIALS),
    ) {
        let mut answers = answers.into_iter();
        let judge = |rate: f64, _| {
            let luck = answers.next().unwrap();
            let met = if (0.9..=1.1).contains(&(rate / capacity)) { luck } else { rate < capacity };
            if met { Judgement::Met } else { Judgement::Missed }
        };
        let result = found(options(100.0, 20_000.0, 0.02, 3), judge);
        prop_assert_eq!(result.ended, Ended::Converged);
        let (lower, upper) = (result.lower.unwrap(), result.upper.unwrap());
        prop_assert!(upper.per_second() <= lower.per_second() * 1.02);
        prop_assert!(lower.per_second() <= 1.1 * capacity);
        prop_assert!(0.9 * capacity <= upper.per_second());
    }

    #[test]
    fn a_generator_that_is_too_slow_is_said(
        options in searches(),
        place in -0.2..1.0,
    ) {
        let (lowest, highest) = (options.lowest.per_second(), options.highest.per_second());
        // Rounding may take it to the highest rate itself.
        let limit = (lowest * (highest / lowest).powf(place)).min(highest * 0.999);
        let result = found(options, up_to(limit, Judgement::Invalid));
        prop_assert!(matches!(result.ended, Ended::GeneratorLimited | Ended::OutOfTrials));
        prop_assert_eq!(result.upper, None);
    }
}
